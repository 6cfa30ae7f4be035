internal import FHIRModel

/// What reading and writing XML need of a schema, in flat arrays.
final class XMLLayout: Sendable {
  /// What stands in an element of a type.
  enum Content: UInt8, Sendable {
    /// A `value` attribute, and extensions.
    case primitive
    /// Elements.
    case complex
    /// An element named by the type of a resource.
    case resource
    /// Markup of another namespace.
    case xhtml
  }

  struct TypeLayout: Sendable {
    var content: Content
    var primitive: Primitive
    var isExtension: Bool
  }

  struct ElementLayout: Sendable {
    var isArray = false
    var isChoice = false
    /// `Element.id` and `Extension.url` are attributes in XML; a resource's id is an element (R4 xml.html).
    var isAttribute = false
  }

  let schema: Schema
  private let types: [TypeLayout]
  private let elements: [ElementLayout]
  /// What a primitive is beside its value: id and extension.
  let element: Schema.TypeID?

  init(_ schema: Schema) {
    self.schema = schema
    element = schema.type("Element")
    let extensionType = schema.type("Extension")
    var types: [TypeLayout] = []
    var elements: [ElementLayout] = []
    for type in schema.allTypes {
      types.append(
        TypeLayout(
          content: XMLLayout.content(of: type, schema), primitive: schema.primitive(type) ?? .string,
          isExtension: type == extensionType))
      let isResource = schema.kind(type) == .resource
      for element in schema.elements(type) {
        let place = Int(element.id.rawValue)
        while elements.count <= place { elements.append(ElementLayout()) }
        let name = element.name
        elements[place] = ElementLayout(
          isArray: element.isArray, isChoice: element.isChoice,
          isAttribute: name == "id" && !isResource || name == "url" && type == extensionType)
      }
    }
    self.types = types
    self.elements = elements
  }

  private static func content(of type: Schema.TypeID, _ schema: Schema) -> Content {
    switch schema.kind(type) {
    case .primitive: schema.primitive(type) == .xhtml ? .xhtml : .primitive
    case .system: .primitive
    case .resource: .resource
    case .complexType, .backbone: .complex
    }
  }

  subscript(type: Schema.TypeID) -> TypeLayout { types[Int(type.rawValue)] }

  subscript(element: Schema.ElementID) -> ElementLayout { elements[Int(element.rawValue)] }

  /// The element's name in XML and JSON if its value has that type: "valueQuantity".
  func name(_ element: Schema.ElementID, _ type: Schema.TypeID) -> FrozenText {
    let definition = schema[element]
    guard definition.isChoice else { return definition.nameText }
    return definition.types.first { $0.type == type }?.key ?? definition.nameText
  }
}
