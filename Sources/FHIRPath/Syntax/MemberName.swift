internal import JSONCore

/// An element's name, prepared for looking it up in a schema and in a document.
struct MemberName: Sendable {
  let name: String
  let utf8: [UInt8]
  let key: JSONKey
  /// The name of the sibling member with id and extensions of a primitive (R4 json#primitive).
  let siblingKey: JSONKey
  /// Whether it begins a path, so that it may be a type's name instead: `Patient` in `Patient.name`.
  let isFirst: Bool

  init(_ name: String, isFirst: Bool) {
    self.name = name
    self.isFirst = isFirst
    utf8 = Array(name.utf8)
    key = JSONKey(name)
    siblingKey = JSONKey("_" + name)
  }
}
