import Testing

/// Longer than what others keep in their index.
private let long = String(repeating: "0123456789abcdef", count: 20)

/// FHIR R4 search#token: systems, codes, texts, `:not`.
@Suite(
  .scene { scene in
    let code = #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueCodeableConcept":"#
    for (name, concept) in [
      ("o0", #"{"coding":[{"system":"system1","code":"code1"}]}"#),
      ("o1", #"{"coding":[{"system":"system2","code":"code2"}]}"#),
      ("o2", #"{"coding":[{"system":"system3","code":"code1"}],"text":"text"}"#),
      ("o3", #"{"coding":[{"system":"system1","code":"code2"},{"system":"system3","code":"code3","display":"text"}]}"#),
      (
        "o4", #"{"coding":[{"system":"system1","code":"code1"},{"system":"system2","code":"code2","display":"text2"}]}"#
      ),
      ("o5", #"{"coding":[{"code":"code3"}]}"#), ("o6", #"{"text":"text"}"#),
      ("o7", #"{"coding":[{"system":"system5","code":"VALUE"}]}"#),
      ("o8", #"{"coding":[{"system":"system5","code":"value"}]}"#),
    ] {
      try await scene.create(name, code + concept + "}")
    }
    try await scene.create("o9", #"{"resourceType":"Observation","status":"final","code":{"text":"x"}}"#)
    for (name, members) in [
      ("p0", #""identifier":[{"system":"urn:a","value":"1"}],"gender":"female","deceasedBoolean":false"#),
      ("p1", #""identifier":[{"system":"urn:a","value":"2"}],"gender":"male","deceasedBoolean":true"#),
      ("p2", #""identifier":[{"value":"1"}],"active":true,"deceasedDateTime":"2020-01-01""#),
      (
        "p3",
        #""identifier":[{"system":"urn:b","value":"1","type":{"coding":[{"system":"urn:t","code":"MR"}],"text":"Chart"}}]"#
      ), ("p4", #""telecom":[{"system":"phone","value":"555"},{"system":"email","value":"a|b@c.org"}]"#),
      ("p5", #""identifier":[{"system":"urn:long","value":"\#(long)a"}]"#),
      ("p6", #""identifier":[{"system":"urn:long","value":"\#(long)b"}]"#),
    ] {
      try await scene.create(name, #"{"resourceType":"Patient",\#(members)}"#)
    }
    try await scene.create("org", #"{"resourceType":"Organization","name":"x"}"#)
  }) struct TokenSearchCases
{
  @Test(arguments: rows) func token(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Observation?_tag=t&value-concept" + row.query, row.names))
  }

  static let rows = [
    SearchRow("=code1", "o0 o2 o4"),
    SearchRow("=code3", "o3 o5"),
    SearchRow("=a", ""),
    SearchRow("=text", ""),
    SearchRow("=code", ""),
    SearchRow("=system1|code1", "o0 o4"),
    SearchRow("=system1|code2", "o3"),
    SearchRow("=system3|code1", "o2"),
    SearchRow("=system1|code3", ""),
    SearchRow("=nosystem|code1", ""),
    SearchRow("=SYSTEM1|code1", ""),
    SearchRow("=|code3", "o5"),
    SearchRow("=|code1", ""),
    SearchRow("=|a", ""),
    SearchRow("=system1|", "o0 o3 o4"),
    SearchRow("=system3|", "o2 o3"),
    SearchRow("=a|", ""),
    SearchRow("=VALUE", "o7"),
    SearchRow("=value", "o8"),
    SearchRow("=Value", ""),
    SearchRow("=system5|value", "o8"),
    SearchRow("=code1,system2|code2", "o0 o1 o2 o4"),
    SearchRow("=system1|code2,|code3,nothing", "o3 o5"),
    SearchRow("=code1&value-concept=code2", "o4"),
    SearchRow("=code1,code1", "o0 o2 o4"),
    SearchRow(":text=text", "o2 o3 o4 o6"),
    SearchRow(":text=text2", "o4"),
    SearchRow(":text=TEX", "o2 o3 o4 o6"),
    SearchRow(":text=ext", ""),
    SearchRow(":text=code1", ""),
    SearchRow(":text=text2,text", "o2 o3 o4 o6"),
    SearchRow(":not=code1", "o1 o3 o5 o6 o7 o8 o9"),
    SearchRow(":not=system1|code1", "o1 o2 o3 o5 o6 o7 o8 o9"),
    SearchRow(":not=system1|", "o1 o2 o5 o6 o7 o8 o9"),
    SearchRow(":not=|code3", "o0 o1 o2 o3 o4 o6 o7 o8 o9"),
    SearchRow(":not=nothing", "o0 o1 o2 o3 o4 o5 o6 o7 o8 o9"),
    SearchRow(":not=code1,code2", "o5 o6 o7 o8 o9"),
    SearchRow(":not=code1&value-concept:not=code2", "o5 o6 o7 o8 o9"),
    SearchRow(":not=code1&value-concept=code2", "o1 o3"),
    SearchRow(":not=value", "o0 o1 o2 o3 o4 o5 o6 o7 o9"),
    SearchRow(":missing=true", "o9"),
    SearchRow(":missing=false", "o0 o1 o2 o3 o4 o5 o6 o7 o8"),
    SearchRow(":missing=false&value-concept:not=code1", "o1 o3 o5 o6 o7 o8"),
  ]

  @Test(arguments: [
    SearchRow("identifier=urn:a|", "p0 p1"), SearchRow("identifier=urn:a|1", "p0"),
    SearchRow("identifier=1", "p0 p2 p3"),
    SearchRow("identifier=|1", "p2"), SearchRow("identifier=urn:a|3", ""),
    SearchRow("identifier:of-type=urn:t|MR|1", "p3"), SearchRow("identifier:of-type=urn:t|MR|2", ""),
    SearchRow("identifier:of-type=urn:t|SS|1", ""), SearchRow("identifier:text=chart", "p3"),
    SearchRow("identifier:missing=true", "p4"), SearchRow("identifier:not=1", "p1 p4 p5 p6"),
    // Long values are told apart by their last letter.
    SearchRow("identifier=\(long)a", "p5"), SearchRow("identifier=urn:long|\(long)b", "p6"),
    SearchRow("identifier=\(long)", ""),
    SearchRow("gender=female", "p0"), SearchRow("gender=http://hl7.org/fhir/administrative-gender|female", "p0"),
    SearchRow("gender=FEMALE", ""), SearchRow("gender:not=female", "p1 p2 p3 p4 p5 p6"), SearchRow("active=true", "p2"),
    SearchRow("active=false", ""), SearchRow("phone=555", "p4"), SearchRow("telecom=555", "p4"),
    SearchRow("email=a\\|b@c.org", "p4"), SearchRow("telecom=a\\|b@c.org", "p4"),
    // R4's expression: exists and is not false.
    SearchRow("deceased=true", "p1 p2"), SearchRow("deceased=false", "p0 p3 p4 p5 p6"),
    SearchRow("_id={{p1}}", "p1"), SearchRow("_id={{p1}},{{p2}},{{p1}},nothing", "p1 p2"),
    SearchRow("_id:not={{p1}},{{p2}}", "p0 p3 p4 p5 p6"), SearchRow("_tag:not=other", "p0 p1 p2 p3 p4 p5 p6"),
    SearchRow("_tag=|t", "p0 p1 p2 p3 p4 p5 p6"),
  ]) func patients(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Patient?_tag=t&" + row.query, row.names))
  }

  /// `:not` over several types.
  @Test(arguments: [
    SearchRow("?_tag=t&_type:not=Patient,Observation", "org"),
    SearchRow("?_tag=t&_type:not=Observation&_id:not={{p0}},{{p1}},{{p2}}", "org p3 p4 p5 p6"),
    SearchRow("?_tag=t&_type=Patient,Organization&_id:not={{org}}", "p0 p1 p2 p3 p4 p5 p6"),
    SearchRow("?_tag=t&_type=Patient,Observation&identifier:not=1", "o0 o1 o2 o3 o4 o5 o6 o7 o8 o9 p1 p4 p5 p6"),
  ]) func severalTypes(_ row: SearchRow) async throws {
    try await SearchScene.current.check(row)
  }

  /// A patient that is deleted counts nowhere, whatever its index says.
  @Test func deletionsAreNotCounted() async throws {
    let scene = try SearchScene.current
    let query = "Patient?deceased=false&_summary=count&_tag=deleted"
    #expect(try await scene.find(query).total == 0)
    try await scene.create("deleted", #"{"resourceType":"Patient"}"#, tag: "deleted")
    #expect(try await scene.find(query).total == 1)
    try await scene.delete("deleted")
    #expect(try await scene.find(query).total == 0)
  }

  @Test(arguments: [
    "identifier=a|b|c|d", "identifier=|", "identifier:of-type=a|b", "identifier:of-type=a",
    "identifier:of-type=a|b|c|d",
    "identifier:exact=1", "identifier:Patient=1", "identifier:below=urn:a|", "_id:text=1", "gender:contains=f",
  ]) func whatIsNoTokenIsRefused(_ query: String) async throws {
    try await SearchScene.current.checkRefused(
      "Patient?" + query, ["'\(query.prefix { $0 != ":" && $0 != "=" })'"])
  }
}
