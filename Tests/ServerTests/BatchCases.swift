import Testing

/// FHIR R4 http#brules.
@Suite struct BatchCases {
  static func bundle(_ type: String, _ entries: [String]) -> String {
    #"{"resourceType":"Bundle","type":"\#(type)","entry":[\#(entries.joined(separator: ","))]}"#
  }

  static func entry(
    _ method: String, _ url: String, _ resource: String? = nil, fullURL: String? = nil, more: String = ""
  ) -> String {
    let parts = [
      fullURL.map { #""fullUrl":"\#($0)""# }, resource.map { #""resource":\#($0)"# },
      #""request":{"method":"\#(method)","url":"\#(url)"\#(more)}"#,
    ].compactMap { $0 }
    return "{\(parts.joined(separator: ","))}"
  }

  private static let gender = PatchCases.parameters([
    PatchCases.operation("replace", "Patient.gender", value: #""valueCode":"female""#)
  ])
  private static let date = PatchCases.parameters([
    PatchCases.operation("replace", "Patient.birthDate", value: #""valueDate":"2001""#)
  ])
  private static let lookup =
    #"{"resourceType":"Parameters","parameter":[{"name":"coding","valueCoding":{"code":"1963-8"}}]}"#

  /// One of everything; each entry has its own end. Two patches of one resource both succeed in either mode: entries
  /// are carried out one after the other (Microsoft's server refuses one of them in parallel).
  @Test(arguments: Form.allCases, ["Sequential", "Parallel"])
  func eachEntryByItself(form: Form, mode: String) async throws {
    try await FormClient.run(form) { client in
      _ = try await client.put("/Patient/gone", Sample.patient(id: "gone"))
      let condition = #","ifNoneExist":"identifier=urn:case|1""#
      let batch = Self.bundle(
        "batch",
        [
          Self.entry(
            "POST", "Patient", Sample.patient("chalmers"), fullURL: "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"),
          Self.entry("POST", "Patient", Sample.identified("1"), more: condition),
          Self.entry(
            "PUT", "Patient/123", Sample.patient(id: "123", more: #","gender":"male","birthDate":"1974-12-25""#)),
          Self.entry("PATCH", "Patient/123", Self.gender), Self.entry("PATCH", "Patient/123", Self.date),
          Self.entry("DELETE", "Patient/gone"), Self.entry("DELETE", "Patient?identifier=123456"),
          Self.entry("POST", "ValueSet/$lookup", Self.lookup), Self.entry("GET", "Patient?name=chalmers"),
          Self.entry("GET", "Patient/12334"), Self.entry("PUT", "Patient/124", Sample.patient(id: "other")),
          Self.entry("PUT", "Patient/123a", Sample.patient(id: "123a"), more: #","ifMatch":"W/\"2\"""#),
        ])
      let answer = try await client.post("", batch, ["x-bundle-processing-logic": mode])
      let response = try answer.expectBundle("batch-response")
      #expect(
        response.texts("entry.response.status")
          == ["201", "201", "201", "200", "200", "204", "204", "404", "200", "404", "400", "412"])
      let entries = response.entries
      let route = entries[7]["response.outcome.issue"]
      #expect(route.count == 1)
      #expect(route.first?.text("severity") == "error")
      #expect(route.first?.text("code") == "not-found")
      #expect(route.first?.text("diagnostics") == "The route for \"/ValueSet/$lookup\" was not found.")
      #expect(
        entries[9].text("response.outcome.issue.diagnostics")
          == "Resource type 'Patient' with id '12334' couldn't be found.")
      #expect(entries[8].text("resource.type") == "searchset")
      #expect(entries[8]["resource"].first?.matches.count == 1)
      #expect(entries[0].text("response.location")?.hasPrefix("\(client.base)/Patient/") == true)
      #expect(entries[2].text("response.etag") == "W/\"1\"")
      #expect(entries[4].text("resource.gender") == "female")
      #expect(entries[4].text("resource.birthDate") == "2001")
    }
  }

  /// The same batch again: what was created on a condition is there already.
  @Test(arguments: Form.allCases)
  func aBatchTwice(form: Form) async throws {
    try await FormClient.run(form) { client in
      let batch = Self.bundle(
        "batch",
        [
          Self.entry("POST", "Patient", Sample.identified("1"), more: #","ifNoneExist":"identifier=urn:case|1""#),
          Self.entry("PUT", "Patient/123", Sample.patient(id: "123")),
          Self.entry("PUT", "Patient?identifier=urn:case|2", Sample.identified("2")),
        ])
      let first = try await client.post("", batch).expectBundle("batch-response")
      let second = try await client.post("", batch).expectBundle("batch-response")
      #expect(first.texts("entry.response.status") == ["201", "201", "201"])
      #expect(second.texts("entry.response.status") == ["200", "200", "200"])
      #expect(second.texts("entry.response.etag") == ["W/\"1\"", "W/\"1\"", "W/\"1\""])
      #expect(first.ids == second.ids)
    }
  }

  static let refused: [(json: String, status: Int, code: String, words: String)] = [
    (Sample.patient(), 400, "invalid", "Bundle"),
    (
      #"{"resourceType":"Bundle"}"#, 405, "forbidden",
      "Bundle type is not present. Possible values are: transaction or batch"
    ),
    (#"{"resourceType":"Bundle","type":"collection"}"#, 400, "invalid", "The provided Bundle type is not supported."),
    (#"{"resourceType":"Bundle","type":"invalid-type"}"#, 400, "invalid", "The provided Bundle type is not supported."),
    (#"{"resourceType":"Bundle","type":"document"}"#, 400, "invalid", "The provided Bundle type is not supported."),
  ]

  @Test(arguments: Form.allCases, refused)
  func whatIsNoBatch(form: Form, row: (json: String, status: Int, code: String, words: String)) async throws {
    try await FormClient.run(form) { client in
      try await client.post("", row.json).expectOutcome(row.status, code: row.code, contains: row.words)
    }
  }

  /// Conditional updates, twice: the same resources in the same order.
  @Test(arguments: Form.allCases)
  func conditionalUpdatesTwice(form: Form) async throws {
    try await FormClient.run(form) { client in
      func batch(_ family: String) -> String {
        let entries = (1...6).map { number in
          let patient =
            #"{"resourceType":"Patient","identifier":[{"value":"v\#(number)"}],"name":[{"family":"\#(family)"}]}"#
          return Self.entry("PUT", "Patient?identifier=|v\(number)", patient)
        }
        return Self.bundle("batch", entries)
      }
      let headers = ["x-conditionalquery-processing-logic": "parallel"]
      let first = try await client.post("", batch("a"), headers).expectBundle("batch-response")
      let second = try await client.post("", batch("b"), headers).expectBundle("batch-response")
      #expect(first.texts("entry.response.status").allSatisfy { $0 == "201" })
      #expect(second.texts("entry.response.status").allSatisfy { $0 == "200" })
      #expect(first.ids == second.ids)
      #expect(first.texts("entry.resource.identifier.value") == (1...6).map { "v\($0)" })
      #expect(second.texts("entry.resource.meta.versionId").allSatisfy { $0 == "2" })
    }
  }

  /// The same logical id for two types: each has versions of its own.
  @Test(arguments: Form.allCases)
  func oneIDForTwoTypes(form: Form) async throws {
    try await FormClient.run(form) { client in
      for round in 1...10 {
        let entries = [
          Self.entry("PUT", "Patient/same", Sample.patient("f\(round)", id: "same")),
          Self.entry("PUT", "Observation/same", Sample.observation("t\(round)", id: "same")),
        ]
        let answer = try await client.post(
          "", Self.bundle("batch", entries), ["x-bundle-processing-logic": "Parallel"])
        let versions = try answer.expectBundle("batch-response").texts("entry.resource.meta.versionId")
        #expect(versions == ["\(round)", "\(round)"])
      }
    }
  }

  @Test(arguments: Form.allCases)
  func historiesWithin(form: Form) async throws {
    try await FormClient.run(form) { client in
      _ = try await client.put("/Patient/p", Sample.patient(id: "p"))
      let batch = Self.bundle(
        "batch", [Self.entry("GET", "Patient/p/_history"), Self.entry("GET", "Patient/p/_history/1")])
      let answer = try await client.post("", batch).expectBundle("batch-response")
      #expect(answer.texts("entry.response.status") == ["200", "200"])
      #expect(answer.resources.map(\.type) == ["Bundle", "Patient"])
      #expect(answer.resources.first?.text("type") == "history")
    }
  }

  /// Four bundles write the same four patients at once.
  @Test(arguments: Form.allCases)
  func bundlesAtOnce(form: Form) async throws {
    try await FormClient.run(form) { client in
      for number in 1...4 { _ = try await client.put("/Patient/p\(number)", Sample.patient("0", id: "p\(number)")) }
      let answers = try await withThrowingTaskGroup(of: Element.self) { group in
        for writer in 1...4 {
          group.addTask {
            let entries = (1...4).map { number in
              Self.entry("PUT", "Patient/p\(number)", Sample.patient("w\(writer)", id: "p\(number)"))
            }
            return try await client.post("", Self.bundle("batch", entries)).expectBundle("batch-response")
          }
        }
        var answers: [Element] = []
        for try await answer in group { answers.append(answer) }
        return answers
      }
      for answer in answers {
        #expect(answer.texts("entry.response.status") == ["200", "200", "200", "200"])
        for version in answer.texts("entry.resource.meta.versionId") {
          #expect((2...5).contains(Int(version) ?? 0))
        }
      }
    }
  }

  /// Entries that say too little or something else than they are.
  static let entries: [(entry: String, status: String)] = [
    (#"{"resource":\#(Sample.patient())}"#, "400"), (entry("BREW", "Patient"), "400"),
    (entry("GET", "Nothing/1"), "404"), (entry("POST", "Patient"), "400"),
    (entry("POST", "Patient", Sample.observation()), "400"), (entry("PUT", "Patient/a", Sample.patient()), "400"),
    (entry("PUT", "Patient/a%20b", Sample.patient(id: "a b")), "400"), (entry("POST", ""), "400"),
    (entry("PATCH", "Patient/none", gender), "404"), (entry("GET", "Patient?gender=male"), "200"),
    (entry("PUT", "Patient", Sample.patient()), "400"), (entry("DELETE", "Patient"), "412"),
    (entry("GET", "metadata"), "200"),
  ]

  @Test(arguments: Form.allCases, entries)
  func oddEntries(form: Form, row: (entry: String, status: String)) async throws {
    try await FormClient.run(form) { client in
      let batch = Self.bundle("batch", [row.entry, Self.entry("POST", "Patient", Sample.patient())])
      // What is no Bundle at all is refused as a whole, in XML already when it is read.
      let answer = try await client.post("", batch)
      if answer.status == 400 {
        try answer.expectOutcome(400)
        return
      }
      let response = try answer.expectBundle("batch-response")
      #expect(response.texts("entry.response.status") == [row.status, "201"], "\(answer.text.prefix(500))")
    }
  }
}
