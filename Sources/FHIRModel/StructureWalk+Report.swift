internal import Base
internal import JSONCore

/// What is said about a problem. Nothing here runs for a sound document.
extension StructureWalk {
  mutating func report(_ code: String, _ diagnostics: String) {
    guard !isFull else { return }
    issues.append(Fault.Reason(diagnostics, code: code, at: expression))
  }

  /// The current place as a FHIRPath expression: `Patient.name[0].given[1]`; a choice by its element's name.
  var expression: String {
    var text = rootName
    for step in path {
      text += "."
      if step.element >= 0, schema.elementRecords.indices.contains(Int(step.element)) {
        text += schema.elementRecords[Int(step.element)].name
      } else {
        text += shown(step.key)
      }
      if step.index >= 0 { text += "[\(step.index)]" }
    }
    return text
  }

  mutating func reportUnknown(_ key: JSONNode, _ name: UnsafeBufferPointer<UInt8>, _ type: Schema.TypeID) {
    path.append(Step(key: key, element: -1))
    defer { path.removeLast() }
    let owner = schema.name(type)
    if let element = schema.element(type, name: name).map({ schema[$0] }), element.isChoice {
      let keys = element.types.prefix(8).map { $0.key.string }.joined(separator: ", ")
      let more = element.types.count > 8 ? " …" : ""
      return report("structure", "'\(shown(key))' is written with its type in JSON: \(keys)\(more).")
    }
    if name.first == UInt8(ascii: "_"),
      schema.element(type, key: UnsafeBufferPointer(rebasing: name.dropFirst())) != nil
    {
      return report("structure", "'\(shown(key))': only primitive elements have a member with '_'.")
    }
    report("structure", "'\(shown(key))' is not an element of \(owner) in FHIR \(schema.fhirVersion).")
  }

  mutating func reportMissing(_ type: StructureLayout.TypeLayout, _ present: UInt128) {
    var missing = type.required & ~present
    while missing != 0 {
      let position = missing.trailingZeroBitCount
      missing &= missing - 1
      let element = schema.elementRecords[Int(type.elementStart) + position]
      path.append(Step(key: JSONNode(index: 0), element: element.id.rawValue))
      let name = element.isChoice ? element.name + "[x]" : element.name
      report("required", "The element '\(name)' is required (minimum \(element.min)) and missing.")
      path.removeLast()
    }
  }

  func repetition(of element: StructureLayout.ElementLayout, _ id: Schema.ElementID) -> String {
    let name = schema[id].name
    return element.isChoice
      ? "Only one of the types of \(name)[x] may be present." : "The member '\(name)' is there more than once."
  }

  /// `valueString` and `_valueInteger` are two values of one choice.
  mutating func checkSameChoice(
    _ object: JSONNode, _ name: UnsafeBufferPointer<UInt8>, _ id: Schema.ElementID, _ type: Schema.TypeID
  ) {
    if valueOf(name, in: object) == nil || siblingOf(name, in: object) == nil {
      report("structure", "Only one of the types of \(schema[id].name)[x] may be present.")
    }
  }

  mutating func reportKind(_ value: JSONNode, _ type: Primitive, _ expected: String) {
    if document.kind(value) == .null {
      return report("structure", "null is not allowed here; leave the element out.")
    }
    report("structure", "The value must be \(expected) (\(type)), not \(shownKind(value)).")
  }

  mutating func reportLexical(_ value: JSONNode, _ type: Primitive) {
    report("value", "'\(shown(value))' is not a valid \(type): it must be \(type.expectation).")
  }

  func shownKind(_ node: JSONNode) -> String {
    switch document.kind(node) {
    case .null: return "null"
    case .true, .false: return "a boolean"
    case .number: return "a number"
    case .string: return "a string"
    case .array: return "an array"
    case .object: return "an object"
    }
  }

  /// A value or key as the sender wrote it, cut after 64 bytes.
  func shown(_ node: JSONNode) -> String {
    let lexeme = document.lexeme(node)
    guard lexeme.count > 64 else { return String(decoding: lexeme, as: UTF8.self) }
    var end = 64
    // Not in the middle of a character.
    while end > 0, lexeme[end] & 0xC0 == 0x80 { end -= 1 }
    return String(decoding: lexeme[..<end], as: UTF8.self) + "…"
  }
}
