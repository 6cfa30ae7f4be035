public import Base
public import JSONCore

/// The strict structure of FHIR JSON (FHIR R4 json.html, datatypes.html): what a document must fulfil to be read as a
/// resource at all, before any profile.
///
/// Checked are: members and their JSON kinds, cardinalities, choices, primitives' lexical rules, the `_name` siblings
/// of primitives, codes of required bindings whose value set is enumerable, resource types and ids, contained
/// resources, extensions (ext-1) and empty elements (ele-1), and narratives (txt-1). References are not
/// resolved.
///
/// One walk over the tape; no String is made and no path is built unless there is something to say. Make one check per
/// schema and keep it.
public struct StructureCheck: Sendable {
  /// Issues reported of one document; the walk ends there.
  public static let issuesMax = 50
  /// Digits of a decimal without leading zeros: what FHIRPath's Decimal holds (N1 §4.1.4: 28 digits).
  public static let decimalDigitsMax = 28

  let layout: StructureLayout
  let depthMax: Int

  public init(schema: Schema, limits: Limits = Limits()) {
    layout = StructureLayout(schema)
    depthMax = limits.jsonDepthMax
  }

  /// What is wrong with the value at `node` (the document's root without one); empty when it is sound.
  ///
  /// `expecting` is the type it has to be: a resource type, or a data type for a value that is no resource. Without it
  /// any concrete resource will do. Reasons are errors with FHIR issue codes (structure, required, value,
  /// code-invalid, invariant) and the place as a FHIRPath expression.
  public func issues(
    of document: JSONDocument, node: JSONNode? = nil, expecting type: Schema.TypeID? = nil
  ) -> [Fault.Reason] {
    var walk = StructureWalk(document: document, layout: layout, depthMax: depthMax)
    walk.run(node ?? document.root, expecting: type)
    return walk.issues
  }
}

/// What the walk needs of a schema, in flat arrays.
final class StructureLayout: Sendable {
  /// What a type's value is made of.
  enum Content: UInt8, Sendable {
    case primitive, complex, anyResource, system
  }

  struct TypeLayout: Sendable {
    var content: Content
    var primitive: Primitive
    /// Where its elements begin among all; an element's bit is its distance from here.
    var elementStart: Int32 = 0
    /// Bits of the elements with a minimum of one or more.
    var required: UInt128 = 0
    /// The bit of `id`, which does not count as content (ele-1).
    var idBit: UInt128 = 0
    var isResource = false
  }

  struct ElementLayout: Sendable {
    var min: Int32
    var max: Int32
    var binding: Schema.BindingID?
    var isChoice: Bool
    /// Behind the 128 bits of a type: never the case in R4.
    var isPastMask = false
    /// A resource's own `id`, whose grammar is narrower than that of an element's.
    var isResourceID = false
  }

  let schema: Schema
  let types: [TypeLayout]
  let elements: [ElementLayout]
  /// The type of `_name` siblings: id and extension.
  let sibling: Schema.TypeID?
  let extensionType: Schema.TypeID?
  let coding: Schema.TypeID?
  let codeableConcept: Schema.TypeID?
  /// `DomainResource.contained`, by the types that have it.
  let contained: Set<Int32>

  init(_ schema: Schema) {
    self.schema = schema
    sibling = schema.type("Element")
    extensionType = schema.type("Extension")
    coding = schema.type("Coding")
    codeableConcept = schema.type("CodeableConcept")
    var types: [TypeLayout] = []
    var elements = schema.elementRecords.map { element in
      ElementLayout(
        min: element.low, max: element.high, binding: element.binding, isChoice: element.isChoice)
    }
    var contained: Set<Int32> = []
    for index in 0..<schema.types.count {
      let type = Schema.TypeID(rawValue: UInt16(truncatingIfNeeded: index))
      var layout = TypeLayout(
        content: StructureLayout.content(of: type, schema), primitive: schema.primitive(type) ?? .string)
      layout.isResource = schema.kind(type) == .resource
      for (position, element) in schema.elements(type).enumerated() {
        if position == 0 { layout.elementStart = element.id.rawValue }
        if position >= 128 { elements[Int(element.id.rawValue)].isPastMask = true }
        let bit: UInt128 = position < 128 ? 1 << UInt128(position) : 0
        if element.min > 0 { layout.required |= bit }
        if element.name == "id" {
          layout.idBit = bit
          elements[Int(element.id.rawValue)].isResourceID = layout.isResource
        }
        if layout.isResource, element.name == "contained" { contained.insert(element.id.rawValue) }
      }
      types.append(layout)
    }
    self.types = types
    self.elements = elements
    self.contained = contained
  }

  private static func content(of type: Schema.TypeID, _ schema: Schema) -> Content {
    switch schema.kind(type) {
    case .primitive: return .primitive
    case .system: return .system
    case .resource: return .anyResource
    case .complexType, .backbone: return .complex
    }
  }
}
