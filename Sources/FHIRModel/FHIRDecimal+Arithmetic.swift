/// Arithmetic as FHIRPath N1 §6.6 asks for it. Results keep up to 38 digits and are rounded, half away from zero, past
/// them (`isExact` is then false). Nil means: no such number (division by zero, an exponent out of range).
extension FHIRDecimal {
  public var negated: FHIRDecimal { FHIRDecimal(significand: -significand, scale: scale, isExact: isExact) }
  public var absolute: FHIRDecimal { isNegative ? negated : self }

  public func adding(_ other: FHIRDecimal) -> FHIRDecimal {
    let (a, b, scale, exact) = FHIRDecimal.aligned(self, other)
    let (sum, overflow) = a.addingReportingOverflow(b)
    if !overflow { return FHIRDecimal(significand: sum, scale: scale, isExact: exact) }
    // 2^127 lies between 10^38 and 2 × 10^38: one digit less fits for certain.
    let (x, y) = (a.quotientAndRemainder(dividingBy: 10), b.quotientAndRemainder(dividingBy: 10))
    let tail = x.remainder + y.remainder
    let carry: Int128 = tail >= 5 ? (tail >= 15 ? 2 : 1) : tail <= -5 ? (tail <= -15 ? -2 : -1) : 0
    return FHIRDecimal(significand: x.quotient + y.quotient + carry, scale: scale - 1, isExact: false)
  }

  public func subtracting(_ other: FHIRDecimal) -> FHIRDecimal { adding(other.negated) }

  public func multiplied(by other: FHIRDecimal) -> FHIRDecimal {
    let exact = isExact && other.isExact
    let (product, overflow) = significand.multipliedReportingOverflow(by: other.significand)
    if !overflow { return FHIRDecimal(significand: product, scale: scale + other.scale, isExact: exact) }
    let wide = significand.magnitude.multipliedFullWidth(by: other.significand.magnitude)
    let surplus = max(digitCount + other.digitCount - FHIRDecimal.digitsMax, 1)
    guard let divisor = FHIRDecimal.power(surplus), wide.high < divisor else { return .zero }
    let (truncated, remainder) = divisor.dividingFullWidth((wide.high, wide.low))
    let quotient = remainder >= divisor - remainder ? truncated + 1 : truncated
    let signed = Int128(truncatingIfNeeded: quotient)
    return FHIRDecimal(
      significand: isNegative == other.isNegative ? signed : -signed, scale: scale + other.scale - surplus,
      isExact: exact && remainder == 0)
  }

  /// The quotient with at least 8 digits after the point and at least 18 significant ones, trailing zeros removed.
  public func divided(by other: FHIRDecimal) -> FHIRDecimal? {
    guard !other.isZero else { return nil }
    if isZero { return .zero }
    // The place of the quotient's first digit, at most one off: enough places for 18 digits and for 8 after the point.
    let whole = (digitCount - scale) - (other.digitCount - other.scale)
    let places = max(8, 19 - whole, significantScale - other.significantScale)
    var numerator = FHIRDecimal.Wide(significand.magnitude)
    let shift = places - scale + other.scale
    var denominator = other.significand.magnitude
    if shift >= 0 {
      guard numerator.multiply(byPowerOfTen: shift) else { return dividedApproximately(by: other) }
    } else {
      guard let power = FHIRDecimal.power(-shift) else { return dividedApproximately(by: other) }
      let (product, overflow) = denominator.multipliedReportingOverflow(by: power)
      guard !overflow else { return dividedApproximately(by: other) }
      denominator = product
    }
    guard numerator.high < denominator else { return dividedApproximately(by: other) }
    let (truncated, remainder) = denominator.dividingFullWidth((numerator.high, numerator.low))
    // A quotient at 2^128 - 1 would overflow by rounding; it does not fit 38 digits anyway.
    guard truncated < UInt128(Int128.max) else { return dividedApproximately(by: other) }
    let quotient = remainder >= denominator - remainder ? truncated + 1 : truncated
    let signed = isNegative == other.isNegative ? Int128(quotient) : -Int128(quotient)
    return FHIRDecimal(significand: signed, scale: places, isExact: isExact && other.isExact && remainder == 0)
      .trimmedFraction
  }

