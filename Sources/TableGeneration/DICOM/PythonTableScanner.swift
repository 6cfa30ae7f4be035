/// The entries of a table that is written as a Python dictionary, one entry a line: `key: (text, text, …),`.
///
/// Serves the generated dictionaries of pydicom, whose lines all have this form; keys are hexadecimal numbers or
/// strings. A line that ends in `{` opens a table, whose key is its name.
struct PythonTableScanner {
  enum Line: Equatable {
    /// `key: {`, or `name: type = {`
    case opening(String)
    case entry(key: String, fields: [String])
    case other
  }

  static func lines(_ text: String) throws -> [Line] {
    try text.split(separator: "\n", omittingEmptySubsequences: true).map { try line(Array($0.utf8)) }
  }

  private static func line(_ bytes: [UInt8]) throws -> Line {
    var scanner = PythonTableScanner(bytes: bytes)
    scanner.skipSpaces()
    guard let first = scanner.current, first != UInt8(ascii: "#") else { return .other }
    let isEntry = first == UInt8(ascii: "'") || first == UInt8(ascii: "\"") || bytes.contains(UInt8(ascii: "("))
    if bytes.last == UInt8(ascii: "{") {
      return .opening(try isEntry ? scanner.string() : scanner.word())
    }
    guard isEntry, !bytes.starts(with: "\"\"\"".utf8) else { return .other }
    let isQuoted = first == UInt8(ascii: "'") || first == UInt8(ascii: "\"")
    let key = try isQuoted ? scanner.string() : scanner.word()
    guard scanner.take(":"), scanner.take("(") else { return .other }
    var fields: [String] = []
    while !scanner.take(")") {
      fields.append(try scanner.string())
      _ = scanner.take(",")
    }
    return .entry(key: key, fields: fields)
  }

  private let bytes: [UInt8]
  private var position = 0

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpaces() {
    while current == UInt8(ascii: " ") { position += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpaces()
    guard let byte = current, byte == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func word() -> String {
    let start = position
    while let byte = current, byte != UInt8(ascii: ":"), byte != UInt8(ascii: " ") { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func string() throws -> String {
    skipSpaces()
    guard let quote = current, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw GenerationError("a string is missing in: \(String(decoding: bytes, as: UTF8.self))")
    }
    position += 1
    var content: [UInt8] = []
    while let byte = current, byte != quote {
      // The generated files escape quotes and backslashes only.
      if byte == UInt8(ascii: "\\") { position += 1 }
      guard let character = current else { break }
      content.append(character)
      position += 1
    }
    guard current == quote else { throw GenerationError("a string has no end") }
    position += 1
    return String(decoding: content, as: UTF8.self)
  }
}
