internal import Base
internal import FHIRModel
internal import JSONCore

/// A value of a FHIRPath Patch as it will stand in the resource.
struct PatchValue {
  /// The member's name in JSON: "deceasedDateTime" for a dateTime put into deceased.
  var key: [UInt8]
  var occurrence: Occurrence
}

/// Turns the part "value" into JSON for an element.
///
/// The part's type must fit the element's. Numbers and texts are checked as the element's own type, so that a code is
/// one of the element's codes and a date stays a date.
struct PatchValueReader {
  let document: JSONDocument
  let schema: Schema
  let failure: PatchFailure

  /// - Parameter part: a parameter or part: its name, and a value[x], a resource, or parts of its own.
  func value(_ part: JSONNode, for element: Schema.Element) throws(Fault) -> PatchValue {
    var value: (node: JSONNode, type: Schema.TypeID)?
    var sibling: (node: JSONNode, type: Schema.TypeID)?
    var parts: JSONNode?
    for (key, node) in document.members(part) {
      var name = document.decoded(key)[...]
      if name.elementsEqual("name".utf8) || name.elementsEqual("id".utf8) { continue }
      if name.elementsEqual("part".utf8), document.kind(node) == .array {
        parts = node
        continue
      }
      if name.elementsEqual("resource".utf8), let type = schema.resourceType(of: node, in: document) {
        value = (node, type)
        continue
      }
      let isSibling = name.first == UInt8(ascii: "_")
      if isSibling { name.removeFirst() }
      guard name.starts(with: "value".utf8), let type = type(ofValue: Array(name)) else {
        throw failure.badValue(element.name)
      }
      if isSibling { sibling = (node, type) } else { value = (node, type) }
    }
    guard (value != nil || sibling != nil) != (parts != nil) else { throw failure.badValue(element.name) }
    if let parts { return try anonymous(parts, for: element) }
    return try typed(value, sibling, for: element)
  }

  private func type(ofValue key: [UInt8]) -> Schema.TypeID? {
    guard let parameter = schema.type("Parameters.parameter") else { return nil }
    return key.withUnsafeBufferPointer { schema.element(parameter, key: $0) }?.type
  }

  // MARK: - Typed values

  private func typed(
    _ value: (node: JSONNode, type: Schema.TypeID)?, _ sibling: (node: JSONNode, type: Schema.TypeID)?,
    for element: Schema.Element
  ) throws(Fault) -> PatchValue {
    guard let given = value?.type ?? sibling?.type, sibling == nil || sibling?.type == given else {
      throw failure.badValue(element.name)
    }
    // A choice takes the very type that is given, if it has it.
    let exact = element.types.first { $0.type == given }
    for wanted in exact.map({ [$0] }) ?? Array(element.types) where fits(given, wanted.type) {
      guard let value else {
        guard schema.primitiveForm(wanted.type) != nil else { continue }
        return PatchValue(key: Array(wanted.key.utf8), occurrence: Occurrence(sibling: sibling.map(json)))
      }
      guard let text = json(value.node, as: wanted.type, binding: element.binding) else { continue }
      return PatchValue(
        key: Array(wanted.key.utf8), occurrence: Occurrence(value: text, sibling: sibling.map(json)))
    }
    throw failure.badValue(element.name)
  }

  private func json(_ value: (node: JSONNode, type: Schema.TypeID)) -> [UInt8] { document.json(value.node) }

  /// Whether a value of one type may stand where the other is asked for, its form being right.
  private func fits(_ given: Schema.TypeID, _ wanted: Schema.TypeID) -> Bool {
    if schema.isSubtype(given, of: wanted) || schema.isSubtype(wanted, of: given) { return true }
    guard let a = schema.primitiveForm(given), let b = schema.primitiveForm(wanted), a.jsonForm == b.jsonForm else {
      return false
    }
    // "string" is how clients send text of any kind; dates differ by their form alone.
    if a == .string || a.jsonForm == .number || schema.kind(wanted) == .system { return true }
    return PatchValueReader.dates.contains(a) && PatchValueReader.dates.contains(b)
  }

  private static let dates: Set<Primitive> = [.date, .dateTime, .instant]

  /// The value's text, or nil if it has not the form of the type.
  private func json(_ node: JSONNode, as type: Schema.TypeID, binding: Schema.BindingID?) -> [UInt8]? {
    guard let primitive = schema.primitiveForm(type) else {
      return document.kind(node) == .object ? document.json(node) : nil
    }
    let kind = document.kind(node)
    switch primitive.jsonForm {
    case .boolean:
      // Azure's own samples send "valueBoolean": "false".
      if kind == .string, PrimitiveCheck.isValid(document.string(node) ?? "", as: .boolean) {
        return document.decoded(node)
      }
      return kind == .true || kind == .false ? document.json(node) : nil
    case .number:
      return kind == .number && PrimitiveCheck.isValid(document.lexeme(node), as: primitive) ? document.json(node) : nil
    case .string:
      guard kind == .string else { return nil }
      return isValid(document.decoded(node), as: primitive, binding) ? document.json(node) : nil
    }
  }

  private func isValid(_ text: [UInt8], as primitive: Primitive, _ binding: Schema.BindingID?) -> Bool {
    text.withUnsafeBufferPointer { text in
      guard !text.isEmpty, PrimitiveCheck.isValid(text, as: primitive) else { return false }
      guard let binding, primitive == .code else { return true }
      return schema.allows(text, in: binding)
    }
  }

  // MARK: - Anonymous objects

  /// An object from parts: one for each element (R4 fhirpatch.html, "anonymous types").
  ///
  /// It recurses as deep as the patch is nested, which its parser has bounded.
  private func anonymous(_ parts: JSONNode, for element: Schema.Element) throws(Fault) -> PatchValue {
    guard !element.isChoice, let wanted = element.types.first,
      schema.kind(wanted.type) == .backbone || schema.kind(wanted.type) == .complexType
    else { throw failure.badValue(element.name) }
    var members: [(element: Schema.Element, key: [UInt8], occurrences: [Occurrence])] = []
    var places: [Schema.ElementID: Int] = [:]
    for part in document.elements(parts) {
      let name = document.member(part, "name").flatMap(document.string) ?? ""
      guard let id = schema.element(wanted.type, name: name) else { throw failure.unknown(name) }
      let value = try value(part, for: schema[id])
      if let place = places[id] {
        guard schema[id].isArray else { throw failure.at("Existing element \(name) found") }
        members[place].occurrences.append(value.occurrence)
      } else {
        places[id] = members.count
        members.append((schema[id], value.key, [value.occurrence]))
      }
    }
    let changes = members.flatMap { Occurrence.changes($0.occurrences, key: $0.key, isArray: $0.element.isArray) }
    let text = JSONDocument.objectText(changes)
    return PatchValue(key: Array(wanted.key.utf8), occurrence: Occurrence(value: text))
  }
}
