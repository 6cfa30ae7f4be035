import Testing

private let ucum = "http://unitsofmeasure.org"

private func observation(_ value: String, _ unit: String, _ system: String) -> String {
  #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"#
    + #""valueQuantity":{"value":\#(value),"unit":"\#(unit)","code":"\#(unit)","system":"\#(system)"}}"#
}

/// FHIR R4 search#quantity: `[prefix][number]|[system]|[code]`.
@Suite(
  .scene { scene in
    for (name, value, unit, system) in [
      ("q0", "0.002", "unit1", "system1"), ("q1", "1", "unit1", "system1"), ("q3", "3.12", "unit1", "system2"),
      ("q4", "4", "unit1", "system1"), ("q5a", "5", "unit1", "system1"), ("q5b", "5", "unit2", "system2"),
      ("q6", "6", "unit2", "system2"), ("q9", "8.95", "unit2", "system1"), ("q10", "10", "unit1", "system1"),
    ] {
      try await scene.create(name, observation(value, unit, system))
    }
    try await scene.create("g1000", observation("1000", "g", ucum), tag: "ucum")
    try await scene.create("kg1", observation("1", "kg", ucum), tag: "ucum")
    try await scene.create("kg2", observation("2", "kg", ucum), tag: "ucum")
    try await scene.create("mmHg", observation("120", "mm[Hg]", ucum), tag: "ucum")
    try await scene.create(
      "below", observation("5", "mg", ucum).replacing("\"value\"", with: "\"comparator\":\"<\",\"value\""),
      tag: "comparator")
    try await scene.create(
      "above", observation("5", "mg", ucum).replacing("\"value\"", with: "\"comparator\":\">\",\"value\""),
      tag: "comparator")
  }) struct QuantitySearchCases
{
  @Test(arguments: rows) func quantity(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Observation?_tag=t&value-quantity=" + row.query, row.names))
  }

  static let rows = [
    SearchRow("0.002", "q0"),
    SearchRow("eq0.002", "q0"),
    SearchRow("ne0.002", "q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("gt0.002", "q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("lt0.002", ""),
    SearchRow("ge0.002", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("le0.002", "q0"),
    SearchRow("sa0.002", "q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("eb0.002", ""),
    SearchRow("2e-3", "q0"),
    SearchRow("eq2e-3", "q0"),
    SearchRow("ne2e-3", "q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("gt2e-3", "q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("lt2e-3", ""),
    SearchRow("ge2e-3", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("le2e-3", "q0"),
    SearchRow("sa2e-3", "q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("eb2e-3", ""),
    SearchRow("2E-3", "q0"),
    SearchRow("eq2E-3", "q0"),
    SearchRow("ne2E-3", "q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("ge2E-3", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("2.00e-3", "q0"),
    SearchRow("eq2.00e-3", "q0"),
    SearchRow("ne2.00e-3", "q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("ge2.00e-3", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("3.12", "q3"),
    SearchRow("eq3.12", "q3"),
    SearchRow("ne3.12", "q0 q1 q4 q5a q5b q6 q9 q10"),
    SearchRow("gt3.12", "q4 q5a q5b q6 q9 q10"),
    SearchRow("lt3.12", "q0 q1"),
    SearchRow("ge3.12", "q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("le3.12", "q0 q1 q3"),
    SearchRow("sa3.12", "q4 q5a q5b q6 q9 q10"),
    SearchRow("eb3.12", "q0 q1"),
    SearchRow("3.1", "q3"),
    SearchRow("eq3.1", "q3"),
    SearchRow("ne3.1", "q0 q1 q4 q5a q5b q6 q9 q10"),
    SearchRow("ge3.1", "q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("3", "q3"),
    SearchRow("eq3", "q3"),
    SearchRow("ne3", "q0 q1 q4 q5a q5b q6 q9 q10"),
    SearchRow("ge3", "q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("5", "q5a q5b"),
    SearchRow("eq5", "q5a q5b"),
    SearchRow("ne5", "q0 q1 q3 q4 q6 q9 q10"),
    SearchRow("gt5", "q6 q9 q10"),
    SearchRow("lt5", "q0 q1 q3 q4"),
    SearchRow("ge5", "q5a q5b q6 q9 q10"),
    SearchRow("le5", "q0 q1 q3 q4 q5a q5b"),
    SearchRow("sa5", "q6 q9 q10"),
    SearchRow("eb5", "q0 q1 q3 q4"),
    SearchRow("5.0", "q5a q5b"),
    SearchRow("eq5.0", "q5a q5b"),
    SearchRow("ne5.0", "q0 q1 q3 q4 q6 q9 q10"),
    SearchRow("ge5.0", "q5a q5b q6 q9 q10"),
    SearchRow("5.01", ""),
    SearchRow("eq5.01", ""),
    SearchRow("ne5.01", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("gt5.01", "q6 q9 q10"),
    SearchRow("lt5.01", "q0 q1 q3 q4 q5a q5b"),
    SearchRow("ge5.01", "q6 q9 q10"),
    SearchRow("le5.01", "q0 q1 q3 q4 q5a q5b"),
    SearchRow("sa5.01", "q6 q9 q10"),
    SearchRow("eb5.01", "q0 q1 q3 q4 q5a q5b"),
    SearchRow("4.99", ""),
    SearchRow("eq4.99", ""),
    SearchRow("ne4.99", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("gt4.99", "q5a q5b q6 q9 q10"),
    SearchRow("lt4.99", "q0 q1 q3 q4"),
    SearchRow("ge4.99", "q5a q5b q6 q9 q10"),
    SearchRow("le4.99", "q0 q1 q3 q4"),
    SearchRow("sa4.99", "q5a q5b q6 q9 q10"),
    SearchRow("eb4.99", "q0 q1 q3 q4"),
    SearchRow("8.95", "q9"),
    SearchRow("eq8.95", "q9"),
    SearchRow("ne8.95", "q0 q1 q3 q4 q5a q5b q6 q10"),
    SearchRow("gt8.95", "q10"),
    SearchRow("lt8.95", "q0 q1 q3 q4 q5a q5b q6"),
    SearchRow("ge8.95", "q9 q10"),
    SearchRow("le8.95", "q0 q1 q3 q4 q5a q5b q6 q9"),
    SearchRow("sa8.95", "q10"),
    SearchRow("eb8.95", "q0 q1 q3 q4 q5a q5b q6"),
    SearchRow("10", "q10"),
    SearchRow("eq10", "q10"),
    SearchRow("ne10", "q0 q1 q3 q4 q5a q5b q6 q9"),
    SearchRow("gt10", ""),
    SearchRow("lt10", "q0 q1 q3 q4 q5a q5b q6 q9"),
    SearchRow("ge10", "q10"),
    SearchRow("le10", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("sa10", ""),
    SearchRow("eb10", "q0 q1 q3 q4 q5a q5b q6 q9"),
    SearchRow("ge1e1", "q10"),
    SearchRow("100", ""),
    SearchRow("eq100", ""),
    SearchRow("ne100", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("gt100", ""),
    SearchRow("lt100", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("ge100", ""),
    SearchRow("le100", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("sa100", ""),
    SearchRow("eb100", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("-5", ""),
    SearchRow("eq-5", ""),
    SearchRow("ne-5", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("gt-5", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("lt-5", ""),
    SearchRow("ge-5", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("le-5", ""),
    SearchRow("sa-5", "q0 q1 q3 q4 q5a q5b q6 q9 q10"),
    SearchRow("eb-5", ""),
    SearchRow("5|system1", "q5a"),
    SearchRow("5||unit1", "q5a"),
    SearchRow("5|system1|unit1", "q5a"),
    SearchRow("eq5|system1", "q5a"),
    SearchRow("eq5||unit1", "q5a"),
    SearchRow("eq5|system1|unit1", "q5a"),
    SearchRow("ne5|system1", "q0 q1 q4 q9 q10"),
    SearchRow("ne5||unit1", "q0 q1 q3 q4 q10"),
    SearchRow("ne5|system1|unit1", "q0 q1 q4 q10"),
    SearchRow("gt5|system1", "q9 q10"),
    SearchRow("gt5||unit1", "q10"),
    SearchRow("gt5|system1|unit1", "q10"),
    SearchRow("lt5|system1", "q0 q1 q4"),
    SearchRow("lt5||unit1", "q0 q1 q3 q4"),
    SearchRow("lt5|system1|unit1", "q0 q1 q4"),
    SearchRow("ge5|system1", "q5a q9 q10"),
    SearchRow("ge5||unit1", "q5a q10"),
    SearchRow("ge5|system1|unit1", "q5a q10"),
    SearchRow("le5|system1", "q0 q1 q4 q5a"),
    SearchRow("le5||unit1", "q0 q1 q3 q4 q5a"),
    SearchRow("le5|system1|unit1", "q0 q1 q4 q5a"),
    SearchRow("sa5|system1", "q9 q10"),
    SearchRow("sa5||unit1", "q10"),
    SearchRow("sa5|system1|unit1", "q10"),
    SearchRow("eb5|system1", "q0 q1 q4"),
    SearchRow("eb5||unit1", "q0 q1 q3 q4"),
    SearchRow("eb5|system1|unit1", "q0 q1 q4"),
    SearchRow("5|system2|unit2", "q5b"),
    SearchRow("5|system2|unit1", ""),
    SearchRow("5||unit3", ""),
    SearchRow("5|system3", ""),
    SearchRow("4,6", "q4 q6"),
    SearchRow("lt1,gt9", "q0 q10"),
    SearchRow("gt1&value-quantity=lt5", "q3 q4"),
    SearchRow("ap9.5", "q9 q10"),
  ]

  /// FHIR R4 search#quantity: by canonical units where the unit is UCUM's: 1 kg is 1000 g.
  @Test(arguments: [
    SearchRow("1|http://unitsofmeasure.org|kg", "g1000 kg1"),
    SearchRow("1000|http://unitsofmeasure.org|g", "g1000 kg1"),
    SearchRow("gt1500|http://unitsofmeasure.org|g", "kg2"),
    SearchRow("lt1.5|http://unitsofmeasure.org|kg", "g1000 kg1"),
    SearchRow("1000000|http://unitsofmeasure.org|mg", "g1000 kg1"),
    SearchRow("16|http://unitsofmeasure.org|kPa", "mmHg"),
  ]) func canonicalUnits(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Observation?_tag=ucum&value-quantity=" + row.query, row.names))
  }

  /// `||unit` is the unit as it was written; a system that is not UCUM's is compared as it stands.
  @Test(arguments: [
    SearchRow("1||kg", "kg1"), SearchRow("1000||g", "g1000"), SearchRow("gt1", "g1000 kg2 mmHg"),
    SearchRow("1|http://example.org|kg", ""), SearchRow("120|http://unitsofmeasure.org|mm[Hg]", "mmHg"),
  ]) func writtenUnits(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Observation?_tag=ucum&value-quantity=" + row.query, row.names))
  }

  /// A stored comparator makes a range that is open at one side (FHIR R4 datatypes#Quantity).
  @Test(arguments: [
    SearchRow("lt4", "below"), SearchRow("gt6", "above"), SearchRow("5", ""), SearchRow("sa4", "above"),
    SearchRow("eb6", "below"), SearchRow("ne5", "above below"),
  ]) func storedComparators(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Observation?_tag=comparator&value-quantity=" + row.query, row.names))
  }

  @Test(arguments: ["30|system|g|extra", "foo", "foo|s|c", "gt", "|s|c", "5|", "gt|s|c", "1e999||g"])
  func unreadableQuantitiesAreRefused(_ value: String) async throws {
    try await SearchScene.current.checkRefused("Observation?value-quantity=" + value, ["'value-quantity'", value])
  }
}
