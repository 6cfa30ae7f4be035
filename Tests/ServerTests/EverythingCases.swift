import Testing

/// `Patient/[id]/$everything` (FHIR R4 patient-operation-everything.html), in the phases of Microsoft's server.
@Suite struct EverythingCases {
  private static func fill(_ client: FormClient) async throws {
    let rows = [
      ("Organization/org", #"{"resourceType":"Organization","id":"org","name":"House"}"#),
      ("Practitioner/doc", #"{"resourceType":"Practitioner","id":"doc"}"#),
      (
        "Patient/p",
        Sample.patient(
          id: "p",
          more:
            #","generalPractitioner":[{"reference":"Practitioner/doc"}],"managingOrganization":{"reference":"Organization/org"}"#
        )
      ),
      (
        "Observation/o",
        Sample.observation("x", id: "o", subject: "Patient/p", more: #","effectiveDateTime":"2012-04-01""#)
      ),
      (
        "Encounter/e",
        #"{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p"},"period":{"start":"2012-03-01","end":"2012-03-02"}}"#
      ),
      (
        "Appointment/a",
        #"{"resourceType":"Appointment","id":"a","status":"proposed","participant":[{"actor":{"reference":"Patient/p"},"status":"accepted"}]}"#
      ),
      ("Device/d", #"{"resourceType":"Device","id":"d","patient":{"reference":"Patient/p"}}"#),
      ("Patient/stranger", Sample.patient(id: "stranger")),
      ("Observation/strange", Sample.observation("x", id: "strange", subject: "Patient/stranger")),
    ]
    for (path, json) in rows {
      let reply = try await client.put("/\(path)", json)
      try #require(reply.status == 201, "\(reply.text)")
    }
  }

  private static func linked(_ id: String, _ links: [(type: String, to: String)]) -> String {
    let list = links.map { #"{"type":"\#($0.type)","other":{"reference":"Patient/\#($0.to)"}}"# }
    return Sample.patient(id: id, more: links.isEmpty ? "" : #","link":[\#(list.joined(separator: ","))]"#)
  }

  @Test(arguments: Form.allCases)
  func phases(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      let pages = try await client.pages("/Patient/p/$everything")
      #expect(pages.map { Set($0.ids) } == [["p", "doc", "org"], ["o", "e", "a"], ["d"]])
      #expect(pages.first?.link("self") == "\(client.base)/Patient/p/$everything")
      for page in pages {
        #expect(page.text("type") == "searchset")
        if let next = page.link("next") { #expect(next.hasPrefix("\(client.base)/Patient/p/$everything?ct=")) }
      }
    }
  }

  static let narrowed: [(query: String, ids: Set<String>)] = [
    ("_type=Patient,Observation", ["p", "o"]), ("_type=Patient,foo", ["p"]), ("_type=foo,bar", []),
    ("start=2010", ["p", "doc", "org", "o", "e", "a", "d"]), ("end=2010", ["p", "doc", "org", "a", "d"]),
    ("start=2012-03-15&end=2012-12-31", ["p", "doc", "org", "o", "a", "d"]), ("_since=3000", []),
    ("_type=Patient,Observation&_since=3000", []), ("_type=Observation,Encounter&start=2012-03-15", ["o"]),
    ("_type=Device", ["d"]), ("_since=2000-01-01T00:00:00Z&_type=Encounter", ["e"]),
  ]

  @Test(arguments: Form.allCases, narrowed)
  func parametersNarrow(form: Form, row: (query: String, ids: Set<String>)) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      let pages = try await client.pages("/Patient/p/$everything?\(row.query)")
      #expect(Set(pages.flatMap(\.ids)) == row.ids, "\(row.query)")
    }
  }

  @Test(arguments: Form.allCases)
  func unknownParametersAreTold(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      let page = try await client.get("/Patient/p/$everything?foo=1").expectBundle("searchset")
      let outcome = try #require(page.entries.first { $0.text("search.mode") == "outcome" })
      #expect(outcome.text("resource.issue.severity") == "warning")
      #expect(outcome.text("resource.issue.code") == "not-supported")
      #expect(outcome.text("resource.issue.diagnostics") == "The \"foo\" parameter is not supported.")
      #expect(page.link("self") == "\(client.base)/Patient/p/$everything")
      // The page's length (compatibility.md).
      let counted = try await client.get("/Patient/p/$everything?_count=1&_type=Observation,Encounter")
      #expect(try counted.expectBundle("searchset").ids.count == 1)
    }
  }

  @Test(arguments: Form.allCases, ["AAAA", "eyJQaGFzZSI6MX0=", "1", ""])
  func aForgedTokenIs400(form: Form, token: String) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      try await client.get("/Patient/p/$everything?ct=\(token)").expectOutcome(400)
    }
  }

  @Test(arguments: Form.allCases)
  func whatHasNone(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      try await client.get("/Observation/bar/$everything").expectOutcome(404)
      // Microsoft's server answers 200 and nothing (compatibility.md).
      try await client.get("/Patient/nobody/$everything").expectOutcome(404)
      #expect(try await client.delete("/Patient/p").status == 204)
      let pages = try await client.pages("/Patient/p/$everything")
      #expect(Set(pages.flatMap(\.ids)) == ["o", "e", "a", "d"])
    }
  }

  /// Each "seealso" patient by the same phases, by ascending id.
  @Test(arguments: Form.allCases)
  func linksAreFollowed(form: Form) async throws {
    try await FormClient.run(form) { client in
      for (id, links) in [
        ("a", [("seealso", "c"), ("seealso", "b")]), ("b", []), ("c", []), ("r", [("replaces", "b"), ("refer", "c")]),
      ] as [(String, [(type: String, to: String)])] {
        _ = try await client.put("/Patient/\(id)", Self.linked(id, links))
        _ = try await client.put(
          "/Observation/o\(id)", Sample.observation("x", id: "o\(id)", subject: "Patient/\(id)"))
      }
      let ids = try await client.pages("/Patient/a/$everything").flatMap(\.ids)
      let found = ids.filter { ["a", "oa", "b", "ob", "c", "oc"].contains($0) }
      #expect(Set(found).count == 6)
      let firsts = ["a", "b", "c"].compactMap { ids.firstIndex(of: $0) }
      #expect(firsts == firsts.sorted())
      // Other links are left alone.
      let alone = try await client.pages("/Patient/r/$everything").flatMap(\.ids)
      #expect(Set(alone) == ["r", "or"])
    }
  }

  @Test(arguments: Form.allCases)
  func aReplacedPatient(form: Form) async throws {
    try await FormClient.run(form) { client in
      _ = try await client.put("/Patient/B", Self.linked("B", []))
      _ = try await client.put("/Patient/A", Self.linked("A", [(type: "replaced-by", to: "B")]))
      let words = "The patient with id `A` is no longer relevant. Use patient with id `B` instead."
      let lenient = try await client.get("/Patient/A/$everything").expectBundle("searchset")
      let outcome = try #require(lenient.entries.first { $0.text("search.mode") == "outcome" })
      #expect(outcome.text("resource.issue.severity") == "warning")
      #expect(outcome.text("resource.issue.code") == "conflict")
      #expect(outcome.text("resource.issue.diagnostics") == words)
      #expect(lenient.ids.contains("A"))
      let strict = try await client.get("/Patient/A/$everything", ["Prefer": "handling=strict"])
      try strict.expectOutcome(301, diagnostics: words)
      #expect(strict.header("content-location") == "\(client.base)/Patient/B/$everything")
    }
  }
}
