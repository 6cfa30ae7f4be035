internal import Base
internal import JSONCore

/// One walk over one document.
struct StructureWalk {
  /// One step of the way from the root to the current value.
  struct Step {
    /// The member's key.
    var key: JSONNode
    /// The element it means; negative for a member that means none.
    var element: Int32
    /// The place in an array; negative outside of arrays.
    var index: Int32 = -1
  }

  let document: JSONDocument
  let layout: StructureLayout
  let depthMax: Int
  var issues: [Fault.Reason] = []
  var path: [Step] = []
  /// The name that begins the expressions.
  var rootName = "Resource"
  /// Where strings with escapes are decoded.
  var scratch: [UInt8] = []

  var schema: Schema { layout.schema }
  var isFull: Bool { issues.count >= StructureCheck.issuesMax }

  init(document: JSONDocument, layout: StructureLayout, depthMax: Int) {
    self.document = document
    self.layout = layout
    self.depthMax = depthMax
    path.reserveCapacity(32)
  }

  mutating func run(_ node: JSONNode, expecting type: Schema.TypeID?) {
    if let type, !layout.types[Int(type.rawValue)].isResource {
      rootName = schema.name(type)
      checkValue(node, type, binding: nil, depth: 0)
    } else {
      checkResource(node, expecting: type, contained: false, depth: 0)
    }
  }

  // MARK: - Resources

  mutating func checkResource(_ node: JSONNode, expecting: Schema.TypeID?, contained: Bool, depth: Int) {
    guard document.kind(node) == .object else {
      return report("structure", "A resource must be a JSON object, not \(shownKind(node)).")
    }
    guard let typeNode = document.member(node, StructureWalk.resourceTypeKey) else {
      return report("structure", "The member 'resourceType' is missing; it must name the resource's type.")
    }
    guard document.kind(typeNode) == .string, let type = withText(typeNode, { schema.resourceType(utf8: $0) }) else {
      return report(
        "structure", "'\(shown(typeNode))' is no resource type of FHIR \(schema.fhirVersion) (resourceType).")
    }
    if path.isEmpty { rootName = schema.name(type) }
    if let expecting, !schema.isSubtype(type, of: expecting) {
      report("structure", "The resource must be of type \(schema.name(expecting)), not \(schema.name(type)).")
    }
    if contained { checkContained(node) }
    checkObject(node, type, depth: depth)
  }

  static let resourceTypeKey: JSONKey = "resourceType"
  static let containedKey: JSONKey = "contained"
  static let idKey: JSONKey = "id"

  /// FHIR R4 references.html#contained: no resources inside contained ones (dom-2), and an id to refer to.
  private mutating func checkContained(_ node: JSONNode) {
    if document.member(node, StructureWalk.containedKey) != nil {
      report("invariant", "A contained resource must not contain resources itself (dom-2).")
    }
    if document.member(node, StructureWalk.idKey) == nil {
      report("required", "A contained resource must have an id, so that it can be referred to.")
    }
  }

  // MARK: - Objects

  /// - Parameter hasValue: whether the object stands beside a primitive's value, which is content enough.
  mutating func checkObject(_ node: JSONNode, _ type: Schema.TypeID, hasValue: Bool = false, depth: Int) {
    guard depth < depthMax else { return report("structure", "Elements are nested too deeply: more than \(depthMax).") }
    let types = layout.types[Int(type.rawValue)]
    var values: UInt128 = 0
    var siblings: UInt128 = 0
    var foreign = false
    for (key, value) in document.members(node) {
      if isFull { return }
      if document.hasEscapes(key) {
        checkEscapedMember(key, value, of: node, type, &values, &siblings, &foreign, depth)
      } else {
        checkMember(document.lexeme(key), key, value, of: node, type, &values, &siblings, &foreign, depth)
      }
    }
    let present = values | siblings
    if present & types.required != types.required { reportMissing(types, present) }
    // ele-1: hasValue() or (children().count() > id.count()); and no JSON object is empty.
    if !types.isResource, !foreign, present & (hasValue ? .max : ~types.idBit) == 0 {
      report("invariant", "An element must have content: a value or members beside its id (ele-1).")
    }
    if type == layout.extensionType { checkExtension(node, type, present) }
  }

  /// A key with escapes is rare; it is decoded into memory of its own.
  private mutating func checkEscapedMember(
    _ key: JSONNode, _ value: JSONNode, of object: JSONNode, _ type: Schema.TypeID, _ values: inout UInt128,
    _ siblings: inout UInt128, _ foreign: inout Bool, _ depth: Int
  ) {
    var bytes: [UInt8] = []
    document.appendString(key, to: &bytes)
    bytes.withUnsafeBufferPointer {
      checkMember($0, key, value, of: object, type, &values, &siblings, &foreign, depth)
    }
  }

