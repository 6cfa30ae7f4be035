internal import JSONCore

/// Codes of required bindings (FHIR R4 terminologies.html#required): "the concept in this element SHALL be from the
/// specified value set". Value sets that are not enumerable from the release's package allow every code.
extension StructureWalk {
  mutating func checkCode(_ code: UnsafeBufferPointer<UInt8>, _ value: JSONNode, _ binding: Schema.BindingID) {
    guard !schema.allows(code, in: binding) else { return }
    reportCode("'\(shown(value))' is not", binding)
  }

  /// A Coding must be from the value set; of a CodeableConcept at least one coding. An element that carries only
  /// extensions says why there is no code.
  mutating func checkBinding(_ value: JSONNode, _ type: Schema.TypeID, _ binding: Schema.BindingID) {
    let set = schema.codes(binding)
    if set.isOpen { return }
    if type == layout.coding {
      if document.member(value, StructureWalk.codeKey) == nil, hasExtension(value) { return }
      if !isCoding(value, of: set, binding) { reportCode("The coding is not", binding) }
    } else if type == layout.codeableConcept {
      guard let codings = document.member(value, StructureWalk.codingKey), document.kind(codings) == .array else {
        if !hasExtension(value) { reportCode("Text alone is not", binding) }
        return
      }
      for coding in document.elements(codings) where isCoding(coding, of: set, binding) || hasExtension(coding) {
        return
      }
      reportCode("None of the codings is", binding)
    }
  }

  static let codeKey: JSONKey = "code"
  static let codingKey: JSONKey = "coding"
  static let systemKey: JSONKey = "system"
  static let extensionKey: JSONKey = "extension"

  private func hasExtension(_ value: JSONNode) -> Bool { document.member(value, StructureWalk.extensionKey) != nil }

  private func isCoding(_ coding: JSONNode, of set: CodeSet, _ binding: Schema.BindingID) -> Bool {
    guard let code = document.member(coding, StructureWalk.codeKey), document.kind(code) == .string,
      let system = document.member(coding, StructureWalk.systemKey), document.kind(system) == .string
    else { return false }
    // A code that two systems of the set share is listed once by its bytes: then any of the set's systems will do.
    guard withText(code, { schema.allows($0, in: binding) }) else { return false }
    return withText(system) { name in set.systems.contains { name.elementsEqual($0.utf8) } }
  }

  /// Calls with a string's decoded bytes.
  func withText<Result>(_ node: JSONNode, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    guard document.hasEscapes(node) else { return body(document.lexeme(node)) }
    var bytes: [UInt8] = []
    document.appendString(node, to: &bytes)
    return bytes.withUnsafeBufferPointer(body)
  }

  private mutating func reportCode(_ what: String, _ binding: Schema.BindingID) {
    let set = schema.codes(binding)
    let listed = set.count <= 16 ? ": " + set.codes.map(\.code).joined(separator: ", ") : ""
    report("code-invalid", "\(what) from the required value set \(set.url)\(listed).")
  }
}
