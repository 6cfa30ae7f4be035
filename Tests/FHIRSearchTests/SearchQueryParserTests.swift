import Base
import FHIRModel
import FHIRSearch
import Testing

/// FHIR R4 search.html: names, modifiers, lists and result parameters; values have a suite of their own.
@Suite struct SearchQueryParserTests {
  private static let now = Instant(milliseconds: 1_700_000_000_000)

  static func parse(
    _ query: String, _ types: [String] = ["Patient"], limits: Limits = Limits(), isStrict: Bool = false,
    base: String? = nil
  ) throws -> SearchQuery {
    let parser = SearchQueryParser(
      Extraction.parameters, limits: limits, clock: Clock { now }, isStrict: isStrict, base: base)
    return try parser.parse(QueryString(parsing: query), types: types.compactMap { Schema.r4.resourceType($0) })
  }

  static func refusal(
    _ query: String, _ types: [String] = ["Patient"], limits: Limits = Limits(), isStrict: Bool = false
  )
    -> Fault?
  {
    do {
      _ = try parse(query, types, limits: limits, isStrict: isStrict)
      return nil
    } catch {
      return error as? Fault
    }
  }

  @Test func conditionsInOrder() throws {
    let query = try Self.parse(
      "family=a,b&family=c&gender:not=male&_id=1&general-practitioner:Practitioner=9&active:missing=true")
    #expect(query.conditions.map(\.code) == ["family", "family", "gender", "_id", "general-practitioner", "active"])
    #expect(query.conditions.map(\.modifier) == [nil, nil, .not, nil, nil, .missing])
    #expect(query.conditions.map(\.kind) == [.string, .string, .token, .token, .reference, .token])
    #expect(query.conditions[0].values == [.string("a"), .string("b")])
    #expect(query.conditions[4].values == [.reference(type: "Practitioner", id: "9")])
    #expect(query.conditions[5].values == [.missing(true)])
    #expect(query.warnings.isEmpty)
  }

  /// Each name=value is in the self link once, and asked once.
  @Test func repeatedParametersCountOnce() throws {
    let query = try Self.parse("family=a&_count=2&family=a&family=b&_count=2")
    #expect(query.conditions.count == 2)
    #expect(query.link == "family=a&_count=2&family=b")
  }

  @Test func repeatedValuesCountOnce() throws {
    #expect(try Self.parse("_id=a,b,a,b,c").conditions[0].values.count == 3)
    #expect(try Self.parse("family=a,,b,").conditions[0].values == [.string("a"), .string("b")])
  }

  @Test(arguments: [
    "gender:exact=male", "family:not=a", "birthdate:exact=2000", "active:contains=true", "family:bogus=a",
    "gender:=male", "family:=a", "general-practitioner:Nobody=1", "birthdate:above=2000", "family:exact:exact=a",
  ])
  func modifiersThatDoNotFit(query: String) throws {
    let fault = try #require(Self.refusal(query), "\(query)")
    #expect(fault.category == .invalid)
  }

  @Test(arguments: [
    "family=", "family=,", "gender:missing=", "gender:missing=yes", "gender:missing=TRUE", "gender:missing=true,false",
  ])
  func emptyOrWrongValues(query: String) throws {
    #expect(Self.refusal(query)?.category == .invalid, "\(query)")
  }

