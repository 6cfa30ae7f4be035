import Base
import FHIRService
import JSONCore
import Testing

/// `DocumentReference/$docref` (US Core OperationDefinition/docref).
@Suite struct DocRefTests {
  private static func reference(
    _ id: String, patient: String = "p", start: String? = nil, end: String? = nil, type: String = "34133-9"
  ) -> String {
    let bounds = [start.map { #""start":"\#($0)""# }, end.map { #""end":"\#($0)""# }].compactMap { $0 }
    let context = bounds.isEmpty ? "" : #","context":{"period":{\#(bounds.joined(separator: ","))}}"#
    return """
      {"resourceType":"DocumentReference","id":"\(id)","status":"current","subject":{"reference":"Patient/\(patient)"},
       "type":{"coding":[{"system":"http://loinc.org","code":"\(type)"}]},
       "content":[{"attachment":{"contentType":"text/plain"}}]\(context)}
      """
  }

  private static func fill(_ service: TestService) async throws {
    for (id, json) in [
      ("none", reference("none")), ("jan", reference("jan", start: "2020-01-01", end: "2020-01-31")),
      ("feb", reference("feb", start: "2020-02-01", end: "2020-02-20", type: "18842-5")),
      ("open", reference("open", start: "2020-02-01")),
      ("q", reference("q", patient: "q", start: "2020-01-01", end: "2020-01-02")),
    ] {
      let reply = try await service.send(.put, "DocumentReference/\(id)", json)
      #expect(reply.status == 201, "\(reply.text)")
    }
  }

  @Test func findsDocuments() async throws {
    try await withService { service in
      try await Self.fill(service)
      let cases: [(String, [String])] = [
        ("patient=p", ["feb", "jan", "none", "open"]), ("patient=Patient/p", ["feb", "jan", "none", "open"]),
        ("patient=p,q", ["feb", "jan", "none", "open", "q"]), ("patient=nobody", []),
        // The period has to lie within what is asked for as a whole.
        ("patient=p&start=2020-01-01&end=2020-01-31", ["jan"]), ("patient=p&start=2020-01-02&end=2020-12-31", ["feb"]),
        ("patient=p&start=2020-01-02", ["feb", "open"]), ("patient=p&end=2020-02-19", ["jan"]),
        ("patient=p&end=2020-02-20", ["feb", "jan"]), ("patient=p&start=2020-01&end=2020-01", ["jan"]),
        ("patient=p&type=http://loinc.org%7C18842-5", ["feb"]), ("patient=p&type=18842-5,x", ["feb"]),
        ("patient=p&type=18842-5&type=34133-9", []),
      ]
      for (query, ids) in cases {
        let reply = try await service.send(.get, "DocumentReference/$docref?\(query)")
        #expect(reply.status == 200, "\(query): \(reply.text)")
        #expect(reply.ids.sorted() == ids, "\(query)")
        #expect(reply.link("self") == "\(TestService.base)/DocumentReference/$docref?\(query)")
      }
      let body = """
        {"resourceType":"Parameters","parameter":[{"name":"patient","valueId":"p"},
         {"name":"start","valueDate":"2020-01-02"},{"name":"end","valueDate":"2020-12-31"},
         {"name":"type","valueCodeableConcept":{"coding":[{"system":"http://loinc.org","code":"18842-5"}]}}]}
        """
      #expect(try await service.send(.post, "DocumentReference/$docref", body).ids == ["feb"])
    }
  }

  @Test func pages() async throws {
    try await withService { service in
      try await Self.fill(service)
      var url: String? = "DocumentReference/$docref?patient=p&_count=3"
      var ids: [[String]] = []
      while let here = url {
        let reply = try await service.send(.get, here)
        ids.append(reply.ids)
        url = reply.link("next")
        try #require(ids.count < 5)
      }
      #expect(ids.map(\.count) == [3, 1])
    }
  }

  @Test func whatIsNotOffered() async throws {
    try await withService { service in
      try await Self.fill(service)
      for name in ["on-demand=true", "profile=http://p"] {
        let reply = try await service.send(.get, "DocumentReference/$docref?patient=p&\(name)")
        #expect(reply.status == 200)
        #expect(reply.ids.isEmpty)
        let issue = reply.entries.first?["resource"]?["issue"]?[0]
        #expect(reply.entries.first?["search"]?["mode"]?.string == "outcome")
        #expect(issue?["severity"]?.string == "error")
        #expect(issue?["code"]?.string == "not-supported")
        #expect(issue?["diagnostics"]?.string?.contains(name.prefix { $0 != "=" }) == true)
      }
      let unknown = try await service.send(.get, "DocumentReference/$docref?patient=q&foo=1")
      #expect(unknown.ids == ["q"])
      #expect(unknown.entries.first?["resource"]?["issue"]?[0]?["severity"]?.string == "warning")
      for query in [
        "", "patient=", "patient=p&patient=q", "patient=p&start=2020&start=2021", "patient=p&start=2020,2021",
        "patient=p&end=2020,2021", "patient=p&end=x", "patient=p&ct=abc",
      ] {
        #expect(try await service.send(.get, "DocumentReference/$docref?\(query)").status == 400, "\(query)")
      }
      #expect(try await service.send(.get, "Patient/$docref?patient=p").status == 404)
    }
  }
}
