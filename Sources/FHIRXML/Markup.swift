/// Whether a narrative's text can stand as markup in an XML document.
///
/// Only what the surrounding document depends on is looked at: that it is one well-formed `div` without declarations
/// and without prefixes to resolve. What a narrative may hold is `StructureCheck`'s matter, on writing.
enum Markup {
  enum Verdict {
    /// A `div` with its namespace, in this range.
    case complete(Range<Int>)
    /// A `div` whose namespace is missing, in this range.
    case withoutNamespace(Range<Int>)
    case malformed
  }

  static func check(_ text: UnsafeBufferPointer<UInt8>) -> Verdict {
    var scan = MarkupScan(text)
    return scan.run()
  }
}

private struct MarkupScan {
  let text: UnsafeBufferPointer<UInt8>
  var position = 0
  /// The names of the elements that are open.
  var open: [Range<Int>] = []
  /// The names of the current tag's attributes.
  var attributes: [Range<Int>] = []
  var hasNamespace = false

  init(_ text: UnsafeBufferPointer<UInt8>) {
    self.text = text
    open.reserveCapacity(16)
  }

  mutating func run() -> Markup.Verdict {
    skipSpace()
    let start = position
    guard starts(with: "<div") else { return .malformed }
    repeat {
      guard markup() else { return .malformed }
      if open.isEmpty { break }
      guard content() else { return .malformed }
    } while position < text.count
    let range = start..<position
    skipSpace()
    guard open.isEmpty, position == text.count else { return .malformed }
    return hasNamespace ? .complete(range) : .withoutNamespace(range)
  }

  /// Up to the next `<`.
  private mutating func content() -> Bool {
    while true {
      // What is nothing but text, which is nearly all.
      position = XMLText.nextSpecial(text, position)
      guard position < text.count else { return true }
      switch text[position] {
      case UInt8(ascii: "<"): return true
      case UInt8(ascii: "&"):
        guard reference() else { return false }
      case UInt8(ascii: ">") where text[..<position].suffix(2).elementsEqual("]]".utf8): return false
      default:
        guard character() else { return false }
      }
    }
  }

  /// XML 1.0 §2.2.
  @inline(__always)
  private mutating func character() -> Bool {
    let byte = text[position]
    if byte < 32, !isSpace(byte) { return false }
    if byte == 0xEF, starts(with: "\u{FFFE}") || starts(with: "\u{FFFF}") { return false }
    position += 1
    return true
  }

  /// At a `<`.
  private mutating func markup() -> Bool {
    position += 1
    guard position < text.count else { return false }
    switch text[position] {
    case UInt8(ascii: "/"):
      position += 1
      let name = name()
      skipSpace()
      guard accept(UInt8(ascii: ">")), let opened = open.popLast() else { return false }
      return same(name, opened)
    case UInt8(ascii: "!"): return comment()
    default: return startTag()
    }
  }

  private mutating func comment() -> Bool {
    guard starts(with: "!--") else { return false }
    position += 3
    while position < text.count {
      if starts(with: "--") {
        position += 2
        return accept(UInt8(ascii: ">"))
      }
      guard character() else { return false }
    }
    return false
  }

  private mutating func startTag() -> Bool {
    let name = name()
    guard !name.isEmpty, open.count < XMLForm.narrativeDepthMax else { return false }
    let isRoot = open.isEmpty
    // "<divx" begins like "<div".
    if isRoot, name.count != 3 { return false }
    attributes.removeAll(keepingCapacity: true)
    while true {
      let hadSpace = skipSpace()
      if accept(UInt8(ascii: ">")) {
        open.append(name)
        return true
      }
      if accept(UInt8(ascii: "/")) { return accept(UInt8(ascii: ">")) }
      guard hadSpace, attribute(isRoot: isRoot) else { return false }
    }
  }

  private mutating func attribute(isRoot: Bool) -> Bool {
    // Of all prefixes `xml` alone needs no declaration.
    let start = position
    if starts(with: "xml:") { position += 4 }
    let local = name()
    let name = start..<position
    guard !local.isEmpty, attributes.count < XMLForm.attributesMax, !attributes.contains(where: { same($0, name) })
    else { return false }
    attributes.append(name)
    skipSpace()
    guard accept(UInt8(ascii: "=")) else { return false }
    skipSpace()
    guard position < text.count, text[position] == 34 || text[position] == 39 else { return false }
    let quote = text[position]
    position += 1
    let valueStart = position
    while position < text.count, text[position] != quote {
      switch text[position] {
      case UInt8(ascii: "<"): return false
      case UInt8(ascii: "&"):
        guard reference() else { return false }
      default:
        guard character() else { return false }
      }
    }
    let value = text[valueStart..<position]
    guard accept(quote) else { return false }
    guard text[name].elementsEqual("xmlns".utf8) else { return true }
    hasNamespace = hasNamespace || isRoot
    return value.elementsEqual("http://www.w3.org/1999/xhtml".utf8)
  }

  /// At a `&`: XML's own entities and the numbers of its characters (§4.1, §4.6).
  private mutating func reference() -> Bool {
    if skip("&amp;") || skip("&lt;") || skip("&gt;") || skip("&quot;") || skip("&apos;") { return true }
    guard starts(with: "&#") else { return false }
    position += 2
    let radix: UInt32 = accept(UInt8(ascii: "x")) ? 16 : 10
    var value: UInt32 = 0
    var digits = 0
    while position < text.count, let digit = digit(text[position]), digit < radix, value <= 0x10FFFF {
      value = value * radix + digit
      digits += 1
      position += 1
    }
    guard digits > 0, accept(UInt8(ascii: ";")), Unicode.Scalar(value) != nil else { return false }
    return value >= 32 && value & 0xFFFE != 0xFFFE || value == 9 || value == 10 || value == 13
  }

  private func digit(_ byte: UInt8) -> UInt32? {
    if byte &- 48 < 10 { return UInt32(byte - 48) }
    let letter = (byte | 0x20) &- 97
    return letter < 6 ? UInt32(letter) + 10 : nil
  }

  /// A name of ASCII letters, digits, `-`, `_` and `.`, as all of XHTML's are; empty if there is none.
  private mutating func name() -> Range<Int> {
    let start = position
    while position < text.count {
      let byte = text[position]
      let isLetter = (byte | 0x20) &- 97 < 26 || byte == UInt8(ascii: "_")
      let isOther = byte &- 48 < 10 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
      guard isLetter || isOther && position > start else { break }
      position += 1
    }
    return start..<position
  }

  private func same(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
    guard a.count == b.count else { return false }
    for offset in 0..<a.count where text[a.lowerBound + offset] != text[b.lowerBound + offset] { return false }
    return true
  }

  private func starts(with prefix: StaticString) -> Bool {
    let count = prefix.utf8CodeUnitCount
    guard text.count - position >= count else { return false }
    for offset in 0..<count where text[position + offset] != prefix.utf8Start[offset] { return false }
    return true
  }

  private mutating func skip(_ prefix: StaticString) -> Bool {
    guard starts(with: prefix) else { return false }
    position += prefix.utf8CodeUnitCount
    return true
  }

  @discardableResult
  private mutating func skipSpace() -> Bool {
    let start = position
    while position < text.count, isSpace(text[position]) { position += 1 }
    return position > start
  }

  private func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 10 || byte == 13 || byte == 9 }

  private mutating func accept(_ byte: UInt8) -> Bool {
    guard position < text.count, text[position] == byte else { return false }
    position += 1
    return true
  }
}