  @Test func unknownParameters() throws {
    let query = try Self.parse("Cookie=1&family=a&_in=x&near=1%7C2&entry:%5B%7B=1&Cookie.name=1")
    #expect(query.conditions.map(\.code) == ["family"])
    #expect(
      query.warnings.map(\.diagnostics) == [
        "The search parameter 'Cookie' is not supported for resource type 'Patient'.",
        "The search parameter '_in' is not supported for resource type 'Patient'.",
        "The search parameter 'near' is not supported for resource type 'Patient'.",
        "The search parameter 'entry:[{' is not supported for resource type 'Patient'.",
        "The search parameter 'Cookie.name' is not supported for resource type 'Patient'.",
      ])
    #expect(query.warnings.allSatisfy { $0.severity == .warning && $0.code == "not-supported" })
    #expect(query.link == "family=a")
    for strict in ["Cookie=1", "_in=x", "FAMILY=a"] {
      #expect(Self.refusal(strict, isStrict: true)?.category == .invalid, "\(strict)")
    }
    #expect(Self.refusal("family=a&_format=json&_pretty=true", isStrict: true) == nil)
  }

  @Test func severalTypes() throws {
    let both = try Self.parse("family=a", ["Patient", "Practitioner"])
    #expect(both.conditions[0].parameters.count == 2)
    #expect(Self.refusal("subject=Patient/1", ["Encounter", "Practitioner"])?.category == .invalid)
    let all = try Self.parse("_tag=x", [])
    #expect(all.conditions[0].parameters.count == Schema.r4.resourceTypes.count)
    let some = try Self.parse("_type=Patient,Observation,Patient&_tag=x", [])
    #expect(some.types.map { Schema.r4.name($0) } == ["Patient", "Observation"])
    let unknown = try Self.parse("_type=Patient1,Patient2", [])
    #expect(unknown.matchesNothing)
    #expect(
      unknown.warnings.map(\.diagnostics) == [
        "The '_type' parameter contains unknown resource(s): 'Patient1','Patient2'"
      ])
    #expect(try !Self.parse("_type=Patient1,Patient", []).matchesNothing)
    #expect(Self.refusal("_type=", [])?.category == .invalid)
    #expect(Self.refusal("_type=patient", [], isStrict: true)?.category == .invalid)
    // Abstract types are no resources.
    #expect(try Self.parse("_type=DomainResource", []).matchesNothing)
  }

  /// A type list that names no type at all must not come to mean "every type".
  @Test func typeListOfCommas() {
    #expect(Self.refusal("_type=,", [])?.category == .invalid)
  }

  /// `_type:not` at system level; a list beside a type narrows it.
  @Test func excludedTypes() throws {
    let query = try Self.parse("_type:not=Patient,Organization&_tag=x", [])
    #expect(query.types.count == Schema.r4.resourceTypes.count - 2)
    #expect(!query.types.contains { ["Patient", "Organization"].contains(Schema.r4.name($0)) })
    #expect(query.link == "_type:not=Patient,Organization&_tag=x")
    let left = try Self.parse("_type=Patient,Group&_type:not=Patient", [])
    #expect(left.types.map { Schema.r4.name($0) } == ["Group"])
    #expect(try Self.parse("_type=Observation", ["Patient"]).matchesNothing)
    #expect(try !Self.parse("_type=Observation,Patient&family=a", ["Patient"]).matchesNothing)
    #expect(try Self.parse("_type:not=Patient&family=a", ["Patient"]).matchesNothing)
    #expect(Self.refusal("_type:exact=Patient", [])?.category == .invalid)
  }

  /// FHIR R4 search: repeated parameters are joined by AND, so both lists must hold.
  @Test func repeatedTypeLists() throws {
    let query = try Self.parse("_type=Patient&_type=Observation", [])
    #expect(query.matchesNothing)
    let common = try Self.parse("_type=Patient,Group&_type=Group,Observation", [])
    #expect(common.types == [Schema.r4.resourceType("Group")])
    #expect(!common.matchesNothing)
  }

  @Test func resultParameters() throws {
    let query = try Self.parse("_count=5&_total=accurate&_summary=count&ct=abc&_count=5")
    #expect(query.count == 5)
    #expect(query.total == .accurate)
    #expect(query.summary == .count)
    #expect(query.pagingToken == "abc")
    #expect(query.link == "_count=5&_total=accurate&_summary=count")
    #expect(query.nextLink == "_count=5&_summary=count")
    for wrong in [
      "_count=", "_count=-1", "_count=1.5", "_count=a", "_count=99999999999999999999", "_total=", "_total=all",
      "_summary=", "_summary=COUNT", "_summary=yes",
    ] {
      #expect(Self.refusal(wrong)?.category == .invalid, "\(wrong)")
    }
    #expect(try Self.parse("_count=0").count == 0)
  }

  @Test func limitsAtAndPast() throws {
    var limits = Limits()
    limits.searchParametersMax = 3
    limits.searchValuesMax = 4
    limits.searchCountMax = 100
    #expect(Self.refusal("family=a&given=b&gender=c", limits: limits) == nil)
    #expect(Self.refusal("family=a&given=b&gender=c&active=d", limits: limits)?.category == .invalid)
    #expect(Self.refusal("family=a,b,c,d", limits: limits) == nil)
    #expect(Self.refusal("family=a,b,c,d,e", limits: limits)?.category == .invalid)
    let at = try Self.parse("_count=100", limits: limits)
    #expect(at.count == 100)
    #expect(at.warnings.isEmpty)
    let past = try Self.parse("_count=101", limits: limits)
    #expect(past.count == 100)
    #expect(past.warnings.map(\.severity) == [.information])
    #expect(past.warnings.first?.diagnostics.contains("exceeds limit") == true)
  }
}

extension SearchQuery {
  /// The conditions on the searched resources themselves.
  var conditions: [SearchCondition] {
    criteria.compactMap { criterion in
      if case .condition(let condition) = criterion { condition } else { nil }
    }
  }
}
