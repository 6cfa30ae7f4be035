import FHIRModel
import FHIRSearch
import Testing

/// Whether a value is one of several, and the rows of what is missing: what ranges on one value, counting and sorting
/// rely on.
@Suite struct SeveralIndexTests {
  private static let ucum = "http://unitsofmeasure.org"

  // MARK: One of several

  @Test func strings() throws {
    #expect(
      try Extraction.lines(#"{"resourceType":"Patient","name":[{"family":"A"}]}"#, "name") == ["string A (a)"])
    #expect(
      try Extraction.lines(#"{"resourceType":"Patient","name":[{"family":"A"},{"family":"A"}]}"#, "family") == [
        "string A (a)"
      ])
    let two = #"{"resourceType":"Patient","name":[{"family":"A"},{"family":"a"}]}"#
    #expect(try Extraction.lines(two, "family") == ["string A (a) +", "string a (a) +"])
  }

  @Test func dates() throws {
    func lines(_ periods: String) throws -> [String] {
      try Extraction.lines(
        #"{"resourceType":"Encounter","status":"planned","class":{"code":"AMB"},"location":[\#(periods)]}"#,
        "location-period")
    }
    let first = #"{"location":{"display":"a"},"period":{"start":"2020","end":"2020"}}"#
    let second = #"{"location":{"display":"b"},"period":{"start":"2021","end":"2021"}}"#
    let (low, high) = (
      "date 2020-01-01T00:00:00…2020-12-31T23:59:59.999999", "date 2021-01-01T00:00:00…2021-12-31T23:59:59.999999"
    )
    #expect(try lines(first) == [low])
    #expect(try lines(first + "," + first) == [low])
    #expect(try lines(first + "," + second) == [low + " +", high + " +"])
  }

  /// Values count, whatever their units.
  @Test func quantities() throws {
    func lines(_ components: [(String, String)]) throws -> [String] {
      let list = components.map {
        #"{"code":{"text":"x"},"valueQuantity":{"value":\#($0.0),"system":"\#(Self.ucum)","code":"\#($0.1)"}}"#
      }
      return try Extraction.lines(
        #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"component":[\#(list.joined(separator: ","))]}"#,
        "component-value-quantity")
    }
    #expect(
      try lines([("1", "kg"), ("2", "{count}")]) == [
        "quantity 1.0…1.0 \(Self.ucum)|kg +", "quantity 2.0…2.0 \(Self.ucum)|{count} +",
      ])
    #expect(
      try lines([("1", "kg"), ("1000", "g")]) == [
        "quantity 1.0…1.0 \(Self.ucum)|kg +", "quantity 1000.0…1000.0 \(Self.ucum)|g +",
      ])
    #expect(try lines([("1", "kg"), ("2", "kg"), ("3", "kg")]).allSatisfy { $0.hasSuffix(" +") })
  }

  /// It is part of a row's identity: an update that adds a value changes the others' rows.
  @Test func isPartOfEquality() {
    #expect(
      IndexRow.date(parameter: 1, low: 0, high: 1, several: false)
        != IndexRow.date(parameter: 1, low: 0, high: 1, several: true))
  }

  // MARK: Missing

  @Test func missingValues() throws {
    let missing = try Extraction.rows(#"{"resourceType":"Patient"}"#).filter { Extraction.line($0) == "missing" }
    #expect(Set(missing.map(Extraction.code)) == ["birthdate", "family", "gender", "given", "name"])
    let named = #"{"resourceType":"Patient","birthDate":"2000","name":[{"given":["A"]}]}"#
    let rest = try Extraction.rows(named).filter { Extraction.line($0) == "missing" }
    #expect(Set(rest.map(Extraction.code)) == ["family", "gender"])
    // Words are no token to sort by, an identifier no reference.
    let worded = #"{"resourceType":"Observation","code":{"text":"x"},"subject":{"identifier":{"value":"1"}}}"#
    let without = try Extraction.rows(worded).filter { Extraction.line($0) == "missing" }.map(Extraction.code)
    #expect(Set(without).isSuperset(of: ["code", "subject", "date", "status"]))
    // A value that cannot be read is none; neither is an open period.
    #expect(try Extraction.lines(#"{"resourceType":"Patient","birthDate":"soon"}"#, "birthdate") == ["missing"])
  }

  @Test func whatKeepsMissing() {
    func keeps(_ type: String, _ code: String) -> Bool? {
      Schema.r4.resourceType(type).flatMap { Extraction.parameters.parameter($0, code) }?.keepsMissing
    }
    #expect(keeps("ValueSet", "title") == true)
    #expect(keeps("Observation", "date") == true)
    // One type of a choice.
    #expect(keeps("Observation", "value-date") == false)
    #expect(keeps("Patient", "death-date") == false)
    #expect(keeps("Patient", "address") == false)
    #expect(keeps("Patient", "gender") == true)
    #expect(keeps("Patient", "language") == false)
    // The resource's own row tells.
    #expect(keeps("Patient", "_lastUpdated") == false)
    // Of that name, but a token.
    #expect(keeps("Library", "name") == true)
  }
}
