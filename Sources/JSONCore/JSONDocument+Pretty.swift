extension JSONDocument {
  /// Writes a value with a line for each member and element, indented by two spaces; strings and numbers as they
  /// stand, empty objects and arrays as `{}` and `[]`, no line break at the end.
  ///
  /// Walks the tape flat, with a stack of container ends, so that depth costs no recursion. Whoever offers it to
  /// strangers must know that the result of deep nesting is long: at most 2 × depth bytes more for each value.
  public func appendPretty(_ node: JSONNode, to bytes: inout [UInt8]) {
    let end = next(node.position)
    bytes.reserveCapacity(bytes.count + range(node).count * 3 / 2)
    var open: [(end: Int, close: UInt8)] = []
    var index = node.position
    var isAfterKey = false
    var needsComma = false
    while index < end {
      if needsComma { bytes.append(UInt8(ascii: ",")) }
      if !open.isEmpty && !isAfterKey { JSONDocument.appendLine(depth: open.count, to: &bytes) }
      let word = tape[index]
      isAfterKey = Tape.tag(word) == Tape.key
      needsComma = !isAfterKey
      if Tape.isContainer(word) && Tape.count(word) > 0 {
        let isObject = Tape.tag(word) == 7
        bytes.append(isObject ? UInt8(ascii: "{") : UInt8(ascii: "["))
        open.append((Tape.offset(word), isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")))
        index += 2
        needsComma = false
      } else if Tape.isContainer(word) {
        bytes.append(contentsOf: Tape.tag(word) == 7 ? "{}".utf8 : "[]".utf8)
        index += 2
      } else {
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[range(JSONNode(index))]))
        index += 1
        if isAfterKey { bytes.append(contentsOf: ": ".utf8) }
      }
      while let last = open.last, last.end == index, !isAfterKey {
        open.removeLast()
        JSONDocument.appendLine(depth: open.count, to: &bytes)
        bytes.append(last.close)
        needsComma = true
      }
    }
  }

  private static func appendLine(depth: Int, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
  }
}
