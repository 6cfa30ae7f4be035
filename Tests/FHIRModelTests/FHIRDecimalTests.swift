import FHIRModel
import Testing

@Suite struct FHIRDecimalTests {
  func decimal(_ text: String) throws -> FHIRDecimal { try #require(FHIRDecimal(text)) }

  @Test(arguments: [
    ("0", 0, 0), ("5", 5, 0), ("-5", -5, 0), ("5.000", 5000, 3), ("0.002", 2, 3), ("2e-3", 2, 3), ("2.00E-3", 200, 5),
    ("1e2", 1, -2), ("1E+2", 1, -2), ("-0.0", 0, 1), ("10.91968939701716", 1_091_968_939_701_716, 14),
    ("123456789012345678901.5", 1_234_567_890_123_456_789_015 as Int128, 1),
  ])
  func reads(_ text: String, _ significand: Int128, _ scale: Int) throws {
    let value = try decimal(text)
    #expect(value.significand == significand)
    #expect(value.scale == scale)
    #expect(value.isExact)
  }

  @Test(arguments: [
    "", "-", "+5", "05", "00", ".5", "5.", "5.e1", "1e", "1e+", "--5", "0x10", "1 ", " 1", "NaN", "Infinity", "1,5",
    "1_0",
    "٣",
  ])
  func refuses(_ text: String) { #expect(FHIRDecimal(text) == nil) }

  @Test func roundsPast38Digits() throws {
    let nines = String(repeating: "9", count: 38)
    #expect(try decimal(nines).isExact)
    let longer = try decimal(nines + "9")
    #expect(!longer.isExact)
    #expect(longer == (try decimal("1e39")))
    let long = try decimal("0." + String(repeating: "3", count: 47))
    #expect(!long.isExact && long.digitCount == 38 && long.scale == 38)
    #expect(try decimal("1" + String(repeating: "0", count: 46)) == (try decimal("1e46")))
  }

  @Test func survivesAnyExponent() throws {
    let huge = try decimal("1e99999999999999999999999999")
    let tiny = try decimal("1e-99999999999999999999999999")
    #expect(huge.scale == -FHIRDecimal.exponentMax && !huge.isExact)
    #expect(tiny < huge && tiny > .zero && huge.double == .infinity && tiny.double == 0)
    #expect(huge.adding(tiny) == huge)
    #expect(huge.power(9) == nil)
    #expect(try decimal("1e100000").isExact)
    #expect(huge.multiplied(by: huge).scale == -FHIRDecimal.exponentMax)
    _ = (huge.implicitRange, tiny.implicitRange, huge.approximateRange, tiny.floor, huge.rounded(to: 2))
    _ = (huge.divided(by: tiny), tiny.divided(by: huge), huge.remainder(dividingBy: tiny), huge.description)
  }

  @Test func comparesExactly() throws {
    #expect(try decimal("5") == decimal("5.000"))
    #expect(try decimal("2e-3") == decimal("0.002"))
    #expect(try decimal("-0") == decimal("0.00"))
    #expect(try decimal("0.1").hashValue == decimal("0.100").hashValue)
    #expect(try decimal("99999999999999999999") < decimal("1e20"))
    #expect(try decimal("1e20") < decimal("100000000000000000000.1"))
    #expect(try decimal("-2") < decimal("-1.5") && decimal("-1.5") < decimal("1") && decimal("1") < decimal("1e300"))
  }

  // FHIR R4 search#number, and the same rule for the exponent form of a fraction.
  @Test(arguments: [
    ("100", "99.5", "100.5"), ("100.00", "99.995", "100.005"), ("1e2", "95", "105"),
    ("5.40e-3", "0.005395", "0.005405"),
    ("2.00e-3", "0.001995", "0.002005"), ("-3", "-3.5", "-2.5"), ("0", "-0.5", "0.5"),
  ])
  func knowsItsPrecision(_ text: String, _ low: String, _ high: String) throws {
    let range = try decimal(text).implicitRange
    #expect(try range.low == decimal(low) && range.high == decimal(high))
  }

  @Test func approximatesByATenth() throws {
    let range = try decimal("100").approximateRange
    #expect(range.low == FHIRDecimal(90) && range.high == FHIRDecimal(110))
    let negative = try decimal("-100").approximateRange
    #expect(negative.low == FHIRDecimal(-110) && negative.high == FHIRDecimal(-90))
  }

  @Test func calculates() throws {
    #expect(try decimal("0.1").adding(decimal("0.2")) == decimal("0.3"))
    #expect(try decimal("1.20").subtracting(decimal("1")).description == "0.20")
    #expect(try decimal("1.5").multiplied(by: decimal("-0.5")) == decimal("-0.75"))
    #expect(
      try decimal("99999999999999999999.99999999").multiplied(by: decimal("0.00000001"))
        == decimal("999999999999.9999999999999999"))
    #expect(try decimal("7").quotient(dividingBy: decimal("2")) == FHIRDecimal(3))
    #expect(try decimal("-7").quotient(dividingBy: decimal("2")) == FHIRDecimal(-3))
    #expect(try decimal("5.5").quotient(dividingBy: decimal("0.7")) == FHIRDecimal(7))
    #expect(try decimal("5.5").remainder(dividingBy: decimal("0.7")) == decimal("0.6"))
    #expect(try decimal("-7").remainder(dividingBy: decimal("2")) == FHIRDecimal(-1))
    #expect(try decimal("2.5").power(3) == decimal("15.625"))
    #expect(try decimal("2").power(-1) == decimal("0.5"))
    #expect(FHIRDecimal.zero.power(-1) == nil && FHIRDecimal.zero.power(0) == FHIRDecimal(1))
  }

  @Test func divides() throws {
    #expect(try decimal("1").divided(by: decimal("4"))?.description == "0.25")
    #expect(try decimal("10").divided(by: decimal("2"))?.description == "5")
    let third = try #require(try decimal("1").divided(by: decimal("3")))
    #expect(third.rounded(to: 18).description == "0.333333333333333333" && !third.isExact)
    #expect(try decimal("2").divided(by: decimal("3"))?.rounded(to: 8).description == "0.66666667")
    #expect(try decimal("1").divided(by: decimal("0.00")) == nil)
    #expect(try decimal("1e30").divided(by: decimal("1e-30")) == decimal("1e60"))
    #expect(try decimal("-1").divided(by: decimal("8")) == decimal("-0.125"))
    let wide = try decimal("99999999999999999999999999999999999999")
    #expect(try wide.divided(by: decimal("0.00000001"))?.significantScale == 0)
  }

  @Test func sumsAtTheLimit() throws {
    let largest = try decimal(String(repeating: "9", count: 38))
    let sum = largest.adding(largest)
    #expect(!sum.isExact)
    #expect(sum == (try decimal("2e38")))
    #expect(largest.negated.subtracting(largest) == (try decimal("-2e38")))
    #expect(largest.adding(FHIRDecimal(1)) == (try decimal("1e38")))
  }

  @Test func rounds() throws {
    #expect(try decimal("3.14159").rounded(to: 3).description == "3.142")
    #expect(try decimal("-1.5").rounded(to: 0) == FHIRDecimal(-2))
    #expect(try decimal("5.5").rounded(to: .min) == .zero && decimal("5.5").rounded(to: .max) == decimal("5.5"))
    #expect(try decimal("2").power(.min) == nil && decimal("2").power(.max) == nil)
    #expect(try decimal("0.4999").rounded(to: 0) == .zero)
    #expect(try decimal("2.1").ceiling == FHIRDecimal(3) && decimal("-2.1").ceiling == FHIRDecimal(-2))
    #expect(try decimal("2.1").floor == FHIRDecimal(2) && decimal("-2.1").floor == FHIRDecimal(-3))
    #expect(try decimal("-2.9").truncated == FHIRDecimal(-2) && decimal("1e3").floor == FHIRDecimal(1000))
  }

  @Test(arguments: ["5.00", "0.00200", "-0.5", "1e2", "100", "0", "0.0", "123456789.123456789"])
  func printsWhatItRead(_ text: String) throws { #expect(try decimal(text).description == text) }

  @Test func printsWithoutExponent() throws {
    #expect(try decimal("1e2").plainText == "100")
    #expect(try decimal("2.00e-3").plainText == "0.00200")
    #expect(try decimal("0e5").plainText == "0")
  }

  @Test(arguments: [
    "0.1", "0.3", "1e22", "1e23", "9007199254740993", "123456789012345678901234567890", "4.9e-324", "1e400", "-2.5",
    "179769313486231570000000000000000000000e270",
  ])
  func givesTheNearestDouble(_ text: String) throws { #expect(try decimal(text).double == Double(text)) }

  @Test func comesFromDoubles() throws {
    #expect(FHIRDecimal(approximating: 5)?.description == "5")
    #expect(FHIRDecimal(approximating: 0.1) == (try decimal("0.1")))
    #expect(FHIRDecimal(approximating: 1e300) == (try decimal("1e300")))
    #expect(FHIRDecimal(approximating: .nan) == nil && FHIRDecimal(approximating: -.infinity) == nil)
  }

  @Test func countsDigits() throws {
    #expect(try decimal("2.50").significantScale == 1)
    #expect(try decimal("100").significantScale == 0 && decimal("1e2").significantScale == 0)
    for digits in 1...38 {
      #expect(try decimal(String(repeating: "9", count: digits)).digitCount == digits)
      #expect(try decimal("1" + String(repeating: "0", count: digits - 1)).digitCount == digits)
    }
    #expect(try decimal("9223372036854775807").mantissa == .max && decimal("9223372036854775808").mantissa == nil)
    #expect(try decimal("12.0").integer == 12 && decimal("12.5").integer == nil && decimal("1e30").integer == nil)
  }
}
