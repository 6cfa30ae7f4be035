import Base
import FHIRService
import JSONCore
import Testing

/// `$everything` (FHIR R4 patient-operation-everything.html, encounter-operation-everything.html).
@Suite struct EverythingTests {
  private static func patient(_ id: String, links: [(String, String)] = [], more: String = "") -> (String, String) {
    let list = links.map { #"{"type":"\#($0.0)","other":{"reference":"Patient/\#($0.1)"}}"# }.joined(separator: ",")
    let link = links.isEmpty ? "" : #","link":[\#(list)]"#
    return ("Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)"\#(link)\#(more)}"#)
  }

  private static func observation(_ id: String, _ patient: String, date: String = "2012-04-01") -> (String, String) {
    (
      "Observation/\(id)",
      """
      {"resourceType":"Observation","id":"\(id)","status":"final","code":{"text":"a"},
       "subject":{"reference":"Patient/\(patient)"},"effectiveDateTime":"\(date)"}
      """
    )
  }

  private static let record = [
    ("Organization/org", #"{"resourceType":"Organization","id":"org","name":"House"}"#),
    ("Practitioner/doc", #"{"resourceType":"Practitioner","id":"doc"}"#),
    patient(
      "p",
      more: """
        ,"managingOrganization":{"reference":"Organization/org"},
        "generalPractitioner":[{"reference":"Practitioner/doc"},{"reference":"Practitioner/gone"}]
        """),
    observation("o", "p"),
    (
      "Encounter/e",
      """
      {"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},
       "subject":{"reference":"Patient/p"},"period":{"start":"2012-03-01","end":"2012-03-02"}}
      """
    ),
    (
      "Appointment/a",
      """
      {"resourceType":"Appointment","id":"a","status":"proposed",
       "participant":[{"actor":{"reference":"Patient/p"},"status":"accepted"}]}
      """
    ),
    ("Device/d", #"{"resourceType":"Device","id":"d","patient":{"reference":"Patient/p"}}"#),
    patient("q"), observation("strange", "q"),
  ]

  private static func put(_ service: TestService, _ list: [(String, String)]) async throws {
    for (url, json) in list {
      let reply = try await service.send(.put, url, json)
      #expect(reply.status == 201, "\(url): \(reply.text)")
    }
  }

  /// The ids of each page, following the next links.
  private static func pages(_ service: TestService, _ first: String, prefer: String? = nil) async throws -> [[String]] {
    var pages: [[String]] = []
    var url: String? = first
    while let here = url {
      let reply = try await service.send(.get, here, prefer: prefer)
      #expect(reply.status == 200, "\(here): \(reply.text)")
      pages.append(reply.ids.sorted())
      url = reply.link("next")
      if let url { #expect(url.hasPrefix("\(TestService.base)/\(first)"), "\(url)") }
      try #require(pages.count < 50)
    }
    return pages
  }

  @Test func patientInPhases() async throws {
    try await withService { service in
      try await Self.put(service, Self.record)
      #expect(
        try await Self.pages(service, "Patient/p/$everything") == [["doc", "org", "p"], ["a", "e", "o"], ["d"]])
      let first = try await service.send(.get, "Patient/p/$everything")
      #expect(first.body?["type"]?.string == "searchset")
      #expect(first.link("self") == "\(TestService.base)/Patient/p/$everything")
      #expect(first.entries.first?["resource"]?["id"]?.string == "p")
      #expect(first.entries.allSatisfy { $0["search"]?["mode"]?.string == "match" })
      let posted = try await service.send(.post, "Patient/p/$everything")
      #expect(posted.ids == first.ids)
      #expect(try await service.send(.get, "Patient/nobody/$everything").status == 404)
      #expect(try await service.send(.get, "Observation/o/$everything").status == 404)
      #expect(try await service.send(.put, "Patient/p/$everything", "{}").status == 405)
    }
  }

  @Test func parametersNarrow() async throws {
    try await withService { service in
      try await Self.put(service, Self.record)
      let cases: [(String, Set<String>)] = [
        ("_type=Patient,Observation", ["p", "o"]), ("_type=Patient&_type=Device", ["p", "d"]),
        ("_type=Patient,Device,foo", ["p", "d"]), ("_type=foo", []),
        // Only what has a clinical date is narrowed by it: the appointment has none, in the standard's sense.
        ("end=2010", ["p", "doc", "org", "a", "d"]), ("start=2012-03-15", ["p", "doc", "org", "o", "a", "d"]),
        ("start=2012-03-02&end=2012-03-31", ["p", "doc", "org", "e", "a", "d"]),
        ("start=2012&end=2012", ["p", "doc", "org", "o", "e", "a", "d"]),
        ("_since=3000", []), ("_since=2000-01-01T00:00:00Z", ["p", "doc", "org", "o", "e", "a", "d"]),
        ("_type=Patient,Observation,Encounter&start=2012-03-15&_since=2010", ["p", "o"]),
      ]
      for (query, ids) in cases {
        let pages = try await Self.pages(service, "Patient/p/$everything?\(query)")
        #expect(Set(pages.flatMap { $0 }) == ids, "\(query)")
        #expect(pages.flatMap { $0 }.count == ids.count, "\(query)")
      }
      let body = """
        {"resourceType":"Parameters","parameter":[{"name":"start","valueDate":"2012-03-15"},
         {"name":"_type","valueCode":"Observation"}]}
        """
      let posted = try await service.send(.post, "Patient/p/$everything", body)
      #expect(posted.ids == ["o"])
      #expect(posted.link("self") == "\(TestService.base)/Patient/p/$everything?start=2012-03-15&_type=Observation")
      for bad in ["start=2012,2013", "end=yesterday", "_since=x", "start=2012&start=2013", "_count=0", "_count=x"] {
        #expect(try await service.send(.get, "Patient/p/$everything?\(bad)").status == 400, "\(bad)")
      }
      #expect(try await service.send(.post, "Patient/p/$everything", #"{"resourceType":"Patient"}"#).status == 400)
    }
  }

  @Test func countMakesPages() async throws {
    try await withService { service in
      try await Self.put(service, Self.record)
      let one = try await Self.pages(service, "Patient/p/$everything?_count=1")
      #expect(one.allSatisfy { $0.count == 1 })
      #expect(one.flatMap { $0 }.sorted() == ["a", "d", "doc", "e", "o", "org", "p"])
      let two = try await Self.pages(service, "Patient/p/$everything?_count=2")
      #expect(two.map(\.count) == [2, 1, 2, 1, 1])
    }
  }

  @Test func forgedTokens() async throws {
    try await withService { service in
      try await Self.put(service, Self.record)
      let next = try #require(try await service.send(.get, "Patient/p/$everything").link("next"))
      let token = String(next.split(separator: "=").last ?? "")
      let other = token.hasPrefix("0") ? "1" + token.dropFirst() : "0" + token.dropFirst()
      for url in [
        "Patient/p/$everything?ct=abc", "Patient/p/$everything?ct=\(other)", "Patient/p/$everything?ct=",
        "Patient/q/$everything?ct=\(token)", "Patient/p/$everything?_type=Patient&ct=\(token)",
        "Patient?ct=\(token)", "Patient/p/*?ct=\(token)",
      ] {
        #expect(try await service.send(.get, url).status == 400, "\(url)")
      }
    }
  }

  @Test func unknownParameters() async throws {
    try await withService { service in
      try await Self.put(service, Self.record)
      let reply = try await service.send(.get, "Patient/p/$everything?foo=bar&_type=Patient,Observation")
      #expect(reply.ids == ["p"])
      let issue = reply.entries.first?["resource"]?["issue"]?[0]
      #expect(issue?["severity"]?.string == "warning")
      #expect(issue?["code"]?.string == "not-supported")
      #expect(issue?["diagnostics"]?.string == #"The "foo" parameter is not supported."#)
      #expect(!reply.text.contains("foo=bar"))
      let next = try #require(reply.link("next"))
      #expect(try await service.send(.get, next).ids == ["o"])
      let encounter = try await service.send(.get, "Encounter/e/$everything?start=2012")
      #expect(encounter.entries.first?["search"]?["mode"]?.string == "outcome")
    }
  }

  @Test func deletedPatient() async throws {
    try await withService { service in
      try await Self.put(service, Self.record)
      #expect(try await service.send(.delete, "Patient/p").status == 204)
      #expect(try await Self.pages(service, "Patient/p/$everything") == [["a", "e", "o"], ["d"]])
    }
  }

  @Test func linkedPatients() async throws {
    try await withService { service in
      try await Self.put(
        service,
        [
          Self.patient("see", links: [("seealso", "b"), ("seealso", "a"), ("seealso", "b"), ("seealso", "see")]),
          Self.patient("a"), Self.patient("b", links: [("seealso", "see"), ("seealso", "c")]), Self.patient("c"),
          Self.observation("oa", "a"),
          Self.patient("old", links: [("replaces", "a")]), Self.patient("refers", links: [("refer", "a")]),
        ])
      #expect(
        try await Self.pages(service, "Patient/see/$everything") == [["see"], [], ["a"], ["oa"], [], ["b"], []])
      #expect(try await Self.pages(service, "Patient/old/$everything") == [["old"], []])
      #expect(try await Self.pages(service, "Patient/refers/$everything") == [["refers"], []])

      // The list of links is the first page's, whatever becomes of the patient meanwhile.
      let first = try await service.send(.get, "Patient/see/$everything")
      try await service.send(.put, "Patient/see", #"{"resourceType":"Patient","id":"see"}"#)
      let second = try await service.send(.get, try #require(first.link("next")))
      #expect(try await service.send(.get, try #require(second.link("next"))).ids == ["a"])
    }
  }

  @Test func replacedPatient() async throws {
    try await withService { service in
      try await Self.put(service, [Self.patient("a", links: [("replaced-by", "b")]), Self.patient("b")])
      let text = "The patient with id `a` is no longer relevant. Use patient with id `b` instead."
      let lenient = try await service.send(.get, "Patient/a/$everything")
      #expect(lenient.ids == ["a"])
      let issue = lenient.entries.first?["resource"]?["issue"]?[0]
      #expect(issue?["severity"]?.string == "warning")
      #expect(issue?["code"]?.string == "conflict")
      #expect(issue?["diagnostics"]?.string == text)
      let strict = try await service.send(.get, "Patient/a/$everything", prefer: "handling=strict")
      #expect(strict.status == 301)
      #expect(strict.answer?.location == "\(TestService.base)/Patient/b/$everything")
      #expect(strict.diagnostics == [text])
    }
  }

  @Test func encounter() async throws {
    try await withService { service in
      try await Self.put(service, Self.record)
      try await Self.put(
        service,
        [
          (
            "Condition/c",
            """
            {"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},
             "encounter":{"reference":"Encounter/e"}}
            """
          )
        ])
      #expect(try await Self.pages(service, "Encounter/e/$everything") == [["e", "p"], ["c"]])
      #expect(try await Self.pages(service, "Encounter/e/$everything?_type=Condition") == [["c"]])
    }
  }

  /// One call passes over 100 members that have nothing to show; then it hands out a page without entries.
  @Test func groupOfManyEmptyMembers() async throws {
    try await withService { service in
      try await Self.put(service, [Self.patient("last")])
      for (empty, pages) in [(99, [["g"], ["last"], []]), (100, [["g"], [], ["last"], []])] {
        let members = ((0..<empty).map { "Patient/none\($0)" } + ["Patient/last"])
          .map { #"{"entity":{"reference":"\#($0)"}}"# }.joined(separator: ",")
        try await service.send(
          .put, "Group/g",
          #"{"resourceType":"Group","id":"g","type":"person","actual":true,"member":[\#(members)]}"#)
        #expect(try await Self.pages(service, "Group/g/$everything?_type=Group,Patient") == pages)
      }
    }
  }

  @Test func groupOfPatients() async throws {
    try await withService { service in
      try await Self.put(service, Self.record)
      try await Self.put(
        service,
        [
          (
            "Group/g",
            """
            {"resourceType":"Group","id":"g","type":"person","actual":true,
             "managingEntity":{"reference":"Organization/org"},
             "member":[{"entity":{"reference":"Patient/q"}},{"entity":{"reference":"Patient/p"}},
                       {"entity":{"reference":"Patient/left"},"inactive":true},{"entity":{"reference":"Device/d"}}]}
            """
          )
        ])
      let pages = try await Self.pages(service, "Group/g/$everything")
      #expect(pages == [["g", "org"], ["q"], ["strange"], ["doc", "org", "p"], ["a", "e", "o"], ["d"]])
      #expect(try await Self.pages(service, "Group/g/$everything?_type=Observation") == [["strange"], ["o"], []])
    }
  }
}
