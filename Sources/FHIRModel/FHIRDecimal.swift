/// A decimal number as FHIR and FHIRPath mean it: exact, and aware of how many digits were written.
///
/// The value is `significand × 10^-scale`. Up to 38 significant digits are kept exactly, twice what the standard asks
/// for (FHIR R4 datatypes#decimal: 18 digits; FHIRPath N1: 28 digits, 8 of them after the point). Longer lexemes are
/// rounded to 38 digits, half away from zero, and say so by `isExact`. Exponents past ±100,000 are cut to that bound
/// and are inexact too. Nothing traps.
///
/// Two decimals are equal when their values are (5 == 5.000); `scale` tells them apart where precision matters.
public struct FHIRDecimal: Sendable {
  /// All written digits as one integer, the sign included.
  public let significand: Int128
  /// Digits after the point as written; negative for exponent forms such as `1e2`.
  public let scale: Int
  /// False when digits of the lexeme, or of a result, did not fit and were rounded away.
  public let isExact: Bool

  /// The most significant digits kept.
  public static let digitsMax = 38
  /// The bound of `scale` and of lexemes' exponents, either way.
  public static let exponentMax = 100_000

  public static let zero = FHIRDecimal(0)

  public init(_ value: Int) { self.init(significand: Int128(value), scale: 0) }

  /// `significand × 10^-scale`. A significand of 39 digits is rounded to 38; the scale is cut to its bound.
  public init(significand: Int128, scale: Int, isExact: Bool = true) {
    var exact = isExact
    var digits = significand
    var places = scale
    if digits.magnitude >= FHIRDecimal.tooLarge {
      let halved = FHIRDecimal.quotientRounded(digits.magnitude, 10)
      exact = exact && halved.remainder == 0
      digits = digits < 0 ? -Int128(halved.quotient) : Int128(halved.quotient)
      places = places.subtractingReportingOverflow(1).partialValue
    }
    if places > FHIRDecimal.exponentMax || places < -FHIRDecimal.exponentMax {
      places = places > 0 ? FHIRDecimal.exponentMax : -FHIRDecimal.exponentMax
      exact = false
    }
    self.significand = digits
    self.scale = places
    self.isExact = exact
  }

  /// The nearest decimal of a binary floating-point number in its shortest form; nil when not finite.
  public init?(approximating value: Double) {
    guard value.isFinite else { return nil }
    let text = value.description
    self.init(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
  }

  /// The significand where it fits 64 bits.
  public var mantissa: Int64? { Int64(exactly: significand) }

  public var isZero: Bool { significand == 0 }
  public var isNegative: Bool { significand < 0 }

  /// The count of written digits without leading zeros; 1 for zero.
  public var digitCount: Int { FHIRDecimal.digitCount(significand.magnitude) }

  /// Digits after the point without trailing zeros, never negative: 2.50 has 1, 100 and 1e2 have 0.
  public var significantScale: Int { max(0, trimmed.scale) }

  /// The same value with trailing zeros of the significand removed.
  public var trimmed: FHIRDecimal {
    guard significand != 0 else { return .zero }
    var digits = significand
    var places = scale
    while digits % 10 == 0 {
      digits /= 10
      places -= 1
    }
    return FHIRDecimal(significand: digits, scale: places, isExact: isExact)
  }

  /// The double nearest to the value; infinite past the range of doubles.
  public var double: Double {
    // Both operands are exact doubles here, so the one operation rounds correctly (Clinger's fast path).
    if significand.magnitude < 1 << 53, scale >= -22, scale <= 22 {
      let digits = Double(Int64(significand))
      return scale >= 0 ? digits / FHIRDecimal.doublePowers[scale] : digits * FHIRDecimal.doublePowers[-scale]
    }
    return Double("\(significand)e\(-scale)") ?? 0
  }

  /// The value as an integer when it is whole and fits.
  public var integer: Int? {
    guard let whole = rescaledExactly(to: 0) else { return nil }
    return Int(exactly: whole)
  }

  static let doublePowers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]
}

