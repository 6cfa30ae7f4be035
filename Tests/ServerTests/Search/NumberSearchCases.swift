import Testing

/// FHIR R4 search#number: `eq` and `ne` by the precision written, all other prefixes by the exact value.
@Suite(
  .scene { scene in
    for (name, probability) in [("n1", "1"), ("n4", "4"), ("n5", "5"), ("n6", "6"), ("n100", "100")] {
      try await scene.create(
        name,
        #"{"resourceType":"RiskAssessment","status":"final","subject":{"display":"x"},"#
          + #""prediction":[{"probabilityDecimal":\#(probability)}]}"#)
    }
  }) struct NumberSearchCases
{
  @Test(arguments: rows) func number(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("RiskAssessment?_tag=t&probability=" + row.query, row.names))
  }

  static let rows = [
    SearchRow("5", "n5"),
    SearchRow("eq5", "n5"),
    SearchRow("ne5", "n1 n4 n6 n100"),
    SearchRow("gt5", "n6 n100"),
    SearchRow("lt5", "n1 n4"),
    SearchRow("ge5", "n5 n6 n100"),
    SearchRow("le5", "n1 n4 n5"),
    SearchRow("sa5", "n6 n100"),
    SearchRow("eb5", "n1 n4"),
    SearchRow("5.000", "n5"),
    SearchRow("eq5.000", "n5"),
    SearchRow("ne5.000", "n1 n4 n6 n100"),
    SearchRow("gt5.000", "n6 n100"),
    SearchRow("le5.000", "n1 n4 n5"),
    SearchRow("5.0001", ""),
    SearchRow("eq5.0001", ""),
    SearchRow("ne5.0001", "n1 n4 n5 n6 n100"),
    SearchRow("gt5.0001", "n6 n100"),
    SearchRow("lt5.0001", "n1 n4 n5"),
    SearchRow("ge5.0001", "n6 n100"),
    SearchRow("le5.0001", "n1 n4 n5"),
    SearchRow("sa5.0001", "n6 n100"),
    SearchRow("eb5.0001", "n1 n4 n5"),
    SearchRow("4.9999", ""),
    SearchRow("eq4.9999", ""),
    SearchRow("ne4.9999", "n1 n4 n5 n6 n100"),
    SearchRow("gt4.9999", "n5 n6 n100"),
    SearchRow("le4.9999", "n1 n4"),
    SearchRow("5e0", "n5"),
    SearchRow("eq5e0", "n5"),
    SearchRow("ne5e0", "n1 n4 n6 n100"),
    SearchRow("gt5e0", "n6 n100"),
    SearchRow("le5e0", "n1 n4 n5"),
    SearchRow("100", "n100"),
    SearchRow("eq100", "n100"),
    SearchRow("ne100", "n1 n4 n5 n6"),
    SearchRow("gt100", ""),
    SearchRow("lt100", "n1 n4 n5 n6"),
    SearchRow("ge100", "n100"),
    SearchRow("le100", "n1 n4 n5 n6 n100"),
    SearchRow("sa100", ""),
    SearchRow("eb100", "n1 n4 n5 n6"),
    SearchRow("1e2", "n100"),
    SearchRow("eq1e2", "n100"),
    SearchRow("ne1e2", "n1 n4 n5 n6"),
    SearchRow("gt1e2", ""),
    SearchRow("le1e2", "n1 n4 n5 n6 n100"),
    SearchRow("5,100", "n5 n100"),
    SearchRow("lt2,gt50", "n1 n100"),
    SearchRow("gt1&probability=lt6", "n4 n5"),
    SearchRow("ap5.2", "n5"),
    SearchRow("5.00000000000000000000", "n5"),
    SearchRow("-1", ""),
  ]

  /// Values that are no numbers.
  @Test(arguments: ["foo", "gt", "gtfoo", "5a", "0x5", "1e", "1e999", "NaN", "Infinity", "--5", "5 6", "xx5", "."])
  func unreadableNumbersAreRefused(_ value: String) async throws {
    try await SearchScene.current.checkRefused("RiskAssessment?probability=" + value, ["'probability'", value])
  }

  @Test func aNumberOf47DigitsIsRefused() async throws {
    let value = "gt" + String(repeating: "9", count: 47)
    try await SearchScene.current.checkRefused("RiskAssessment?probability=" + value, ["'probability'", "digits"])
  }
}
