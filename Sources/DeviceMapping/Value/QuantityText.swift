/// Measured texts as FHIR decimals.
enum QuantityText {
  private static let digitsMax = 28

  /// A JSON number for a text: with a sign, thousands separators and a point, or an exponent of ten. Digits are kept,
  /// also zeros at the end; nil for any other text and for numbers of more than 28 digits.
  static func decimal(_ text: String) -> String? {
    var whole: [UInt8] = []
    var fraction: [UInt8] = []
    var isNegative = false
    var isFraction = false
    var bytes = trimmed(text)
    if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      isNegative = sign == UInt8(ascii: "-")
      bytes = bytes.dropFirst()
    }
    var exponent = 0
    if let mark = bytes.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
      guard let power = Int(String(decoding: bytes[(mark + 1)...], as: UTF8.self)), abs(power) <= digitsMax else {
        return nil
      }
      exponent = power
      bytes = bytes[..<mark]
    }
    for byte in bytes {
      switch byte {
      case 48...57 where isFraction: fraction.append(byte)
      case 48...57: whole.append(byte)
      case UInt8(ascii: ".") where !isFraction: isFraction = true
      case UInt8(ascii: ",") where !isFraction && !whole.isEmpty: continue
      default: return nil
      }
    }
    guard !(whole.isEmpty && fraction.isEmpty) else { return nil }
    return shifted(whole, fraction, exponent).map { (isNegative ? "-" : "") + $0 }
  }

  private static func trimmed(_ text: String) -> ArraySlice<UInt8> {
    var bytes = Array(text.utf8)[...]
    while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
    while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
    return bytes
  }

  private static func shifted(_ whole: [UInt8], _ fraction: [UInt8], _ exponent: Int) -> String? {
    guard whole.count + fraction.count <= 2 * digitsMax else { return nil }
    var (whole, fraction) = (whole, fraction)
    for _ in 0..<max(exponent, 0) { whole.append(fraction.isEmpty ? 48 : fraction.removeFirst()) }
    for _ in 0..<max(-exponent, 0) { fraction.insert(whole.popLast() ?? 48, at: 0) }
    while whole.first == 48 { whole.removeFirst() }
    guard whole.count + fraction.count <= 2 * digitsMax, whole.count <= digitsMax + 1 else { return nil }
    let head = whole.isEmpty ? "0" : String(decoding: whole, as: UTF8.self)
    return fraction.isEmpty ? head : head + "." + String(decoding: fraction, as: UTF8.self)
  }
}
