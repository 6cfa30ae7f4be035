/// Start tags and their attributes, one after the other: all that the essence of UCUM needs of XML.
///
/// Text, end tags, comments and processing instructions are passed over. Of entities only XML's own five are known:
/// the symbols of units are ASCII.
struct XMLTagScanner {
  struct Tag {
    let name: String
    let attributes: [String: String]

    func required(_ attribute: String) throws -> String {
      guard let value = attributes[attribute] else {
        throw GenerationError("<\(name) \(attributes["Code"] ?? "")> has no attribute \(attribute)")
      }
      return value
    }
  }

  private let bytes: [UInt8]
  private var position = 0

  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  /// The next start tag; nil at the end.
  mutating func next() throws -> Tag? {
    while let start = bytes[position...].firstIndex(of: UInt8(ascii: "<")) {
      position = start + 1
      if starts(with: "!--") {
        try skip(past: "-->")
      } else if starts(with: "/") || starts(with: "?") || starts(with: "!") {
        try skip(past: ">")
      } else {
        return try tag()
      }
    }
    return nil
  }

  private mutating func tag() throws -> Tag {
    let name = word()
    var attributes: [String: String] = [:]
    while true {
      while let byte = current, Self.isSpace(byte) { position += 1 }
      guard let byte = current else { throw GenerationError("the file ends within <\(name)>") }
      if byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/") { return Tag(name: name, attributes: attributes) }
      let key = word()
      guard !key.isEmpty, current == UInt8(ascii: "="), position + 1 < bytes.count else {
        throw GenerationError("an attribute of <\(name)> is malformed")
      }
      let quote = bytes[position + 1]
      let start = position + 2
      guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"),
        let end = bytes[start...].firstIndex(of: quote)
      else { throw GenerationError("an attribute of <\(name)> is malformed") }
      attributes[key] = try Self.decoded(String(decoding: bytes[start..<end], as: UTF8.self))
      position = end + 1
    }
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func word() -> String {
    let start = position
    while let byte = current, !Self.isSpace(byte), !"=/>".utf8.contains(byte) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private func starts(with text: String) -> Bool { bytes[position...].starts(with: text.utf8) }

  private mutating func skip(past text: String) throws {
    while !starts(with: text) {
      guard position < bytes.count else { throw GenerationError("the file ends before \(text)") }
      position += 1
    }
    position += text.utf8.count
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  private static func decoded(_ text: String) throws -> String {
    guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
    var result = text
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'")]
    for (entity, character) in entities { result = result.replacing(entity, with: character) }
    guard !result.replacing("&amp;", with: "").utf8.contains(UInt8(ascii: "&")) else {
      throw GenerationError("an entity that is not XML's own")
    }
    return result.replacing("&amp;", with: "&")
  }
}
