/// A unit in base units: what quantities must have in common to be compared, and how their values get there.
///
/// A quantity's canonical value is `value × factor`, for temperatures on an interval scale `value × factor + offset`.
/// Both are exact (see `Rational`), and rounded to a double once, in the end. Therefore quantities that are equal
/// have equal canonical values: 1 kg and 1000 g, 37 Cel and 98.6 [degF], 1 mm[Hg] and 0.1333220 kPa.
public struct CanonicalUnit: Sendable, Hashable {
  /// One allocation per unit, shared by all copies: they are handed out by the cache for every quantity.
  private final class Storage: Sendable {
    let code: String
    let factor: Rational
    let offset: Rational?

    init(code: String, factor: Rational, offset: Rational?) {
      self.code = code
      self.factor = factor
      self.offset = offset
    }
  }

  private let storage: Storage

  /// The unit's canonical code, itself a code of UCUM: base symbols sorted by their bytes, each with its exponent
  /// unless that is 1, joined by `.`: `g`, `m-3.mol`, `g.m-1.s-2`. A pure number has `1`.
  public var code: String { storage.code }

  var factor: Rational { storage.factor }
  /// In the canonical unit; nil for a ratio scale.
  var offset: Rational? { storage.offset }

  init(code: String, factor: Rational, offset: Rational?) {
    storage = Storage(code: code, factor: factor, offset: offset)
  }

  public static func == (a: CanonicalUnit, b: CanonicalUnit) -> Bool {
    a.storage === b.storage || a.code == b.code && a.factor == b.factor && a.offset == b.offset
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(code)
    hasher.combine(factor)
  }

  /// The factor as a double, within 1 ulp (2 ulp with π).
  public var factorDouble: Double { factor.double }

  /// Whether zero is not the scale's natural zero: degrees Celsius, Fahrenheit and Réaumur.
  public var isIntervalScale: Bool { offset != nil }

  /// The canonical value of `significand × 10^-scale` in this unit.
  ///
  /// The double nearest to the exact value wherever that fits 128 bits, which holds for values of 18 digits in any
  /// unit of UCUM's table with a usual prefix; 1 ulp more for each factor of π. Past that, within 4 ulp. Infinite past
  /// the range of doubles.
  public func value(significand: Int128, scale: Int) -> Double {
    if let value = quickValue(significand, scale) { return value }
    if let value = Rational(significand: significand, scale: scale), let result = exactValue(value) {
      return result.double
    }
    return roundedValue(Double("\(significand)e\(0 - min(max(scale, -100_000), 100_000))") ?? 0)
  }

  /// The canonical value of a double, which is taken as it is: 0.1 means 0.1000000000000000055….
  public func value(_ value: Double) -> Double {
    guard value.isFinite else { return value }
    if value == 0 { return offset?.double ?? 0 }
    if let exact = Rational(value), let result = exactValue(exact) { return result.double }
    return roundedValue(value)
  }

  /// The value of `significand × 10^-scale` in another unit; nil if the two are not comparable.
  public func value(significand: Int128, scale: Int, in other: CanonicalUnit) -> Double? {
    guard code == other.code else { return nil }
    if let value = Rational(significand: significand, scale: scale), let exact = exactValue(value),
      let shifted = other.offset.map({ offset in offset.negated.flatMap { exact.adding($0) } }) ?? exact,
      let inverse = other.factor.reciprocal, let result = shifted.multiplied(by: inverse)
    {
      return result.double
    }
    return (value(significand: significand, scale: scale) - (other.offset?.double ?? 0)) / other.factor.double
  }

  private func exactValue(_ value: Rational) -> Rational? {
    guard let product = value.multiplied(by: factor) else { return nil }
    guard let offset else { return product }
    return product.adding(offset)
  }

  private func roundedValue(_ value: Double) -> Double { value * factor.double + (offset?.double ?? 0) }

  /// Where both the numerator and the denominator, powers of five included, are exact doubles, their one division
  /// rounds correctly, and the power of two is exact.
  private func quickValue(_ significand: Int128, _ scale: Int) -> Double? {
    guard offset == nil, factor.pis == 0, scale.magnitude < 1000, let digits = Int64(exactly: significand),
      let numerator = Int64(exactly: factor.numerator), let denominator = Int64(exactly: factor.denominator)
    else { return nil }
    let fives = factor.fives - scale
    guard fives.magnitude <= 22 else { return nil }
    let power = Int64(truncatingIfNeeded: Rational.fivePowers[Int(fives.magnitude)])
    let (product, overflow) = digits.multipliedReportingOverflow(by: numerator)
    let (top, overflow2) = fives > 0 ? product.multipliedReportingOverflow(by: power) : (product, false)
    let (bottom, overflow3) = fives < 0 ? denominator.multipliedReportingOverflow(by: power) : (denominator, false)
    guard !overflow, !overflow2, !overflow3, top.magnitude <= 1 << 53, bottom <= 1 << 53 else { return nil }
    return Rational.scale(Double(top) / Double(bottom), by: factor.twos - scale)
  }
}
