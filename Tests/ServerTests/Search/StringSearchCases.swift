import Testing

/// 680 characters: longer than what others keep in their index.
private let long = String(repeating: "Lorem ipsum dolor sit amet cons ec", count: 20)

/// FHIR R4 search#string: prefixes, whatever the case and the accents; `:exact`, `:contains`; escapes.
@Suite(
  .scene { scene in
    for (name, members) in [
      ("seattle", #""name":[{"family":"Smith","given":["Bea"]}],"address":[{"city":"Seattle"}]"#),
      ("portland", #""name":[{"family":"Williams"}],"address":[{"city":"Portland"}]"#),
      ("vancouver", #""name":[{"family":"Anderson"}],"address":[{"city":"Vancouver"}]"#),
      ("long", #""name":[{"family":"Murphy"}],"address":[{"city":"\#(long)"}]"#),
      ("longer", #""name":[{"family":"Murphy"}],"address":[{"city":"\#(long)i"}]"#),
      ("comma", #""name":[{"family":"Richard,Muller"}],"address":[{"city":"Montreal"}]"#),
      ("umlaut", #""name":[{"family":"Müller"}],"address":[{"city":"New York"}]"#),
      ("plain", #""name":[{"family":"Muller"}],"address":[{"city":"Köln"}]"#),
      ("two", #""name":[{"given":["Richard"]},{"family":"Schmidt"}],"address":[{"city":"Sea"}]"#),
      ("signs", #""name":[{"family":"O'Neil $5|b\\c"}],"address":[{"city":"100%_sure"}]"#),
      ("nameless", #""active":true"#),
    ] {
      try await scene.create(name, #"{"resourceType":"Patient",\#(members)}"#)
    }
    try await scene.create(
      "doctor", #"{"resourceType":"Practitioner","address":[{"state":"North Holland"}]}"#)
    try await scene.create(
      "referred",
      #"{"resourceType":"Patient","generalPractitioner":[{"reference":"Practitioner/{{doctor}}"}]}"#, tag: "chain")
  }) struct StringSearchCases
{
  @Test(arguments: rows) func string(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Patient?_tag=t&" + row.query, row.names))
  }

  static let rows = [
    SearchRow("address-city=Seattle", "seattle"),
    SearchRow("address-city=seattle", "seattle"),
    SearchRow("address-city=SEATTLE", "seattle"),
    SearchRow("address-city=Sea", "seattle two"),
    SearchRow("address-city=eattle", ""),
    SearchRow("address-city=Seattles", ""),
    SearchRow("address-city:exact=Seattle", "seattle"),
    SearchRow("address-city:exact=seattle", ""),
    SearchRow("address-city:exact=Sea", "two"),
    SearchRow("address-city:exact=SEATTLE", ""),
    SearchRow("address-city:contains=att", "seattle"),
    SearchRow("address-city:contains=ATT", "seattle"),
    SearchRow("address-city:contains=an", "portland vancouver"),
    SearchRow("address-city:contains=xyz", ""),
    SearchRow("address-city=koln", "plain"),
    SearchRow("address-city=KÖLN", "plain"),
    SearchRow("address-city:exact=Koln", ""),
    SearchRow("address-city:exact=Köln", "plain"),
    SearchRow("address-city=new", "umlaut"),
    SearchRow("address-city=New York", "umlaut"),
    // Signs that a database would take for patterns are letters.
    SearchRow("address-city=100%25", "signs"),
    SearchRow("address-city:contains=%25", "signs"),
    SearchRow("address-city:contains=_", "signs"),
    SearchRow("address-city:contains=*", ""),
    SearchRow("address-city=%25", ""),
    // Long values.
    SearchRow("address-city=Lorem", "long longer"),
    SearchRow("address-city=\(long)", "long longer"),
    SearchRow("address-city=\(long.lowercased())", "long longer"),
    SearchRow("address-city=\(long)i", "longer"),
    SearchRow("address-city:exact=\(long)", "long"),
    SearchRow("address-city:exact=\(long)i", "longer"),
    SearchRow("address-city:contains=\(long)", "long longer"),
    SearchRow("address-city:contains=\(long.dropFirst(300))i", "longer"),
    SearchRow("address-city=\(long)Not", ""),
    // Alternatives, escapes (FHIR R4 search#escaping), conjunctions.
    SearchRow("family=Smith,Ander", "seattle vancouver"),
    SearchRow("family:exact=Smith,Ander", "seattle"),
    SearchRow("family:contains=ith,ande", "seattle vancouver"),
    SearchRow(#"name=Richard\,Muller"#, "comma"),
    SearchRow("name=Richard,Muller", "comma two umlaut plain"),
    SearchRow(#"family=o'neil \$5\|b\\c"#, "signs"),
    SearchRow("name=Richard&name=Schmidt", "two"),
    SearchRow("name=Bea&name=Smith", "seattle"),
    SearchRow("name=Bea&name=Schmidt", ""),
    SearchRow("family=muller&_total=accurate", "umlaut plain"),
    SearchRow("family=müller&_total=accurate", "umlaut plain"),
    SearchRow("family=mu\u{308}ller", "umlaut plain"),
    SearchRow("family:exact=Müller", "umlaut"),
    SearchRow("name:missing=true", "nameless"),
    SearchRow("family:missing=true", "nameless"),
    SearchRow("family=Smith&address-city:missing=true", ""),
    SearchRow("given:missing=false", "seattle two"),
  ]

  /// What is longer than the index takes is found by its beginning, up to what the index takes; what cannot be told
  /// from it is refused.
  @Test func textsLongerThanTheIndexTakes() async throws {
    let scene = try SearchScene.current
    let text = String(repeating: "Überlänge ", count: 500)
    try await scene.create("endless", #"{"resourceType":"Patient","address":[{"city":"\#(text)"}]}"#, tag: "long")
    for query in ["überlänge ü", "\(text.prefix(400))", "\(text.prefix(4_000).lowercased())", "\(text.dropLast(904))"] {
      #expect(try await scene.names("Patient?_tag=long&address-city=\(query)") == ["endless"], "\(query.count)")
    }
    #expect(try await scene.names("Patient?_tag=long&address-city=\(text.prefix(4_000))x") == [])
    let past = String(repeating: "a", count: 4_097)
    for query in ["address-city=\(past)", "address-city:exact=\(past)", "identifier=\(past)"] {
      let code = query.prefix { $0 != "=" && $0 != ":" }
      try await scene.checkRefused("Patient?\(query)", ["'\(code)'", "bytes"], code: "too-long")
    }
  }

  @Test(arguments: ["muller", "müller", "MÜLLER"]) func accentsCountInTheTotal(_ name: String) async throws {
    let found = try await SearchScene.current.find("Patient?_tag=t&family=\(name)&_total=accurate")
    #expect(found.total == 2)
  }

  @Test(arguments: [
    SearchRow("general-practitioner:Practitioner.address-state:contains=land", "referred"),
    SearchRow("general-practitioner:Practitioner.address-state:contains=xland", ""),
    SearchRow("general-practitioner:Practitioner.address-state:exact=North Holland", "referred"),
    SearchRow("general-practitioner:Practitioner.address-state=holland", ""),
  ]) func modifiersAtTheEndOfAChain(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Patient?_tag=chain&" + row.query, row.names))
  }

  @Test(arguments: ["above", "not", "in", "identifier", "Patient", "EXACT", "exact:contains", "%00"])
  func modifiersOfOtherKindsAreRefused(_ modifier: String) async throws {
    try await SearchScene.current.checkRefused("Patient?family:\(modifier)=x", ["'family'", "modifier"])
  }

  @Test(arguments: ["Patient?family=", "Patient?family=,", "Patient?family:missing=maybe", "Patient?family:missing="])
  func emptyValuesAreRefused(_ query: String) async throws {
    try await SearchScene.current.checkRefused(query, ["family"])
  }
}

extension SearchRow {
  init(_ query: String, _ names: [String]) { self.init(query, names.joined(separator: " ")) }
}
