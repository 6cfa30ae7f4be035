import Base
import FHIRModel
import Testing

@testable import FHIRSearch

/// FHIR R4 search §2.1.1.9: what is wanted back. The outcomes' words are those that Azure's clients know.
@Suite struct SearchResultParameterTests {
  private func parse(_ query: String, _ types: [String] = ["Patient"]) throws -> SearchQuery {
    try SearchQueryParserTests.parse(query, types)
  }

  private func refusal(_ query: String, _ types: [String] = ["Patient"], isStrict: Bool = false) -> Fault? {
    SearchQueryParserTests.refusal(query, types, isStrict: isStrict)
  }

  // MARK: _sort

  private func keys(_ query: SearchQuery) -> [String] {
    query.sort.map { ($0.isDescending ? "-" : "") + $0.code }
  }

  @Test func sortKeys() throws {
    let query = try parse("_sort=-_lastUpdated,family,_id,birthdate&family=a")
    #expect(keys(query) == ["-_lastUpdated", "family", "_id", "birthdate"])
    #expect(query.sort.map(\.kind) == [.date, .string, .token, .date])
    #expect(query.sort.map(\.parameters.count) == [1, 1, 1, 1])
    #expect(query.link == "_sort=-_lastUpdated,family,_id,birthdate&family=a")
    #expect(query.warnings.isEmpty)
    // What a key has said, no later one changes.
    #expect(keys(try parse("_sort=family,-family,given&_sort=birthdate")) == ["family", "given", "birthdate"])
    #expect(keys(try parse("_sort=_lastUpdated", [])) == ["_lastUpdated"])
    #expect(try parse("_sort=_lastUpdated", []).sort[0].parameters.count == Schema.r4.resourceTypes.count)
  }

