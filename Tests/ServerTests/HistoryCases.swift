import Testing

/// FHIR R4 http#history.
@Suite struct HistoryCases {
  /// Observation/h through its life: created, changed, patched, deleted twice.
  private static func live(_ client: FormClient) async throws {
    try await client.put("/Observation/h", Sample.observation("a", id: "h")).expectVersion(201, 1)
    try await client.put("/Observation/h", Sample.observation("b", id: "h")).expectVersion(200, 2)
    let patch = #"[{"op":"replace","path":"/code/text","value":"c"}]"#
    try await client.jsonPatch("/Observation/h", patch).expectVersion(200, 3)
    for _ in 0..<2 { #expect(try await client.delete("/Observation/h").status == 204) }
    _ = try await client.create("Observation", Sample.observation("other"))
  }

  @Test(arguments: Form.allCases, ["/_history", "/Observation/_history", "/Observation/h/_history"])
  func eachLevelHasAHistory(form: Form, path: String) async throws {
    try await FormClient.run(form) { client in
      try await Self.live(client)
      let history = try await client.get(path).expectBundle("history")
      let isInstance = path.contains("/h/")
      #expect(history.total == (isInstance ? 4 : 5))
      #expect(history.entries.count == (isInstance ? 4 : 5))
      #expect(history.link("self") == client.base + path)
      for entry in history.entries {
        #expect(entry.text("fullUrl")?.hasPrefix("\(client.base)/Observation/") == true)
        #expect(entry.text("response.etag")?.hasPrefix("W/\"") == true)
        // Bundle's rules bdl-3, bdl-4: request and response everywhere; a deletion has no resource.
        #expect(entry["resource"].isEmpty == (entry.text("request.method") == "DELETE"))
      }
    }
  }

  /// Methods and statuses of the versions, newest first; two deletions are one version.
  @Test(arguments: Form.allCases)
  func whatMadeEachVersion(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await Self.live(client)
      let history = try await client.get("/Observation/h/_history").expectBundle("history")
      #expect(history.texts("entry.request.method") == ["DELETE", "PATCH", "PUT", "PUT"])
      let statuses = history.texts("entry.response.status").map { $0.prefix(3) }
      #expect(statuses == ["204", "200", "200", "201"])
      let created = try await client.get("/Observation/_history?_count=1").expectBundle("history")
      #expect(created.text("entry.request.method") == "POST")
      #expect(created.text("entry.response.status") == "201 Created")
      #expect(created.text("entry.request.url") == "Observation")
    }
  }

  @Test(arguments: Form.allCases)
  func bothOrders(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await Self.live(client)
      func versions(_ query: String) async throws -> [String] {
        let bundle = try await client.get("/Observation/h/_history\(query)").expectBundle("history")
        return bundle.texts("entry.response.etag")
      }
      let newest = ["W/\"4\"", "W/\"3\"", "W/\"2\"", "W/\"1\""]
      #expect(try await versions("") == newest)
      #expect(try await versions("?_sort=-_lastUpdated") == newest)
      #expect(try await versions("?_sort=_lastUpdated") == newest.reversed())
      try await client.get("/Observation/h/_history?_sort=_id").expectOutcome(
        400, diagnostics: "Sorting by the '_id' parameter is not supported.")
    }
  }

  @Test(arguments: Form.allCases, ["_summary=count", "_count=0"])
  func onlyTheNumber(form: Form, query: String) async throws {
    try await FormClient.run(form) { client in
      try await Self.live(client)
      for (path, total) in [("", 5), ("/Observation", 5), ("/Observation/h", 4), ("/Patient", 0)] {
        let history = try await client.get("\(path)/_history?\(query)").expectBundle("history")
        #expect(history.total == total, "\(path)")
        #expect(history.entries.isEmpty)
      }
      let until = try await client.get("/_history?\(query)&_since=2000-01-01T00:00:00Z").element()
      #expect(until.total == 5)
      let before = try await client.get("/_history?\(query)&_before=2000-01-01T00:00:00Z").element()
      #expect(before.total == 0)
    }
  }

  /// `_since` takes the instant itself, `_before` does not.
  @Test(arguments: Form.allCases)
  func windows(form: Form) async throws {
    try await FormClient.run(form) { client in
      var instants: [String] = []
      for number in 1...7 {
        let made = try await client.put("/Observation/w", Sample.observation("v\(number)", id: "w")).element()
        instants.append(try #require(made.text("meta.lastUpdated")))
        // Versions of one millisecond would be in one window.
        try await Task.sleep(for: .milliseconds(5))
      }
      func count(_ query: String) async throws -> Int {
        let path = "/Observation/w/_history?\(query)".replacing("+", with: "%2B")
        return try await client.get(path).expectBundle("history").entries.count
      }
      #expect(try await count("_since=\(instants[6])") == 1)
      #expect(try await count("_since=\(instants[4])") == 3)
      #expect(try await count("_before=\(instants[4])") == 4)
      #expect(try await count("_before=\(instants[0])") == 0)
      #expect(try await count("_since=\(instants[2])&_before=\(instants[4])") == 2)
      #expect(try await count("_since=\(instants[4])&_before=\(instants[4])") == 0)
      #expect(try await count("_since=2100-01-01T00:00:00Z") == 0)
      // The link to itself asks the same again.
      let page = try await client.get("/Observation/w/_history?_since=\(instants[2])").element()
      let again = try #require(page.link("self")).dropFirst(client.base.count)
      #expect(try await client.get(String(again)).expectBundle("history").entries.count == 5)
      try await client.get("/_history?_before=2100-01-01T00:00:00Z").expectOutcome(400, contains: "future")
    }
  }

  @Test(arguments: Form.allCases, ["_since=yesterday", "_before=", "_count=-1", "_count=x", "ct=AAAA"])
  func whatIsRefused(form: Form, query: String) async throws {
    try await FormClient.run(form) { client in
      try await client.get("/_history?\(query)").expectOutcome(400)
    }
  }

  /// Every version on exactly one page, whatever comes in meanwhile.
  @Test(arguments: Form.allCases)
  func pages(form: Form) async throws {
    try await FormClient.run(form) { client in
      for number in 1...25 {
        _ = try await client.put("/Observation/p", Sample.observation("v\(number)", id: "p"))
      }
      var tags: [String] = []
      var sizes: [Int] = []
      var target: String? = "/Observation/p/_history"
      while let here = target {
        let page = try await client.get(here).expectBundle("history")
        tags += page.texts("entry.response.etag")
        sizes.append(page.entries.count)
        target = page.link("next").map { String($0.dropFirst(client.base.count)) }
        _ = try await client.create("Observation", Sample.observation("meanwhile"))
        try #require(sizes.count < 10)
      }
      #expect(sizes == [10, 10, 5])
      #expect(tags == (1...25).reversed().map { "W/\"\($0)\"" })
    }
  }

  @Test(arguments: Form.allCases)
  func whatNeverWasHasNone(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await client.get("/Observation/never/_history").expectOutcome(404, code: "not-found")
      try await client.get("/Nothing/_history").expectOutcome(404)
      #expect(try await client.get("/Patient/_history").expectBundle("history").entries.isEmpty)
    }
  }
}
