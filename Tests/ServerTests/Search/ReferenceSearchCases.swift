import Testing

/// FHIR R4 search#reference: ids, types, URLs, versions, identifiers, hierarchies.
@Suite(
  .scene { scene in
    for (name, members) in [
      ("r0", #""managingOrganization":{"reference":"Organization/123"}"#),
      ("r1", #""managingOrganization":{"reference":"Organization/abc"}"#),
      // Without a type: the parameter has one target only.
      ("r2", #""managingOrganization":{"reference":"ijk"}"#),
      ("r3", #""generalPractitioner":[{"reference":"Practitioner/p1"}]"#),
      // Without a type, and there may be three.
      ("r4", #""generalPractitioner":[{"reference":"p2"}]"#),
      ("r5", #""generalPractitioner":[{"reference":"Organization/p1"},{"reference":"PractitionerRole/p3"}]"#),
      ("r6", #""managingOrganization":{"reference":"http://elsewhere.org/fhir/Organization/123"}"#),
      ("r7", #""managingOrganization":{"reference":"Organization/v/_history/2"}"#),
      ("r8", #""managingOrganization":{"identifier":{"system":"urn:npi","value":"77"},"display":"x"}"#),
      ("r9", #""managingOrganization":{"reference":"urn:uuid:5b0a3b4e-9c2e-4a54-8f6e-0b8a6f1c2d3e"}"#),
    ] {
      try await scene.create(name, #"{"resourceType":"Patient",\#(members)}"#)
    }
    try await scene.create("o", #"{"resourceType":"Organization","name":"Owner"}"#, tag: "own")
    let own = "\(scene.live.base)/Organization/{{o}}"
    try await scene.create(
      "own", #"{"resourceType":"Patient","managingOrganization":{"reference":"\#(own)"}}"#, tag: "own")
    try await scene.create(
      "old", #"{"resourceType":"Patient","managingOrganization":{"reference":"\#(own)/_history/1"}}"#, tag: "own")
    try await scene.create(
      "plain", #"{"resourceType":"Patient","managingOrganization":{"reference":"Organization/{{o}}"}}"#, tag: "own")
    try await scene.create(
      "alien", #"{"resourceType":"Patient","managingOrganization":{"reference":"http://h/Organization/{{o}}"}}"#,
      tag: "own")
    try await scene.create(
      "seen",
      #"{"resourceType":"Observation","status":"final","code":{"text":"x"},"#
        + #""subject":{"reference":"\#(scene.live.base)/Patient/{{own}}"}}"#, tag: "own")
    try await scene.create(
      "rel", #"{"resourceType":"Patient","managingOrganization":{"reference":"Organization/rel"}}"#, tag: "rel")
    try await scene.create("l0", #"{"resourceType":"Location","name":"house"}"#, tag: "tree")
    try await scene.create(
      "l1", #"{"resourceType":"Location","name":"floor","partOf":{"reference":"Location/{{l0}}"}}"#, tag: "tree")
    try await scene.create(
      "l2", #"{"resourceType":"Location","name":"room","partOf":{"reference":"Location/{{l1}}"}}"#, tag: "tree")
    for name in ["l0", "l1", "l2"] {
      try await scene.create(
        "e\(name)",
        #"{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"#
          + #""location":[{"location":{"reference":"Location/{{\#(name)}}"}}]}"#, tag: "tree")
    }
  }) struct ReferenceSearchCases
{
  @Test(arguments: rows) func reference(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Patient?_tag=t&" + row.query, row.names))
  }

  static let rows = [
    SearchRow("organization=Organization/123", "r0"),
    SearchRow("organization=123", "r0"),
    SearchRow("organization=Organization/1", ""),
    SearchRow("organization=1", ""),
    SearchRow("organization=organization/123", ""),
    SearchRow("organization=Organization/ABC", ""),
    SearchRow("organization=Organization/ijk", "r2"),
    SearchRow("organization=ijk", "r2"),
    SearchRow("organization:Organization=123", "r0"),
    SearchRow("organization:Organization=Organization/abc", "r1"),
    SearchRow("organization=Organization/123,abc", "r0 r1"),
    SearchRow("organization=Patient/123", ""),
    SearchRow("general-practitioner=p1", "r3 r5"),
    SearchRow("general-practitioner=Practitioner/p1", "r3"),
    SearchRow("general-practitioner=Organization/p1", "r5"),
    SearchRow("general-practitioner:Practitioner=p1", "r3"),
    SearchRow("general-practitioner:Practitioner=Practitioner/p1", "r3"),
    SearchRow("general-practitioner:Organization=p1", "r5"),
    SearchRow("general-practitioner:Practitioner=Organization/p1", ""),
    SearchRow("general-practitioner=p2", "r4"),
    SearchRow("general-practitioner=Practitioner/p2", ""),
    SearchRow("general-practitioner:Practitioner=p2", ""),
    SearchRow("general-practitioner=p1&general-practitioner=p3", "r5"),
    SearchRow("organization=http://elsewhere.org/fhir/Organization/123", "r6"),
    SearchRow("organization=http://elsewhere.org/fhir/Organization/12", ""),
    SearchRow("organization=urn:uuid:5b0a3b4e-9c2e-4a54-8f6e-0b8a6f1c2d3e", "r9"),
    // A version counts neither in the resource nor in the query (FHIR R4 search#versions).
    SearchRow("organization=Organization/v", "r7"),
    SearchRow("organization=Organization/v/_history/2", "r7"),
    SearchRow("organization=Organization/123/_history/5", "r0"),
    SearchRow("organization:identifier=urn:npi|77", "r8"),
    SearchRow("organization:identifier=77", "r8"),
    SearchRow("organization:identifier=urn:npi|", "r8"),
    SearchRow("organization:identifier=urn:other|77", ""),
    SearchRow("organization:missing=true", "r3 r4 r5"),
    SearchRow("organization:missing=false", "r0 r1 r2 r6 r7 r8 r9"),
    SearchRow("general-practitioner:missing=false", "r3 r4 r5"),
  ]

  /// Absolute URLs of this server are its own resources, in the query and in what is stored (FHIR R4 search#reference:
  /// "a relative reference resolving to the same value as a specified absolute URL, or vice versa, qualifies").
  @Test(arguments: [
    SearchRow("Patient?_tag=own&organization=$base/Organization/{{o}}", "own old plain"),
    SearchRow("Patient?_tag=own&organization=$base/Organization/{{o}}/_history/7", "own old plain"),
    SearchRow("Patient?_tag=own&organization=Organization/{{o}}", "own old plain"),
    SearchRow("Patient?_tag=own&organization={{o}}", "own old plain"),
    SearchRow("Patient?_tag=own&organization:Organization={{o}}", "own old plain"),
    SearchRow("Patient?_tag=own&organization:Organization=$base/Organization/{{o}}", "own old plain"),
    SearchRow("Patient?_tag=own&organization=Organization/none,$base/Organization/{{o}}", "own old plain"),
    SearchRow("Patient?_tag=own&organization=http://h/Organization/{{o}}", "alien"),
    SearchRow("Patient?_tag=own&organization=$base/Organization/none", ""),
    SearchRow("Patient?_tag=own&organization=Organization/{{o}}&_sort=-_id&_total=accurate", "own old plain"),
    SearchRow("Patient?_tag=own&_filter=organization eq \"$base/Organization/{{o}}\"", "own old plain"),
    SearchRow("Patient?_tag=own&_filter=organization ne \"Organization/{{o}}\"", "alien"),
    SearchRow("Patient?_tag=rel&organization=$base/Organization/rel", "rel"),
    // The same joined, forwards and backwards.
    SearchRow("Patient?_tag=own&organization.name=owner", "own old plain"),
    SearchRow("Patient?_tag=own&organization:Organization.name:missing=false&_sort=_id", "own old plain"),
    SearchRow("Organization?_tag=own&_has:Patient:organization:_id={{own}}", "o"),
    SearchRow("Organization?_tag=own&_has:Patient:organization:_has:Observation:patient:code:text=x", "o"),
    SearchRow("Observation?_tag=own&patient.organization.name=owner", "seen"),
    SearchRow("Patient?_tag=own&_not-referenced=Observation:subject", "old plain alien"),
    SearchRow("Patient/{{own}}/Observation?_tag=own", "seen"),
    SearchRow("Patient/{{own}}/*?_tag=own", "seen"),
  ]) func ownURLs(_ row: SearchRow) async throws {
    let scene = try SearchScene.current
    let found = try await scene.names(row.query.replacing("$base", with: scene.live.base))
    #expect(found == row.names.sorted(), "\(row.query)")
  }

  /// The same in the criteria of conditional interactions.
  @Test func ownURLsInConditions() async throws {
    let scene = try SearchScene.current
    let json = #"{"resourceType":"Observation","status":"final","code":{"text":"y"}}"#
    let criteria = scene.filled("_tag=own&subject=Patient/{{own}}")
    let reply = try await scene.live.send("POST", "/Observation", json, ["If-None-Exist": criteria])
    #expect(reply.status == 200, "\(reply.text)")
  }

  /// FHIR R4 search#recursive: `:above` and `:below` follow `partof`.
  @Test(arguments: [
    SearchRow("location:below=Location/{{l0}}", "el0 el1 el2"), SearchRow("location:below=Location/{{l1}}", "el1 el2"),
    SearchRow("location:below={{l2}}", "el2"), SearchRow("location:above=Location/{{l2}}", "el0 el1 el2"),
    SearchRow("location:above=Location/{{l0}}", "el0"), SearchRow("location:below=Location/unknown", ""),
    SearchRow("location=Location/{{l1}}", "el1"),
  ]) func hierarchies(_ row: SearchRow) async throws {
    try await SearchScene.current.check(SearchRow("Encounter?_tag=tree&" + row.query, row.names))
  }

  @Test(arguments: [
    "organization:exact=1", "organization:Foo=1", "organization:patient=1", "organization=", "organization:not=1",
    "general-practitioner:in=1", "organization:identifier=|",
  ]) func whatIsNoReferenceIsRefused(_ query: String) async throws {
    try await SearchScene.current.checkRefused(
      "Patient?" + query, ["'\(query.prefix { $0 != ":" && $0 != "=" })'"])
  }
}
