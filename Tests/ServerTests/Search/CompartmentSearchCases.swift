import Testing

/// Compartments (FHIR R4 search §2.1.1.2, compartmentdefinition.html) and lists.
@Suite(
  .scene { scene in
    try await scene.create("patient", #"{"resourceType":"Patient","active":true}"#)
    try await scene.create("neighbour", #"{"resourceType":"Patient"}"#)
    try await scene.create("device", #"{"resourceType":"Device","status":"active"}"#)
    try await scene.create("doctor", #"{"resourceType":"Practitioner"}"#)
    for (name, subject, more) in [
      ("o1", "Patient/{{patient}}", #","device":{"reference":"Device/{{device}}"}"#),
      ("o2", "Patient/{{patient}}", #","performer":[{"reference":"Practitioner/{{doctor}}"}]"#),
      ("o3", "Patient/{{neighbour}}", #","performer":[{"reference":"Patient/{{patient}}"}]"#),
      ("o4", "Patient/{{neighbour}}", ""), ("o5", "Device/{{device}}", ""),
    ] {
      try await scene.create(
        name,
        #"{"resourceType":"Observation","status":"final","code":{"coding":[{"code":"\#(name)"}]},"#
          + #""subject":{"reference":"\#(subject)"}\#(more)}"#)
    }
    try await scene.create(
      "condition", #"{"resourceType":"Condition","code":{"text":"x"},"subject":{"reference":"Patient/{{patient}}"}}"#)
    try await scene.create(
      "encounter",
      #"{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/{{patient}}"}}"#
    )
    try await scene.create(
      "list",
      #"{"resourceType":"List","status":"current","mode":"working","entry":[{"item":{"reference":"Observation/{{o1}}"}},"#
        + #"{"item":{"reference":"Observation/{{o4}}"}},{"item":{"reference":"Patient/{{patient}}"}}]}"#)
  }) struct CompartmentSearchCases
{
  @Test(arguments: [
    SearchRow("Patient/{{patient}}/Observation?_tag=t", "o1 o2 o3"),
    SearchRow("Patient/{{patient}}/Condition?_tag=t", "condition"),
    SearchRow("Patient/{{patient}}/Procedure?_tag=t", ""),
    SearchRow("Patient/{{patient}}/*?_tag=t", "condition encounter o1 o2 o3"),
    SearchRow("Patient/{{patient}}/*?_tag=t&_type=Observation", "o1 o2 o3"),
    SearchRow("Patient/{{patient}}/*?_tag=t&_type=Observation,Condition", "condition o1 o2 o3"),
    SearchRow("Patient/{{patient}}/*?_tag=t&_type=Organization", ""),
    SearchRow("Patient/{{patient}}/Observation?_tag=t&code=o2", "o2"),
    SearchRow("Patient/{{patient}}/Observation?_tag=t&code=o4", ""),
    SearchRow("Patient/{{patient}}/Observation?_tag=t&performer=Practitioner/{{doctor}}", "o2"),
    SearchRow("Patient/{{patient}}/Observation?_tag=t&_count=1", "o1 o2 o3"),
    SearchRow("Patient/{{patient}}/*?_tag=t&_count=2", "condition encounter o1 o2 o3"),
    SearchRow("Patient/unknown/Observation?_tag=t", ""),
    SearchRow("Device/{{device}}/Observation?_tag=t", "o1 o5"),
    SearchRow("Practitioner/{{doctor}}/Observation?_tag=t", "o2"),
    // The resource itself is no member.
    SearchRow("Encounter/{{encounter}}/*?_tag=t", ""),
    // Lists (FHIR R4 search §2.1.1.4.6).
    SearchRow("Observation?_list={{list}}", "o1 o4"), SearchRow("Patient?_list={{list}}&_tag=t", "patient"),
    SearchRow("?_list={{list}}&_tag=t", "o1 o4 patient"), SearchRow("Observation?_list={{list}}&code=o1", "o1"),
    SearchRow("Observation?_list=unknown", ""),
  ]) func compartment(_ row: SearchRow) async throws {
    try await SearchScene.current.check(row)
  }

  @Test func withIncludesAndCounts() async throws {
    let scene = try SearchScene.current
    let found = try await scene.find("Patient/{{patient}}/Observation?_tag=t&_include=Observation:performer")
    #expect(found.matches.sorted() == ["o1", "o2", "o3"])
    #expect(found.included.sorted() == ["doctor", "patient"])
    #expect(try await scene.find("Patient/{{patient}}/Observation?_tag=t&_summary=count").total == 3)
    #expect(try await scene.find("Patient/{{patient}}/*?_tag=t&_total=accurate&_count=1").total == 5)
  }

  @Test func unknownNames() async throws {
    let scene = try SearchScene.current
    let types = try await scene.find("Patient/{{patient}}/*?_type=foo")
    #expect(types.issues == [.unsupported("The '_type' parameter contains unknown resource(s): 'foo'")])
    #expect(types.matches.isEmpty)
    let parameter = try await scene.find("Patient/{{patient}}/Observation?_tag=t&foo=1", dropping: ["&foo=1"])
    #expect(parameter.matches.count == 3)
    #expect(parameter.issues.count == 1)
    for query in ["Patient/{{patient}}/foo", "Foo/1/Observation", "Organization/1/Observation"] {
      let reply = try await scene.ask(query)
      #expect(reply.status == 404, "\(query): \(reply.text)")
    }
    for value in ["a b", "", ",", "$current-allergies", "../1"] {
      try await scene.checkRefused("Observation?_list=" + value, ["'_list'"])
    }
  }
}
