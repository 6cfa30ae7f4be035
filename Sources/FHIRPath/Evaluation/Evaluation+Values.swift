internal import FHIRModel
internal import JSONCore

/// From items to System values, by FHIR's implicit conversions (R4 fhirpath#types).
extension Evaluation {
  private static let quantityKeys = (
    value: JSONKey("value"), code: JSONKey("code"), system: JSONKey("system"), unit: JSONKey("unit"),
    comparator: JSONKey("comparator")
  )

  /// The System value of an item; nil for complex types, and for primitives without a value.
  func systemValue(_ item: FHIRPathItem) -> FHIRPathItem? {
    guard case .node(let node) = item else { return item }
    guard let value = node.value else { return nil }
    switch node.document.kind(value) {
    case .true: return .boolean(true)
    case .false: return .boolean(false)
    case .string: return stringValue(node, value)
    case .number: return numberValue(node, value)
    case .object: return quantity(node, value).map { .quantity($0) }
    case .null, .array: return nil
    }
  }

  private func numberValue(_ node: FHIRPathNode, _ value: JSONNode) -> FHIRPathItem? {
    note(node.document.lexeme(value).count >> 6)
    let isDecimal = schema.primitive(node.type) == .decimal
    if !isDecimal, let integer = node.document.integer(value) { return .integer(Int64(integer)) }
    return FHIRDecimal(node.document.lexeme(value)).map { .decimal($0) }
  }

  private func stringValue(_ node: FHIRPathNode, _ value: JSONNode) -> FHIRPathItem? {
    note(node.document.lexeme(value).count >> 6)
    guard let text = node.document.string(value) else { return nil }
    switch schema.primitive(node.type) {
    case .date: return FHIRDateTime(text, as: .date).map { .temporal(FHIRPathTemporal(.date, $0)) } ?? .string(text)
    case .dateTime, .instant:
      return FHIRDateTime(text, as: .fhirPathDateTime).map { .temporal(FHIRPathTemporal(.dateTime, $0)) }
        ?? .string(text)
    case .time:
      return FHIRDateTime(text, as: .fhirPathTime).map { .temporal(FHIRPathTemporal(.time, $0)) } ?? .string(text)
    case .integer64: return Int64(text).map { .integer($0) } ?? .string(text)
    default: return .string(text)
    }
  }

  /// FHIR's Quantity as System's: the code where the system is UCUM, else the unit as text (R4 fhirpath#quantity).
  private func quantity(_ node: FHIRPathNode, _ object: JSONNode) -> FHIRPathQuantity? {
    guard let type = schema.type("Quantity"), schema.isSubtype(node.type, of: type) else { return nil }
    let document = node.document
    let keys = Evaluation.quantityKeys
    guard let number = document.member(object, keys.value), document.kind(number) == .number,
      let value = FHIRDecimal(document.lexeme(number)), document.member(object, keys.comparator) == nil
    else { return nil }
    func text(_ key: JSONKey) -> String? { document.member(object, key).flatMap { document.string($0) } }
    let isUCUM = text(keys.system) == "http://unitsofmeasure.org"
    let unit = isUCUM ? text(keys.code) ?? text(keys.unit) : text(keys.unit) ?? text(keys.code)
    return FHIRPathQuantity(value: value, unit: unit ?? "1")
  }

  // MARK: - Singletons (FHIRPath 2.0 §Singleton evaluation of collections)

  func single(_ items: Items, at offset: Int) throws(FHIRPathError) -> FHIRPathItem? {
    guard items.count <= 1 else { throw fault("several items where one is needed", at: offset) }
    return items.first
  }

  /// As a condition: a single item that is no Boolean counts as true.
  func truth(_ items: Items, at offset: Int) throws(FHIRPathError) -> Bool? {
    guard let item = try single(items, at: offset) else { return nil }
    if case .boolean(let value)? = systemValue(item) { return value }
    // A Boolean without a value, only with extensions, is no value.
    if case .node(let node) = item, node.value == nil, isPrimitive(node.type) { return nil }
    return true
  }

  func string(_ items: Items, at offset: Int) throws(FHIRPathError) -> String? {
    guard let item = try single(items, at: offset) else { return nil }
    if let text = text(of: item) { return text }
    if case .node(let node) = item, node.value == nil { return nil }
    throw fault("a string is needed", at: offset)
  }

  /// The text of a System.String or of any FHIR primitive that JSON writes as a string.
  func text(of item: FHIRPathItem) -> String? {
    switch item {
    case .string(let text): return text
    case .node(let node):
      guard let value = node.value, node.document.kind(value) == .string else { return nil }
      note(node.document.lexeme(value).count >> 6)
      return node.document.string(value)
    default: return nil
    }
  }

  func stringArgument(_ id: Syntax.ID, _ scope: Scope, at offset: Int) throws(FHIRPathError) -> String? {
    try string(try argument(id, scope), at: offset)
  }

  func integerArgument(_ id: Syntax.ID, _ scope: Scope, at offset: Int) throws(FHIRPathError) -> Int64? {
    guard let item = try single(try argument(id, scope), at: offset) else { return nil }
    guard case .integer(let value)? = systemValue(item) else { throw fault("an integer is needed", at: offset) }
    return value
  }
}
