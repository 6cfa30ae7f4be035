import Base

/// Base64 from bytes to bytes, for contents of many megabytes: each byte is looked at once, nothing becomes a String.
extension Base64 {
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let notADigit: UInt8 = 0xFF
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: notADigit, count: 256)
    for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
    return values
  }()

  /// How long the base64 form of so many bytes is.
  static func length(ofBytes count: Int) -> Int { (count + 2) / 3 * 4 }

  /// Appends the base64 form with its padding.
  static func append(_ bytes: UnsafeRawBufferPointer, to text: inout [UInt8]) {
    text.reserveCapacity(text.count + length(ofBytes: bytes.count))
    digits.withUnsafeBufferPointer { digits in
      var place = 0
      while place + 2 < bytes.count {
        let group = UInt32(bytes[place]) << 16 | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2])
        text.append(digits[Int(group >> 18 & 63)])
        text.append(digits[Int(group >> 12 & 63)])
        text.append(digits[Int(group >> 6 & 63)])
        text.append(digits[Int(group & 63)])
        place += 3
      }
      guard place < bytes.count else { return }
      let isPair = place + 1 < bytes.count
      let group = UInt32(bytes[place]) << 16 | (isPair ? UInt32(bytes[place + 1]) << 8 : 0)
      text.append(digits[Int(group >> 18 & 63)])
      text.append(digits[Int(group >> 12 & 63)])
      text.append(isPair ? digits[Int(group >> 6 & 63)] : UInt8(ascii: "="))
      text.append(UInt8(ascii: "="))
    }
  }

  /// The bytes of a base64 text; white space is skipped as in FHIR's base64Binary. nil for anything else.
  static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var group: UInt32 = 0
    var count = 0
    var padding = 0
    let isSound = values.withUnsafeBufferPointer { values in
      for character in text {
        let value = values[Int(character)]
        if value != notADigit {
          guard padding == 0 else { return false }
          group = group << 6 | UInt32(value)
        } else if character == UInt8(ascii: "=") {
          padding += 1
          guard count >= 2, padding <= 2 else { return false }
          group <<= 6
        } else {
          guard character == 0x20 || character >= 0x09 && character <= 0x0D else { return false }
          continue
        }
        count += 1
        guard count == 4 else { continue }
        bytes.append(UInt8(truncatingIfNeeded: group >> 16))
        if padding < 2 { bytes.append(UInt8(truncatingIfNeeded: group >> 8)) }
        if padding < 1 { bytes.append(UInt8(truncatingIfNeeded: group)) }
        group = 0
        count = 0
      }
      return count == 0
    }
    return isSound ? bytes : nil
  }
}
