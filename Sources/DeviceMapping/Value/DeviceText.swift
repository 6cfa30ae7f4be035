import JSONCore
import JSONQuery

/// A value as the text that a measurement has for it. Measured values are texts in existing services; the conversions
/// are those of .NET's invariant culture, because what becomes of `98.60` or `true` is in stored Observations.
enum DeviceText: Equatable {
  case null
  case text(String)
  /// An array or object, or a whole number of more than 64 bits.
  case none

  static func of(_ node: JSONNode, in document: JSONDocument, _ settings: MappingSettings) -> DeviceText {
    switch document.kind(node) {
    case .null: return .null
    case .true: return .text("True")
    case .false: return .text("False")
    case .array, .object: return .none
    case .number:
      let lexeme = document.lexeme(node)
      return settings.preservesNumbers ? .text(String(decoding: lexeme, as: UTF8.self)) : number(lexeme)
    case .string:
      if !settings.preservesDates, !document.hasEscapes(node), let date = Timestamp.date(document.lexeme(node)) {
        return .text(date.invariant)
      }
      return .text(document.string(node) ?? "")
    }
  }

  static func of(_ value: JMESPathValue, in document: JSONDocument, _ settings: MappingSettings) -> DeviceText {
    switch value {
    case .node(let node): of(node, in: document, settings)
    case .null: .null
    case .bool(let value): .text(value ? "True" : "False")
    case .number(.integer(let value)): .text(String(value))
    case .number(.double(let value)): .text(double(value))
    case .string(let text): .text(text)
    case .array, .object: .none
    }
  }

  private static func number(_ lexeme: UnsafeBufferPointer<UInt8>) -> DeviceText {
    var isReal = false
    for byte in lexeme where byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e") { isReal = true }
    switch JSONNumber(lexeme: lexeme) {
    case .integer(let value)?: return .text(String(value))
    case .double(let value)? where isReal: return .text(double(value))
    default: return .none
    }
  }

  /// The shortest text that reads back as the same double, with an exponent below 1E-04 and above what its digits, but
  /// at least fifteen, can say.
  static func double(_ value: Double) -> String {
    let sign = value.sign == .minus ? "-" : ""
    guard value != 0 else { return sign + "0" }
    let (digits, scale) = decimal(abs(value))
    if scale > max(digits.count, 15) || scale < -3 {
      let exponent = scale - 1
      let power = String(abs(exponent))
      let head = digits.count > 1 ? "\(digits.prefix(1)).\(digits.dropFirst())" : digits
      return "\(sign)\(head)E\(exponent < 0 ? "-" : "+")\(power.count < 2 ? "0" : "")\(power)"
    }
    if scale <= 0 { return "\(sign)0.\(String(repeating: "0", count: -scale))\(digits)" }
    if scale >= digits.count { return sign + digits + String(repeating: "0", count: scale - digits.count) }
    return "\(sign)\(digits.prefix(scale)).\(digits.dropFirst(scale))"
  }

  /// The shortest digits without zeros at either end, and how many of them stand before the point.
  private static func decimal(_ value: Double) -> (digits: String, scale: Int) {
    var digits: [UInt8] = []
    var scale = 0
    var exponent = 0
    var isFraction = false
    var bytes = value.description.utf8[...]
    if let mark = bytes.firstIndex(of: UInt8(ascii: "e")) {
      exponent = Int(String(decoding: bytes[mark...].dropFirst(), as: UTF8.self)) ?? 0
      bytes = bytes[..<mark]
    }
    for byte in bytes {
      if byte == UInt8(ascii: ".") {
        isFraction = true
      } else if digits.isEmpty, byte == 48 {
        scale -= isFraction ? 1 : 0
      } else {
        digits.append(byte)
        scale += isFraction ? 0 : 1
      }
    }
    while digits.last == 48 { digits.removeLast() }
    return (String(decoding: digits, as: UTF8.self), scale + exponent)
  }
}
