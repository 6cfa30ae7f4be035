import Testing

/// FHIR R4 search#chaining and search#has, alone, nested and together.
@Suite(
  .scene { scene in
    try await scene.create(
      "org", #"{"resourceType":"Organization","name":"Seattle Clinic","address":[{"city":"Seattle"}]}"#)
    try await scene.create(
      "smith",
      #"{"resourceType":"Patient","name":[{"given":["Sarah"],"family":"Smith"}],"gender":"female","birthDate":"1990-05-11","#
        + #""managingOrganization":{"reference":"Organization/{{org}}"}}"#)
    try await scene.create(
      "truman",
      #"{"resourceType":"Patient","name":[{"given":["Tom"],"family":"Truman"}],"gender":"male","birthDate":"1980-01-02"}"#
    )
    try await scene.create(
      "adams", #"{"resourceType":"Patient","name":[{"given":["John"],"family":"Adams"}],"birthDate":"1990-05"}"#)
    try await scene.create("device", #"{"resourceType":"Device","status":"active"}"#)
    for (name, subject, code) in [
      ("smithLoinc", "Patient/{{smith}}", "429858000"), ("smithSnomed", "Patient/{{smith}}", "4548-4"),
      ("trumanLoinc", "Patient/{{truman}}", "429858000"), ("trumanSnomed", "Patient/{{truman}}", "4548-4"),
      ("adamsLoinc", "Patient/{{adams}}", "429858000"), ("deviceLoinc", "Device/{{device}}", "429858000"),
    ] {
      try await scene.create(
        name,
        #"{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"\#(code)"}]},"#
          + #""subject":{"reference":"\#(subject)"}}"#)
    }
    for (name, observation, patient) in [
      ("smithReport", "smithLoinc", "smith"), ("smithReport2", "smithSnomed", "smith"),
      ("trumanReport", "trumanLoinc", "truman"), ("trumanReport2", "trumanSnomed", "truman"),
    ] {
      try await scene.create(
        name,
        #"{"resourceType":"DiagnosticReport","status":"final","code":{"coding":[{"code":"\#(name)"}]},"#
          + #""subject":{"reference":"Patient/{{\#(patient)}}"},"result":[{"reference":"Observation/{{\#(observation)}}"}]}"#
      )
    }
    try await scene.create(
      "group",
      #"{"resourceType":"Group","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/{{adams}}"}},"#
        + #"{"entity":{"reference":"Patient/{{smith}}"}},{"entity":{"reference":"Patient/{{truman}}"}}]}"#)
    // What was deleted, on either side, is not there.
    try await scene.create("gone", #"{"resourceType":"Patient","name":[{"family":"Gone"}]}"#)
    try await scene.create(
      "ofGone",
      #"{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"429858000"}]},"#
        + #""subject":{"reference":"Patient/{{gone}}"}}"#, tag: "gone")
    try await scene.delete("gone")
    try await scene.create(
      "goneObservation",
      #"{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"gone"}]},"#
        + #""subject":{"reference":"Patient/{{smith}}"}}"#)
    try await scene.delete("goneObservation")
    // Neither is what a former version said.
    try await scene.create(
      "moved",
      #"{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"moved"}]},"#
        + #""subject":{"reference":"Patient/{{smith}}"}}"#, tag: "moved")
    try await scene.update(
      "moved",
      #"{"meta":{"tag":[{"code":"moved"}]},"resourceType":"Observation","status":"final","#
        + #""code":{"coding":[{"code":"moved"}]},"subject":{"reference":"Patient/{{truman}}"}}"#)
  }) struct ChainingSearchCases
{
  @Test(arguments: rows) func chain(_ row: SearchRow) async throws {
    try await SearchScene.current.check(row)
  }

  static let rows = [
    SearchRow("DiagnosticReport?_tag=t&subject:Patient.name=Smith", "smithReport smithReport2"),
    SearchRow("DiagnosticReport?_tag=t&subject.name=Smith", "smithReport smithReport2"),
    SearchRow("DiagnosticReport?_tag=t&subject:Patient.name=Nobody", ""),
    SearchRow(
      "DiagnosticReport?_tag=t&subject:Patient.name=Smith,Truman",
      "smithReport smithReport2 trumanReport trumanReport2"),
    SearchRow("DiagnosticReport?_tag=t&result.subject:Patient.name=Smith", "smithReport smithReport2"),
    SearchRow(
      "DiagnosticReport?_tag=t&result.subject:Patient.name=Smith,Truman",
      "smithReport smithReport2 trumanReport trumanReport2"),
    SearchRow(
      "DiagnosticReport?_tag=t&result.subject:Patient.organization.address-city=Seattle",
      "smithReport smithReport2"),
    SearchRow("DiagnosticReport?_tag=t&result.subject:Patient.organization.address-city=Paris", ""),
    SearchRow(
      "DiagnosticReport?_tag=t&subject:Patient._tag=t",
      "smithReport smithReport2 trumanReport trumanReport2"),
    SearchRow("DiagnosticReport?_tag=t&subject:Patient._tag=other", ""),
    SearchRow("DiagnosticReport?_tag=t&subject:Patient.birthdate=1990-05-11", "smithReport smithReport2"),
    SearchRow("Observation?_tag=t&subject:Patient.birthdate=1990-05", "adamsLoinc smithLoinc smithSnomed"),
    SearchRow("DiagnosticReport?_tag=t&subject:Patient.birthdate=lt1990", "trumanReport trumanReport2"),
    SearchRow("Observation?_tag=t&subject:Patient._type=Observation", ""),
    SearchRow(
      "Observation?_tag=t&subject:Patient._type=Patient",
      "adamsLoinc smithLoinc smithSnomed trumanLoinc trumanSnomed"),
    SearchRow("DiagnosticReport?_tag=t&subject:Patient._id={{smith}}", "smithReport smithReport2"),
    SearchRow("DiagnosticReport?_tag=t&result.code=429858000&subject:Patient.name=Smith", "smithReport"),
    SearchRow("DiagnosticReport?_tag=t&result.code=429858000&result.subject:Patient.name=Truman", "trumanReport"),
    SearchRow("DiagnosticReport?_tag=t&subject:Patient.gender:not=female", "trumanReport trumanReport2"),
    SearchRow("Observation?_tag=t&subject:Patient.gender:not=female", "adamsLoinc trumanLoinc trumanSnomed"),
    SearchRow("Observation?_tag=t&subject:Patient.gender:missing=true", "adamsLoinc"),
    SearchRow("Observation?_tag=t&subject:Device.status=active", "deviceLoinc"),
    // What is common to several targets is asked of all of them.
    SearchRow("Observation?_tag=t&subject._tag=t&code=429858000", "adamsLoinc deviceLoinc smithLoinc trumanLoinc"),
    // A target that was deleted, or was referred to by a former version.
    SearchRow("Observation?_tag=gone&subject:Patient.name=Gone", ""),
    SearchRow("Observation?_tag=moved&subject:Patient.name=Smith", ""),
    SearchRow("Observation?_tag=moved&subject:Patient.name=Truman", "moved"),
    // Backwards.
    SearchRow("Patient?_tag=t&_has:Observation:patient:code=429858000", "adams smith truman"),
    SearchRow("Patient?_tag=t&_has:Observation:patient:code=4548-4", "smith truman"),
    SearchRow("Patient?_tag=t&_has:Observation:patient:code=gone", ""),
    SearchRow("Patient?_tag=t&_has:Observation:patient:code=moved", "truman"),
    SearchRow("Patient?_tag=t&_has:Observation:subject:code=429858000,4548-4", "adams smith truman"),
    SearchRow("Device?_tag=t&_has:Observation:subject:code=429858000", "device"),
    SearchRow("Patient?_tag=t&_has:Observation:patient:_has:DiagnosticReport:result:code=smithReport", "smith"),
    SearchRow("Patient?_tag=t&_has:Observation:patient:_has:DiagnosticReport:result:code=trumanReport2", "truman"),
    SearchRow("Patient?_tag=t&_has:Observation:patient:_has:DiagnosticReport:result:_tag=other", ""),
    SearchRow("Patient?_tag=t&_has:Group:member:_id={{group}}", "adams smith truman"),
    SearchRow("Patient?_tag=t&_has:Group:member:_type=Group", "adams smith truman"),
    SearchRow("Patient?_tag=t&_has:Group:member:_type=Patient", ""),
    SearchRow("?_tag=t&_type=Patient,Device&_has:Observation:subject:code=429858000", "adams device smith truman"),
    // Both ways.
    SearchRow(
      "Observation?_tag=t&patient:Patient._has:Group:member:_tag=t",
      "adamsLoinc smithLoinc smithSnomed trumanLoinc trumanSnomed"),
    SearchRow("Observation?_tag=t&patient:Patient._has:Group:member:_tag=t&code=4548-4", "smithSnomed trumanSnomed"),
    SearchRow(
      "DiagnosticReport?_tag=t&subject:Patient._has:Observation:patient:code=4548-4&result.code=429858000",
      "smithReport trumanReport"),
    SearchRow("Patient?_tag=t&_has:DiagnosticReport:subject:result.code=4548-4", "smith truman"),
    SearchRow(
      "Patient?_tag=t&_has:Observation:patient:code=4548-4&_has:DiagnosticReport:patient:code=smithReport",
      "smith"),
    SearchRow("Patient?_tag=t&_has:Observation:patient:code:not=429858000", "smith truman"),
    // Two parameters of the same chain may lead to different resources (FHIR R4 search#chaining).
    SearchRow("Group?_tag=t&member:Patient.family=Smith&member:Patient.family=Adams", "group"),
  ]

  @Test func totalsAndCounts() async throws {
    let scene = try SearchScene.current
    let query = "Patient?_tag=t&_has:Observation:patient:code=429858000"
    #expect(try await scene.find(query + "&_total=accurate").total == 3)
    let count = try await scene.find(query + "&_summary=count")
    #expect(count.total == 3)
    #expect(count.matches.isEmpty)
    // A deleted source does not count, nor a deleted target.
    #expect(try await scene.find("Observation?_summary=count&_tag=gone&subject:Patient._tag=t").total == 0)
    #expect(try await scene.find("Patient?_summary=count&_has:Observation:patient:code=gone").total == 0)
  }

  @Test func sortedByADate() async throws {
    let scene = try SearchScene.current
    let query = "Patient?_tag=t&_has:Observation:patient:code=429858000&_sort="
    #expect(try await scene.find(query + "birthdate").matches == ["truman", "adams", "smith"])
    #expect(try await scene.find(query + "-birthdate").matches == ["smith", "adams", "truman"])
  }

  /// Pages of a chained search together are the whole of it.
  @Test(arguments: [1, 2, 3]) func pages(_ count: Int) async throws {
    let scene = try SearchScene.current
    let found = try await scene.find("Observation?_tag=t&subject:Patient._tag=t&_count=\(count)")
    #expect(found.matches.sorted() == ["adamsLoinc", "smithLoinc", "smithSnomed", "trumanLoinc", "trumanSnomed"])
    #expect(found.pages.allSatisfy { $0.entries.count <= count })
    #expect(found.pages.count == (5 + count - 1) / count)
    let reverse = try await scene.find("Patient?_tag=t&_has:Observation:patient:code=429858000&_count=\(count)")
    #expect(reverse.matches.sorted() == ["adams", "smith", "truman"])
  }

  @Test func withIncludes() async throws {
    let found = try await SearchScene.current.find(
      "DiagnosticReport?_tag=t&subject:Patient.name=Smith&result.code=429858000&_include=DiagnosticReport:result")
    #expect(found.matches == ["smithReport"])
    #expect(found.included == ["smithLoinc"])
  }

  /// What a chain names in vain is refused: without it another question would be answered.
  @Test(arguments: [
    ("Observation?subject:Foo.name=x", "Foo"), ("Observation?subject:Patient.foo=x", "foo"),
    ("Observation?subject:Organization.name=x", "Organization"), ("Observation?code.name=x", "'code'"),
    ("Observation?subject.foo=x", "foo"), ("Observation?subject.=x", "subject"),
    ("Patient?_has:Foo:patient:code=x", "Foo"), ("Patient?_has:Observation:foo:code=x", "foo"),
    ("Patient?_has:Observation:code:code=x", "'code'"), ("Patient?_has:Observation:device:code=x", "device"),
    ("Patient?_has:Observation:patient:foo=x", "foo"), ("Patient?_has=x", "_has"),
    ("Patient?_has:Observation=x", "_has"),
    ("Patient?_has:Observation:patient=x", "_has"), ("Patient?_has:::=x", "_has"),
    ("Patient?_has:Observation:patient:date=foo", "'date'"),
    ("Observation?subject:Patient.birthdate=foo", "'birthdate'"),
    ("Observation?subject:Patient.name:foo=x", "foo"),
  ]) func unknownTargetsAreRefused(_ query: String, _ word: String) async throws {
    try await SearchScene.current.checkRefused(query, [word])
  }

  @Test(arguments: ["has-member:Observation.", "_has:Observation:has-member:"]) func chainsAreTenDeep(_ step: String)
    async throws
  {
    let scene = try SearchScene.current
    for ending in ["code=429858000", "code:not=429858000", "subject:missing=true"] {
      let reply = try await scene.ask("Observation?\(String(repeating: step, count: 10))\(ending)")
      #expect(reply.status == 200)
    }
    try await scene.checkRefused(
      "Observation?\(String(repeating: step, count: 11))code=x", ["deep"], code: "too-costly")
  }

  @Test func chainsHaveALimit() async throws {
    let scene = try SearchScene.current
    let long = String(repeating: "part-of.", count: 40)
    try await scene.checkRefused("Observation?part-of.\(long)_id=x", ["deep"], code: "too-costly")
    let nested = String(repeating: "_has:Patient:link:", count: 40)
    try await scene.checkRefused("Patient?\(nested)_id=x", ["deep"], code: "too-costly")
    let wide = (0..<12).map { _ in "subject" }.joined(separator: ".")
    let reply = try await scene.ask("Observation?\(wide).name=x")
    #expect(reply.status == 400)
  }
}
