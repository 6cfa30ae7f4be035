import Testing

/// FHIR R4 http#cond-update.
@Suite struct ConditionalUpdateCases {
  private static let unselective = "was not attempted because search criteria was not selective enough."

  @Test(arguments: Form.allCases)
  func emptyCriteria(form: Form) async throws {
    try await FormClient.run(form) { client in
      let bundle = #"{"resourceType":"Bundle","type":"collection"}"#
      try await client.put("/Bundle?", bundle).expectOutcome(
        400, diagnostics: "Conditional operation on Bundle \(Self.unselective)")
      try await client.put("/Observation?", Sample.observation()).expectOutcome(
        400, diagnostics: "Conditional operation on Observation \(Self.unselective)")
      try await client.put("/Observation", Sample.observation()).expectOutcome(400)
      try await client.put("/Observation", Sample.observation(), ["If-Match": "W/\"Jibberish\""]).expectOutcome(400)
      // What is not understood could select another resource than the client means (http#cond-update).
      try await client.put("/Patient?nothing=1", Sample.identified("7")).expectOutcome(400)
    }
  }

  struct Row: Sendable, CustomTestStringConvertible {
    let matches: Int
    /// The id in the body: none, the match's, another.
    let id: String?
    let status: Int
    var testDescription: String { "\(matches) matches, id \(id ?? "-"): \(status)" }
  }

  static let rows = [
    Row(matches: 0, id: nil, status: 201), Row(matches: 0, id: "own", status: 201),
    Row(matches: 1, id: nil, status: 200), Row(matches: 1, id: "m1", status: 200),
    Row(matches: 1, id: "own", status: 400), Row(matches: 2, id: nil, status: 412),
    Row(matches: 2, id: "m1", status: 412),
  ]

  @Test(arguments: Form.allCases, rows)
  func byMatchesAndID(form: Form, row: Row) async throws {
    try await FormClient.run(form) { client in
      for number in 0..<row.matches {
        _ = try await client.put("/Patient/m\(number + 1)", Sample.identified("7", id: "m\(number + 1)"))
      }
      let body = Sample.identified("7", family: "new", id: row.id)
      let reply = try await client.put("/Patient?identifier=urn:case%7C7", body)
      switch row.status {
      case 201:
        let made = try reply.expectVersion(201, 1)
        let id = try #require(made.text("id"))
        if let own = row.id { #expect(id == own) }
        #expect(reply.header("location") == "\(client.base)/Patient/\(id)/_history/1")
      case 200:
        let changed = try reply.expectVersion(200, 2)
        #expect(changed.text("id") == "m1")
        #expect(changed.text("name.family") == "new")
      default:
        try reply.expectOutcome(row.status)
        #expect(try await client.get("/Patient?family=new&_summary=count").element().total == 0)
      }
    }
  }

  @Test(arguments: Form.allCases)
  func withAProvenance(form: Form) async throws {
    try await FormClient.run(form) { client in
      let path = "/Patient?identifier=urn:case%7C7"
      try await client.put(path, Sample.identified("7"), ["X-Provenance": "Jibberish"]).expectOutcome(400)
      let made = try await client.put(path, Sample.identified("7"), ["X-Provenance": Sample.provenance])
      let id = try #require(try made.expectVersion(201, 1).text("id"))
      #expect(try await client.get("/Provenance?target=Patient/\(id)").element().matches.count == 1)
    }
  }

  @Test(arguments: Form.allCases)
  func withAnExpectedVersion(form: Form) async throws {
    try await FormClient.run(form) { client in
      let path = "/Patient?identifier=urn:case%7C7"
      // Nothing matches, so nothing has the version.
      try await client.put(path, Sample.identified("7"), ["If-Match": "W/\"1\""]).expectOutcome(412)
      _ = try await client.create("Patient", Sample.identified("7"))
      let stale = Sample.identified("7", family: "b")
      try await client.put(path, stale, ["If-Match": "W/\"2\""]).expectOutcome(412)
      try await client.put(path, stale, ["If-Match": "W/\"1\""]).expectVersion(200, 2)
    }
  }
}
