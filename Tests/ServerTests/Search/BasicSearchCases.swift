import JSONCore
import Testing

/// FHIR R4 http#search and search §2.1.1: what all searches have in common.
@Suite(
  .scene { scene in
    for (name, members) in [
      ("seattle", #""name":[{"family":"Robinson"}],"address":[{"city":"Seattle"}],"gender":"male""#),
      ("portland", #""name":[{"family":"Williamas"}],"address":[{"city":"Portland"}]"#),
      ("jones", #""name":[{"family":"Jones"}],"address":[{"city":"SEATTLE"}],"gender":"female""#),
      ("sea", #""name":[{"family":"Jones"}],"address":[{"city":"Sea"}]"#),
      ("bare", #""active":true,"managingOrganization":{"reference":"Organization/1"}"#),
    ] {
      try await scene.create(name, #"{"resourceType":"Patient",\#(members)}"#)
    }
    try await scene.create("doctor", #"{"resourceType":"Practitioner","name":[{"family":"Jones"}]}"#)
    try await scene.create(
      "observation",
      #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/{{jones}}"}}"#
    )
    try await scene.create(
      "full",
      #"{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Full</div>"},"#
        + #""identifier":[{"value":"7"}],"active":true,"name":[{"family":"Full"}],"birthDate":"2000-01-01","#
        + #""contact":[{"name":{"family":"Mother"}}],"multipleBirthBoolean":true}"#, tag: "full")
    // A former version is never found.
    try await scene.create("renamed", #"{"resourceType":"Patient","name":[{"family":"Before"}]}"#, tag: "renamed")
    try await scene.update(
      "renamed", #"{"meta":{"tag":[{"code":"renamed"}]},"resourceType":"Patient","name":[{"family":"After"}]}"#)
  }) struct BasicSearchCases
{
  @Test(arguments: [
    SearchRow("Patient?address-city=seattle&family=Jones&_tag=t", "jones"),
    SearchRow("Patient?address-city=Seattle&_tag=t", "jones seattle"),
    SearchRow("Patient?_tag=t", "bare jones portland sea seattle"),
    SearchRow("Patient?_tag=t&gender:missing=true", "bare portland sea"),
    SearchRow("Patient?_tag=t&gender:missing=false", "jones seattle"),
    SearchRow("Patient?_tag=t&family:missing=true", "bare"),
    SearchRow("Patient?_tag=t&family:missing=false", "jones portland sea seattle"),
    SearchRow("Patient?_tag=t&organization:missing=false", "bare"),
    SearchRow("Patient?_tag=t&organization:missing=true", "jones portland sea seattle"),
    SearchRow("Patient?_tag=t&organization:missing=true&gender:missing=true&family=Jones", "sea"),
    SearchRow("Patient?_id={{jones}}", "jones"),
    SearchRow("Patient?_id={{jones}},{{sea}},{{bare}},{{jones}},{{sea}}", "bare jones sea"),
    SearchRow("Patient?_id={{jones}}&_id={{sea}}", ""),
    SearchRow("Observation?_id={{observation}}&subject=Patient/{{jones}}", "observation"),
    SearchRow("Observation?_id={{observation}}&subject=Patient/{{sea}}", ""),
    SearchRow("?_type=Patient&_tag=t", "bare jones portland sea seattle"),
    SearchRow("?_type=Observation,Patient&_tag=t", "bare jones observation portland sea seattle"),
    SearchRow("?_type=Observation,Patient&_tag=t&_count=3", "bare jones observation portland sea seattle"),
    SearchRow("?_tag=t", "bare doctor jones observation portland sea seattle"),
    SearchRow("?_type=Patient,Practitioner&_tag=t&family=Jones", "doctor jones sea"),
    SearchRow("?_type=Patient,Practitioner&_tag=t&family=Jones&_sort=_id&_count=1", "doctor jones sea"),
    // The code and the type of the parameter are common to both, so both are searched.
    SearchRow("?_tag=t&_type=Encounter,Observation&subject=Patient/{{jones}}", "observation"),
    SearchRow("Patient?_tag=t&_type=Observation", ""),
    SearchRow("Patient?_tag=renamed&family=Before", ""),
    SearchRow("Patient?_tag=renamed&family=After", "renamed"),
    SearchRow("Patient?_tag=renamed", "renamed"),
    SearchRow("Patient?_lastUpdated=gt2000&_tag=t&_lastUpdated=lt2100", "bare jones portland sea seattle"),
    SearchRow("Patient?_lastUpdated=lt2000&_tag=t", ""),
    SearchRow("Patient?_tag=t&_format=json&_pretty=true", "bare jones portland sea seattle"),
  ]) func search(_ row: SearchRow) async throws {
    try await SearchScene.current.check(row)
  }

  private let form = ["Content-Type": "application/x-www-form-urlencoded"]

  /// Parameters of the URL and of the form hold together.
  @Test(arguments: [
    ("/Patient/_search", "_tag=t&family=Jones", "jones sea"), ("/Patient/_search?_tag=t", "family=Jones", "jones sea"),
    ("/Patient/_search?_tag=t&family=Jones", "address-city=seattle", "jones"),
    ("/Patient/_search?_tag=t&family=Jones", "", "jones sea"),
    ("/_search", "_type=Patient,Observation&_tag=t", "bare jones observation portland sea seattle"),
    ("/_search?_type=Patient", "_tag=t&family=Jones", "jones sea"),
  ]) func byPost(_ path: String, _ body: String, _ names: String) async throws {
    let scene = try SearchScene.current
    let reply = try await scene.live.ask("POST", path, form, body: body)
    try #require(reply.status == 200, "\(reply.text)")
    let page = try Page(reply.json(), scene)
    #expect(page.names("match").sorted() == names.split(separator: " ").map(String.init))
  }

  /// What follows a search by POST is a GET.
  @Test func pagesOfAPost() async throws {
    let scene = try SearchScene.current
    let reply = try await scene.live.ask("POST", "/Patient/_search", form, body: "_tag=t&_count=2")
    let first = try Page(reply.json(), scene)
    let next = try #require(first["next"])
    #expect(next.hasPrefix("\(scene.live.base)/Patient?_tag=t&_count=2&ct="))
    let second = try Page(
      try await scene.live.askRoot("GET", String(next.dropFirst(scene.live.base.count - LiveServer.path.count))).json(),
      scene)
    #expect(Set(first.names("match")).isDisjoint(with: second.names("match")))
    #expect(second.names("match").count == 2)
  }

  /// A parameter that is repeated with the same value says nothing new.
  @Test func duplicatesAreSaidOnce() async throws {
    let scene = try SearchScene.current
    let reply = try await scene.ask("Patient?_tag=t&_tag=t&family=Jones&_tag=t&family=Jones")
    let page = try Page(reply.json(), scene)
    #expect(page["self"] == "\(scene.live.base)/Patient?_tag=t&family=Jones")
    #expect(page.names("match").sorted() == ["jones", "sea"])
  }

  @Test(arguments: [1, 2, 4, 5, 6]) func countsAndPages(_ count: Int) async throws {
    let found = try await SearchScene.current.find("Patient?_tag=t&_count=\(count)")
    #expect(found.matches.count == 5)
    #expect(Set(found.matches).count == 5)
    #expect(found.pages.count == (5 + count - 1) / count)
  }

  @Test(arguments: [
    ("Patient?_summary=_count", "_summary"), ("Patient?_summary=xyz", "_summary"), ("Patient?_count=abc", "_count"),
    ("Patient?_count=-1", "_count"), ("Patient?_count=", "_count"), ("Patient?_count=1.5", "_count"),
    ("Patient?_elements=", "_elements"), ("?_type=", "_type"), ("Patient?_total=count", "_total"),
    ("Patient?_total=xyz", "_total"), ("Patient?_contained=maybe", "_contained"), ("Patient?ct=YWJj", "ct"),
    ("Patient?ct=", "ct"), ("Patient?ct=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ct"), ("Patient?_explain=x", "_explain"),
    ("?_type=Encounter,Procedure&class=AMB", "class"), ("Patient?_lastUpdated=foo", "_lastUpdated"),
    ("Patient?_elements=name&_summary=true", "_elements"), ("Patient?_elements=name&_summary=text", "_elements"),
  ]) func unreadableValuesAreRefused(_ query: String, _ name: String) async throws {
    try await SearchScene.current.checkRefused(query, ["'\(name)'"])
  }

  /// Each step says what was done, what it gave, how much work it was and how long it took; never a value.
  @Test func explanation() async throws {
    let reply = try await SearchScene.current.ask(
      "Patient?_tag=full&birthdate=ge1900&_explain=true&_total=accurate&_include=*")
    let steps = try reply.json()["entry"]?.elements.first?["resource"]?["issue"]?.elements ?? []
    let texts = steps.compactMap { $0["diagnostics"]?.string }
    #expect(texts.count == 5, "\(texts)")
    for (text, step) in zip(
      texts, ["Patient: count: ", "Patient: plan: ", "Patient: find: ", "read the page's resources", "include, "])
    {
      #expect(text.hasPrefix(step))
      let numbers = text.split(separator: ", ").compactMap { part in
        part.hasSuffix(" engine steps") ? part.split(separator: " ")[0] : nil
      }
      #expect(numbers.count == 1 && (Int(numbers[0]) ?? 0) > 0, "\(text)")
      #expect(text.hasSuffix(" µs"))
      #expect(!text.contains("1900") && !text.contains("full"))
    }
  }

  @Test func elementsAndSummaryExcludeEachOther() async throws {
    let scene = try SearchScene.current
    try await scene.checkRefused(
      "Patient?_elements=id&_summary=data",
      ["The '_elements' parameter is supported only when '_summary' is"])
    #expect(try await scene.ask("Patient?_tag=full&_elements=name&_summary=false").status == 200)
  }

  /// FHIR R4 search#elements, search#summary; mandatory and modifier elements stay, and the tag says that parts are
  /// missing.
  @Test(arguments: [
    ("_elements=birthDate", ["birthDate", "active"], ["name", "contact", "text"]),
    ("_elements=name,identifier,nothing", ["name", "identifier"], ["birthDate", "contact", "text"]),
    ("_elements=contact&_summary=false", ["contact"], ["name", "birthDate"]),
    ("_summary=data", ["contact", "name", "birthDate"], ["text"]),
    ("_summary=text", ["text"], ["contact", "name", "birthDate"]),
    ("_summary=true", ["name", "birthDate", "active"], ["contact", "text", "multipleBirthBoolean"]),
    ("_summary=false", ["text", "name", "contact", "birthDate"], []),
  ]) func shapes(_ query: String, _ kept: [String], _ dropped: [String]) async throws {
    let scene = try SearchScene.current
    let bundle = try await scene.ask("Patient?_tag=full&" + query).json()
    let resource = try #require(bundle["entry"]?[0]?["resource"])
    let members = Set(resource.members.map(\.name))
    #expect(members.isSuperset(of: ["resourceType", "id", "meta"]))
    #expect(members.isSuperset(of: kept))
    #expect(members.isDisjoint(with: dropped))
    let systems = (resource["meta"]?["tag"]?.elements ?? []).filter { $0["code"]?.string == "SUBSETTED" }
      .compactMap { $0["system"]?.string }
    #expect(
      systems
        == (query == "_summary=false"
          ? []
          : [
            "http://hl7.org/fhir/v3/ObservationValue", "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
          ]))
  }

  @Test func countsWithoutEntries() async throws {
    let scene = try SearchScene.current
    for query in ["_summary=count", "_count=0"] {
      let found = try await scene.find("Patient?_tag=t&" + query)
      #expect(found.total == 5)
      #expect(found.pages.count == 1 && found.pages[0].entries.isEmpty)
    }
  }

  /// FHIR R4 search#total.
  @Test func totals() async throws {
    let scene = try SearchScene.current
    let accurate = try await scene.find("Patient?_tag=t&_count=2&_total=accurate")
    #expect(accurate.pages.map(\.total) == [5, nil, nil])
    #expect(accurate.pages[0]["next"]?.contains("_total") == false)
    #expect(try await scene.find("Patient?_tag=t&_total=none").total == nil)
    #expect(try await scene.find("Patient?_tag=t").total == nil)
    // An estimate may be exact: the standard has it, where Azure answers 403.
    #expect(try await scene.find("Patient?_tag=t&_total=estimate").total == 5)
  }

  /// FHIR R4 search#errors: what is not known is ignored, and said so, unless the client is strict.
  @Test func unknownParameters() async throws {
    let scene = try SearchScene.current
    let query = "Patient?Cookie=1&_tag=t&Ramen=2&entry:[{=3"
    let expected = ["Cookie", "Ramen", "entry:[{"].map {
      OutcomeIssue.unsupported("The search parameter '\($0)' is not supported for resource type 'Patient'.")
    }
    let found = try await scene.find(query, dropping: ["Cookie=1&", "&Ramen=2", "&entry:[{=3"])
    #expect(found.issues == expected)
    #expect(found.matches.count == 5)
    #expect(found.pages[0].entries.first?.mode == "outcome")
    let lenient = try await scene.ask(query, ["Prefer": "handling=lenient"])
    #expect(lenient.status == 200)
    #expect(try Page(lenient.json(), scene).entries.count == 6)
    try await scene.checkRefused(query, ["'Cookie'"], headers: ["Prefer": "handling=strict"])
    #expect(try await scene.ask("Patient?_tag=t", ["Prefer": "handling=strict"]).status == 200)
    let foo = try await scene.ask("Patient?_tag=t", ["Prefer": "handling=foo"])
    #expect(foo.status == 400)
    let posted = try await scene.live.ask("POST", "/Patient/_search", form, body: "_tag=t&Cookie=1")
    #expect(try Page(posted.json(), scene).outcomes.count == 1)
  }

  @Test func unknownTypes() async throws {
    let scene = try SearchScene.current
    func text(_ names: String) -> [OutcomeIssue] {
      [.unsupported("The '_type' parameter contains unknown resource(s): \(names)")]
    }
    let one = try await scene.find("?_type=Patient1")
    #expect(one.issues == text("'Patient1'"))
    #expect(one.matches.isEmpty)
    let two = try await scene.find("?_type=Patient1,Patient2")
    #expect(two.issues == text("'Patient1','Patient2'"))
    let mixed = try await scene.find("?_type=Patient1,Patient&_tag=t")
    #expect(mixed.issues == text("'Patient1'"))
    #expect(mixed.matches.count == 5)
    try await scene.checkRefused("?_type=Patient1", ["'Patient1'"], headers: ["Prefer": "handling=strict"])
  }

  @Test(arguments: ["1001", "5000", "2147483647", "9223372036854775807"]) func largeCountsAreClipped(_ count: String)
    async throws
  {
    let found = try await SearchScene.current.find("Patient?_tag=t&_count=\(count)")
    #expect(found.pages[0].entries.first?.mode == "outcome")
    #expect(found.issues.first?.text.contains("exceeds limit") == true)
    #expect(found.matches.count == 5)
  }

  @Test func countsPastAnIntegerAreRefused() async throws {
    try await SearchScene.current.checkRefused("Patient?_count=99999999999999999999", ["'_count'"])
  }

  /// The default page has ten entries.
  @Test func pagesOfTen() async throws {
    let scene = try SearchScene.current
    for number in 0..<23 {
      try await scene.create("ten\(number)", #"{"resourceType":"Basic","code":{"text":"x"}}"#, tag: "ten")
    }
    let found = try await scene.find("Basic?_tag=ten")
    #expect(found.pages.map { $0.entries.count } == [10, 10, 3])
    #expect(Set(found.matches).count == 23)
  }

  /// Large resources may make short pages, but none is lost.
  @Test(arguments: ["", "&_sort=-_lastUpdated"]) func largeResources(_ sort: String) async throws {
    let scene = try SearchScene.current
    let tag = sort.isEmpty ? "large" : "large2"
    let text = String(repeating: "0123456789abcdef", count: 32_768)
    for number in 0..<30 {
      try await scene.create(
        "\(tag)\(number)",
        #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueString":"\#(text)"}"#, tag: tag)
    }
    let found = try await scene.find("Observation?_tag=\(tag)&_count=20\(sort)")
    #expect(found.matches.count == 30)
    #expect(Set(found.matches).count == 30)
  }

  /// Full URLs are the resources' own (FHIR R4 bundle.html#bundle-unique).
  @Test func fullURLs() async throws {
    let scene = try SearchScene.current
    let found = try await scene.find("Patient?_tag=t")
    for entry in found.pages.flatMap(\.entries) {
      #expect(entry.fullURL == "\(scene.live.base)/Patient/\(try #require(scene[entry.name]).id)")
    }
  }

  /// The ct of one query is none of another's.
  @Test func aTokenBelongsToItsQuery() async throws {
    let scene = try SearchScene.current
    let next = try #require(try await scene.find("Patient?_tag=t&_count=2").pages[0]["next"])
    let token = try #require(next.split(separator: "&ct=").last)
    try await scene.checkRefused("Patient?_tag=u&_count=2&ct=\(token)", ["'ct'"])
    try await scene.checkRefused("Observation?_tag=t&_count=2&_sort=date&ct=\(token)", ["'ct'"])
    try await scene.checkRefused("Patient?_tag=t&_count=2&ct=\(token.dropLast())", ["'ct'"])
  }
}
