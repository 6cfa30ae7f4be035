/// An exact number: `numerator / denominator × 2^twos × 5^fives × π^pis`.
///
/// Nearly all of UCUM's definitions are short decimals, products and quotients of them; what is irrational among them
/// is π alone. With the powers of ten apart from the rest, every unit of the table and every clinical unit made of them
/// is exact in 128 bits, so 1 kg and 1000 g, or 1 h and 3600 s, come to the very same number. An operation whose result
/// does not fit says so by nil; nothing is rounded but in `double`.
///
/// The form is unique, so equality is that of the members: the numerator and the denominator have no common divisor and
/// are divisible by neither 2 nor 5; the sign is the numerator's; zero is 0/1.
struct Rational: Sendable, Hashable {
  private(set) var numerator: Int128
  private(set) var denominator: Int128
  private(set) var twos: Int
  private(set) var fives: Int
  private(set) var pis: Int

  static let one = Rational(integer: 1)
  static let pi = Rational(numerator: 1, denominator: 1, twos: 0, fives: 0, pis: 1)

  /// Exponents past this, either way, do not fit. It keeps their sums far from overflow.
  static let exponentMax = 1_000_000

  private init(numerator: Int128, denominator: Int128, twos: Int, fives: Int, pis: Int) {
    self.numerator = numerator
    self.denominator = denominator
    self.twos = twos
    self.fives = fives
    self.pis = pis
  }

  init(integer: Int64) {
    self.init(numerator: Int128(integer), denominator: 1, twos: 0, fives: 0, pis: 0)
    strip()
  }

  /// `significand × 10^-scale`; nil where the scale does not fit.
  init?(significand: Int128, scale: Int) {
    guard scale.magnitude <= UInt(Self.exponentMax), significand != Int128.min else { return nil }
    self.init(numerator: significand, denominator: 1, twos: -scale, fives: -scale, pis: 0)
    strip()
  }

  /// `significand × 2^exponent`, where the exponent is that of a double.
  init(binary significand: Int64, exponent: Int) {
    self.init(numerator: Int128(significand), denominator: 1, twos: exponent, fives: 0, pis: 0)
    strip()
  }

  /// Digits with at most one point and an exponent: `254e-2`, `6.02214076`. Nil for anything else.
  init?(decimal text: UnsafeBufferPointer<UInt8>) {
    var significand: Int128 = 0
    var (scale, digits, index) = (0, 0, 0)
    var hasPoint = false
    while index < text.count, text[index] | 0x20 != UInt8(ascii: "e") {
      if text[index] == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
      } else {
        guard let digit = digitValue(text[index]), digits < 38 else { return nil }
        significand = significand * 10 + Int128(digit)
        digits += 1
        if hasPoint { scale += 1 }
      }
      index += 1
    }
    guard digits > 0 else { return nil }
    if index < text.count {
      guard let exponent = Int(String(decoding: text[(index + 1)...], as: UTF8.self)),
        exponent.magnitude <= UInt(Self.exponentMax)
      else { return nil }
      scale -= exponent
    }
    self.init(significand: significand, scale: scale)
  }

  /// Moves factors of 2 and 5 into their exponents.
  private mutating func strip() {
    guard numerator != 0 else {
      self = Rational(numerator: 0, denominator: 1, twos: 0, fives: 0, pis: 0)
      return
    }
    twos += Self.takeTwos(&numerator) - Self.takeTwos(&denominator)
    fives += Self.takeFives(&numerator) - Self.takeFives(&denominator)
  }

  private static func takeTwos(_ number: inout Int128) -> Int {
    let count = number.trailingZeroBitCount
    number >>= Int128(count)
    return count
  }

  private static func takeFives(_ number: inout Int128) -> Int {
    var count = 0
    while true {
      let (quotient, remainder) = number.quotientAndRemainder(dividingBy: 5)
      if remainder != 0 { return count }
      number = quotient
      count += 1
    }
  }
}

// MARK: - Arithmetic

