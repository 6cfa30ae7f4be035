import Base
import FHIRModel
import Testing

@testable import FHIRSearch

/// FHIR R4 search §2.1.1.5: modifiers by kind of parameter.
@Suite struct SearchModifierTests {
  @Test(arguments: [
    ("Patient", "name:text=Ann Lee", "name:text='Ann Lee'"),
    ("Patient", "name:contains=a,b", "name:contains='a','b'"),
    ("Observation", "code:text=blood", "code:text='blood'"),
    ("Observation", "code:not=s|a,b", "code:not=s|a,b"),
    ("Observation", "code:in=http://x/vs", "code:in=<http://x/vs>"),
    ("Observation", "code:in=ValueSet/23", "code:in=<ValueSet/23>"),
    ("Observation", "code:not-in=http://x/vs", "code:not-in=<http://x/vs>"),
    ("Observation", "code:above=s|a", "code:above=s|a"),
    ("Observation", "code:below=|a", "code:below=|a"),
    ("Patient", "identifier:of-type=http://t|MR|446053", "identifier:of-type=http://t|MR|446053"),
    ("Observation", "subject:identifier=s|1,|2,3", "subject:identifier=s|1,|2,3"),
    ("Location", "partof:below=Location/1", "partof:below=Location/1"),
    ("Location", "partof:above=1", "partof:above=/1"),
    ("ValueSet", "url:below=http://a/", "url:below=<http://a/>"),
    ("ValueSet", "url:above=http://a/b", "url:above=<http://a/b>"),
    ("Location", "near:missing=true", "near:missing=true"),
    ("Observation", "date:missing=false", "date:missing=false"),
    ("Observation", "value-quantity:missing=true", "value-quantity:missing=true"),
    ("RiskAssessment", "probability:missing=true", "probability:missing=true"),
    ("ValueSet", "url:missing=true", "url:missing=true"),
    ("Observation", "subject:missing=true", "subject:missing=true"),
    ("Patient", "_id:not=a,b", "_id:not=a,b"),
    ("Patient", "_lastUpdated:missing=false", "_lastUpdated:missing=false"),
    ("Patient", "_profile:below=http://a", "_profile:below=<http://a>"),
  ])
  func taken(type: String, query: String, expected: String) throws {
    #expect(CriterionText.text(try SearchQueryParserTests.parse(query, [type])) == expected)
  }

  @Test(arguments: [
    (
      "Patient", "gender:exact=male",
      "The modifier ':exact' is not supported for the search parameter 'gender' of type token, which takes :text, :not, "
        + ":in, :not-in, :above, :below, :of-type or :missing."
    ),
    (
      "Patient", "family:not=a",
      "The modifier ':not' is not supported for the search parameter 'family' of type string, which takes :exact, "
        + ":contains, :text or :missing."
    ),
    (
      "Patient", "birthdate:above=2000",
      "The modifier ':above' is not supported for the search parameter 'birthdate' of type date, which takes :missing."
    ),
    (
      "Patient", "general-practitioner:Nobody=1",
      "The modifier ':Nobody' is not supported for the search parameter 'general-practitioner' of type reference, which "
        + "takes :identifier, :above, :below, :missing or a resource type (:Patient)."
    ),
    (
      "Patient", "_id:text=1",
      "The modifier ':text' is not supported for the search parameter '_id' of type token, which takes :not or :missing."
    ),
    (
      "Patient", "family:endsWith=a",
      "The modifier ':endsWith' is not supported for the search parameter 'family' of type string, which takes :exact, "
        + ":contains, :text or :missing."
    ),
    ("Patient", "family:missing=true,false", "The value of 'family:missing' must be 'true' or 'false'."),
    (
      "Patient", "_text:exact=a",
      "The modifier ':exact' is not supported for the search parameter '_text', which takes none."
    ),
    (
      "Patient", "identifier:of-type=t|MR",
      "The value 't|MR' of the search parameter 'identifier' is invalid; expected [system]|[code]|[value] of an "
        + "identifier's type and value."
    ),
    (
      "Observation", "code:below=s|",
      "The value 's|' of the search parameter 'code' is invalid; expected [code] or [system]|[code]."
    ),
  ])
  func refused(type: String, query: String, expected: String) {
    let fault = SearchQueryParserTests.refusal(query, [type])
    #expect(fault?.category == .invalid)
    #expect(fault?.reasons.map(\.diagnostics) == [expected])
  }

  /// A stranger's text is not sent back in any length.
  @Test func longTextsAreCut() {
    let long = String(repeating: "ä", count: 50_000)
    for query in [
      "family:\(long)=a", "birthdate=\(long)", "_count=\(long)", "subject:\(long).name=a", "_has:\(long):a:b=c",
      "_include=\(long):a", "_summary=\(long)", "_has:\(long)=1", "_list=\(long)", "_filter=\(long) eq 1",
      "_sort=\(long)", "\(long)=a", "_type=\(long)", "near=\(long)", "gender:in:\(long)=a",
    ] {
      for type in ["Patient", "Observation"] {
        let fault = SearchQueryParserTests.refusal(query, [type], isStrict: true)
        #expect((fault?.reasons.first?.diagnostics.count ?? 0) < 600, "\(query.prefix(20))")
      }
    }
  }
}
