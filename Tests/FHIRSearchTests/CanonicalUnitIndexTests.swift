import Base
import FHIRModel
import FHIRSearch
import Testing

/// FHIR R4 search#quantity: "the search … performed using the canonical units of UCUM". Kilograms are grams.
@Suite struct CanonicalUnitIndexTests {
  private static let ucum = "http://unitsofmeasure.org"

  private static func observation(_ members: String) -> String {
    #"{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"w"}]},\#(members)}"#
  }

  private static func quantity(_ value: String, _ unit: String, _ more: String = "") -> String {
    #"{"value":\#(value),"system":"\#(ucum)","code":"\#(unit)"\#(more)}"#
  }

  /// Only the rows in canonical units.
  private static func canonical(_ value: String, _ code: String = "value-quantity") throws -> [String] {
    try Extraction.lines(observation(value), code).filter { $0.contains("~ucum") }
  }

  /// The same amount, however written, is the same row.
  @Test func equalAmountsAreEqual() throws {
    for amount in [("1", "kg"), ("1000", "g"), ("1.000e3", "g"), ("1000000", "mg"), ("0.0010e3", "kg")] {
      let lines = try Self.canonical(#""valueQuantity":\#(Self.quantity(amount.0, amount.1))"#)
      #expect(lines == ["quantity 1000.0…1000.0 ~ucum|g"], "\(amount)")
    }
    let warm = try Self.canonical(#""valueQuantity":\#(Self.quantity("37", "Cel"))"#)
    #expect(warm == ["quantity 310.15…310.15 ~ucum|K"])
  }

  @Test(arguments: [
    (#","comparator":"<""#, "quantity -inf…2000.0 ~ucum|g"), (#","comparator":">=""#, "quantity 2000.0…inf ~ucum|g"),
  ])
  func comparators(comparator: String, expected: String) throws {
    #expect(try Self.canonical(#""valueQuantity":\#(Self.quantity("2", "kg", comparator))"#) == [expected])
  }

  @Test func otherUnitsHaveNone() throws {
    // No unit of UCUM, another system, no system, words instead of a code.
    for quantity in [
      Self.quantity("1", "furlong"), #"{"value":1,"system":"urn:other","code":"g"}"#, #"{"value":1,"code":"g"}"#,
      #"{"value":1,"system":"\#(Self.ucum)","unit":"g"}"#, Self.quantity("1e308", "kg"),
    ] {
      #expect(try Self.canonical(#""valueQuantity":\#(quantity)"#) == [], "\(quantity)")
    }
    #expect(
      try Extraction.lines(Self.observation(#""valueQuantity":\#(Self.quantity("1e308", "kg"))"#), "value-quantity")
        .count == 1)
  }

  @Test func rangesAndSamples() throws {
    let range = { (low: String, high: String) in
      #"{"resourceType":"Condition","subject":{"display":"x"},"onsetRange":{\#(low)\#(high)}}"#
    }
    let (low, high) = (#""low":\#(Self.quantity("20", "a"))"#, #""high":\#(Self.quantity("30", "a"))"#)
    // A year of UCUM has 365.25 days: 31557600 s.
    #expect(
      try Extraction.lines(range(low, "," + high), "onset-age") == [
        "quantity 20.0…30.0 \(Self.ucum)|a", "quantity 631152000.0…946728000.0 ~ucum|s",
      ])
    #expect(try Extraction.lines(range(low, ""), "onset-age").last == "quantity 631152000.0…inf ~ucum|s")
    #expect(try Extraction.lines(range("", high), "onset-age").first == "quantity -inf…30.0 \(Self.ucum)|a")
    #expect(try Extraction.lines(range("", high), "onset-age").last == "quantity -inf…946728000.0 ~ucum|s")
    let sampled =
      #""valueSampledData":{"origin":\#(Self.quantity("2", "kg")),"period":10,"factor":-0.5,"dimensions":1,"data":"1 E 5 -3"}"#
    // 2 - 0.5 × 5 = -0.5 and 2 - 0.5 × -3 = 3.5
    #expect(try Self.canonical(sampled) == ["quantity -500.0…3500.0 ~ucum|g"])
  }

  /// Money has currencies, which are no units of UCUM.
  @Test func money() throws {
    let invoice = #"{"resourceType":"Invoice","status":"draft","totalNet":{"value":12.5,"currency":"EUR"}}"#
    #expect(try Extraction.lines(invoice, "totalnet").count == 1)
  }

  @Test func composites() throws {
    let component = { (code: String, kilograms: String) in
      #"{"code":{"coding":[{"code":"\#(code)"}]},"valueQuantity":\#(Self.quantity(kilograms, "kg"))}"#
    }
    let json = Self.observation(#""component":[\#(component("a", "1")),\#(component("b", "2"))]"#)
    #expect(
      try Extraction.lines(json, "component-code-value-quantity") == [
        "composite |a $ \(Self.ucum)|kg 1.0…1.0", "composite |a $ ~ucum|g 1000.0…1000.0",
        "composite |b $ \(Self.ucum)|kg 2.0…2.0", "composite |b $ ~ucum|g 2000.0…2000.0",
      ])
  }
}
