import Testing

/// FHIR R4 http#trules.
@Suite struct TransactionCases {
  private static func transaction(_ entries: String...) -> String { BatchCases.bundle("transaction", entries) }
  private static func entry(
    _ method: String, _ url: String, _ resource: String? = nil, fullURL: String? = nil, more: String = ""
  ) -> String {
    BatchCases.entry(method, url, resource, fullURL: fullURL, more: more)
  }

  private static let modes = ["Sequential", "Parallel"]

  private static func send(_ client: FormClient, _ bundle: String, _ mode: String = "Sequential") async throws
    -> FormReply
  {
    try await client.post("", bundle, ["x-bundle-processing-logic": mode])
  }

  /// Answers in the order of the request, whatever the order of execution.
  @Test(arguments: Form.allCases, modes)
  func oneOfEverything(form: Form, mode: String) async throws {
    try await FormClient.run(form) { client in
      _ = try await client.put("/Patient/read", Sample.patient("reading", id: "read"))
      _ = try await client.put("/Patient/gone", Sample.patient(id: "gone"))
      let bundle = Self.transaction(
        Self.entry("POST", "Patient", Sample.patient(), fullURL: "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"),
        Self.entry("POST", "Patient", Sample.identified("1"), more: #","ifNoneExist":"identifier=urn:case|1""#),
        Self.entry("PUT", "Patient/456456", Sample.patient(id: "456456")),
        Self.entry("PUT", "Patient?identifier=urn:case|2", Sample.identified("2")),
        Self.entry("GET", "Patient?name=reading"), Self.entry("GET", "Patient/read"),
        Self.entry("DELETE", "Patient/gone"))
      let answer = try await Self.send(client, bundle, mode).expectBundle("transaction-response")
      #expect(answer.texts("entry.response.status") == ["201", "201", "201", "201", "200", "200", "204"])
      #expect(answer.entries[2].text("resource.id") == "456456")
      #expect(answer.entries[4]["resource"].first?.matches == ["read"])
      #expect(answer.entries[5].text("resource.id") == "read")
      try await client.get("/Patient/gone").expectOutcome(410)
    }
  }

  /// http#trules allows it; Microsoft's server refuses it (compatibility.md).
  @Test(arguments: Form.allCases)
  func aConditionalDeletionIsCarriedOut(form: Form) async throws {
    try await FormClient.run(form) { client in
      let id = try await client.create("Patient", Sample.identified("123456"))
      let bundle = Self.transaction(Self.entry("DELETE", "Patient?identifier=123456"))
      let answer = try await Self.send(client, bundle).expectBundle("transaction-response")
      #expect(answer.texts("entry.response.status") == ["204"])
      try await client.get("/Patient/\(id)").expectOutcome(410)
    }
  }

  /// One entry fails, all do.
  @Test(arguments: Form.allCases, modes)
  func aFailedReadUndoesAll(form: Form, mode: String) async throws {
    try await FormClient.run(form) { client in
      let before = try await client.put("/Patient/stays", Sample.patient(id: "stays")).expectVersion(201, 1)
      let bundle = Self.transaction(
        Self.entry("DELETE", "Patient/stays"), Self.entry("POST", "Patient", Sample.patient()),
        Self.entry("PUT", "Patient/new", Sample.patient(id: "new")), Self.entry("GET", "Patient/12345"))
      let outcome = try await Self.send(client, bundle, mode).expectOutcome(404, issues: 2)
      let issues = outcome["issue"]
      #expect(issues.first?.text("code") == "processing")
      #expect(
        issues.first?.text("diagnostics") == "Transaction failed on 'GET' for the requested url '/Patient/12345'.")
      #expect(issues.last?.text("code") == "not-found")
      #expect(
        issues.last?.text("diagnostics") == "Resource type 'Patient' with id '12345' couldn't be found.")
      let after = try await client.get("/Patient/stays").expectVersion(200, 1)
      #expect(after.text("meta.lastUpdated") == before.text("meta.lastUpdated"))
      try await client.get("/Patient/new").expectOutcome(404)
      #expect(try await client.get("/Patient?_summary=count").element().total == 1)
      #expect(try await client.get("/_history").element().total == 1)
    }
  }

  struct Failing: Sendable, CustomTestStringConvertible {
    let entry: String
    let status: Int
    let words: String
    var testDescription: String { entry }
  }

  static let failing = [
    Failing(
      entry: entry("PUT", "Patient/a", Sample.patient()), status: 400, words: "Id must be specified in the resource."),
    Failing(entry: entry("PUT", "Patient/a", Sample.patient(id: "b")), status: 400, words: "differ"),
    Failing(
      entry: entry("PUT", "Patient/a", Sample.patient(id: "a"), more: #","ifMatch":"W/\"2112\"""#), status: 412,
      words: "version"),
    Failing(
      entry: entry("POST", "Observation", Sample.observation(subject: "Patient?identifier=12345")), status: 400,
      words: "Given conditional reference 'Patient?identifier=12345' does not resolve to a resource."),
    Failing(entry: entry("POST", "ValueSet/$lookup", Sample.patient()), status: 404, words: "ValueSet/$lookup"),
    Failing(entry: entry("PATCH", "Patient/none", Sample.patient()), status: 400, words: "patch"),
    Failing(entry: entry("POST", "Patient", Sample.observation()), status: 400, words: "type"),
    Failing(
      entry: entry("POST", "Observation", Sample.observation(subject: "Patientt?identifier=12345")), status: 400,
      words: "Patientt"),
    Failing(entry: entry("PUT", "Binary/null", #"{"resourceType":"Binary","id":"null"}"#), status: 400, words: ""),
  ]

  @Test(arguments: Form.allCases, failing)
  func aFailedWriteUndoesAll(form: Form, row: Failing) async throws {
    try await FormClient.run(form) { client in
      let bundle = Self.transaction(Self.entry("POST", "Patient", Sample.patient()), row.entry)
      try await Self.send(client, bundle).expectOutcome(row.status, contains: row.words, row.entry)
      #expect(try await client.get("/Patient?_summary=count").element().total == 0)
    }
  }

  /// http#trules: "If any resource identities … overlap in steps 1-3, then the transaction SHALL fail."
  static let overlapping: [[String]] = [
    [
      entry("PUT", "Patient?identifier=urn:case|1", Sample.identified("1", family: "a")),
      entry("PUT", "Patient/there", Sample.identified("1", family: "b", id: "there")),
    ],
    [
      entry("PUT", "Patient/there", Sample.patient("a", id: "there")),
      entry("PUT", "Patient/there", Sample.patient("b", id: "there")),
    ],
    [entry("PUT", "Patient/there", Sample.patient("a", id: "there")), entry("DELETE", "Patient/there")],
    [entry("DELETE", "Patient?identifier=urn:case|1"), entry("DELETE", "Patient/there")],
  ]

  @Test(arguments: Form.allCases, overlapping)
  func twoEntriesOfOneResource(form: Form, entries: [String]) async throws {
    try await FormClient.run(form) { client in
      _ = try await client.put("/Patient/there", Sample.identified("1", id: "there"))
      let reply = try await Self.send(client, BatchCases.bundle("transaction", entries))
      try reply.expectOutcome(
        400, code: "invalid", contains: "Bundle contains multiple entries that refers to the same resource 'Patient")
      try await client.get("/Patient/there").expectVersion(200, 1)
    }
  }

  /// Microsoft's words name the criteria.
  @Test(arguments: Form.allCases)
  func twoConditionalEntriesOfOneResource(form: Form) async throws {
    try await FormClient.run(form) { client in
      _ = try await client.put("/Patient/there", Sample.identified("1", id: "there"))
      let bundle = Self.transaction(
        Self.entry("PUT", "Patient/there", Sample.identified("1", family: "b", id: "there")),
        Self.entry("PUT", "Patient?identifier=urn:case|1", Sample.identified("1", family: "a")))
      try await Self.send(client, bundle).expectOutcome(
        400, code: "invalid",
        diagnostics:
          "Bundle contains multiple entries that refers to the same resource 'Patient?identifier=urn:case|1'.",
        issues: 1)
    }
  }

  /// References among the entries, in circles, too, become those of what was made.
  @Test(arguments: Form.allCases, modes)
  func referencesWithinTheBundle(form: Form, mode: String) async throws {
    try await FormClient.run(form) { client in
      let patient = "urn:uuid:6fc92493-6bef-402a-bbba-d949f3812cc8"
      let organization = "urn:uuid:6fc92493-6bef-402a-bbba-d949f3812cc9"
      let observation = "urn:uuid:6fc92493-6bef-402a-bbba-d949f3812cca"
      let device = "urn:uuid:6fc92493-6bef-402a-bbba-d949f3812ccb"
      let bundle = Self.transaction(
        Self.entry(
          "POST", "Patient",
          Sample.patient(
            more:
              #","managingOrganization":{"reference":"\#(organization)"},"link":[{"type":"seealso","other":{"reference":"\#(patient)"}}]"#
          ), fullURL: patient),
        Self.entry(
          "POST", "Organization",
          #"{"resourceType":"Organization","name":"x","partOf":{"reference":"\#(organization)"}}"#,
          fullURL: organization),
        Self.entry(
          "POST", "Observation",
          Sample.observation(
            subject: patient,
            more:
              #","device":{"reference":"\#(device)"},"performer":[{"reference":"\#(organization)"},{"reference":"urn:uuid:00000000-0000-4000-8000-000000000000"}]"#
          ), fullURL: observation),
        Self.entry(
          "POST", "Device", #"{"resourceType":"Device","patient":{"reference":"\#(patient)"}}"#, fullURL: device))
      let answer = try await Self.send(client, bundle, mode).expectBundle("transaction-response")
      #expect(answer.resources.map(\.type) == ["Patient", "Organization", "Observation", "Device"])
      let ids = answer.ids
      try #require(ids.count == 4)
      // What no entry has as its address stays as it is.
      let strange = "urn:uuid:00000000-0000-4000-8000-000000000000"
      for resource in [answer.resources[2], try await client.get("/Observation/\(ids[2])").element()] {
        #expect(resource.text("subject.reference") == "Patient/\(ids[0])")
        #expect(resource.text("device.reference") == "Device/\(ids[3])")
        #expect(resource.texts("performer.reference") == ["Organization/\(ids[1])", strange])
      }
      #expect(answer.resources[0].text("managingOrganization.reference") == "Organization/\(ids[1])")
      #expect(answer.resources[0].text("link.other.reference") == "Patient/\(ids[0])")
      #expect(answer.resources[1].text("partOf.reference") == "Organization/\(ids[1])")
      #expect(answer.resources[3].text("patient.reference") == "Patient/\(ids[0])")
    }
  }

  @Test(arguments: Form.allCases)
  func conditionalReferences(form: Form) async throws {
    try await FormClient.run(form) { client in
      let id = try await client.create("Patient", Sample.identified("12345"))
      let bundle = Self.transaction(
        Self.entry("POST", "Observation", Sample.observation(subject: "Patient?identifier=12345")))
      let answer = try await Self.send(client, bundle).expectBundle("transaction-response")
      #expect(answer.text("entry.resource.subject.reference") == "Patient/\(id)")
    }
  }

  /// One issue, in Microsoft's words.
  @Test(arguments: Form.allCases)
  func aConditionalReferenceWithoutAMatch(form: Form) async throws {
    try await FormClient.run(form) { client in
      let bundle = Self.transaction(
        Self.entry("POST", "Observation", Sample.observation(subject: "Patient?identifier=12345")))
      try await Self.send(client, bundle).expectOutcome(
        400, code: "invalid",
        diagnostics: "Given conditional reference 'Patient?identifier=12345' does not resolve to a resource.",
        issues: 1)
    }
  }

  /// A condition that is met, and references to what met it: the second time nothing new but the referrer.
  @Test(arguments: Form.allCases, ["POST", "PUT"])
  func aConditionalEntryAndItsReferrer(form: Form, method: String) async throws {
    try await FormClient.run(form) { client in
      let urn = "urn:uuid:6fc92493-6bef-402a-bbba-d949f3812cc8"
      func bundle(_ family: String) -> String {
        let patient = Sample.identified("11788759296811", family: family)
        let first =
          method == "POST"
          ? Self.entry(
            "POST", "Patient", patient, fullURL: urn, more: #","ifNoneExist":"identifier=urn:case|11788759296811""#)
          : Self.entry("PUT", "Patient?identifier=urn:case|11788759296811", patient, fullURL: urn)
        return Self.transaction(first, Self.entry("POST", "Observation", Sample.observation(subject: urn)))
      }
      let one = try await Self.send(client, bundle("a")).expectBundle("transaction-response")
      let two = try await Self.send(client, bundle("b")).expectBundle("transaction-response")
      #expect(one.texts("entry.response.status") == ["201", "201"])
      #expect(two.texts("entry.response.status") == ["200", "201"])
      #expect(one.ids.first == two.ids.first)
      let patient = try #require(one.ids.first)
      for answer in [one, two] {
        #expect(answer.resources.last?.text("subject.reference") == "Patient/\(patient)")
      }
      let version = try await client.get("/Patient/\(patient)").element().text("meta.versionId")
      #expect(version == (method == "POST" ? "1" : "2"))
    }
  }

  @Test(arguments: Form.allCases)
  func theHistoryOfLabels(form: Form) async throws {
    try await FormClient.run(form) { client in
      for tag in ["a", "b"] {
        let patient = Sample.patient(id: "p", more: #","meta":{"tag":[{"code":"\#(tag)"}]}"#)
        let bundle = Self.transaction(Self.entry("PUT", "Patient/p?_meta-history=false", patient))
        let answer = try await Self.send(client, bundle).expectBundle("transaction-response")
        #expect(answer.texts("entry.response.status") == [tag == "a" ? "201" : "200"])
      }
      #expect(try await client.get("/Patient/p/_history").element().entries.count == 1)
      try await client.get("/Patient/p").expectVersion(200, 2)
    }
  }

  @Test(arguments: Form.allCases)
  func oneAddressTwice(form: Form) async throws {
    try await FormClient.run(form) { client in
      let urn = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
      let bundle = Self.transaction(
        Self.entry("POST", "Patient", Sample.patient("a"), fullURL: urn),
        Self.entry("POST", "Patient", Sample.patient("b"), fullURL: urn))
      try await Self.send(client, bundle).expectOutcome(400)
      #expect(try await client.get("/Patient?_summary=count").element().total == 0)
    }
  }

  @Test(arguments: Form.allCases)
  func anEmptyTransaction(form: Form) async throws {
    try await FormClient.run(form) { client in
      for type in ["transaction", "batch"] {
        let answer = try await client.post("", #"{"resourceType":"Bundle","type":"\#(type)"}"#)
        #expect(try answer.expectBundle("\(type)-response").entries.isEmpty)
      }
    }
  }
}
