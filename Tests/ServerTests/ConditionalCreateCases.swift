import Testing

/// FHIR R4 http#ccreate: `If-None-Exist`.
@Suite struct ConditionalCreateCases {
  private static let condition = ["If-None-Exist": "identifier=urn:case|7"]

  @Test(arguments: Form.allCases, [0, 1, 2])
  func byTheNumberOfMatches(form: Form, matches: Int) async throws {
    try await FormClient.run(form) { client in
      var ids: [String] = []
      for _ in 0..<matches { ids.append(try await client.create("Patient", Sample.identified("7"))) }
      let reply = try await client.post("/Patient", Sample.identified("7", family: "new"), Self.condition)
      switch matches {
      case 0:
        try reply.expectVersion(201, 1)
      case 1:
        let found = try reply.expectVersion(200, 1)
        #expect(found.text("id") == ids.first)
        #expect(found.text("name.family") == "Okafor")
      default:
        try reply.expectOutcome(412)
      }
      let count = try await client.get("/Patient?_summary=count").element().total
      #expect(count == max(1, matches))
    }
  }

  @Test(arguments: Form.allCases)
  func withAProvenance(form: Form) async throws {
    try await FormClient.run(form) { client in
      let bad = Self.condition.merging(["X-Provenance": "Jibberish"]) { own, _ in own }
      try await client.post("/Patient", Sample.identified("7"), bad).expectOutcome(400)
      let good = Self.condition.merging(["X-Provenance": Sample.provenance]) { own, _ in own }
      let id = try #require(try await client.post("/Patient", Sample.identified("7"), good).element().text("id"))
      let found = try await client.get("/Provenance?target=Patient/\(id)").expectBundle("searchset")
      #expect(found.matches.count == 1)
    }
  }

  /// Criteria that select nothing in particular.
  @Test(arguments: Form.allCases, ["&", "?", "identifier=", "_count=1", " "])
  func unselectiveCriteria(form: Form, criteria: String) async throws {
    try await FormClient.run(form) { client in
      let reply = try await client.post("/Observation", Sample.observation(), ["If-None-Exist": criteria])
      try reply.expectOutcome(
        400,
        diagnostics:
          "Conditional operation on Observation was not attempted because search criteria was not selective enough.",
        issues: 1)
    }
  }

  /// FHIR R4 http#ops, `Prefer`, for a resource that exists already.
  @Test(
    arguments: Form.allCases, ["", "return=representation", "return=minimal", "return=OperationOutcome", "return="])
  func whatTheClientWantsBack(form: Form, preference: String) async throws {
    try await FormClient.run(form) { client in
      let first = try await client.post("/Patient", Sample.identified("7"))
      var headers = Self.condition
      if !preference.isEmpty { headers["Prefer"] = preference }
      let again = try await client.post("/Patient", Sample.identified("7"), headers)
      if preference == "return=" {
        try again.expectOutcome(400)
        return
      }
      #expect(again.status == 200)
      for header in ["etag", "last-modified", "location"] {
        #expect(again.header(header) == first.header(header), "\(header)")
      }
      switch preference {
      case "return=minimal":
        #expect(again.reply.body.isEmpty)
      case "return=OperationOutcome":
        let outcome = try again.element()
        #expect(outcome.type == "OperationOutcome")
        #expect(outcome.text("issue.severity") == "information")
        #expect(outcome.text("issue.details.text")?.isEmpty == false || outcome.text("issue.diagnostics") != nil)
      default:
        #expect(again.text == first.text)
      }
    }
  }
}
