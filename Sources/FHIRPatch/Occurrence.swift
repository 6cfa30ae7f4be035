internal import JSONCore

/// One occurrence of an element as JSON text: its value and, for a primitive, the object with its id and extensions,
/// which JSON keeps in a member of its own (R4 json.html#primitive).
struct Occurrence {
  var value: [UInt8]?
  var sibling: [UInt8]?

  init(value: [UInt8]? = nil, sibling: [UInt8]? = nil) {
    self.value = value
    self.sibling = sibling
  }

  /// The occurrences that an object has of the element with this member name.
  static func read(_ key: [UInt8], of object: JSONNode, in document: JSONDocument) -> [Occurrence] {
    let values = document.member(object, JSONKey(utf8: key)).map { texts($0, document) } ?? []
    let siblings = document.member(object, JSONKey(utf8: siblingKey(key))).map { texts($0, document) } ?? []
    return (0..<max(values.count, siblings.count)).map { place in
      Occurrence(
        value: place < values.count ? values[place] : nil, sibling: place < siblings.count ? siblings[place] : nil)
    }
  }

  private static func texts(_ node: JSONNode, _ document: JSONDocument) -> [[UInt8]?] {
    guard document.kind(node) == .array else { return [document.json(node)] }
    return document.elements(node).map { document.kind($0) == .null ? nil : document.json($0) }
  }

  static func siblingKey(_ key: [UInt8]) -> [UInt8] { [UInt8(ascii: "_")] + key }

  /// The members an object needs to have these occurrences and no others.
  static func changes(
    _ occurrences: [Occurrence], key: [UInt8], replacing oldKey: [UInt8]? = nil, isArray: Bool
  ) -> [MemberChange] {
    let oldKey = oldKey ?? key
    return [
      MemberChange(oldKey, renamed: key, to: text(occurrences.map(\.value), isArray: isArray)),
      MemberChange(
        siblingKey(oldKey), renamed: siblingKey(key), to: text(occurrences.map(\.sibling), isArray: isArray)),
    ]
  }

  private static func text(_ texts: [[UInt8]?], isArray: Bool) -> [UInt8]? {
    guard texts.contains(where: { $0 != nil }) else { return nil }
    return isArray ? arrayText(texts.map { $0 ?? Array("null".utf8) }) : texts.first ?? nil
  }
}