  /// For operands whose quotient does not fit 38 digits at the wanted place: the first 18 digits, by rounded operands.
  private func dividedApproximately(by other: FHIRDecimal) -> FHIRDecimal? {
    let a = significantRounded(to: 18)
    let b = other.significantRounded(to: 18)
    guard let numerator = FHIRDecimal.power(19) else { return nil }
    // 18 digits × 10^19 is below 10^37.
    let magnitude = a.significand.magnitude * numerator
    let result = FHIRDecimal.quotientRounded(magnitude, b.significand.magnitude)
    let signed = isNegative == other.isNegative ? Int128(result.quotient) : -Int128(result.quotient)
    return FHIRDecimal(significand: signed, scale: a.scale - b.scale + 19, isExact: false).trimmedFraction
  }

  /// FHIRPath `div`: the whole part of the quotient. Nil for zero divisors and where 38 digits do not hold it.
  public func quotient(dividingBy other: FHIRDecimal) -> FHIRDecimal? { quotientAndRemainder(other)?.quotient }

  /// FHIRPath `mod`: what `div` leaves, with the sign of the dividend.
  public func remainder(dividingBy other: FHIRDecimal) -> FHIRDecimal? { quotientAndRemainder(other)?.remainder }

  private func quotientAndRemainder(_ other: FHIRDecimal) -> (quotient: FHIRDecimal, remainder: FHIRDecimal)? {
    guard !other.isZero else { return nil }
    let (a, b, scale, exact) = FHIRDecimal.aligned(self, other)
    guard b != 0, exact || !(isExact && other.isExact) else {
      // Alignment lost digits: the operands are more than 38 digits apart.
      return absolute < other.absolute ? (.zero, self) : nil
    }
    let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
    return (
      FHIRDecimal(significand: quotient, scale: 0, isExact: exact),
      FHIRDecimal(significand: remainder, scale: scale, isExact: exact)
    )
  }

  /// An integer power, exact while it fits 38 digits; nil for 0 to a negative power and past the exponent's range.
  public func power(_ exponent: Int) -> FHIRDecimal? {
    if exponent < 0 {
      guard exponent > -FHIRDecimal.exponentMax, let base = power(-exponent) else { return nil }
      return FHIRDecimal(1).divided(by: base)
    }
    guard exponent <= FHIRDecimal.exponentMax else { return nil }
    var result = FHIRDecimal(1)
    var square = self
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result = result.multiplied(by: square) }
      rest >>= 1
      if rest > 0 { square = square.multiplied(by: square) }
      if abs(result.scale) >= FHIRDecimal.exponentMax || abs(square.scale) >= FHIRDecimal.exponentMax { return nil }
    }
    return result
  }

  /// Rounded to so many digits after the point, half away from zero. Values with fewer stay as they are.
  public func rounded(to places: Int) -> FHIRDecimal {
    guard places < scale else { return self }
    let places = max(places, -FHIRDecimal.exponentMax)
    guard let divisor = FHIRDecimal.power(scale - places) else { return FHIRDecimal(significand: 0, scale: places) }
    let magnitude = FHIRDecimal.quotientRounded(significand.magnitude, divisor).quotient
    return FHIRDecimal(
      significand: isNegative ? -Int128(magnitude) : Int128(magnitude), scale: places, isExact: isExact)
  }

  /// The whole part, towards zero.
  public var truncated: FHIRDecimal {
    guard scale > 0 else { return self }
    guard let divisor = FHIRDecimal.power(scale) else { return .zero }
    return FHIRDecimal(significand: significand / Int128(divisor), scale: 0, isExact: isExact)
  }

  /// The next whole number at or below.
  public var floor: FHIRDecimal {
    let whole = truncated
    return isNegative && whole != self ? whole.subtracting(FHIRDecimal(1)) : whole
  }

  /// The next whole number at or above.
  public var ceiling: FHIRDecimal {
    let whole = truncated
    return !isNegative && whole != self ? whole.adding(FHIRDecimal(1)) : whole
  }
}