extension Rational {
  func multiplied(by other: Rational) -> Rational? {
    if numerator == 0 || other.numerator == 0 { return Rational(integer: 0) }
    // Crosswise, so that the products have no common divisor and are as small as can be.
    let left = Self.divisor(numerator, other.denominator)
    let right = Self.divisor(other.numerator, denominator)
    let (top, topOverflow) = (numerator / left).multipliedReportingOverflow(by: other.numerator / right)
    let (bottom, bottomOverflow) = (denominator / right).multipliedReportingOverflow(by: other.denominator / left)
    let result = Rational(
      numerator: top, denominator: bottom, twos: twos + other.twos, fives: fives + other.fives, pis: pis + other.pis)
    return topOverflow || bottomOverflow || !result.hasSmallExponents ? nil : result
  }

  /// Nil also for zero.
  var reciprocal: Rational? {
    guard numerator != 0, numerator != Int128.min else { return nil }
    let sign: Int128 = numerator < 0 ? -1 : 1
    return Rational(
      numerator: sign * denominator, denominator: sign * numerator, twos: -twos, fives: -fives, pis: -pis)
  }

  func raised(to exponent: Int) -> Rational? {
    guard var base = exponent < 0 ? reciprocal : self else { return nil }
    var result = Rational.one
    var rest = exponent.magnitude
    while true {
      if rest & 1 == 1 {
        guard let next = result.multiplied(by: base) else { return nil }
        result = next
      }
      rest >>= 1
      if rest == 0 { return result }
      guard let square = base.multiplied(by: base) else { return nil }
      base = square
    }
  }

  /// Nil also where only one of the two has π.
  func adding(_ other: Rational) -> Rational? {
    if numerator == 0 { return other }
    if other.numerator == 0 { return self }
    guard pis == other.pis else { return nil }
    let (two, five) = (min(twos, other.twos), min(fives, other.fives))
    guard let first = scaled(two, five, by: other.denominator), let second = other.scaled(two, five, by: denominator)
    else { return nil }
    let (top, topOverflow) = first.addingReportingOverflow(second)
    let (bottom, bottomOverflow) = denominator.multipliedReportingOverflow(by: other.denominator)
    guard !topOverflow, !bottomOverflow, top != Int128.min else { return nil }
    let common = Self.divisor(top, bottom)
    var sum = Rational(
      numerator: top / common, denominator: bottom / common, twos: two, fives: five, pis: pis)
    sum.strip()
    return sum
  }

  var negated: Rational? {
    guard numerator != Int128.min else { return nil }
    return Rational(numerator: -numerator, denominator: denominator, twos: twos, fives: fives, pis: pis)
  }

  private var hasSmallExponents: Bool {
    [twos, fives, pis].allSatisfy { $0.magnitude <= UInt(Self.exponentMax) }
  }

  /// The numerator over the denominator 2^-two × 5^-five, times `factor`.
  private func scaled(_ two: Int, _ five: Int, by factor: Int128) -> Int128? {
    guard twos - two < 127, fives - five < Self.fivePowers.count else { return nil }
    let (byTwos, overflow) = numerator.multipliedReportingOverflow(by: 1 << Int128(twos - two))
    let (byFives, overflow2) = byTwos.multipliedReportingOverflow(by: Self.fivePowers[fives - five])
    let (result, overflow3) = byFives.multipliedReportingOverflow(by: factor)
    return overflow || overflow2 || overflow3 ? nil : result
  }

  /// The greatest common divisor, at least 1; Euclid's.
  private static func divisor(_ a: Int128, _ b: Int128) -> Int128 {
    var (x, y) = (a.magnitude, b.magnitude)
    if x == 1 || y == 1 { return 1 }
    while y != 0 { (x, y) = (y, x % y) }
    return Int128(exactly: x).map { max($0, 1) } ?? 1
  }

  /// 5^0 … 5^54, all that fit.
  static let fivePowers: [Int128] = {
    var (list, next): ([Int128], Int128) = ([], 1)
    while true {
      list.append(next)
      let (product, overflow) = next.multipliedReportingOverflow(by: 5)
      if overflow { return list }
      next = product
    }
  }()
}

/// The value of an ASCII digit.
func digitValue(_ byte: UInt8) -> Int? {
  let value = byte &- UInt8(ascii: "0")
  return value < 10 ? Int(value) : nil
}
