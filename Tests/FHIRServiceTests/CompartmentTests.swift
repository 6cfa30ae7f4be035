import Base
import FHIRService
import JSONCore
import Testing

/// FHIR R4 search §2.1.1.2, compartment context; compartmentdefinition.html.
@Suite struct CompartmentTests {
  private static let resources = [
    ("Patient/p", #"{"resourceType":"Patient","id":"p","generalPractitioner":[{"reference":"Practitioner/doc"}]}"#),
    ("Patient/q", #"{"resourceType":"Patient","id":"q"}"#),
    ("Practitioner/doc", #"{"resourceType":"Practitioner","id":"doc"}"#),
    ("Device/d", #"{"resourceType":"Device","id":"d","patient":{"reference":"Patient/p"}}"#),
    (
      "Encounter/e",
      #"{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p"}}"#
    ),
    (
      "Condition/c",
      #"{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"}}"#
    ),
    (
      "Observation/o",
      """
      {"resourceType":"Observation","id":"o","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p"},
       "performer":[{"reference":"Practitioner/doc"},{"reference":"Patient/p"}],"device":{"reference":"Device/d"},
       "encounter":{"reference":"Encounter/e"}}
      """
    ),
    (
      "Observation/other",
      #"{"resourceType":"Observation","id":"other","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/q"}}"#
    ),
    (
      "RelatedPerson/r", #"{"resourceType":"RelatedPerson","id":"r","patient":{"reference":"Patient/p"}}"#
    ),
    (
      "Communication/m",
      #"{"resourceType":"Communication","id":"m","status":"completed","sender":{"reference":"RelatedPerson/r"}}"#
    ),
  ]

  private static func filled(_ service: TestService) async throws {
    for (url, json) in resources {
      let reply = try await service.send(.put, url, json)
      #expect(reply.status == 201, "\(reply.text)")
    }
  }

  @Test func eachCompartmentFindsItsMembers() async throws {
    try await withService { service in
      try await Self.filled(service)
      let cases: [(String, [String])] = [
        ("Patient/p/Observation", ["o"]), ("Patient/q/Observation", ["other"]), ("Patient/nobody/Observation", []),
        ("Patient/p/*", ["c", "e", "o", "r"]), ("Patient/q/*", ["other"]),
        ("Encounter/e/*", ["c", "o"]), ("Encounter/e/Condition", ["c"]),
        ("Practitioner/doc/*", ["o", "p"]), ("Practitioner/doc/Patient", ["p"]),
        ("RelatedPerson/r/Communication", ["m"]), ("Device/d/Observation", ["o"]),
        // Not a member of the compartment (CompartmentDefinition patient): Organization has no way into it.
        ("Patient/p/Organization", []), ("Patient/p/Device", []),
        ("Patient/p/*?_type=Observation", ["o"]), ("Patient/p/*?_type=Observation,Encounter", ["e", "o"]),
        ("Patient/p/*?_type=Organization", []),
        ("Patient/p/Observation?performer=Practitioner/doc", ["o"]),
        ("Patient/p/Observation?performer=Practitioner/none", []), ("Patient/p/*?_id=e", ["e"]),
        ("Patient/p/*?_id:not=e", ["c", "o", "r"]),
      ]
      for (url, ids) in cases {
        let reply = try await service.send(.get, url)
        #expect(reply.status == 200, "\(url): \(reply.text)")
        #expect(reply.ids.sorted() == ids, "\(url)")
        #expect(reply.link("self") == "\(TestService.base)/\(url)")
        let count = try await service.send(.get, url + (url.contains("?") ? "&" : "?") + "_summary=count")
        #expect(count.body?["total"]?.integer == ids.count, "\(url)")
      }
    }
  }

  @Test func searchByPost() async throws {
    try await withService { service in
      try await Self.filled(service)
      let reply = try await service.send(.post, "Patient/p/*/_search?_type=Observation")
      #expect(reply.ids == ["o"])
      let one = try await service.send(.post, "Patient/p/Observation/_search?performer=Patient/p")
      #expect(one.ids == ["o"])
    }
  }

  @Test func pagesLeadOn() async throws {
    try await withService { service in
      try await Self.filled(service)
      let first = "Patient/p/*?_count=1"
      var url: String? = first
      var ids: [String] = []
      while let here = url {
        let reply = try await service.send(.get, here)
        #expect(reply.ids.count == 1)
        ids += reply.ids
        url = reply.link("next")
        if let url { #expect(url.hasPrefix("\(TestService.base)/\(first)&ct=")) }
        try #require(ids.count <= 4)
      }
      #expect(ids.sorted() == ["c", "e", "o", "r"])
    }
  }

  @Test func whatIsNotThere() async throws {
    try await withService { service in
      try await Self.filled(service)
      for url in ["Patient/p/foo", "Observation/o/Patient", "Patient/p/*/x", "Patient/p/$nothing", "Foo/p/*"] {
        #expect(try await service.send(.get, url).status == 404, "\(url)")
      }
      #expect(try await service.send(.get, "Patient/p_q/*").status == 400)
      #expect(try await service.send(.post, "Patient/p/*").status == 405)
      #expect(try await service.send(.delete, "Patient/p/Observation").status == 405)
      #expect(try await service.send(.get, "Patient/p/Observation/_search").status == 405)

      let unknown = try await service.send(.get, "Patient/p/*?_type=foo")
      #expect(unknown.status == 200)
      #expect(unknown.ids.isEmpty)
      let outcome = try #require(unknown.entries.first?["resource"])
      #expect(outcome["issue"]?[0]?["severity"]?.string == "warning")
      #expect(outcome["issue"]?[0]?["diagnostics"]?.string?.contains("'foo'") == true)

      let ignored = try await service.send(.get, "Patient/p/Observation?nonsense=1")
      #expect(ignored.ids == ["o"])
      #expect(ignored.link("self") == "\(TestService.base)/Patient/p/Observation")
      let strict = try await service.send(.get, "Patient/p/Observation?nonsense=1", prefer: "handling=strict")
      #expect(strict.status == 400)
    }
  }

  @Test func withinABundle() async throws {
    try await withService { service in
      try await Self.filled(service)
      let reply = try await service.send(
        .post, "",
        #"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient/p/Observation"}}]}"#
      )
      #expect(reply.entries.first?["resource"]?["entry"]?.count == 1)
    }
  }
}
