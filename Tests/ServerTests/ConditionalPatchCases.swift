import Testing

/// FHIR R4 http#patch with criteria.
@Suite struct ConditionalPatchCases {
  private static let fhirPath = PatchCases.parameters([
    PatchCases.operation("replace", "Patient.gender", value: #""valueCode":"female""#)
  ])
  private static let json = #"[{"op":"replace","path":"/gender","value":"female"}]"#
  private static let path = "/Patient?identifier=urn:case%7C7"
  private static let person = Sample.identified("7").dropLast() + #","gender":"male"}"#

  /// A patch in either language; FHIRPath Patch in either form.
  private static func send(
    _ client: FormClient, _ path: String, isJSON: Bool, _ headers: [String: String] = [:]
  ) async throws -> FormReply {
    isJSON ? try await client.jsonPatch(path, json, headers) : try await client.patch(path, fhirPath, headers)
  }

  @Test(arguments: Form.allCases, [true, false])
  func byMatches(form: Form, isJSON: Bool) async throws {
    try await FormClient.run(form) { client in
      try await Self.send(client, Self.path, isJSON: isJSON).expectOutcome(404)
      _ = try await client.create("Patient", String(Self.person))
      let patched = try await Self.send(client, Self.path, isJSON: isJSON).expectVersion(200, 2)
      #expect(patched.text("gender") == "female")
      _ = try await client.create("Patient", String(Self.person))
      try await Self.send(client, Self.path, isJSON: isJSON).expectOutcome(412)
    }
  }

  @Test(arguments: Form.allCases, ["?", "", "?_tag=", "?_meta-history=false"])
  func unselectiveCriteria(form: Form, query: String) async throws {
    try await FormClient.run(form) { client in
      try await Self.send(client, "/Patient\(query)", isJSON: true).expectOutcome(412, contains: "not selective enough")
    }
  }

  /// `id` is no search parameter, so it selects nothing (Microsoft's server: 412, not selective enough).
  @Test(arguments: Form.allCases)
  func anUnknownParameterSelectsNothing(form: Form) async throws {
    try await FormClient.run(form) { client in
      let id = try await client.create("Patient", String(Self.person))
      let reply = try await Self.send(client, "/Patient?id=\(id)", isJSON: true)
      try reply.expectOutcome(412, contains: "not selective enough")
      try await client.get("/Patient/\(id)").expectVersion(200, 1)
    }
  }

  @Test(arguments: Form.allCases, [true, false])
  func withAnExpectedVersion(form: Form, isJSON: Bool) async throws {
    try await FormClient.run(form) { client in
      let id = try await client.create("Patient", String(Self.person))
      _ = try await client.put("/Patient/\(id)", Self.person.dropLast() + #","id":"\#(id)","active":true}"#)
      try await Self.send(client, Self.path, isJSON: isJSON, ["If-Match": "W/\"3\""]).expectOutcome(412)
      try await Self.send(client, Self.path, isJSON: isJSON, ["If-Match": "W/\"2\""]).expectVersion(200, 3)
    }
  }

  @Test(arguments: Form.allCases, [true, false])
  func theHistoryOfLabels(form: Form, isKept: Bool) async throws {
    try await FormClient.run(form) { client in
      let id = try await client.create("Patient", String(Self.person))
      let tag = #"[{"op":"add","path":"/meta/tag","value":{"code":"t"}}]"#
      let reply = try await client.jsonPatch("\(Self.path)&_meta-history=\(isKept)", tag)
      #expect(try reply.expectVersion(200, 2).text("meta.tag.code") == "t")
      let history = try await client.get("/Patient/\(id)/_history").expectBundle("history")
      #expect(history.entries.count == (isKept ? 2 : 1))
      #expect(try await client.get("/Patient/\(id)/_history/1").status == (isKept ? 200 : 404))
    }
  }
}
