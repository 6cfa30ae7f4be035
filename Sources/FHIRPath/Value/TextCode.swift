/// The codes of `encode`, `decode`, `escape` and `unescape` (FHIRPath 2.0 STU §Additional string functions).
enum TextCode {
  case hex, base64, urlbase64

  init(_ name: String, at offset: Int) throws(FHIRPathError) {
    switch name {
    case "hex": self = .hex
    case "base64": self = .base64
    case "urlbase64": self = .urlbase64
    default: throw FHIRPathError(.execution, "the encodings are hex, base64 and urlbase64", at: offset)
    }
  }

  func encode(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    guard self != .hex else {
      let digits = Array("0123456789abcdef".utf8)
      for byte in bytes { result += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
      return String(decoding: result, as: UTF8.self)
    }
    let alphabet = self == .base64 ? TextCode.alphabet : TextCode.urlAlphabet
    var index = 0
    while index < bytes.count {
      let count = min(3, bytes.count - index)
      var group: UInt32 = 0
      for place in 0..<3 { group = group << 8 | (place < count ? UInt32(bytes[index + place]) : 0) }
      for place in 0..<4 {
        let digit = Int(group >> UInt32(18 - 6 * place) & 63)
        result.append(place <= count ? alphabet[digit] : UInt8(ascii: "="))
      }
      index += 3
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// nil for what is not in this code, or not UTF-8.
  func decode(_ text: String) -> String? {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    if self == .hex {
      guard bytes.count % 2 == 0 else { return nil }
      for index in stride(from: 0, to: bytes.count, by: 2) {
        guard let high = Character(Unicode.Scalar(bytes[index])).hexDigitValue,
          let low = Character(Unicode.Scalar(bytes[index + 1])).hexDigitValue
        else { return nil }
        result.append(UInt8(high << 4 | low))
      }
      return String(validating: result, as: UTF8.self)
    }
    let digits = bytes.filter { $0 != UInt8(ascii: "=") }
    guard digits.count % 4 != 1 else { return nil }
    let alphabet = self == .base64 ? TextCode.alphabet : TextCode.urlAlphabet
    var (group, bits): (UInt32, Int) = (0, 0)
    for digit in digits {
      guard let value = alphabet.firstIndex(of: digit) else { return nil }
      group = group << 6 | UInt32(value)
      bits += 6
      if bits >= 8 {
        bits -= 8
        result.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
      }
    }
    return String(validating: result, as: UTF8.self)
  }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let urlAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  static func escape(_ text: String, _ target: String, at offset: Int) throws(FHIRPathError) -> String {
    var result = ""
    switch target {
    case "html":
      for character in text {
        switch character {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        default: result.append(character)
        }
      }
    case "json":
      for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case _ where scalar.value < 0x20:
          let digits = String(scalar.value, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
      }
    default: throw FHIRPathError(.execution, "the targets of escape() are html and json", at: offset)
    }
    return result
  }

  static func unescape(_ text: String, _ target: String, at offset: Int) throws(FHIRPathError) -> String {
    switch target {
    case "html": return unescapedHTML(text)
    case "json": return unescapedJSON(text)
    default: throw FHIRPathError(.execution, "the targets of unescape() are html and json", at: offset)
    }
  }

  private static let entities: [Substring: Character] = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"]

  private static func unescapedHTML(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let sign = rest.firstIndex(of: "&") {
      result += rest[..<sign]
      rest = rest[sign...]
      guard let end = rest.prefix(12).firstIndex(of: ";"), let character = entity(rest[..<end].dropFirst()) else {
        result.append("&")
        rest = rest.dropFirst()
        continue
      }
      result.append(character)
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }

  private static func entity(_ name: Substring) -> Character? {
    if let known = entities[name] { return known }
    guard name.first == "#" else { return nil }
    let isHexadecimal = name.dropFirst().first == "x"
    let digits = name.dropFirst(isHexadecimal ? 2 : 1)
    return UInt32(digits, radix: isHexadecimal ? 16 : 10).flatMap { Unicode.Scalar($0) }.map { Character($0) }
  }

  private static func unescapedJSON(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    var rest = text.unicodeScalars[...]
    while let next = rest.popFirst() {
      guard next == "\\", let escape = rest.popFirst() else {
        result.append(next)
        continue
      }
      switch escape {
      case "n": result.append("\n")
      case "r": result.append("\r")
      case "t": result.append("\t")
      case "b": result.append("\u{8}")
      case "f": result.append("\u{c}")
      case "u":
        guard let unit = UInt32(String(rest.prefix(4)), radix: 16), let scalar = Unicode.Scalar(unit) else { continue }
        result.append(scalar)
        rest = rest.dropFirst(4)
      default: result.append(escape)
      }
    }
    return String(result)
  }
}
