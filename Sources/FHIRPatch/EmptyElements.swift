internal import Base
internal import JSONCore

/// What removing leaves behind: FHIR's JSON has no empty arrays and objects (R4 json.html: "Objects are never empty"),
/// so the array of which the last element was removed goes with it.
///
/// It recurses as deep as the document is nested, which its parser has bounded.
struct EmptyElements {
  let document: JSONDocument
  /// Whether objects are removed too; otherwise empty ones stay and fail the structure check.
  let includingObjects: Bool

  /// The root's text without them; nil if there are none.
  func removed() -> [UInt8]? {
    guard document.kind(document.root) == .object, isPresent(in: document.root) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(document.byteCount)
    // The resource itself stays, whatever is in it.
    return write(document.root, isSibling: false, to: &bytes) ? bytes : Array("{}".utf8)
  }

  private func isPresent(in node: JSONNode) -> Bool {
    switch document.kind(node) {
    case .array:
      return document.count(node) == 0 || document.elements(node).contains { isPresent(in: $0) }
    case .object:
      if document.count(node) == 0 { return includingObjects }
      return document.members(node).contains { isPresent(in: $0.value) }
    default: return false
    }
  }

  /// Appends a value. Returns false if there is nothing left of it; what was appended is then to be cut off.
  ///
  /// - Parameter isSibling: whether it belongs to a "_name" member, where places count and null fills them.
  private func write(_ node: JSONNode, isSibling: Bool, to bytes: inout [UInt8]) -> Bool {
    switch document.kind(node) {
    case .array: return writeArray(node, isSibling: isSibling, to: &bytes)
    case .object: return writeObject(node, to: &bytes)
    default:
      document.appendCompact(node, to: &bytes)
      return true
    }
  }

  private func writeObject(_ object: JSONNode, to bytes: inout [UInt8]) -> Bool {
    let start = bytes.count
    bytes.append(UInt8(ascii: "{"))
    for (key, value) in document.members(object) {
      let mark = bytes.count
      if mark > start + 1 { bytes.append(UInt8(ascii: ",")) }
      bytes.append(contentsOf: document.text[document.range(key)])
      bytes.append(UInt8(ascii: ":"))
      let isSibling = document.lexeme(key).first == UInt8(ascii: "_")
      if !write(value, isSibling: isSibling, to: &bytes) { bytes.removeLast(bytes.count - mark) }
    }
    let isEmpty = bytes.count == start + 1
    bytes.append(UInt8(ascii: "}"))
    return !isEmpty || !includingObjects
  }

  private func writeArray(_ array: JSONNode, isSibling: Bool, to bytes: inout [UInt8]) -> Bool {
    let start = bytes.count
    var hasContent = false
    bytes.append(UInt8(ascii: "["))
    for element in document.elements(array) {
      let mark = bytes.count
      if mark > start + 1 { bytes.append(UInt8(ascii: ",")) }
      if write(element, isSibling: false, to: &bytes) {
        hasContent = hasContent || document.kind(element) != .null || !isSibling
      } else {
        bytes.removeLast(bytes.count - mark)
        guard isSibling else { continue }
        if mark > start + 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(contentsOf: "null".utf8)
      }
    }
    bytes.append(UInt8(ascii: "]"))
    return hasContent
  }
}
