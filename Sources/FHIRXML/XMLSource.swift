internal import Base

/// A text as it was sent, decoded to UTF-8 and looked through before a parser sees it: no DOCTYPE, bounded tags.
///
/// So the parser knows one encoding only, has no declarations to read, and its work per tag is bounded.
struct XMLSource {
  private let original: UnsafeRawBufferPointer
  /// The text in UTF-8 where it was sent in UTF-16.
  private var decoded: [UInt8]?

  init(_ bytes: UnsafeRawBufferPointer, limits: Limits) throws(Fault) {
    guard bytes.count <= limits.bodyBytesMax else {
      throw Fault(.tooLarge, "The XML has more than \(limits.bodyBytesMax) bytes.", code: "too-long")
    }
    switch XMLSource.encoding(of: bytes) {
    case .utf8(let mark):
      original = UnsafeRawBufferPointer(rebasing: bytes[mark...])
    case .utf16(let mark, let isBigEndian):
      original = bytes
      decoded = try XMLSource.decodeUTF16(UnsafeRawBufferPointer(rebasing: bytes[mark...]), isBigEndian: isBigEndian)
    }
    let isWide = decoded != nil
    try withText { (text) throws(Fault) in
      try XMLSource.checkStart(text)
      try XMLSource.checkDeclaration(text, isWide: isWide)
      try XMLSource.checkTags(text)
    }
  }

  /// The text in UTF-8, valid within `body`. That it is UTF-8 is left to the parser.
  func withText<Value>(_ body: (UnsafeBufferPointer<UInt8>) throws(Fault) -> Value) throws(Fault) -> Value {
    guard let decoded else { return try body(original.bindMemory(to: UInt8.self)) }
    let result = decoded.withUnsafeBufferPointer { text in Result { () throws(Fault) in try body(text) } }
    return try result.get()
  }

  static func fault(_ diagnostics: String, line: Int? = nil) -> Fault {
    Fault(.invalid, line.map { "\(diagnostics) (line \($0))" } ?? diagnostics, code: "structure")
  }

  // MARK: - Encoding

  private enum Encoding {
    /// With the length of the byte order mark.
    case utf8(Int)
    case utf16(Int, isBigEndian: Bool)
  }

