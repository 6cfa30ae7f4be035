import Testing

/// `$validate` (FHIR R4 resource-operation-validate.html): 200 with an outcome, whatever is found.
@Suite struct ValidateCases {
  private static func parameters(_ json: String) -> String {
    #"{"resourceType":"Parameters","parameter":[{"name":"resource","resource":\#(json)}]}"#
  }

  @Test(arguments: Form.allCases, CreateCases.bodies)
  func whatIsSound(form: Form, row: (type: String, json: String)) async throws {
    try await FormClient.run(form) { client in
      for body in [row.json, Self.parameters(row.json)] {
        let reply = try await client.post("/\(row.type)/$validate", body)
        #expect(reply.status == 200)
        let issues = try reply.element()["issue"]
        #expect(issues.count == 1, "\(reply.text)")
        #expect(issues.first?.text("severity") == "information")
        #expect(issues.first?.text("code") == "informational")
        #expect(issues.first?.text("diagnostics") == "All OK")
      }
      #expect(try await client.get("/\(row.type)?_summary=count").element().total == 0)
    }
  }

  @Test(arguments: Form.allCases, CreateCases.broken)
  func whatIsBroken(form: Form, row: (json: String, code: String, expression: String)) async throws {
    try await FormClient.run(form) { client in
      for body in [row.json, Self.parameters(row.json)] {
        let reply = try await client.post("/Observation/$validate", body)
        let issue = try reply.expectOutcome(200)["issue"].first { $0.text("expression") == row.expression }
        #expect(issue?.text("severity") == "error", "\(reply.text)")
        #expect(issue?.text("code") == row.code)
      }
    }
  }

  @Test(arguments: Form.allCases)
  func anotherType(form: Form) async throws {
    try await FormClient.run(form) { client in
      let outcome = try await client.post("/Observation/$validate", Sample.patient()).expectOutcome(
        200, diagnostics: "Resource type in the URL must match resourceType in the resource.", issues: 1)
      #expect(outcome.text("issue.expression") == "TypeName")
    }
  }

  /// A stored resource; one that never was; a profile that is no URL.
  @Test(arguments: Form.allCases)
  func storedResources(form: Form) async throws {
    try await FormClient.run(form) { client in
      let id = try await client.create("Patient", Sample.patient())
      let own = "http://hl7.org/fhir/StructureDefinition/Patient"
      let fine = try await client.get("/Patient/\(id)/$validate?profile=\(own)")
      #expect(fine.status == 200)
      #expect(try fine.element().text("issue.diagnostics") == "All OK")
      try await client.get("/Patient/nobody/$validate?profile=\(own)").expectOutcome(404)
      // A profile that is not stored: an error within the outcome (compatibility.md).
      let unknown = try await client.get("/Patient/\(id)/$validate?profile=http://example.org/unknown")
      try unknown.expectOutcome(200, code: "not-supported")
      try await client.get("/Patient/\(id)/$validate?profile=abc").expectOutcome(400)
      try await client.post("/Patient/$validate?profile=abc", Sample.patient()).expectOutcome(400)
      let inBody =
        #"{"resourceType":"Parameters","parameter":[{"name":"resource","resource":\#(Sample.patient())},"#
        + #"{"name":"profile","valueString":"abc"}]}"#
      try await client.post("/Patient/$validate", inBody).expectOutcome(400)
    }
  }

  /// What cannot be read is not valid; the answer is still 200.
  @Test(arguments: Form.allCases)
  func whatCannotBeRead(form: Form) async throws {
    try await FormClient.run(form) { client in
      let bodies =
        form == .json
        ? [#"{"resourceType":"Patient""#, "[]", #"{"resourceType":"Patient","name":"text"}"#, #"{"resourceType":5}"#]
        : [
          "<Patient", #"<Patient/>"#, #"<Patient xmlns="http://hl7.org/fhir"><name value="text"/></Patient>"#,
          #"<Patient xmlns="http://hl7.org/fhir"><bogus/></Patient>"#,
        ]
      for body in bodies {
        let reply = try await client.send("POST", "/Patient/$validate", body)
        #expect(try reply.expectOutcome(200, body).text("issue.severity") == "error", "\(reply.text)")
      }
    }
  }
}
