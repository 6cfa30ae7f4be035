/// A statement as PostgreSQL takes it: `$1`, `$2` … where the contract writes `?`.
struct StatementText {
  let text: String
  /// As the contract writes it.
  let source: String
  private(set) var parameterCount = 0
  /// The first word, in capitals.
  private(set) var verb = ""

  /// Words that would end or part the transaction a job is in.
  private static let control: Set<String> = [
    "ABORT", "BEGIN", "COMMIT", "END", "PREPARE", "RELEASE", "ROLLBACK", "SAVEPOINT", "START",
  ]

  var isTransactionControl: Bool { Self.control.contains(verb) }

  init(_ source: String) {
    self.source = source
    let bytes = Array(source.utf8)
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count + 16)
    var position = 0
    while position < bytes.count {
      let end = Self.endOfQuoted(bytes, position)
      if end > position {
        out += bytes[position..<end]
        position = end
        continue
      }
      if bytes[position] == UInt8(ascii: "?") {
        parameterCount += 1
        out += Array("$\(parameterCount)".utf8)
      } else {
        out.append(bytes[position])
      }
      position += 1
    }
    text = String(decoding: out, as: UTF8.self)
    let word = bytes.drop { $0 <= 0x20 || $0 == UInt8(ascii: ";") }.prefix { $0 & 0xDF >= 0x41 && $0 & 0xDF <= 0x5A }
    verb = String(decoding: word, as: UTF8.self).uppercased()
  }

  /// The end of what begins at `start` and is text, name or comment; `start` itself where none begins. PostgreSQL 15,
  /// 4.1.2 and 4.1.5 (`standard_conforming_strings` is on;
  /// no statement of ours has texts in `E'…'` or between dollars).
  private static func endOfQuoted(_ bytes: [UInt8], _ start: Int) -> Int {
    let byte = bytes[start]
    let next = start + 1 < bytes.count ? bytes[start + 1] : 0
    if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
      let close = bytes[(start + 1)...].firstIndex(of: byte)
      return close.map { $0 + 1 } ?? bytes.count
    }
    if byte == UInt8(ascii: "-"), next == byte {
      return bytes[start...].firstIndex(of: 10) ?? bytes.count
    }
    if byte == UInt8(ascii: "/"), next == UInt8(ascii: "*") {
      var position = start + 2
      while position + 1 < bytes.count {
        if bytes[position] == UInt8(ascii: "*"), bytes[position + 1] == UInt8(ascii: "/") { return position + 2 }
        position += 1
      }
      return bytes.count
    }
    return start
  }
}
