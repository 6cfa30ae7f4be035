import FHIRModel
import JSONCore

/// References and URIs (FHIR R4 search#reference, search#uri).
extension ValueReader {
  mutating func readReference(_ node: JSONNode, _ shape: ElementShape) {
    switch shape {
    case .reference:
      if let reference = string(node, Key.reference) { appendReference(reference) }
      // `:identifier` (FHIR R4 search#reference)
      if !isComponent, let identifier = document.member(node, Key.identifier) { appendIdentifier(identifier) }
    case .codeableReference:
      if let reference = document.member(node, Key.reference) { readReference(reference, .reference) }
    case .canonical, .uri:
      guard let url = document.string(node) else { return }
      if FHIRReference(url, schema: schema).kind == .relative { return appendReference(url) }
      for form in Self.canonicalForms(url) { values.append(.reference(type: "", id: form)) }
    default: return
    }
  }

  private mutating func appendReference(_ text: String) {
    let reference = FHIRReference(text, schema: schema)
    switch reference.kind {
    case .relative:
      guard let type = FHIRReference.text(reference.type, of: text), let id = FHIRReference.text(reference.id, of: text)
      else { return }
      values.append(.reference(type: type, id: id))
    case .contained:
      guard let resource = contained[String(text.dropFirst())] else { return }
      values.append(.local(type: resource.type, place: resource.place))
    case .absolute:
      // The version does not count; the address does.
      let end = reference.id?.upperBound ?? text.utf8.count
      values.append(.reference(type: "", id: IndexText.cut(String(decoding: text.utf8.prefix(end), as: UTF8.self))))
    case .logicalID: values.append(.reference(type: soleTarget ?? "", id: text))
    default: values.append(.reference(type: "", id: IndexText.cut(text)))
    }
  }

  mutating func readURI(_ node: JSONNode, _ shape: ElementShape) {
    guard let url = document.string(node) else { return }
    switch shape {
    case .uri, .string, .code: values.append(.uri(IndexText.cut(url)))
    case .canonical: for form in Self.canonicalForms(url) { values.append(.uri(form)) }
    default: return
    }
  }

  /// What a canonical is found by: with the version it names, and without. A fragment leads to something inside of what
  /// is referred to, and nothing but a fragment to a contained resource (FHIR R4 references#canonical).
  private static func canonicalForms(_ canonical: String) -> [String] {
    let whole = canonical.utf8.prefix { $0 != UInt8(ascii: "#") }
    let url = whole.prefix { $0 != UInt8(ascii: "|") }
    guard !url.isEmpty else { return [] }
    let forms = url.count < whole.count ? [whole, url] : [whole]
    return forms.map { IndexText.cut(String(Substring($0))) }
  }
}