  /// XML 1.0 appendix F.1.
  private static func encoding(of bytes: UnsafeRawBufferPointer) -> Encoding {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return .utf8(3) }
    if bytes.starts(with: [0xFE, 0xFF]) { return .utf16(2, isBigEndian: true) }
    if bytes.starts(with: [0xFF, 0xFE]) { return .utf16(2, isBigEndian: false) }
    guard bytes.count >= 4 else { return .utf8(0) }
    if bytes[0] == 0, bytes[1] == UInt8(ascii: "<"), bytes[2] == 0 { return .utf16(0, isBigEndian: true) }
    if bytes[0] == UInt8(ascii: "<"), bytes[1] == 0, bytes[3] == 0 { return .utf16(0, isBigEndian: false) }
    return .utf8(0)
  }

  private static func decodeUTF16(_ bytes: UnsafeRawBufferPointer, isBigEndian: Bool) throws(Fault) -> [UInt8] {
    guard bytes.count % 2 == 0 else { throw fault("The UTF-16 text ends within a character.") }
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count / 2 + bytes.count / 8)
    func unit(_ offset: Int) -> UInt16 {
      let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
      return isBigEndian ? UInt16(bigEndian: value) : UInt16(littleEndian: value)
    }
    var offset = 0
    while offset < bytes.count {
      let high = unit(offset)
      offset += 2
      if high < 0x80 {
        text.append(UInt8(truncatingIfNeeded: high))
        continue
      }
      var scalar = UInt32(high)
      if high & 0xFC00 == 0xD800, offset < bytes.count {
        let low = unit(offset)
        if low & 0xFC00 == 0xDC00 {
          scalar = 0x10000 + (UInt32(high) & 0x3FF) << 10 + UInt32(low) & 0x3FF
          offset += 2
        }
      }
      guard let scalar = Unicode.Scalar(scalar) else { throw fault("The UTF-16 text has an unpaired surrogate.") }
      text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
    return text
  }

  // MARK: - Checks

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 10 || byte == 13 || byte == 9 }

  private static func checkStart(_ text: UnsafeBufferPointer<UInt8>) throws(Fault) {
    guard let first = text.first(where: { !isSpace($0) }) else {
      throw fault("The text is empty; a resource in XML was expected.")
    }
    // The parser guesses other encodings from the first four bytes; those it must not see.
    guard first == UInt8(ascii: "<"), !text.prefix(4).contains(0) else {
      throw fault("The text is not XML in UTF-8 or UTF-16: it must start with '<'.", line: 1)
    }
  }

  /// The encoding that the XML declaration names must be the one that is there (XML 1.0 §4.3.3).
  private static func checkDeclaration(_ text: UnsafeBufferPointer<UInt8>, isWide: Bool) throws(Fault) {
    guard text.starts(with: "<?xml".utf8), text.count > 5, isSpace(text[5]) else { return }
    let head = text.prefix(1024).prefix { $0 != UInt8(ascii: ">") }
    let label = Array("encoding".utf8)
    var place = head.startIndex
    while place + label.count < head.endIndex, !head[place...].starts(with: label) { place += 1 }
    place += label.count
    while place < head.endIndex, isSpace(head[place]) || head[place] == UInt8(ascii: "=") { place += 1 }
    guard place < head.endIndex, head[place] == 34 || head[place] == 39 else { return }
    let name = String(decoding: head[(place + 1)...].prefix { $0 != head[place] }.prefix(40), as: UTF8.self)
    let known = isWide ? ["utf-16", "utf-16le", "utf-16be"] : ["utf-8", "us-ascii", "ascii"]
    guard known.contains(name.lowercased()) else {
      throw fault(
        "The encoding '\(name)' is not supported or not the one of the bytes; send UTF-8, or UTF-16 with a byte order"
          + " mark.", line: 1)
    }
  }

  /// Walks the tags without looking at names: refuses a DOCTYPE and tags with too many attributes.
  ///
  /// Where the text is well-formed, the walk sees what a parser sees; behind the first fault it may be wrong, and the
  /// parser is not there any more.
  private static func checkTags(_ text: UnsafeBufferPointer<UInt8>) throws(Fault) {
    var scan = TagScan(text: text)
    while scan.skip(to: UInt8(ascii: "<")) {
      switch scan.current {
      case UInt8(ascii: "!"):
        if scan.starts(with: "!--") {
          guard scan.skip(behind: "-->", from: 3) else { return }
        } else if scan.starts(with: "![CDATA[") {
          guard scan.skip(behind: "]]>", from: 8) else { return }
        } else {
          throw fault("Document type declarations (DOCTYPE) are not allowed.", line: scan.line)
        }
      case UInt8(ascii: "?"):
        guard scan.skip(behind: "?>", from: 1) else { return }
      default:
        guard scan.skipTag() <= XMLForm.attributesMax else {
          throw fault("A tag has more than \(XMLForm.attributesMax) attributes.", line: scan.line)
        }
      }
    }
  }
}

/// A walk over tags, comments and the like.
private struct TagScan {
  let text: UnsafeBufferPointer<UInt8>
  var position = 0

  var current: UInt8? { position < text.count ? text[position] : nil }

  var line: Int { text[..<min(position, text.count)].reduce(1) { $1 == 10 ? $0 + 1 : $0 } }

  func starts(with prefix: StaticString) -> Bool {
    let bytes = UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)
    return text[position...].starts(with: bytes)
  }

  /// Goes behind the next `byte`; false if there is none.
  mutating func skip(to byte: UInt8) -> Bool {
    while position < text.count {
      position += 1
      if text[position - 1] == byte { return true }
    }
    return false
  }

  mutating func skip(behind end: StaticString, from offset: Int) -> Bool {
    position += offset
    while skip(to: end.utf8Start[0]) {
      position -= 1
      if starts(with: end) {
        position += end.utf8CodeUnitCount
        return true
      }
      position += 1
    }
    return false
  }

  /// Goes behind the `>` of a tag; the number of its quoted values.
  mutating func skipTag() -> Int {
    var values = 0
    while position < text.count {
      let byte = text[position]
      position += 1
      if byte == UInt8(ascii: ">") { break }
      if byte == 34 || byte == 39 {
        values += 1
        guard skip(to: byte) else { break }
      }
    }
    return values
  }
}
