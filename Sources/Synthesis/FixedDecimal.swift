/// A decimal number with a fixed count of digits after the point, so that values are written exactly as measured:
/// 98.60 stays 98.60.
struct FixedDecimal: Sendable, Equatable {
  /// The number times 10 to the power of `digits`.
  var mantissa: Int
  /// 0 to 4.
  var digits: Int

  init(mantissa: Int, digits: Int) {
    self.mantissa = mantissa
    self.digits = digits
  }

  /// The nearest decimal to a value of everyday size.
  init(_ value: Double, digits: Int) {
    self.init(mantissa: Int((value * Double(FixedDecimal.power(digits))).rounded()), digits: digits)
  }

  var value: Double { Double(mantissa) / Double(FixedDecimal.power(digits)) }

  private static func power(_ digits: Int) -> Int {
    var power = 1
    for _ in 0..<digits { power *= 10 }
    return power
  }

  /// Appends the JSON number.
  func append(to bytes: inout [UInt8]) {
    let power = FixedDecimal.power(digits)
    if mantissa < 0 { bytes.append(UInt8(ascii: "-")) }
    let distance = abs(mantissa)
    FixedDecimal.append(distance / power, to: &bytes)
    guard digits > 0 else { return }
    bytes.append(UInt8(ascii: "."))
    var divisor = power / 10
    while divisor > 0 {
      bytes.append(UInt8(truncatingIfNeeded: 48 + distance / divisor % 10))
      divisor /= 10
    }
  }

  private static func append(_ value: Int, to bytes: inout [UInt8]) {
    var divisor = 1
    while value / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      bytes.append(UInt8(truncatingIfNeeded: 48 + value / divisor % 10))
      divisor /= 10
    }
  }
}
