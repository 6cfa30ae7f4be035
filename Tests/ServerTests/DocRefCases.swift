import Testing

/// `DocumentReference/$docref` (US Core OperationDefinition/docref), by GET and by POST.
@Suite struct DocRefCases {
  private static func document(_ id: String, _ patient: String, _ period: String?, _ code: String) -> String {
    let context = period.map { #","context":{"period":{\#($0)}}"# } ?? ""
    return
      #"{"resourceType":"DocumentReference","id":"\#(id)","status":"current","subject":{"reference":"Patient/\#(patient)"},"#
      + #""type":{"coding":[{"system":"http://loinc.org","code":"\#(code)"}]},"#
      + #""content":[{"attachment":{"contentType":"text/plain"}}]\#(context)}"#
  }

  private static func fill(_ client: FormClient) async throws {
    for (id, patient, period, code) in [
      ("none", "p", nil, "34133-9"), ("jan", "p", #""start":"2020-01-01","end":"2020-01-31""#, "34133-9"),
      ("feb", "p", #""start":"2020-02-01","end":"2020-02-20""#, "18842-5"),
      ("other", "q", #""start":"2020-01-01","end":"2020-01-02""#, "34133-9"),
    ] as [(String, String, String?, String)] {
      let reply = try await client.put("/DocumentReference/\(id)", document(id, patient, period, code))
      try #require(reply.status == 201, "\(reply.text)")
    }
  }

  /// A query as the Parameters of a POST.
  private static func parameters(_ query: String) -> String {
    let types = ["patient": "valueId", "start": "valueDate", "end": "valueDate", "on-demand": "valueBoolean"]
    let list = query.split(separator: "&").map { pair -> String in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      let text = String(parts[1]).replacing("%7C", with: "|")
      if name == "type" {
        let codings = text.split(separator: ",").map { token in
          let halves = token.split(separator: "|")
          return halves.count == 2
            ? #"{"system":"\#(halves[0])","code":"\#(halves[1])"}"# : #"{"code":"\#(halves[0])"}"#
        }
        return #"{"name":"type","valueCodeableConcept":{"coding":[\#(codings.joined(separator: ","))]}}"#
      }
      let member = types[name] ?? "valueString"
      return #"{"name":"\#(name)","\#(member)":\#(member == "valueBoolean" ? text : "\"\(text)\"")}"#
    }
    return #"{"resourceType":"Parameters","parameter":[\#(list.joined(separator: ","))]}"#
  }

  static let found: [(query: String, ids: Set<String>)] = [
    ("patient=p", ["none", "jan", "feb"]), ("patient=q", ["other"]), ("patient=nobody", []),
    ("patient=p&start=2020-01-01&end=2020-01-31", ["jan"]), ("patient=p&start=2020-01-15", ["feb"]),
    ("patient=p&end=2020-02-10", ["jan"]), ("patient=p&start=2019&end=2021", ["jan", "feb"]),
    ("patient=p&start=2021", []), ("patient=p&type=http://loinc.org%7C18842-5", ["feb"]),
    ("patient=p&type=18842-5,34133-9", ["none", "jan", "feb"]), ("patient=p&type=18842-5&type=34133-9", []),
    ("patient=p&type=unknown", []),
  ]

  @Test(arguments: Form.allCases, found)
  func whatIsFound(form: Form, row: (query: String, ids: Set<String>)) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      let got = try await client.get("/DocumentReference/$docref?\(row.query)").expectBundle("searchset")
      #expect(Set(got.matches) == row.ids, "\(row.query)")
      #expect(got.link("self") == "\(client.base)/DocumentReference/$docref?\(row.query)")
      let posted = try await client.post("/DocumentReference/$docref", Self.parameters(row.query))
      #expect(Set(try posted.expectBundle("searchset").matches) == row.ids, "\(row.query)")
    }
  }

  @Test(arguments: Form.allCases)
  func severalPatients(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      let got = try await client.get("/DocumentReference/$docref?patient=p,q").expectBundle("searchset")
      #expect(Set(got.matches) == ["none", "jan", "feb", "other"])
    }
  }

  static let refused = [
    "start=2020", "patient=p&patient=q", "patient=p&start=2020&start=2021", "patient=p&end=2020&end=2021",
    "patient=p&start=2020,2021", "patient=p&end=2020,2021", "patient=p&start=x", "",
  ]

  @Test(arguments: Form.allCases, refused)
  func whatIsRefused(form: Form, query: String) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      let got = try await client.get("/DocumentReference/$docref\(query.isEmpty ? "" : "?")\(query)")
      try got.expectOutcome(400)
      let posted = try await client.post("/DocumentReference/$docref", Self.parameters(query))
      try posted.expectOutcome(400)
    }
  }

  /// What the server cannot do is told within the answer, without references.
  @Test(arguments: Form.allCases, ["on-demand=true", "profile=http://example.org/p"])
  func whatIsNotOffered(form: Form, parameter: String) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      let bundle = try await client.get("/DocumentReference/$docref?patient=p&\(parameter)").expectBundle("searchset")
      #expect(bundle.matches.isEmpty)
      let outcome = try #require(bundle.entries.first { $0.text("search.mode") == "outcome" })
      #expect(outcome.text("resource.issue.severity") == "error")
      #expect(outcome.text("resource.issue.code") == "not-supported")
      let name = String(parameter.prefix { $0 != "=" })
      #expect(outcome.text("resource.issue.diagnostics")?.contains(name) == true)
    }
  }

  @Test(arguments: Form.allCases)
  func unknownParametersAreTold(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await Self.fill(client)
      let bundle = try await client.get("/DocumentReference/$docref?patient=p&foo=1").expectBundle("searchset")
      let outcome = try #require(bundle.entries.first { $0.text("search.mode") == "outcome" })
      #expect(outcome.text("resource.issue.severity") == "warning")
      #expect(bundle.matches.count == 3)
    }
  }
}
