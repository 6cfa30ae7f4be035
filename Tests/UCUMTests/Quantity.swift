import Testing
import UCUM

/// A value as it is written, and a unit: "98.6 [degF]", "1e3 g".
struct Quantity {
  let significand: Int128
  let scale: Int
  let unit: CanonicalUnit
  /// The double nearest to the value.
  let double: Double

  init(_ text: String) throws {
    let parts = text.split(separator: " ", maxSplits: 1)
    try self.init(value: String(parts[0]), code: String(parts[1]))
  }

  init(value: String, code: String) throws {
    let parts = value.split(separator: "e")
    let digits = parts[0].split(separator: ".")
    let fraction = digits.count > 1 ? String(digits[1]) : ""
    let exponent = parts.count > 1 ? try #require(Int(parts[1])) : 0
    significand = try #require(Int128(String(digits[0]) + fraction, radix: 10))
    scale = fraction.count - exponent
    unit = try UCUM.unit(code)
    double = try #require(Double(value))
  }

  var canonical: Double { unit.value(significand: significand, scale: scale) }

  func value(in other: CanonicalUnit) -> Double? { unit.value(significand: significand, scale: scale, in: other) }
}
