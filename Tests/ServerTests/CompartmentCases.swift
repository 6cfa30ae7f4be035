import Testing

/// Searches of compartments (FHIR R4 search §2.1.1.2, compartmentdefinition.html).
@Suite struct CompartmentCases {
  private static func fill(_ client: FormClient) async throws {
    let rows = [
      ("Patient/p", Sample.patient(id: "p")), ("Patient/q", Sample.patient(id: "q")),
      ("Device/d", #"{"resourceType":"Device","id":"d","patient":{"reference":"Patient/p"}}"#),
      (
        "Observation/o1",
        Sample.observation("a", id: "o1", subject: "Patient/p", more: #","device":{"reference":"Device/d"}"#)
      ),
      ("Observation/o2", Sample.observation("b", id: "o2", more: #","performer":[{"reference":"Patient/p"}]"#)),
      ("Observation/o3", Sample.observation("c", id: "o3", subject: "Patient/q")),
      (
        "Encounter/e",
        #"{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p"}}"#
      ),
      (
        "Condition/c",
        #"{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"}}"#
      ),
    ]
    for (path, json) in rows {
      let reply = try await client.put("/\(path)", json)
      try #require(reply.status == 201, "\(reply.text)")
    }
  }

  static let rows: [(path: String, ids: Set<String>)] = [
    ("/Device/d/Observation", ["o1"]), ("/Patient/p/Observation", ["o1", "o2"]), ("/Patient/q/Observation", ["o3"]),
    ("/Patient/p/*", ["o1", "o2", "e", "c"]), ("/Patient/p/*?_type=Observation", ["o1", "o2"]),
    ("/Patient/p/*?_type=Observation,Encounter", ["o1", "o2", "e"]), ("/Encounter/e/Condition", ["c"]),
    ("/Patient/p/Observation?_id=o1", ["o1"]), ("/Patient/p/Observation?status=final", ["o1", "o2"]),
    ("/Patient/p/Observation?status=registered", []), ("/Patient/p/Observation?performer=Patient/p", ["o2"]),
    ("/Patient/nobody/Observation", []), ("/Patient/nobody/*", []),
    ("/Patient/p/Condition?encounter=Encounter/e", ["c"]),
    ("/Patient/p/Device", []), ("/Patient/p/Practitioner", []),
  ]

  @Test(arguments: Form.allCases, rows)
  func whatIsInACompartment(form: Form, row: (path: String, ids: Set<String>)) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      let bundle = try await client.get(row.path).expectBundle("searchset")
      #expect(Set(bundle.matches) == row.ids, "\(row.path)")
      #expect(bundle.matches.count == row.ids.count)
      #expect(bundle.link("self") == client.base + row.path)
    }
  }

  @Test(arguments: Form.allCases)
  func unknownTypesAndParameters(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      try await client.get("/Patient/p/foo").expectOutcome(404, code: "not-found")
      try await client.get("/Observation/o1/Patient").expectOutcome(404)
      let typed = try await client.get("/Patient/p/*?_type=foo").expectBundle("searchset")
      let outcome = typed.entries.first { $0.text("search.mode") == "outcome" }
      #expect(outcome?.text("resource.issue.severity") == "warning")
      let lenient = try await client.get("/Patient/p/Observation?nothing=1").expectBundle("searchset")
      #expect(lenient.matches.count == 2)
      #expect(lenient.link("self") == "\(client.base)/Patient/p/Observation")
      try await client.get("/Patient/p/Observation?nothing=1", ["Prefer": "handling=strict"]).expectOutcome(400)
    }
  }

  @Test(arguments: Form.allCases)
  func pages(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      let path = "/Patient/p/*?_count=1"
      let pages = try await client.pages(path)
      #expect(pages.map { $0.matches.count } == [1, 1, 1, 1])
      #expect(Set(pages.flatMap(\.matches)) == ["o1", "o2", "e", "c"])
      for page in pages.dropLast() {
        #expect(page.link("next")?.hasPrefix("\(client.base)\(path)&ct=") == true)
      }
    }
  }
}
