extension JSONDocument {
  /// The outermost value.
  @inlinable
  public var root: JSONNode { JSONNode(0) }

  /// The kind of a value. Keys count as strings.
  @inlinable
  public func kind(_ node: JSONNode) -> JSONKind {
    let tag = Tape.tag(tape[node.position])
    return JSONKind(rawValue: UInt8(truncatingIfNeeded: tag)) ?? .string
  }

  /// Members of an object or elements of an array; 0 for any other value.
  @inlinable
  public func count(_ node: JSONNode) -> Int {
    let word = tape[node.position]
    return Tape.isContainer(word) ? Tape.count(word) : 0
  }

  /// The tape index behind a value and all it holds.
  @inlinable
  @inline(__always)
  func next(_ index: Int) -> Int {
    let word = tape[index]
    return Tape.isContainer(word) ? Tape.offset(word) : index + 1
  }

  /// The value of the member with this name, nil if there is none or `object` is no object.
  @inlinable
  public func member(_ object: JSONNode, _ key: JSONKey) -> JSONNode? {
    let word = tape[object.position]
    guard Tape.tag(word) == 7 else { return nil }
    let end = Tape.offset(word)
    var index = object.position + 2
    while index < end {
      if matches(tape[index], key) { return JSONNode(index + 1) }
      index = next(index + 1)
    }
    return nil
  }

  @inlinable
  @inline(__always)
  func matches(_ word: UInt64, _ key: JSONKey) -> Bool {
    if word & Tape.escapeFlag != 0 { return matchesDecoded(word, key) }
    let length = Tape.length(word)
    guard length == key.utf8.count else { return false }
    let content = base + Tape.offset(word)
    let head = UnsafeRawPointer(content).loadUnaligned(as: UInt64.self)
    if length < 8 { return head & ((1 << UInt64(8 * length)) &- 1) == key.head }
    return head == key.head && (length == 8 || matchesTail(content, key))
  }

  @usableFromInline
  func matchesTail(_ content: UnsafePointer<UInt8>, _ key: JSONKey) -> Bool {
    key.utf8.withUnsafeBufferPointer { name in
      for place in 8..<name.count where name[place] != content[place] { return false }
      return true
    }
  }

  @usableFromInline
  func matchesDecoded(_ word: UInt64, _ key: JSONKey) -> Bool {
    var bytes: [UInt8] = []
    JSONDocument.appendDecoded(
      UnsafeBufferPointer(start: base + Tape.offset(word), count: Tape.length(word)), to: &bytes)
    return bytes == key.utf8
  }

  /// The members of an object in document order; none for any other value.
  @inlinable
  public func members(_ object: JSONNode) -> JSONMembers {
    let word = tape[object.position]
    let isObject = Tape.tag(word) == 7
    return JSONMembers(document: self, index: object.position + 2, end: isObject ? Tape.offset(word) : 0)
  }

  /// The elements of an array in order; none for any other value.
  @inlinable
  public func elements(_ array: JSONNode) -> JSONElements {
    let word = tape[array.position]
    let isArray = Tape.tag(word) == 6
    return JSONElements(document: self, index: array.position + 2, end: isArray ? Tape.offset(word) : 0)
  }

  /// The raw bytes of a number, literal, string or key content (without quotes, escapes as they stand), or the whole
  /// slice of a container. Valid while the document lives.
  @inlinable
  public func lexeme(_ node: JSONNode) -> UnsafeBufferPointer<UInt8> {
    let word = tape[node.position]
    if Tape.isContainer(word) {
      let range = range(node)
      return UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
    }
    return UnsafeBufferPointer(start: base + Tape.offset(word), count: Tape.length(word))
  }

  /// The whole value's place in the text: strings and keys with their quotes.
  @inlinable
  public func range(_ node: JSONNode) -> Range<Int> {
    let word = tape[node.position]
    if Tape.isContainer(word) {
      let bounds = tape[node.position + 1]
      return Int(bounds >> 32)..<Int(truncatingIfNeeded: bounds & 0xFFFF_FFFF)
    }
    let start = Tape.offset(word)
    let end = start + Tape.length(word)
    return Tape.tag(word) == 5 || Tape.tag(word) == Tape.key ? start - 1..<end + 1 : start..<end
  }