// MARK: - Precision

extension FHIRDecimal {
  /// The values that equal this one at the precision it is written with, as a half-open range
  /// (FHIR R4 search#number): 100 → [99.5, 100.5), 100.00 → [99.995, 100.005), 2.00e-3 → [0.001995, 0.002005).
  ///
  /// The standard's table gives [95, 105) for 1e2, so a single digit with a positive exponent counts as two (1.0e2).
  public var implicitRange: (low: FHIRDecimal, high: FHIRDecimal) {
    var digits = significand
    var places = scale
    if scale < 0, digits.magnitude < 10 {
      digits *= 10
      places += 1
    }
    let base = FHIRDecimal(significand: digits, scale: places, isExact: isExact)
    let half = FHIRDecimal(significand: 5, scale: places + 1)
    return (base.subtracting(half), base.adding(half))
  }

  /// The range of the `ap` prefix: 10 % of the value to either side (FHIR R4 search#prefix), at least its precision.
  public var approximateRange: (low: FHIRDecimal, high: FHIRDecimal) {
    let span = FHIRDecimal(significand: significand, scale: scale + 1).absolute
    let (low, high) = implicitRange
    return (min(low, subtracting(span)), max(high, adding(span)))
  }
}

// MARK: - Alignment

extension FHIRDecimal {
  /// A magnitude of up to 256 bits.
  struct Wide {
    var high: UInt128 = 0
    var low: UInt128

    init(_ value: UInt128) { low = value }

    /// False when the product does not fit.
    mutating func multiply(byPowerOfTen exponent: Int) -> Bool {
      var rest = exponent
      while rest > 0 {
        guard let factor = FHIRDecimal.power(min(rest, 38)) else { return false }
        let lower = low.multipliedFullWidth(by: factor)
        let (upper, overflow) = high.multipliedReportingOverflow(by: factor)
        let (sum, carry) = upper.addingReportingOverflow(lower.high)
        guard !overflow, !carry else { return false }
        high = sum
        low = lower.low
        rest -= min(rest, 38)
      }
      return true
    }
  }

  /// Both significands at one scale: the larger of the two where they fit 38 digits there, else as large as fits.
  static func aligned(_ a: FHIRDecimal, _ b: FHIRDecimal) -> (Int128, Int128, scale: Int, isExact: Bool) {
    let exact = a.isExact && b.isExact
    if a.scale == b.scale { return (a.significand, b.significand, a.scale, exact) }
    if a.scale > b.scale {
      let (y, x, scale, kept) = aligned(b, a)
      return (x, y, scale, kept)
    }
    if a.isZero { return (0, b.significand, b.scale, exact) }
    let room = digitsMax - a.digitCount
    let shift = min(room, b.scale - a.scale)
    let scale = a.scale + shift
    let x = a.significand * Int128(power(shift) ?? 1)
    if scale == b.scale { return (x, b.significand, scale, exact) }
    let y = b.rounded(to: scale)
    return (x, y.significand, scale, exact && y == b)
  }

  /// Rounded to so many significant digits.
  func significantRounded(to digits: Int) -> FHIRDecimal {
    let surplus = digitCount - digits
    return surplus > 0 ? rounded(to: scale - surplus) : self
  }

  /// Without trailing zeros after the point; whole numbers keep theirs.
  var trimmedFraction: FHIRDecimal {
    var digits = significand
    var places = scale
    while places > 0, digits % 10 == 0 {
      digits /= 10
      places -= 1
    }
    return FHIRDecimal(significand: digits, scale: places, isExact: isExact)
  }
}
