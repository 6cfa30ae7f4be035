import Base
import FHIRModel
import Testing

@testable import FHIRSearch

/// `_text` and `_content` (FHIR R4 search#content).
@Suite struct FullTextTests {
  private func text(_ value: String, _ code: String = "_content") throws -> String {
    CriterionText.text(try SearchQueryParserTests.parse("\(code)=\(QueryString.encode(value))"))
  }

  private func refusal(_ value: String, limits: Limits = Limits()) -> String? {
    SearchQueryParserTests.refusal("_content=\(QueryString.encode(value))", limits: limits)?.reasons.first?.diagnostics
  }

  @Test(arguments: [
    ("bone", "content(bone)"), ("bone liver", "content(bone+liver)"), ("bone AND liver", "content(bone+liver)"),
    ("bone OR liver", "content(bone or liver)"), ("bone,liver", "content(bone or liver)"),
    // The standard's example.
    ("(bone OR liver) and metastases", "content(bone+metastases or liver+metastases)"),
    ("a OR b AND c", "content(a or b+c)"), ("a (b OR (c d))", "content(a+b or a+c+d)"),
    (#""lung cancer" bone"#, "content(lung_cancer+bone)"), (#""and""#, "content(and)"),
    ("beta-blocker", "content(beta_blocker)"), ("Müller's 5.4", "content(Müller_s+5_4)"), ("a a", "content(a)"),
    ("not seen", "content(not+seen)"), ("血圧", "content(血圧)"), ("e\u{301}t", "content(e\u{301}t)"),
    ("!bone*", "content(bone)"), (#"a"b c"d"#, "content(a+b_c+d)"),
  ])
  func read(value: String, expected: String) throws {
    #expect(try text(value) == expected)
  }

  @Test func narrative() throws {
    #expect(try text("bone", "_text") == "narrative(bone)")
    let query = try SearchQueryParserTests.parse("_text=bone&_text=liver&_content=x")
    #expect(query.criteria.count == 3)
    #expect(query.link == "_text=bone&_text=liver&_content=x")
  }

  @Test(arguments: [
    ("", "it has no words"), ("!?", "it has no words"), (#""""#, "it has no words"),
    (#""lung"#, "a quoted phrase has no end"), ("(a", "a closing parenthesis is missing"),
    ("a)", "a closing parenthesis has no opening one"), ("()", "a word or phrase is missing"),
    ("a AND", "a word or phrase is missing"), ("OR a", "a word or phrase is missing"),
    ("a OR OR b", "a word or phrase is missing"), ("a NOT b", "NOT is not supported"),
  ])
  func refused(value: String, reason: String) {
    #expect(refusal(value) == "The value of the search parameter '_content' is invalid: \(reason).")
  }

  @Test func limitsAtAndPast() {
    var limits = Limits()
    limits.searchTextAlternativesMax = 4
    #expect(refusal("(a OR b) (c OR d)", limits: limits) == nil)
    #expect(refusal("(a OR b) (c OR d OR e)", limits: limits)?.contains("more than 4 alternatives") == true)
    #expect(refusal("a OR b OR c OR d OR e", limits: limits) != nil)
    let product = (0..<500).map { "(a\($0) OR b\($0))" }.joined(separator: " ")
    #expect(refusal(product)?.contains("more than 64 alternatives") == true)
    #expect(refusal(String(repeating: "(", count: 10_000))?.contains("nested more than 32 deep") == true)
    #expect(refusal((0..<2_500).map { "w\($0)" }.joined(separator: " "))?.contains("values in all") == true)
    #expect(refusal(String(repeating: "a", count: 64 * 1024))?.contains("longer than 16384 bytes") == true)
  }
}
