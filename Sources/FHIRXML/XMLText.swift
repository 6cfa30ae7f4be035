internal import JSONCore

/// Text as XML writes it (XML 1.0 §2.4, §2.10, §3.3.3).
struct XMLText {
  var bytes: [UInt8] = []

  @inline(__always)
  mutating func append(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  @inline(__always)
  mutating func append(_ text: UnsafeBufferPointer<UInt8>) { bytes.append(contentsOf: text) }

  /// Appends the decoded text of a JSON string or the lexeme of a number or literal, as an attribute's value.
  mutating func appendAttribute(_ document: JSONDocument, _ node: JSONNode, scratch: inout [UInt8]) {
    guard document.hasEscapes(node) else {
      return XMLText.appendEscaped(document.lexeme(node), to: &bytes, isAttribute: true)
    }
    scratch.removeAll(keepingCapacity: true)
    document.appendString(node, to: &scratch)
    scratch.withUnsafeBufferPointer { XMLText.appendEscaped($0, to: &bytes, isAttribute: true) }
  }

  /// Appends UTF-8 text with what XML cannot hold as it stands escaped. In attributes whitespace is escaped too, since
  /// a parser makes spaces of it (§3.3.3); in content only CR, since a parser makes line feeds of it (§2.11).
  static func appendEscaped(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8], isAttribute: Bool) {
    var start = 0
    var position = 0
    while true {
      position = nextSpecial(text, position)
      guard position < text.count else { break }
      guard let (replacement, length) = replacement(text, position, isAttribute) else {
        position += 1
        continue
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<position]))
      bytes.append(contentsOf: UnsafeBufferPointer(start: replacement.utf8Start, count: replacement.utf8CodeUnitCount))
      position += length
      start = position
    }
    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
  }

  /// The place of the next byte that may need a replacement: `&`, `<`, `>`, `"`, controls, and 0xEF, with which
  /// U+FFFE and U+FFFF begin. Eight bytes at a time.
  @inline(__always)
  static func nextSpecial(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let raw = UnsafeRawBufferPointer(text)
    var position = start
    while position &+ 8 <= text.count {
      let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      // The lowest hit is exact, whatever borrows do above it.
      var hits = (word &- ones &* 0x20) & ~word
      hits |= zeros(word ^ (ones &* 0x26)) | zeros(word ^ (ones &* 0x3C)) | zeros(word ^ (ones &* 0x3E))
      hits |= zeros(word ^ (ones &* 0x22)) | zeros(word ^ (ones &* 0xEF))
      hits &= ones &* 0x80
      if hits != 0 { return position &+ hits.trailingZeroBitCount >> 3 }
      position &+= 8
    }
    while position < text.count {
      let byte = text[position]
      if byte < 0x20 || byte == 0x26 || byte == 0x3C || byte == 0x3E || byte == 0x22 || byte == 0xEF { break }
      position &+= 1
    }
    return position
  }

  /// The high bit of every byte that is zero, and perhaps of some above the lowest such.
  @inline(__always)
  private static func zeros(_ word: UInt64) -> UInt64 { (word &- 0x0101_0101_0101_0101) & ~word }

  private static func replacement(
    _ text: UnsafeBufferPointer<UInt8>, _ place: Int, _ isAttribute: Bool
  ) -> (StaticString, Int)? {
    switch text[place] {
    case UInt8(ascii: "&"): return ("&amp;", 1)
    case UInt8(ascii: "<"): return ("&lt;", 1)
    // §2.4: not after "]]" in content.
    case UInt8(ascii: ">"): return ("&gt;", 1)
    case UInt8(ascii: "\""): return isAttribute ? ("&quot;", 1) : nil
    case 0x09: return isAttribute ? ("&#9;", 1) : nil
    case 0x0A: return isAttribute ? ("&#10;", 1) : nil
    case 0x0D: return ("&#13;", 1)
    case 0xEF:
      // U+FFFE and U+FFFF are no characters of XML (§2.2).
      guard text.count - place >= 3, text[place + 1] == 0xBF, text[place + 2] >= 0xBE else { return nil }
      return ("\u{FFFD}", 3)
    default: return ("\u{FFFD}", 1)
    }
  }
}