// MARK: - Digits

extension FHIRDecimal {
  /// 10^0 … 10^38.
  static let powers: [UInt128] = {
    var list: [UInt128] = [1]
    for _ in 0..<38 { list.append((list.last ?? 1) * 10) }
    return list
  }()

  /// The first magnitude of 39 digits.
  static let tooLarge: UInt128 = powers[38]

  /// 10^exponent, nil past 38 or below zero.
  static func power(_ exponent: Int) -> UInt128? {
    exponent >= 0 && exponent < powers.count ? powers[exponent] : nil
  }

  static func digitCount(_ magnitude: UInt128) -> Int {
    if magnitude < 10 { return 1 }
    // log10(2) ≈ 1233 / 4096: a first guess from the bit width, which is at most one too low.
    let guess = ((128 - magnitude.leadingZeroBitCount) * 1233) >> 12
    guard let power = power(guess) else { return guess }
    return magnitude >= power ? guess + 1 : guess
  }

  /// Divides and rounds half away from zero (magnitudes only).
  static func quotientRounded(_ dividend: UInt128, _ divisor: UInt128) -> (quotient: UInt128, remainder: UInt128) {
    let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
    return (remainder >= divisor - remainder ? quotient + 1 : quotient, remainder)
  }

  /// The significand at another scale; nil when that loses digits or does not fit.
  func rescaledExactly(to target: Int) -> Int128? {
    if target >= scale {
      if significand == 0 { return 0 }
      guard let factor = FHIRDecimal.power(target - scale) else { return nil }
      let (product, overflow) = significand.multipliedReportingOverflow(by: Int128(factor))
      return overflow ? nil : product
    }
    guard let divisor = FHIRDecimal.power(scale - target) else { return significand == 0 ? 0 : nil }
    let (quotient, remainder) = significand.quotientAndRemainder(dividingBy: Int128(divisor))
    return remainder == 0 ? quotient : nil
  }
}

// MARK: - Order

extension FHIRDecimal: Hashable, Comparable {
  public static func == (a: FHIRDecimal, b: FHIRDecimal) -> Bool {
    a.scale == b.scale ? a.significand == b.significand : a.compare(b) == 0
  }

  public static func < (a: FHIRDecimal, b: FHIRDecimal) -> Bool { a.compare(b) < 0 }

  public func hash(into hasher: inout Hasher) {
    let value = trimmed
    hasher.combine(value.significand)
    hasher.combine(value.scale)
  }

  /// Exact comparison: negative, zero or positive.
  func compare(_ other: FHIRDecimal) -> Int {
    let sign = significand.signum()
    let otherSign = other.significand.signum()
    if sign != otherSign { return sign < otherSign ? -1 : 1 }
    if sign == 0 { return 0 }
    let order = FHIRDecimal.compareMagnitudes(self, other)
    return sign > 0 ? order : -order
  }

  private static func compareMagnitudes(_ a: FHIRDecimal, _ b: FHIRDecimal) -> Int {
    // The place of the first digit decides, unless it is the same; then both have at most 38 digits' distance.
    let first = a.digitCount - a.scale
    let otherFirst = b.digitCount - b.scale
    if first != otherFirst { return first < otherFirst ? -1 : 1 }
    let (x, y) = (a.significand.magnitude, b.significand.magnitude)
    if a.scale == b.scale { return x == y ? 0 : x < y ? -1 : 1 }
    if a.scale > b.scale { return -compareScaled(y, by: a.scale - b.scale, to: x) }
    return compareScaled(x, by: b.scale - a.scale, to: y)
  }

  /// Compares `x × 10^shift` with `y`. The digits line up, so the product has as many digits as `y`: it fits.
  private static func compareScaled(_ x: UInt128, by shift: Int, to y: UInt128) -> Int {
    guard let factor = power(shift) else { return 1 }
    let (product, overflow) = x.multipliedReportingOverflow(by: factor)
    if overflow { return 1 }
    return product == y ? 0 : product < y ? -1 : 1
  }
}
