/// Percent-encoding (RFC 3986 §2.1) of scopes and forms.
public enum PercentCoding {
  /// nil for an escape that is none, or for what is not UTF-8.
  /// - Parameter isForm: whether a plus stands for a space, as in queries.
  static func decode(_ text: some StringProtocol, isForm: Bool = false) -> String? {
    decode(utf8: text.utf8, isForm: isForm)
  }

  /// The same of bytes.
  public static func decode(utf8 text: some Collection<UInt8>, isForm: Bool) -> String? {
    var bytes: [UInt8] = []
    var digits = 0
    var value: UInt8 = 0
    for byte in text {
      if digits > 0 {
        guard let digit = hexDigit(byte) else { return nil }
        value = value << 4 | digit
        digits -= 1
        if digits == 0 { bytes.append(value) }
      } else if byte == UInt8(ascii: "%") {
        digits = 2
        value = 0
      } else {
        bytes.append(isForm && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
      }
    }
    return digits == 0 ? String(validating: bytes, as: UTF8.self) : nil
  }

  private static func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
    default: nil
    }
  }

  /// What RFC 6749 §3.3 does not allow in a scope, and what has a meaning in a query.
  static func encode(_ text: String) -> String {
    var bytes: [UInt8] = []
    let hex = Array("0123456789ABCDEF".utf8)
    for byte in text.utf8 {
      let isPlain = byte > 0x20 && byte < 0x7F && !"\"\\%&=+#?".utf8.contains(byte)
      if isPlain {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 0xF)]]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
