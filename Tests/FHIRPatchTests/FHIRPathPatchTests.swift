import Base
import FHIRModel
import FHIRPatch
import JSONCore
import Testing

/// FHIRPath Patch, as clients of Azure's service know it: they compare the texts of faults.
@Suite struct FHIRPathPatchTests {
  typealias P = Patching

  private func apply(_ operations: [String]..., to resource: String = Patching.patient) throws -> JSONValue {
    let parameters = operations.map { "{\"name\":\"operation\",\"part\":[\($0.joined(separator: ","))]}" }
    let body = "{\"resourceType\":\"Parameters\",\"parameter\":[\(parameters.joined(separator: ","))]}"
    return try JSONDocument(try Patching.fhirPath(body, to: resource)).value
  }

  private func diagnostics(_ parts: String...) -> String {
    let fault = Patching.fault { try Patching.fhirPath(P.parameters(parts)) }
    #expect(fault?.category == .invalid)
    #expect(fault?.reasons.first?.code == "invalid")
    return fault?.reasons.first?.diagnostics ?? ""
  }

  @Test func replacesAndDeletes() throws {
    let result = try apply(
      [P.type("replace"), P.path("Patient.gender"), P.value("Code", #""female""#)],
      [P.type("delete"), P.path("Patient.address")])
    #expect(result["gender"]?.string == "female")
    #expect(result["address"] == nil)
  }

  @Test func namesMissingParts() {
    #expect(
      diagnostics(P.type("replace"), P.value("Code", #""female""#))
        == "Patch replace operations must have the 'path' part.")
    #expect(
      diagnostics(P.type("replace"), P.path("Patient.gender"))
        == "Patch replace operations must have the 'value' part.")
    #expect(
      diagnostics(P.type("add"), P.path("Patient"), P.value("Code", #""x""#))
        == "Patch add operations must have the 'name' part.")
    #expect(
      diagnostics(P.type("upsert"), P.path("Patient"), P.value("Code", #""x""#))
        == "Patch upsert operations must have the 'name' part.")
    #expect(
      diagnostics(P.type("insert"), P.path("Patient.name"), P.value("HumanName", #"{"text":"x"}"#))
        == "Patch insert operations must have the 'index' part.")
    #expect(
      diagnostics(P.type("move"), P.path("Patient.name"), P.number("destination", 0))
        == "Patch move operations must have the 'source' part.")
    #expect(
      diagnostics(P.type("move"), P.path("Patient.name"), P.number("source", 0))
        == "Patch move operations must have the 'destination' part.")
    #expect(diagnostics(P.path("Patient.name")) == "Patch operations must have the 'type' part.")
    #expect(diagnostics(P.type("delete"), P.path("")) == "Patch delete operations must have the 'path' part.")
  }

  @Test func tellsTheAllowedTypes() {
    #expect(
      diagnostics(P.type("coo"), P.path("Patient.gender"), P.value("Code", #""female""#))
        == "Invalid patch operation type: 'coo'. "
        + "Only 'add', 'insert', 'delete', 'replace', 'upsert', and 'move' are allowed.")
  }

  @Test func tellsUnknownElements() {
    #expect(
      diagnostics(P.type("add"), P.path("Patient"), P.name("dummyProperty"), P.value("Code", #""female""#))
        == "Element dummyProperty not found at Patient when processing patch add operation.")
    #expect(
      diagnostics(P.type("replace"), P.path("Patient.dummyProperty"), P.value("Code", #""female""#))
        == "No content found at Patient.dummyProperty when processing patch replace operation.")
  }

  @Test(arguments: [
    ("gender", "Patient.gender", "Code", #""dummyGender""#), ("birthDate", "Patient.birthDate", "String", #""abc""#),
    ("birthDate", "Patient.birthDate", "Date", #""abc""#),
    ("use", "Patient.address[0].use", "Code", #""dummyAddress""#),
    ("birthDate", "Patient.birthDate", "DateTime", #""2022-05-02T14:00:00+02:00""#),
    ("gender", "Patient.gender", "Integer", "1"), ("active", "Patient.active", "String", #""true""#),
    ("gender", "Patient.gender", "HumanName", #"{"text":"x"}"#), ("name", "Patient.name[0]", "String", #""x""#),
    ("deceased", "Patient.deceased", "Integer", "1"), ("name", "Patient.name[0]", "Address", #"{"text":"x"}"#),
    ("gender", "Patient.gender", "Code", #""""#), ("gender", "Patient.gender", "Code", "{}"),
    ("active", "Patient.active", "Boolean", #""yes""#), ("gender", "Patient.gender", "Nonsense", #""male""#),
  ])
  func tellsBadValues(_ name: String, _ path: String, _ type: String, _ json: String) {
    #expect(
      diagnostics(P.type("replace"), P.path(path), P.value(type, json))
        == "Invalid input for \(name) at \(path) when processing patch replace operation.")
  }

  @Test(arguments: [
    ("Patient.id", "Id", #""other""#), ("Patient.meta.versionId", "Id", #""9""#),
    ("Patient.meta.lastUpdated", "Instant", #""2025-01-01T00:00:00Z""#), ("Patient.text.status", "Code", #""empty""#),
    ("Patient.text.div", "String", #""<div xmlns=\"http://www.w3.org/1999/xhtml\">y</div>""#),
  ])
  func refusesImmutableElements(_ path: String, _ type: String, _ json: String) {
    #expect(diagnostics(P.type("replace"), P.path(path), P.value(type, json)).contains("immutable"))
    #expect(diagnostics(P.type("delete"), P.path(path)).contains("immutable"))
    let parts = path.split(separator: ".")
    let owner = parts.dropLast().joined(separator: ".")
    let name = String(parts.last ?? "")
    #expect(diagnostics(P.type("add"), P.path(owner), P.name(name), P.value(type, json)).contains("immutable"))
    #expect(diagnostics(P.type("upsert"), P.path(owner), P.name(name), P.value(type, json)).contains("immutable"))
  }

  @Test func refusesImmutableElementsThatAreNotThere() {
    let text = Patching.diagnostics {
      try Patching.fhirPath(
        P.parameters([P.type("replace"), P.path("Patient.meta.versionId"), P.value("Id", #""9""#)]),
        to: #"{"resourceType":"Patient","id":"p1"}"#)
    }
    #expect(text.contains("immutable"))
  }

  @Test func tellsExistingElements() {
    let text = diagnostics(P.type("add"), P.path("Patient"), P.name("deceased"), P.value("Boolean", "true"))
    #expect(text == "Existing element deceased found at Patient when processing patch add operation.")
    #expect(
      diagnostics(P.type("add"), P.path("Patient"), P.name("deceased"), P.value("DateTime", #""2020""#))
        .contains("Existing element deceased found"))
  }

  @Test func addsValues() throws {
    let result = try apply(
      [
        P.type("add"), P.path("Patient"), P.name("address"),
        P.value("Address", #"{"use":"work","line":["23 thule st"],"city":"Big Smoke"}"#),
      ],
      [P.type("add"), P.path("Patient"), P.name("maritalStatus"), P.value("CodeableConcept", #"{"text":"m"}"#)],
      [P.type("add"), P.path("Patient.meta"), P.name("tag"), P.value("Coding", #"{"code":"a"}"#)],
      [P.type("add"), P.path("Patient.meta"), P.name("tag"), P.value("Coding", #"{"code":"b"}"#)],
      [P.type("add"), P.path("Patient"), P.name("multipleBirth"), P.value("Integer", "2")])
    #expect(result["address"]?[1]?["city"]?.string == "Big Smoke")
    #expect(result["maritalStatus"]?["text"]?.string == "m")
    #expect(result["meta"]?["tag"]?.elements.map { $0["code"]?.string } == ["a", "b"])
    #expect(result["multipleBirthInteger"]?.integer == 2)
  }

  @Test func addsAnonymousObjects() throws {
    let link = """
      {"name":"value","part":[{"name":"other","valueReference":{"reference":"Patient/other"}},\
      {"name":"type","valueCode":"replaces"}]}
      """
    let result = try apply([P.type("add"), P.path("Patient"), P.name("link"), link])
    #expect(
      result["link"]?.json == Array(#"[{"other":{"reference":"Patient/other"},"type":"replaces"}]"#.utf8))
    let nested = """
      {"name":"value","part":[{"name":"name","part":[{"name":"given","valueString":"A"},\
      {"name":"given","valueString":"B"},{"name":"period","part":[{"name":"start","valueDateTime":"2020"}]}]}]}
      """
    let contact = try apply([P.type("add"), P.path("Patient"), P.name("contact"), nested])["contact"]
    #expect(contact?.json == Array(#"[{"name":{"given":["A","B"],"period":{"start":"2020"}}}]"#.utf8))
  }

  @Test(arguments: [
    (#"{"name":"dummy","valueCode":"replaces"}"#, "Element dummy not found at Patient"),
    (#"{"name":"type","valueCode":"nonsense"}"#, "Invalid input for type at Patient"),
    (#"{"name":"type","valueInteger":1}"#, "Invalid input for type at Patient"),
    (#"{"name":"type"}"#, "Invalid input for type at Patient"),
    (
      #"{"name":"type","valueCode":"refer"},{"name":"type","valueCode":"refer"}"#,
      "Existing element type found at Patient"
    ),
    (#"{"valueCode":"refer"}"#, "not found at Patient"),
  ])
  func refusesAnonymousObjects(_ parts: String, _ expected: String) {
    let text = diagnostics(
      P.type("add"), P.path("Patient"), P.name("link"), "{\"name\":\"value\",\"part\":[\(parts)]}")
    #expect(text.contains(expected))
    #expect(text.hasSuffix("when processing patch add operation."))
  }

  @Test func selectsByCondition() throws {
    let result = try apply(
      [P.type("replace"), P.path("Patient.address.where(use = 'home').city"), P.value("String", #""Metropolis""#)])
    #expect(result["address"]?[0]?["city"]?.string == "Metropolis")
  }

  @Test func replacesOneChoiceByAnother() throws {
    let dead = #""2022-05-02T14:00:00+02:00""#
    let result = try apply([P.type("replace"), P.path("Patient.deceased"), P.value("DateTime", dead)])
    #expect(result["deceasedDateTime"]?.string == "2022-05-02T14:00:00+02:00")
    #expect(result["deceasedBoolean"] == nil)
    let upserted = try apply(
      [P.type("upsert"), P.path("Patient"), P.name("deceased"), P.value("DateTime", #""2020""#)])
    #expect(upserted["deceasedDateTime"]?.string == "2020")
    #expect(upserted["deceasedBoolean"] == nil)
  }

  @Test func keepsDatesAsTheyAre() throws {
    let result = try apply(
      [P.type("replace"), P.path("Patient.birthDate"), P.value("Date", #""1970""#)],
      [P.type("replace"), P.path("Patient.deceased"), P.value("DateTime", #""2022-05-02T14:00:00.500+02:00""#)])
    #expect(result["birthDate"]?.string == "1970")
    #expect(result["deceasedDateTime"]?.string == "2022-05-02T14:00:00.500+02:00")
    // The whole element is replaced, with its extensions.
    #expect(result["_birthDate"] == nil)
  }

  @Test func upserts() throws {
    let result = try apply(
      [P.type("upsert"), P.path("Patient"), P.name("gender"), P.value("Code", #""other""#)],
      [P.type("upsert"), P.path("Patient"), P.name("language"), P.value("Code", #""de""#)],
      [P.type("upsert"), P.path("Patient.meta"), P.name("tag"), P.value("Coding", #"{"code":"a"}"#)],
      [P.type("upsert"), P.path("Patient.meta"), P.name("tag"), P.value("Coding", #"{"code":"b"}"#)])
    #expect(result["gender"]?.string == "other")
    #expect(result["language"]?.string == "de")
    #expect(result["meta"]?["tag"]?.json == Array(#"[{"code":"b"}]"#.utf8))
    #expect(
      diagnostics(P.type("upsert"), P.path("Patient"), P.name("name"), P.value("HumanName", #"{"text":"x"}"#))
        == "Multiple matches found at Patient when processing patch upsert operation.")
  }

  @Test func insertsAndMoves() throws {
    func name(_ text: String) -> String { P.value("HumanName", "{\"text\":\"\(text)\"}") }
    let inserted = try apply(
      [P.type("insert"), P.path("Patient.name"), P.number("index", 0), name("first")],
      [P.type("insert"), P.path("Patient.name"), P.number("index", 3), name("last")])
    #expect(inserted["name"]?.elements.map { $0["text"]?.string } == ["first", nil, nil, "last"])
    let moved = try apply(
      [P.type("move"), P.path("Patient.name[0].given"), P.number("source", 1), P.number("destination", 0)])
    #expect(moved["name"]?[0]?["given"]?.json == Array(#"["James","Peter"]"#.utf8))
    for index in [-1, 3] {
      #expect(
        diagnostics(P.type("insert"), P.path("Patient.name"), P.number("index", index), name("x"))
          == "Index \(index) out of bounds when processing patch insert operation.")
    }
    #expect(
      diagnostics(P.type("move"), P.path("Patient.name"), P.number("source", 2), P.number("destination", 0))
        == "Source 2 out of bounds when processing patch move operation.")
    #expect(
      diagnostics(P.type("move"), P.path("Patient.name"), P.number("source", 0), P.number("destination", 2))
        == "Destination 2 out of bounds when processing patch move operation.")
    #expect(
      diagnostics(P.type("insert"), P.path("Patient.gender"), P.number("index", 0), P.value("Code", #""male""#))
        .contains("not a list"))
  }

  @Test func deletesOneElementOnly() throws {
    let result = try apply(
      [P.type("delete"), P.path("Patient.photo")], [P.type("delete"), P.path("Patient.name[1].given")],
      [P.type("delete"), P.path("Patient.birthDate")])
    // A name without anything left goes as a whole.
    #expect(result["name"]?.count == 1)
    #expect(result["birthDate"] == nil && result["_birthDate"] == nil)
    #expect(
      diagnostics(P.type("delete"), P.path("Patient.name"))
        == "Multiple matches found at Patient.name when processing patch delete operation.")
    #expect(
      diagnostics(P.type("replace"), P.path("Patient.name.given"), P.value("String", #""x""#))
        == "Multiple matches found at Patient.name.given when processing patch replace operation.")
  }

  @Test func keepsSiblingsInStep() throws {
    let (b, c) = (#"{"extension":[{"url":"b","valueCode":"b"}]}"#, #"{"extension":[{"url":"c","valueCode":"c"}]}"#)
    let resource = #"{"resourceType":"Patient","name":[{"given":["A",null,"C"],"_given":[null,\#(b),\#(c)]}]}"#
    func given(_ operations: [String]...) throws -> String {
      let parameters = operations.map { "{\"name\":\"operation\",\"part\":[\($0.joined(separator: ","))]}" }
      let body = "{\"resourceType\":\"Parameters\",\"parameter\":[\(parameters.joined(separator: ","))]}"
      let result = try JSONDocument(try Patching.fhirPath(body, to: resource)).value
      return String(decoding: result["name"]?[0]?.json ?? [], as: UTF8.self)
    }
    #expect(
      try given([P.type("delete"), P.path("Patient.name[0].given[0]")])
        == #"{"given":[null,"C"],"_given":[\#(b),\#(c)]}"#)
    #expect(
      try given([P.type("move"), P.path("Patient.name[0].given"), P.number("source", 2), P.number("destination", 0)])
        == #"{"given":["C","A",null],"_given":[\#(c),null,\#(b)]}"#)
    #expect(
      try given([P.type("add"), P.path("Patient.name[0]"), P.name("given"), P.value("String", #""D""#)])
        == #"{"given":["A",null,"C","D"],"_given":[null,\#(b),\#(c),null]}"#)
    #expect(
      try given([P.type("replace"), P.path("Patient.name[0].given[1]"), P.value("String", #""B""#)])
        == #"{"given":["A","B","C"],"_given":[null,null,\#(c)]}"#)
  }

  @Test func extendsPrimitives() throws {
    // Parameters.parameter.value[x] has no Extension: extensions are sent as parts.
    let added =
      #"{"name":"value","part":[{"name":"url","valueUri":"http://example.org/n"},"#
      + #"{"name":"value","valueString":"x"}]}"#
    let result = try apply(
      [P.type("add"), P.path("Patient.birthDate"), P.name("extension"), added],
      [P.type("add"), P.path("Patient.gender"), P.name("extension"), added],
      [P.type("add"), P.path("Patient.name[0].given[1]"), P.name("extension"), added],
      [P.type("replace"), P.path("Patient.gender.extension.value"), P.value("Code", #""y""#)])
    #expect(result["_birthDate"]?["extension"]?.count == 2)
    #expect(result["_gender"]?["extension"]?[0]?["valueCode"]?.string == "y")
    #expect(result["name"]?[0]?["_given"]?[0]?.kind == .null)
    #expect(result["name"]?[0]?["_given"]?[1]?["extension"]?.count == 1)
    #expect(result["gender"]?.string == "male")
  }

  @Test func leavesAllElseByteForByte() throws {
    let same = try Patching.fhirPath(
      P.parameters([P.type("replace"), P.path("Patient.gender"), P.value("Code", #""male""#)]))
    #expect(same == Patching.patient)
    #expect(try Patching.fhirPath(#"{"resourceType":"Parameters"}"#) == Patching.patient)
  }

  @Test(arguments: [
    "Patient", "Patient.birthDate.value", "1 + 1", "%resource.id & 'x'", "Patient.name.", "nonsense()", "Observation",
    "Patient.name.given.matches(1)", "'x'", "Patient.resolve(", "Patient.gender.memberOf('x')",
  ])
  func refusesPathsToNothing(_ path: String) {
    let text = diagnostics(P.type("replace"), P.path(path), P.value("Code", #""male""#))
    #expect(text.contains("when processing patch replace operation"))
  }

  @Test(arguments: [
    "[]", "{}", #"{"resourceType":"Patient"}"#, #"{"resourceType":"Parameters","parameter":{}}"#,
    #"{"resourceType":"Parameters","parameter":[1]}"#, #"{"resourceType":"Parameters","parameter":[{"name":"x"}]}"#,
    #"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{}]}]}"#,
    #"{"resourceType":"Parameters","parameter":[{"name":"operation","part":{"name":"type"}}]}"#,
  ])
  func refusesWhatIsNoPatch(_ body: String) {
    _ = Patching.diagnostics { try Patching.fhirPath(body) }
  }

  @Test func addsContainedResources() throws {
    let part = #"{"name":"value","resource":{"resourceType":"Organization","id":"o","name":"O"}}"#
    let result = try apply(
      [P.type("add"), P.path("Patient"), P.name("contained"), part],
      [P.type("replace"), P.path("Patient.contained[0].name"), P.value("String", #""P""#)])
    #expect(result["contained"]?[0]?["name"]?.string == "P")
  }
}
