import Base
import FHIRModel
import Testing

@testable import FHIRSearch

/// FHIR R4 search_filter.html.
@Suite struct SearchFilterTests {
  private func text(_ filter: String, _ type: String) throws -> String {
    CriterionText.text(
      try SearchQueryParserTests.parse("_filter=\(QueryString.encode(filter))", [type]))
  }

  private func refusal(_ filter: String, _ type: String = "Patient", limits: Limits = Limits()) -> String? {
    SearchQueryParserTests.refusal("_filter=\(QueryString.encode(filter))", [type], limits: limits)?.reasons.first?
      .diagnostics
  }

  @Test(arguments: [
    // The standard's examples.
    ("Patient", #"name co "pet""#, "name:contains='pet'"),
    (
      "Patient", #"given eq "peter" and birthdate ge 2014-10-10"#,
      "(given:equals='peter' and birthdate=ge[2014-10-10T00:00:00,2014-10-10T23:59:59.999999])"
    ),
    ("Observation", "code eq http://loinc.org|1234-5", "code=http://loinc.org|1234-5"),
    (
      "Observation", #"subject.name co "pet""#,
      "subject→Patient{name:contains='pet'}|Location{name:contains='pet'}"
    ),
    (
      "Observation", "subject.id eq 3425",
      "subject→Group{_id=3425}|Device{_id=3425}|Patient{_id=3425}|Location{_id=3425}"
    ),
    ("Observation", "derived-from re Observation/4", "derived-from=Observation/4"),
    ("Patient", "_has:Observation:patient:code eq loinc|1234-5", "←Observation.patient{code=http://loinc.org|1234-5}"),
    // Logic: left to right.
    (
      "Patient", "given eq a and given eq b and given eq c",
      "(given:equals='a' and given:equals='b' and given:equals='c')"
    ),
    (
      "Patient", "given eq a or given eq b and given eq c",
      "((given:equals='a' or given:equals='b') and given:equals='c')"
    ),
    (
      "Patient", "given eq a and given eq b or given eq c",
      "((given:equals='a' and given:equals='b') or given:equals='c')"
    ),
    (
      "Patient", "given eq a or (given eq b and given eq c)",
      "(given:equals='a' or (given:equals='b' and given:equals='c'))"
    ),
    ("Patient", "not (given eq a)", "!given:equals='a'"),
    ("Patient", "not(given eq a) and not ( not(family eq b) )", "(!given:equals='a' and !!family:equals='b')"),
    ("Patient", "  ( ( given   eq a ) )  ", "given:equals='a'"),
    // Strings.
    ("Patient", "family ne a", "(family:missing=false and !family:equals='a')"),
    ("Patient", "family sw a", "family='a'"), ("Patient", "family ew a", "family:endsWith='a'"),
    ("Patient", "family gt m", "family:greater='m'"), ("Patient", "family ge m", "family:greaterOrEqual='m'"),
    ("Patient", "family lt m", "family:less='m'"), ("Patient", "family le m", "family:lessOrEqual='m'"),
    (
      "Patient", #"family eq "a \"b\" \\ \u00e9 \ud83d\ude00 \n) ] , and""#,
      "family:equals='a \"b\" \\ é 😀 \n) ] , and'"
    ),
    ("Patient", "family pr true", "family:missing=false"), ("Patient", #"family pr "false""#, "family:missing=true"),
    // Tokens.
    ("Patient", "active eq true", "active=true"),
    ("Patient", "gender ne male", "(gender:missing=false and !gender=male)"),
    ("Observation", "code in http://x/vs", "code:in=<http://x/vs>"),
    ("Observation", "code ni ValueSet/2", "code:not-in=<ValueSet/2>"),
    ("Observation", "code ss snomed|1", "code:below=http://snomed.info/sct|1"),
    ("Observation", "code sb rxnorm|1", "code:above=http://www.nlm.nih.gov/research/umls/rxnorm|1"),
    ("Observation", "code eq |a", "code=|a"), ("Observation", "_tag eq x", "_tag=x"),
    // References.
    ("Observation", "subject re Patient/1", "subject=Patient/1"), ("Observation", "subject eq 1", "subject=/1"),
    ("Observation", "subject pr false", "subject:missing=true"),
    // Ordered values.
    ("RiskAssessment", "probability gt 0.5", "probability=gt0.5"),
    ("RiskAssessment", "probability ap 5", "probability=eq5.0"),
    ("RiskAssessment", "probability co 5", "probability:covers=eq5.0"),
    ("Observation", "value-quantity ge 5|ucum|mg", "value-quantity=ge5.0|http://unitsofmeasure.org|mg"),
    ("Patient", "birthdate ne 2000", "birthdate=ne[2000-01-01T00:00:00,2000-12-31T23:59:59.999999]"),
    ("Patient", "birthdate sa 2000", "birthdate=sa[2000-01-01T00:00:00,2000-12-31T23:59:59.999999]"),
    ("Patient", "birthdate eb 2000", "birthdate=eb[2000-01-01T00:00:00,2000-12-31T23:59:59.999999]"),
    ("Patient", "birthdate po 2000", "birthdate=ap[2000-01-01T00:00:00,2000-12-31T23:59:59.999999]"),
    (
      "Patient", "birthdate co 2000-01-01",
      "birthdate:covers=eq[2000-01-01T00:00:00,2000-01-01T23:59:59.999999]"
    ),
    (
      "Patient", "_lastUpdated co 2000-01-01",
      "(_lastUpdated=lt[2000-01-01T00:00:00.000001,2000-01-02T00:00:00] and "
        + "_lastUpdated=gt[1999-12-31T23:59:59.999999,2000-01-01T23:59:59.999998])"
    ),
    // Others.
    ("Observation", "code-value-quantity eq a$gt5|s|c", "code-value-quantity=a$gt5.0|s|c"),
    ("Location", "near eq 1|2|3", "near=1.0|2.0|3000.0"), ("ValueSet", "url eq http://a", "url=<http://a>"),
    ("Patient", "_type eq Patient", "type(Patient)"), ("Patient", "_type ne Group", "!type(Group)"),
    // Paths.
    (
      "Observation", #"subject[name co "pet"].birthdate ge 2000-01-01"#,
      "subject→Patient{name:contains='pet' & birthdate=ge[2000-01-01T00:00:00,2000-01-01T23:59:59.999999]}"
    ),
    (
      "Observation", "subject:Patient[name eq a or gender eq male].organization.name eq b",
      "subject→Patient{(name:equals='a' or gender=male) & organization→Organization{name:equals='b'}}"
    ),
    (
      "Patient", "organization._has:Location:organization:name eq a",
      "organization→Organization{←Location.organization{name:equals='a'}}"
    ),
    // Words of the grammar are names and values too.
    ("Patient", "family eq and and given eq or", "(family:equals='and' and given:equals='or')"),
  ])
  func read(type: String, filter: String, expected: String) throws {
    #expect(try text(filter, type) == expected)
  }

  @Test(arguments: [
    ("", 1, "expected the name of a search parameter"), ("family", 7, "expected a space and an operator"),
    ("family eq", 10, "expected a space and a value"), ("family eq ", 11, "expected a value"),
    ("(family eq a", 13, "expected ')'"), ("family eq a)", 12, "expected 'and', 'or' or the end"),
    ("family eq a given eq b", 13, "expected 'and', 'or' or the end"),
    ("family eq a and", 16, "expected the name of a search parameter"),
    (
      "not family eq a", 5,
      "expected an operator (eq, ne, co, sw, ew, gt, lt, ge, le, ap, sa, eb, pr, po, ss, sb, in, ni, re)"
    ),
    (
      "family xx a", 8,
      "expected an operator (eq, ne, co, sw, ew, gt, lt, ge, le, ap, sa, eb, pr, po, ss, sb, in, ni, re)"
    ),
    (#"family eq "abc"#, 11, "the string has no end"),
    (#"family eq "a\x""#, 14, "the string has an escape that JSON does not know"),
    ("organization[name eq a", 23, "expected ']'"), ("organization[name eq a]", 24, "expected '.' and a parameter"),
    ("1family eq a", 1, "expected the name of a search parameter"),
    // Looked up.
    ("nope eq a", 1, "The search parameter 'nope' is not supported for resource type 'Patient'"),
    ("family eq a and nope eq b", 17, "The search parameter 'nope' is not supported for resource type 'Patient'"),
    (
      "organization.nope eq a", 1,
      "The search parameter 'nope' is not supported for any resource type that 'organization' may refer to"
    ),
    ("gender co a", 1, "The operator 'co' does not fit the search parameter 'gender' of type token"),
    ("family ss a", 1, "The operator 'ss' does not fit the search parameter 'family' of type string"),
    (
      "birthdate re a", 1,
      "The value 'a' of the search parameter 'birthdate' is invalid; expected [prefix]yyyy[-MM[-dd[Thh:mm[:ss[.fff]][Z|±hh:mm]]]]"
    ),
    ("birthdate re 2000", 1, "The operator 're' does not fit the search parameter 'birthdate' of type date"),
    (
      "birthdate eq gt2000", 1,
      "The value 'gt2000' of the search parameter 'birthdate' is invalid; expected [prefix]yyyy[-MM[-dd[Thh:mm[:ss[.fff]][Z|±hh:mm]]]]"
    ),
    ("family pr maybe", 1, "The value of 'pr' must be 'true' or 'false'"),
    (#"family eq """#, 1, "The search parameter 'family' has no value"),
    ("family.given eq a", 1, "The search parameter 'family' is of type string, not a reference, and cannot be chained"),
    ("family:exact eq a", 1, "the modifier ':exact' has no place in a filter, which has operators instead"),
    (
      "organization[nope eq a].name eq b", 14,
      "The search parameter 'nope' is not supported for resource type 'Organization'"
    ),
  ])
  func refused(filter: String, position: Int, reason: String) {
    #expect(refusal(filter) == "The '_filter' parameter is invalid at character \(position): \(reason).")
  }

  @Test func limitsAtAndPast() {
    func nested(_ count: Int) -> String {
      String(repeating: "(", count: count) + "family eq a" + String(repeating: ")", count: count)
    }
    var limits = Limits()
    limits.searchExpressionDepthMax = 5
    #expect(refusal(nested(4), limits: limits) == nil)
    #expect(refusal(nested(5), limits: limits)?.contains("nested more than 5 deep") == true)
    #expect(refusal(nested(8_000))?.contains("nested more than 32 deep") == true)
    #expect(refusal(String(repeating: "not(", count: 4_000))?.contains("nested more than 32 deep") == true)
    #expect(refusal(String(repeating: "organization[", count: 1_000))?.contains("nested more than 32 deep") == true)
    let turns = String(repeating: "family eq a and family eq b or ", count: 400)
    #expect(refusal(turns + "family eq c")?.contains("nested more than 32 deep") == true)
    let flat = String(repeating: "family eq a or ", count: 900) + "family eq b"
    #expect(refusal(flat) == nil)
    limits = Limits()
    limits.searchValuesMax = 900
    #expect(refusal(flat, limits: limits)?.contains("at most 900 values") == true)
    limits = Limits()
    limits.searchExpressionBytesMax = 11
    #expect(refusal("family eq a", limits: limits) == nil)
    #expect(refusal("family eq ab", limits: limits)?.contains("longer than 11 bytes") == true)
    #expect(refusal(String(repeating: "a", count: 64 * 1024)) != nil)
    #expect(
      refusal("organization.partof.partof.partof.partof.partof.partof.partof.partof.partof.partof.name eq a") != nil)
  }
}
