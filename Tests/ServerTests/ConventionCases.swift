import Testing

/// What clients take for granted whatever they ask for: pages, links, what a search shows of a resource.
@Suite struct ConventionCases {
  private static func fill(_ client: FormClient, _ count: Int) async throws -> [FormReply] {
    var made: [FormReply] = []
    for number in 0..<count {
      let tag = #","meta":{"tag":[{"system":"urn:t","code":"fixture"}]}"#
      made.append(
        try await client.put("/Patient/p\(number)", Sample.patient("f\(number)", id: "p\(number)", more: tag)))
    }
    return made
  }

  /// Ten on a page unless asked for otherwise; every match on exactly one page; `next` goes on from the first address.
  @Test(arguments: Form.allCases)
  func pages(form: Form) async throws {
    try await FormClient.run(form) { client in
      _ = try await Self.fill(client, 23)
      for path in ["/Patient?_tag=urn:t%7Cfixture", "/?_tag=fixture"] {
        let pages = try await client.pages(path)
        #expect(pages.map { $0.matches.count } == [10, 10, 3])
        #expect(Set(pages.flatMap(\.matches)).count == 23)
        let address = path.hasPrefix("/?") ? client.base + path.dropFirst() : client.base + path
        for page in pages.dropLast() { #expect(page.link("next")?.hasPrefix("\(address)&ct=") == true) }
        #expect(pages.first?.link("self") == address)
        #expect(pages.last?.link("self")?.hasPrefix("\(address)&ct=") == true)
      }
      let counted = try await client.get("/Patient?_tag=fixture&_total=accurate&_count=5").element()
      #expect(counted.total == 23)
      #expect(counted.link("next")?.contains("_total") == false)
    }
  }

  /// A search shows a resource as the create did, to the last digit.
  @Test(arguments: Form.allCases)
  func aMatchIsWhatWasCreated(form: Form) async throws {
    try await FormClient.run(form) { client in
      let made = try await Self.fill(client, 3).map { try $0.element().canonical }
      let found = try await client.get("/Patient?_tag=fixture").expectBundle("searchset")
      let shown = found.resources.map { resource in
        Element(name: "", type: resource.type, value: nil, children: resource.children).canonical
      }
      #expect(Set(shown) == Set(made))
      for entry in found.entries {
        let id = try #require(entry.text("resource.id"))
        #expect(entry.text("fullUrl") == "\(client.base)/Patient/\(id)")
      }
    }
  }

  @Test(arguments: Form.allCases)
  func tooLongPages(form: Form) async throws {
    try await FormClient.run(form) { client in
      _ = try await Self.fill(client, 2)
      let bundle = try await client.get("/Patient?_count=1001").expectBundle("searchset")
      let first = try #require(bundle.entries.first)
      #expect(first.text("search.mode") == "outcome")
      #expect(first.text("resource.issue.diagnostics")?.contains("exceeds limit") == true)
      #expect(bundle.matches.count == 2)
      let most = try await client.get("/Patient?_count=1000").expectBundle("searchset")
      #expect(most.entries.count == 2)
      for bad in ["-1", "x", "1.5", ""] { try await client.get("/Patient?_count=\(bad)").expectOutcome(400, bad) }
    }
  }

  /// The link to itself is the request as it was, without what was not understood.
  static let links: [(query: String, link: String)] = [
    ("?_tag=fixture&_count=5", "?_tag=fixture&_count=5"), ("?_count=5&_tag=fixture", "?_count=5&_tag=fixture"),
    ("?foo=1&_tag=fixture", "?_tag=fixture"), ("?family=f1,f2", "?family=f1,f2"),
    ("?_tag=urn:t%7Cfixture", "?_tag=urn:t%7Cfixture"), ("?name:exact=A%26B", "?name:exact=A%26B"), ("?foo=1", ""),
    ("", ""),
  ]

  @Test(arguments: Form.allCases, links)
  func theLinkToItself(form: Form, row: (query: String, link: String)) async throws {
    try await FormClient.run(form) { client in
      let bundle = try await client.get("/Patient\(row.query)").expectBundle("searchset")
      #expect(bundle.link("self") == "\(client.base)/Patient\(row.link)")
    }
  }

  /// A search by POST without an Accept header is answered in JSON.
  @Test func aSearchByPost() async throws {
    try await LiveServer.run { live in
      let client = FormClient(live: live, form: .json)
      _ = try await Self.fill(client, 2)
      let headers = ["Content-Type": "application/x-www-form-urlencoded"]
      let reply = try await live.ask("POST", "/Patient/_search", headers, body: "_tag=fixture&family=f1")
      #expect(reply.header("content-type") == "application/fhir+json; charset=utf-8")
      #expect(try FormReply(reply, .json).element().matches == ["p1"])
    }
  }

  /// Headers of one client that mean nothing here do no harm.
  @Test(arguments: Form.allCases)
  func foreignHeaders(form: Form) async throws {
    try await FormClient.run(form) { client in
      let headers = [
        "x-ms-consistency-level": "Session", "x-ms-session-token": "0:-1#1", "x-ms-profile-validation": "True",
        "Authorization": "Bearer x.y.z",
      ]
      try await client.post("/Patient", Sample.patient(), headers).expectVersion(201, 1)
      #expect(try await client.get("/Patient", headers).expectBundle("searchset").matches.count == 1)
    }
  }
}
