internal import Base
internal import CXML2
internal import FHIRModel

/// What is said about a problem. Nothing here runs for a sound document.
extension JSONBuilder {
  /// The parser's line: that of the tag's end at a start tag.
  var line: Int { parser.pointee.input.map { Int($0.pointee.line) } ?? 0 }

  /// The current place as a FHIRPath expression: `Patient.name[0].given[1]`; a choice by its element's name.
  func expression(_ last: Schema.ElementID? = nil, unknown: String? = nil) -> String? {
    guard let root = frames.first else { return nil }
    var text = schema.name(root.type)
    for (place, frame) in frames.enumerated() {
      guard let run = frame.run else { continue }
      // The run of the innermost frame is over if another element is meant.
      if place == frames.count - 1, last != nil || unknown != nil { break }
      text += "." + schema[run.element].name
      if run.isArray { text += "[\(max(run.count - 1, 0))]" }
    }
    if let last { text += "." + schema[last].name }
    if let unknown { text += "." + unknown }
    return text
  }

  mutating func report(_ diagnostics: String, code: String = "structure", expression: String? = nil) {
    guard !isStopped else { return }
    reasons.append(Fault.Reason("\(diagnostics) (line \(line))", code: code, at: expression ?? self.expression()))
    if reasons.count >= XMLForm.reasonsMax { stop(nil) }
  }

  mutating func report(_ diagnostics: String, at found: (element: Schema.ElementID, type: Schema.TypeID)) {
    report(diagnostics, expression: expression(found.element))
  }

  mutating func reportNamespace(_ tag: XMLTag, _ expected: String) {
    let name = XMLTag.string(tag.name)
    let actual = tag.uri.map { "'\(XMLTag.string($0))'" } ?? "no namespace"
    report(
      "<\(name)> must be in the namespace \(expected), not in \(actual).",
      expression: expression(unknown: frames.last?.kind == .wrapper ? nil : name))
  }

  mutating func reportUnknown(_ tag: XMLTag, _ name: UnsafeBufferPointer<UInt8>) {
    let shown = XMLTag.string(tag.name)
    let place = expression(unknown: shown)
    guard let frame = frames.last else { return }
    if let found = schema.element(frame.type, key: name), layout[found.element].isAttribute {
      return report("'\(shown)' is an attribute in XML, not an element.", expression: place)
    }
    if frame.kind == .primitive {
      return report("'\(shown)': a primitive element holds nothing but extensions.", expression: place)
    }
    if let element = schema.element(frame.type, name: name).map({ schema[$0] }), element.isChoice {
      let keys = element.types.prefix(8).map { $0.key.string }.joined(separator: ", ")
      let more = element.types.count > 8 ? " …" : ""
      return report("'\(shown)' is written with its type: \(keys)\(more).", expression: place)
    }
    report(
      "'\(shown)' is not an element of \(schema.name(frame.type)) in FHIR \(schema.fhirVersion).", expression: place)
  }

  mutating func reportOrder(_ found: (element: Schema.ElementID, type: Schema.TypeID)) {
    let name = layout.name(found.element, found.type).string
    let owner = schema[found.element].owner
    let later = schema.elements(owner).first { $0.id.rawValue == frames[frames.count - 1].last }?.name ?? ""
    let what = later == schema[found.element].name ? "together" : "before '\(later)'"
    report("'\(name)' is out of order: it must stand \(what).", at: found)
  }

  mutating func reportAttribute(_ attribute: XMLTag.Attribute) {
    let prefix = attribute.prefix.map { XMLTag.string($0) + ":" } ?? ""
    report("The attribute '\(prefix)\(XMLTag.string(attribute.name))' is not allowed here.")
  }

  mutating func reportEmptyAttribute(_ name: String) {
    report("The attribute '\(name)' is empty; leave it out or give it a value.", code: "value")
  }

  mutating func reportValue(_ value: UnsafeBufferPointer<UInt8>, _ primitive: Primitive, _ expected: String) {
    let shown = String(decoding: value.prefix(64), as: UTF8.self) + (value.count > 64 ? "…" : "")
    report("'\(shown)' is not a valid \(primitive): it must be \(expected).", code: "value")
    // So that the JSON stays JSON, though nobody will see it.
    append("null")
  }

  /// Ends the reading, with a last reason.
  mutating func stop(_ diagnostics: String?) {
    guard !isStopped else { return }
    if let diagnostics {
      reasons.append(Fault.Reason("\(diagnostics) (line \(line))", code: "structure", at: expression()))
    }
    isStopped = true
    xmlStopParser(parser)
  }

  /// Ends the reading because the text is not well-formed; `message` is libxml2's.
  mutating func stopMalformed(_ message: String, line: Int) {
    guard !isStopped else { return }
    // One line, cut where a name or value of the text makes it long.
    let text = message.split(whereSeparator: \.isNewline).first.map { String($0.prefix(200)) } ?? ""
    let what = text.isEmpty ? "The text is not well-formed XML" : "The text is not well-formed XML: \(text)"
    reasons.append(Fault.Reason("\(what) (line \(line))", code: "structure", at: nil))
    isStopped = true
    xmlStopParser(parser)
  }
}
