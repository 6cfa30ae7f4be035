/// A value to put in another's place when a document is written again.
public struct JSONEdit: Sendable {
  public let node: JSONNode
  /// The new value, as JSON text.
  public let replacement: [UInt8]

  public init(_ node: JSONNode, _ replacement: [UInt8]) {
    self.node = node
    self.replacement = replacement
  }
}

extension JSONDocument {
  /// Appends a value without the whitespace between its tokens; strings and numbers are copied as they stand.
  ///
  /// - Parameter edits: replacements inside this value, in document order; no edit inside another.
  public func appendCompact(_ node: JSONNode, to bytes: inout [UInt8], replacing edits: ArraySlice<JSONEdit> = []) {
    if isCompact {
      copy(range(node), to: &bytes, replacing: edits)
    } else {
      var rest = edits
      rewrite(node.position, to: &bytes, &rest)
    }
  }

  private func copy(_ range: Range<Int>, to bytes: inout [UInt8], replacing edits: ArraySlice<JSONEdit>) {
    var start = range.lowerBound
    for edit in edits {
      let replaced = self.range(edit.node)
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<replaced.lowerBound]))
      bytes.append(contentsOf: edit.replacement)
      start = replaced.upperBound
    }
    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<range.upperBound]))
  }

  /// Walks the tape flat, with a stack of container ends, so that depth costs no recursion.
  private func rewrite(_ first: Int, to bytes: inout [UInt8], _ edits: inout ArraySlice<JSONEdit>) {
    let end = next(first)
    var open: [(end: Int, close: UInt8)] = []
    var index = first
    var needsComma = false
    while index < end {
      let word = tape[index]
      if needsComma { bytes.append(UInt8(ascii: ",")) }
      if let edit = edits.first, edit.node.position == index {
        edits.removeFirst()
        bytes.append(contentsOf: edit.replacement)
        index = next(index)
        needsComma = true
      } else if Tape.isContainer(word) {
        let isObject = Tape.tag(word) == 7
        bytes.append(isObject ? UInt8(ascii: "{") : UInt8(ascii: "["))
        open.append((Tape.offset(word), isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")))
        index += 2
        needsComma = false
      } else {
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[range(JSONNode(index))]))
        index += 1
        needsComma = Tape.tag(word) != Tape.key
        if !needsComma { bytes.append(UInt8(ascii: ":")) }
      }
      while let last = open.last, last.end == index {
        bytes.append(last.close)
        open.removeLast()
        needsComma = true
      }
    }
  }
}
