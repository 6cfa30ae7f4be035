/// Escapes in search values (FHIR R4 search §2.1.1.4.2): `\,` `\$` `\|` and `\\` stand for themselves.
enum SearchText {
  /// Cuts at a separator that is not escaped; the pieces keep their escapes.
  static func split(_ text: String, at separator: UInt8) -> [String] {
    var text = text
    return text.withUTF8 { bytes in
      var pieces: [String] = []
      var start = 0
      var isEscaped = false
      for (place, byte) in bytes.enumerated() {
        if byte == separator && !isEscaped {
          pieces.append(String(decoding: bytes[start..<place], as: UTF8.self))
          start = place + 1
        } else {
          isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        }
      }
      pieces.append(String(decoding: bytes[start...], as: UTF8.self))
      return pieces
    }
  }

  /// The text meant.
  static func unescape(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "\\")) else { return text }
    var bytes: [UInt8] = []
    var isEscaped = false
    for byte in text.utf8 {
      if isEscaped && !special.contains(byte) { bytes.append(UInt8(ascii: "\\")) }
      if byte == UInt8(ascii: "\\") && !isEscaped {
        isEscaped = true
        continue
      }
      bytes.append(byte)
      isEscaped = false
    }
    if isEscaped { bytes.append(UInt8(ascii: "\\")) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static let special = [
    UInt8(ascii: ","), UInt8(ascii: "$"), UInt8(ascii: "|"), UInt8(ascii: "\\"),
  ]

  /// What was sent, for an outcome: a stranger's text of any length is not sent back whole.
  static func excerpt(_ text: some StringProtocol) -> String {
    let start = text.unicodeScalars.prefix(excerptMax + 1)
    guard start.count > excerptMax else { return String(text) }
    var excerpt = String.UnicodeScalarView()
    excerpt.append(contentsOf: start.prefix(excerptMax))
    return String(excerpt) + "…"
  }

  static let excerptMax = 200
}