  private mutating func checkMember(
    _ name: UnsafeBufferPointer<UInt8>, _ key: JSONNode, _ value: JSONNode, of object: JSONNode,
    _ type: Schema.TypeID, _ values: inout UInt128, _ siblings: inout UInt128, _ foreign: inout Bool, _ depth: Int
  ) {
    let isSibling = name.first == UInt8(ascii: "_")
    let bare = isSibling ? UnsafeBufferPointer(rebasing: name.dropFirst()) : name
    guard let found = schema.element(type, key: bare),
      !isSibling || layout.types[Int(found.type.rawValue)].content == .primitive
    else {
      if layout.types[Int(type.rawValue)].isResource, name.elementsEqual(StructureWalk.resourceTypeKey.utf8) { return }
      foreign = true
      return reportUnknown(key, name, type)
    }
    let element = layout.elements[Int(found.element.rawValue)]
    let distance = found.element.rawValue - layout.types[Int(type.rawValue)].elementStart
    let bit: UInt128 = element.isPastMask ? 0 : 1 << UInt128(truncatingIfNeeded: distance)
    path.append(Step(key: key, element: found.element.rawValue))
    defer { path.removeLast() }
    if (isSibling ? siblings : values) & bit != 0 {
      report("structure", repetition(of: element, found.element))
    } else if element.isChoice, (isSibling ? values : siblings) & bit != 0 {
      checkSameChoice(object, bare, found.element, type)
    }
    if isSibling {
      siblings |= bit
      checkSibling(value, element, found.type, value: valueOf(bare, in: object), depth: depth + 1)
    } else {
      values |= bit
      checkElement(value, element, found, in: object, name: bare, depth: depth + 1)
    }
  }

  /// One member's value: an array where the element may repeat, else a single value.
  private mutating func checkElement(
    _ value: JSONNode, _ element: StructureLayout.ElementLayout,
    _ found: (element: Schema.ElementID, type: Schema.TypeID), in object: JSONNode,
    name: UnsafeBufferPointer<UInt8>, depth: Int
  ) {
    guard element.max > 1 else {
      if document.kind(value) == .array {
        return report("structure", "The element occurs once at most: it must not be an array.")
      }
      if element.isResourceID { return checkResourceID(value) }
      return checkValue(value, found.type, binding: element.binding, element: found.element, depth: depth)
    }
    guard document.kind(value) == .array else {
      return report("structure", "The element may repeat, so it must be an array, not \(shownKind(value)).")
    }
    let count = document.count(value)
    if count == 0 { return report("structure", "An array must not be empty; leave the element out.") }
    if count > Int(element.max) {
      report("structure", "The element occurs \(count) times; at most \(element.max) are allowed.")
    }
    let place = path.count - 1
    for item in document.elements(value) {
      path[place].index += 1
      if isFull { return }
      if document.kind(item) == .null, layout.types[Int(found.type.rawValue)].content == .primitive {
        checkNull(at: Int(path[place].index), name, in: object)
      } else {
        checkValue(item, found.type, binding: element.binding, element: found.element, depth: depth)
      }
    }
    path[place].index = -1
  }

  /// One value that is no array.
  mutating func checkValue(
    _ value: JSONNode, _ type: Schema.TypeID, binding: Schema.BindingID?, element: Schema.ElementID? = nil, depth: Int
  ) {
    let types = layout.types[Int(type.rawValue)]
    switch types.content {
    case .primitive:
      checkPrimitive(value, types.primitive, binding)
    case .system:
      checkPrimitive(value, .string, nil)
    case .anyResource:
      let contained = element.map { layout.contained.contains($0.rawValue) } ?? false
      checkResource(value, expecting: type, contained: contained, depth: depth)
    case .complex:
      guard document.kind(value) == .object else {
        return report("structure", "The value must be a JSON object (\(schema.name(type))), not \(shownKind(value)).")
      }
      checkObject(value, type, depth: depth)
      if let binding { checkBinding(value, type, binding) }
    }
  }

  /// ext-1: a value or extensions, not both, not neither.
  private mutating func checkExtension(_ node: JSONNode, _ type: Schema.TypeID, _ present: UInt128) {
    var hasValue = false
    var hasExtensions = false
    let start = layout.types[Int(type.rawValue)].elementStart
    for element in schema.elements(type) where present & (1 << UInt128(element.id.rawValue - start)) != 0 {
      if element.isChoice { hasValue = true }
      if element.high > 1 { hasExtensions = true }
    }
    guard hasValue == hasExtensions else { return }
    report(
      "invariant", "An extension must have either a value or extensions, not \(hasValue ? "both" : "neither") (ext-1).")
  }
}
