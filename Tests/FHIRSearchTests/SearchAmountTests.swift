import FHIRModel
import FHIRSearch
import Testing

/// FHIR R4 search#quantity: "the search … performed using the canonical units of UCUM". Kilograms are grams.
@Suite struct SearchAmountTests {
  private static func amount(_ text: String, isApproximate: Bool = false) throws -> SearchAmount {
    SearchAmount(try #require(FHIRDecimal(text)), isApproximate: isApproximate)
  }

  /// The bounds are converted as decimals and rounded once: they meet what was written in the other unit.
  @Test(arguments: [
    ("1", "kg", "g", 500.0, 1_500.0, 1_000.0), ("1000", "g", "kg", 0.9995, 1.0005, 1.0),
    ("5.40", "mg", "g", 0.005395, 0.005405, 0.0054), ("37.0", "Cel", "[degF]", 98.51, 98.69, 98.6),
    ("0.1", "m", "mm", 50.0, 150.0, 100.0), ("0.3", "g", "mg", 250.0, 350.0, 300.0),
    ("1", "a", "d", 182.625, 547.875, 365.25),
    ("-2", "kg", "g", -2_500.0, -1_500.0, -2_000.0), ("7", "g", "g", 6.5, 7.5, 7.0),
    ("50", "%", "1", 0.495, 0.505, 0.5),
  ])
  func conversion(
    text: String, unit: String, other: String, low: Double, high: Double, exact: Double
  ) throws {
    let converted = try #require(try Self.amount(text).converted(from: unit, to: other))
    #expect((converted.low, converted.high, converted.exact) == (low, high, exact))
  }

  @Test func approximately() throws {
    let converted = try #require(try Self.amount("2.00", isApproximate: true).converted(from: "kg", to: "g"))
    #expect((converted.low, converted.high) == (1_800, 2_200))
  }

  /// What does not measure the same, or is no unit of UCUM, has nothing in common; the same code always has.
  @Test func otherMeasures() throws {
    let amount = try Self.amount("5.4")
    #expect(amount.converted(from: "kg", to: "m") == nil)
    #expect(amount.converted(from: "furlong", to: "m") == nil)
    #expect(amount.converted(from: "m", to: "furlong") == nil)
    #expect(amount.converted(from: "furlong", to: "furlong") == amount)
    #expect(try Self.amount("1e308").converted(from: "kg", to: "g") == nil)
    #expect(SearchAmount(low: 1, high: 1, exact: 1).converted(from: "kg", to: "g") == nil)
  }

  /// Finer than a double can tell: the range holds the nearest one at least.
  @Test func fineAmounts() throws {
    let fine = try Self.amount("0.1000000000000000000000000000001")
    #expect(fine.low <= 0.1 && fine.high > 0.1)
  }
}