  @Test func sortKeysThatMeanNothing() throws {
    func text(_ key: String, _ type: String = "Patient") -> String {
      "Sort parameter value '\(key)' is invalid, must be a subset of valid search parameters for resource type '\(type)'."
    }
    let one = try parse("_sort=abcd1234&family=a")
    #expect(one.warnings == [Fault.Reason(text("abcd1234"), code: "not-supported", severity: .warning)])
    #expect(one.link == "family=a")
    #expect(one.sort.isEmpty)
    let mixed = try parse("family=a&_sort=-birthdate,-abcd1234,,family")
    #expect(mixed.warnings.map(\.diagnostics) == [text("abcd1234"), text("")])
    #expect(mixed.link == "family=a&_sort=-birthdate,family")
    #expect(keys(mixed) == ["-birthdate", "family"])
    let strict = refusal("_sort=abcd1234", isStrict: true)
    #expect(strict?.reasons.map(\.diagnostics) == [text("abcd1234")])
    #expect(refusal("_sort=")?.category == .invalid)
    // Not common to both.
    #expect(
      try parse("_sort=birthdate", ["Patient", "Observation"]).warnings.map(\.diagnostics) == [
        text("birthdate", "Patient,Observation")
      ])
    #expect(try parse("_sort=birthdate", []).warnings.map(\.diagnostics) == [text("birthdate", "Resource")])
    let composite = try parse("_sort=code-value-quantity", ["Observation"])
    #expect(
      composite.warnings.map(\.diagnostics) == ["Sorting by the 'code-value-quantity' parameter is not supported."])
    // A distance is from somewhere.
    #expect(try parse("_sort=near", ["Location"]).sort.isEmpty)
    #expect(keys(try parse("_sort=near&near=1%7C2", ["Location"])) == ["near"])
  }

  @Test func sortKeysAtAndPast() throws {
    var limits = Limits()
    limits.searchSortKeysMax = 3
    let at = try SearchQueryParserTests.parse("_sort=family,given,_id", limits: limits)
    #expect(at.sort.count == 3)
    #expect(SearchQueryParserTests.refusal("_sort=family,given,_id,gender", limits: limits)?.category == .invalid)
    #expect(SearchQueryParserTests.refusal("_sort=family,given&_sort=_id,gender", limits: limits) != nil)
    #expect(refusal("_sort=" + String(repeating: ",", count: 60_000))?.category == .invalid)
  }

  // MARK: _include

  private func text(_ include: SearchInclude) -> String {
    let name = { (type: Schema.TypeID?) in type.map { Schema.r4.name($0) } ?? "*" }
    return (include.isReverse ? "rev " : "") + (include.isIterative ? "iterate " : "")
      + "\(name(include.source)):\(include.code ?? "*"):\(name(include.target))"
  }

  @Test(arguments: [
    ("_include=Observation:subject", ["Observation:subject:*"]),
    ("_include=Observation:subject:Patient", ["Observation:subject:Patient"]),
    ("_include=*", ["*:*:*"]), ("_include=*:*", ["*:*:*"]), ("_include=DiagnosticReport:*", ["DiagnosticReport:*:*"]),
    ("_include=Observation:*:Patient", ["Observation:*:Patient"]),
    ("_revinclude=*:*", ["rev *:*:*"]), ("_revinclude=Location:organization", ["rev Location:organization:*"]),
    ("_include:iterate=Patient:organization", ["iterate Patient:organization:*"]),
    ("_include:recurse=Patient:organization", ["iterate Patient:organization:*"]),
    ("_include:iterate=Patient:*", ["iterate Patient:*:*"]),
    (
      "_revinclude:iterate=Patient:general-practitioner:Practitioner",
      ["rev iterate Patient:general-practitioner:Practitioner"]
    ),
    ("_revinclude:iterate=Patient:organization", ["rev iterate Patient:organization:*"]),
    // A wildcard in `_revinclude:iterate` is passed over.
    ("_revinclude:iterate=*:*", []), ("_revinclude:iterate=Patient:*", []),
    ("_include=Observation:subject&_include=Observation:subject", ["Observation:subject:*"]),
    (
      "_include:iterate=Patient:link:RelatedPerson&_include=Observation:subject",
      ["iterate Patient:link:RelatedPerson", "Observation:subject:*"]
    ),
  ])
  func includes(query: String, expected: [String]) throws {
    let search = try parse(query, ["Observation"])
    #expect(search.includes.map(text) == expected)
    #expect(search.warnings.isEmpty)
    #expect(search.criteria.isEmpty)
    #expect(search.link.hasPrefix(query.prefix { $0 != "&" }))
  }

  @Test(arguments: [
    ("_include:iterate=Organization:partof", "iterate Organization:partof:*"),
    ("_include:recurse=Organization:partof", "iterate Organization:partof:*"),
    ("_include:iterate=Organization:partof:Organization", "iterate Organization:partof:Organization"),
    ("_revinclude:iterate=Organization:partof", "rev iterate Organization:partof:*"),
    ("_include:iterate=Patient:link", "iterate Patient:link:*"),
  ])
  func circularIncludes(query: String, expected: String) throws {
    let search = try parse(query)
    #expect(search.includes.map(text) == [expected])
    #expect(search.warnings.isEmpty)
  }

  @Test(
    arguments: [
      (
        "_include=Observation:subject:NotAResourceType", "Resource type 'NotAResourceType' is not supported.",
        "not-supported"
      ),
      ("_include=NotAResourceType:subject", "Resource type 'NotAResourceType' is not supported.", "not-supported"),
      ("_include=Observation:subject:", "The target resource type cannot be empty.", "invalid"),
      ("_include=Observation:subject:%20", "The target resource type cannot be empty.", "invalid"),
      (
        "_revinclude:iterate=Patient:general-practitioner",
        "The '_revinclude:iterate=Patient:general-practitioner' search parameter has multiple target types. Please "
          + "specify a target type.", "invalid"
      ),
      (
        "_include=Observation:nope", "The search parameter 'nope' is not supported for resource type 'Observation'.",
        "not-supported"
      ),
      (
        "_include=Observation:code",
        "The '_include' parameter value 'Observation:code' is invalid. The search parameter 'code' is not a reference.",
        nil
      ),
      (
        "_include=Observation",
        "The '_include' parameter value 'Observation' is invalid. Expected [type]:[search parameter] or [type]:[search "
          + "parameter]:[target type].", nil
      ),
      (
        "_include=*:subject",
        "The '_include' parameter value '*:subject' is invalid. A search parameter is named with its resource type: "
          + "Observation:subject.", nil
      ),
      (
        "_revinclude=",
        "The '_revinclude' parameter value '' is invalid. Expected [type]:[search parameter] or [type]:[search "
          + "parameter]:[target type].", nil
      ),
    ] as [(String, String, String?)])
  func refusedIncludes(query: String, text: String, code: String?) {
    let fault = refusal(query, ["Observation"])
    #expect(fault?.category == .invalid)
    #expect(fault?.reasons == [Fault.Reason(text, code: code)])
  }

  // MARK: Others

  /// What would change the matches or their order, but is not there, is never passed over in silence.
  @Test(arguments: ["_sort=_score", "_sort=-_score"])
  func unsupported(_ parameter: String) throws {
    let query = try parse("family=a&\(parameter)&active=true")
    #expect(query.link == "family=a&active=true")
    #expect(query.warnings.map(\.code) == ["not-supported"])
    #expect(query.warnings.first?.diagnostics.contains("_score") == true)
    #expect(refusal(parameter, isStrict: true)?.category == .invalid)
  }

  /// FHIR R4 search#sort: by how well words match.
  @Test func score() throws {
    let query = try parse("_text=a&_sort=-_score,family")
    #expect(query.sort.map(\.isByScore) == [true, false])
    #expect(query.sort.map(\.isDescending) == [true, false])
    #expect(query.link == "_text=a&_sort=-_score,family")
    #expect(try parse("_content=a&_sort=_score").sort.map(\.isDescending) == [false])
  }

  /// FHIR R4 search §2.1.1.5.6.
  @Test func contained() throws {
    let usual = try parse("family=a")
    #expect(usual.contained == .false && usual.containedType == .container)
    let query = try parse("family=a&_contained=both&_containedType=contained")
    #expect(query.contained == .both && query.containedType == .contained)
    #expect(query.warnings.isEmpty)
    #expect(query.link == "family=a&_contained=both&_containedType=contained")
    #expect(try parse("_contained=true").contained == .true)
  }

  @Test func others() throws {
    let query = try parse(
      "_includesCount=5&_contained=false&_containedType=container&_explain=true&includesCt=abc&ct=def&_total=Estimate")
    #expect(query.includesCount == 5)
    #expect(query.wantsExplanation)
    #expect(query.includesToken == "abc")
    #expect(query.pagingToken == "def")
    #expect(query.total == .estimate)
    #expect(
      query.link == "_includesCount=5&_contained=false&_containedType=container&_explain=true&_total=Estimate")
    #expect(try !parse("_explain=false").wantsExplanation)
    for wrong in [
      "_includesCount=0", "_includesCount=-1", "_includesCount=x", "_includesCount=", "_contained=yes",
      "_containedType=both", "_explain=1", "_explain=", "_include:foo=*", "_sort:desc=family",
    ] {
      #expect(refusal(wrong, isStrict: true)?.category == .invalid, "\(wrong)")
    }
    let past = try parse("_includesCount=1001")
    #expect(past.includesCount == 1_000)
    #expect(
      past.warnings.map(\.diagnostics) == [
        "The '_includesCount' parameter value 1001 exceeds limit 1000; the limit is used."
      ])
    #expect(try parse("_includesCount=1000").warnings.isEmpty)
    #expect(try parse("_count=2147483647").warnings.first?.diagnostics.contains("exceeds limit") == true)
    #expect(
      refusal("_total=count")?.reasons.first?.diagnostics
        == "The '_total' parameter value 'count' is invalid. The supported values are: 'accurate', 'estimate', 'none'.")
  }
}
