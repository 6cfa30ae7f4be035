/// From exact numbers to doubles.
extension Rational {
  /// The double nearest to the number, ties to even, if it has no π and numerator and denominator still fit 128 bits
  /// with their powers of five (a unit of the table times a value of 18 digits does). Else within 2 ulp, one more for
  /// each factor of π. The same number gives the same double either way. Infinite or zero past the range of doubles.
  var double: Double {
    guard numerator != 0 else { return 0 }
    let magnitude = Self.timesPi(magnitudeWithoutPi, power: pis)
    return numerator < 0 ? -magnitude : magnitude
  }

  private var magnitudeWithoutPi: Double {
    if let power = fives.magnitude < UInt(Self.fivePowers.count) ? Self.fivePowers[Int(fives.magnitude)].magnitude : nil
    {
      let (top, overflow) = numerator.magnitude.multipliedReportingOverflow(by: fives > 0 ? power : 1)
      let (bottom, overflow2) = denominator.magnitude.multipliedReportingOverflow(by: fives < 0 ? power : 1)
      if !overflow, !overflow2 { return Self.scale(Self.quotient(top, bottom), by: twos) }
    }
    // 2^t × 5^f = 10^f × 2^(t - f)
    let tens = Double("\(numerator.magnitude)e\(fives)") ?? 0
    return Self.scale(tens / Double(denominator), by: twos - fives)
  }

  /// `top / bottom`, rounded once.
  static func quotient(_ top: UInt128, _ bottom: UInt128) -> Double {
    // Both operands are exact doubles, so the one operation rounds correctly.
    if top < 1 << 53, bottom < 1 << 53 { return Double(UInt64(top)) / Double(UInt64(bottom)) }
    let topShift = top.leadingZeroBitCount - 1
    let bottomShift = bottom.leadingZeroBitCount
    // The divisor has its highest bit, the dividend has not: the quotient has 127 or 128 bits.
    let dividend = topShift < 0 ? top >> 1 : top << UInt128(topShift)
    let lost = topShift < 0 ? top & 1 : 0
    let divisor = bottom << UInt128(bottomShift)
    let (quotient, remainder) = divisor.dividingFullWidth((high: dividend, low: lost << 127))
    // 62 bits and more, the last of which stands for all that follow.
    let isRest = remainder != 0 || quotient & UInt128(UInt64.max) != 0
    let digits = UInt64(quotient >> 64) | (isRest ? 1 : 0)
    return scale(Double(digits), by: bottomShift - topShift - 64)
  }

  /// `number × 2^exponent`.
  static func scale(_ number: Double, by exponent: Int) -> Double {
    exponent == 0 ? number : Double(sign: .plus, exponent: exponent, significand: number)
  }

  static func timesPi(_ number: Double, power: Int) -> Double {
    var result = number
    // No double is larger than π^621.
    for _ in 0..<min(power.magnitude, 1300) { result = power > 0 ? result * .pi : result / .pi }
    return result
  }
}

extension Rational {
  /// The exact value of a double; nil if it is not finite.
  init?(_ value: Double) {
    guard value.isFinite else { return nil }
    guard value != 0 else {
      self.init(integer: 0)
      return
    }
    // A significand of at most 53 bits, as an integer, times a power of two.
    let exponent = Int(value.exponent) - 52
    let digits = Int64(value.significand * 0x1p52)
    self.init(binary: value < 0 ? -digits : digits, exponent: exponent)
  }
}