  /// The text's bytes. Valid while the document lives.
  @inlinable
  public var text: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: byteCount) }

  /// Whether a string or key holds escape sequences.
  @inlinable
  public func hasEscapes(_ node: JSONNode) -> Bool {
    let word = tape[node.position]
    return !Tape.isContainer(word) && word & Tape.escapeFlag != 0
  }

  /// Whether a key is this name.
  @inlinable
  public func keyEquals(_ key: JSONNode, _ name: JSONKey) -> Bool { matches(tape[key.position], name) }

  /// Whether a value is a string and equal to this text.
  @inlinable
  public func stringEquals(_ node: JSONNode, _ text: JSONKey) -> Bool {
    let word = tape[node.position]
    return Tape.tag(word) == 5 && matches(word, text)
  }

  /// The decoded text of a string or key; nil for any other value.
  public func string(_ node: JSONNode) -> String? {
    let word = tape[node.position]
    guard Tape.tag(word) == 5 || Tape.tag(word) == Tape.key else { return nil }
    if word & Tape.escapeFlag == 0 { return String(decoding: lexeme(node), as: UTF8.self) }
    var bytes: [UInt8] = []
    JSONDocument.appendDecoded(lexeme(node), to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends the decoded UTF-8 of a string or key; nothing for any other value.
  public func appendString(_ node: JSONNode, to bytes: inout [UInt8]) {
    let word = tape[node.position]
    guard Tape.tag(word) == 5 || Tape.tag(word) == Tape.key else { return }
    if word & Tape.escapeFlag == 0 {
      bytes.append(contentsOf: lexeme(node))
    } else {
      JSONDocument.appendDecoded(lexeme(node), to: &bytes)
    }
  }

  /// The value of true or false; nil for any other value.
  @inlinable
  public func bool(_ node: JSONNode) -> Bool? {
    switch kind(node) {
    case .true: true
    case .false: false
    default: nil
    }
  }

  /// A number without fraction and exponent that fits; nil for any other value.
  public func integer(_ node: JSONNode) -> Int? {
    guard kind(node) == .number else { return nil }
    let digits = lexeme(node)
    var value = 0
    let negative = digits.first == UInt8(ascii: "-")
    for byte in digits.dropFirst(negative ? 1 : 0) {
      guard byte &- 48 < 10 else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.subtractingReportingOverflow(Int(byte &- 48))
      if overflow || carry { return nil }
      value = sum
    }
    // Accumulated negatively, because Int.min has no positive twin.
    return negative ? value : value == .min ? nil : -value
  }

  /// 1-based line and column (in bytes) of an offset.
  public func position(ofOffset offset: Int) -> (line: Int, column: Int) {
    JSONDocument.position(of: min(max(offset, 0), byteCount), in: text)
  }
}

/// An object's members in document order.
public struct JSONMembers: Sequence, IteratorProtocol {
  @usableFromInline let document: JSONDocument
  @usableFromInline var index: Int
  @usableFromInline let end: Int

  @inlinable
  init(document: JSONDocument, index: Int, end: Int) {
    self.document = document
    self.index = index
    self.end = end
  }

  @inlinable
  public mutating func next() -> (key: JSONNode, value: JSONNode)? {
    guard index < end else { return nil }
    defer { index = document.next(index + 1) }
    return (JSONNode(index), JSONNode(index + 1))
  }
}

/// An array's elements in order.
public struct JSONElements: Sequence, IteratorProtocol {
  @usableFromInline let document: JSONDocument
  @usableFromInline var index: Int
  @usableFromInline let end: Int

  @inlinable
  init(document: JSONDocument, index: Int, end: Int) {
    self.document = document
    self.index = index
    self.end = end
  }

  @inlinable
  public mutating func next() -> JSONNode? {
    guard index < end else { return nil }
    defer { index = document.next(index) }
    return JSONNode(index)
  }
}
