import Testing

/// FHIR R4 http#update, #upsert, #concurrency.
@Suite struct UpdateCases {
  @Test(arguments: Form.allCases)
  func aChangeIsANewVersion(form: Form) async throws {
    try await FormClient.run(form) { client in
      let id = try await client.create("Patient", Sample.patient("a"))
      let first = try await client.get("/Patient/\(id)").expectVersion(200, 1)
      let second = try await client.put("/Patient/\(id)", Sample.patient("b", id: id)).expectVersion(200, 2)
      #expect(second.text("id") == id)
      #expect(second.text("name.family") == "b")
      #expect(second.text("meta.lastUpdated") != first.text("meta.lastUpdated"))
    }
  }

  @Test(arguments: Form.allCases)
  func aBadProvenanceIs400(form: Form) async throws {
    try await FormClient.run(form) { client in
      let bad = ["X-Provenance": "Jibberish"]
      try await client.put("/Patient/p", Sample.patient(id: "p"), bad).expectOutcome(400)
      try await client.get("/Patient/p").expectOutcome(404)
      let good = try await client.put("/Patient/p", Sample.patient(id: "p"), ["X-Provenance": Sample.provenance])
      try good.expectVersion(201, 1)
      let found = try await client.get("/Provenance?target=Patient/p").expectBundle("searchset")
      #expect(found.matches.count == 1)
    }
  }

  /// http#upsert: the client's id, the server's meta.
  @Test(arguments: Form.allCases)
  func anUnknownIDIsCreated(form: Form) async throws {
    try await FormClient.run(form) { client in
      let more = #","meta":{"versionId":"7","lastUpdated":"2001-01-01T00:00:00Z"}"#
      let created = try await client.put("/Patient/own.id-1", Sample.patient(id: "own.id-1", more: more))
      let resource = try created.expectVersion(201, 1)
      #expect(created.header("location") == "\(client.base)/Patient/own.id-1/_history/1")
      #expect(resource.text("id") == "own.id-1")
      #expect(resource.text("meta.lastUpdated")?.hasPrefix("2001") == false)
    }
  }

  /// Conditional references are looked up on plain writes, too (FHIR R4 http#trules).
  @Test(arguments: Form.allCases)
  func conditionalReferencesAreResolved(form: Form) async throws {
    try await FormClient.run(form) { client in
      let npi = "http://hl7.org/fhir/sid/us-npi"
      let practitioner = #"{"resourceType":"Practitioner","identifier":[{"system":"\#(npi)","value":"123"}]}"#
      let id = try await client.create("Practitioner", practitioner)
      let reference = #","generalPractitioner":[{"reference":"Practitioner?identifier=\#(npi)|123"}]"#
      let written = try await client.put("/Patient/p", Sample.patient(id: "p", more: reference))
      #expect(try written.expectVersion(201, 1).text("generalPractitioner.reference") == "Practitioner/\(id)")
      let read = try await client.get("/Patient/p").element()
      #expect(read.text("generalPractitioner.reference") == "Practitioner/\(id)")
      let posted = try await client.post("/Patient", Sample.patient(more: reference))
      #expect(try posted.expectVersion(201, 1).text("generalPractitioner.reference") == "Practitioner/\(id)")
    }
  }

  /// Where one match is needed: none or several are 400 (Microsoft's words).
  @Test(arguments: Form.allCases)
  func anObservationNeedsItsPatient(form: Form) async throws {
    try await FormClient.run(form) { client in
      let reference = "Patient?identifier=x1"
      let body = Sample.observation(subject: reference)
      try await client.post("/Observation", body).expectOutcome(
        400, code: "invalid", diagnostics: "Given conditional reference '\(reference)' does not resolve to a resource.",
        issues: 1)
      let id = try await client.create("Patient", Sample.identified("x1"))
      let made = try await client.post("/Observation", body).expectVersion(201, 1)
      #expect(made.text("subject.reference") == "Patient/\(id)")
      _ = try await client.create("Patient", Sample.identified("x1"))
      let several = try await client.post("/Observation", body)
      #expect([400, 412].contains(several.status))
      try several.expectOutcome(several.status)
    }
  }

  @Test(arguments: Form.allCases)
  func theIDsMustBeTheSame(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await client.put("/Patient/a", Sample.patient(id: "b")).expectOutcome(400)
      try await client.put("/Patient/a", Sample.patient()).expectOutcome(
        400, diagnostics: "Id must be specified in the resource.")
      try await client.put("/Patient/a", Sample.observation(id: "a")).expectOutcome(400)
      try await client.get("/Patient/a").expectOutcome(404)
    }
  }

  /// http#concurrency; 412 for a version that is not the current one, 400 for what is no weak tag.
  static let tags: [(tag: String, status: Int)] = [
    ("W/\"1\"", 200), ("W/\"2\"", 412), ("W/\"99\"", 412), ("\"invalidVersion\"", 400), ("\"-1\"", 400),
    ("\"0\"", 400), ("\"1\"", 400), ("W/\"\"", 400), ("1", 400),
  ]

  @Test(arguments: Form.allCases, tags)
  func anExpectedVersion(form: Form, row: (tag: String, status: Int)) async throws {
    try await FormClient.run(form) { client in
      _ = try await client.put("/Patient/p", Sample.patient("a", id: "p"))
      let reply = try await client.put("/Patient/p", Sample.patient("b", id: "p"), ["If-Match": row.tag])
      if row.status == 200 {
        try reply.expectVersion(200, 2)
      } else {
        try reply.expectOutcome(row.status)
        try await client.get("/Patient/p").expectVersion(200, 1)
      }
    }
  }

  /// An update that changes nothing makes no version; labels are a change.
  static let changes: [(more: String, version: Int)] = [
    ("", 1), (#","meta":{"versionId":"55"}"#, 1), (#","meta":{"lastUpdated":"2001-01-01T00:00:00Z"}"#, 1),
    (#","meta":{"versionId":"1","lastUpdated":"2001-01-01T00:00:00Z"}"#, 1),
    (#","meta":{"tag":[{"code":"t"}]}"#, 2), (#","meta":{"profile":["http://example.org/p"]}"#, 2),
    (#","meta":{"security":[{"code":"R"}]}"#, 2), (#","meta":{"source":"http://example.org"}"#, 2),
    (#","active":true"#, 2),
    (#","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}"#, 2),
  ]

  @Test(arguments: Form.allCases, changes)
  func onlyAChangeMakesAVersion(form: Form, row: (more: String, version: Int)) async throws {
    try await FormClient.run(form) { client in
      let first = try await client.put("/Patient/p", Sample.patient(id: "p")).expectVersion(201, 1)
      let second = try await client.put("/Patient/p", Sample.patient(id: "p", more: row.more))
      let resource = try second.expectVersion(200, row.version)
      let isSame = resource.text("meta.lastUpdated") == first.text("meta.lastUpdated")
      #expect(isSame == (row.version == 1))
      let history = try await client.get("/Patient/p/_history").expectBundle("history")
      #expect(history.entries.count == row.version)
    }
  }

  /// `_meta-history=false`: a change of labels alone takes its predecessor's place.
  static let metaHistories: [(query: String, body: String, kept: Int)] = [
    ("?_meta-history=false", Sample.patient(id: "p", more: #","meta":{"tag":[{"code":"t"}]}"#), 1),
    ("?_meta-history=true", Sample.patient(id: "p", more: #","meta":{"tag":[{"code":"t"}]}"#), 2),
    ("", Sample.patient(id: "p", more: #","meta":{"tag":[{"code":"t"}]}"#), 2),
    ("?_meta-history=false", Sample.patient("new", id: "p", more: #","meta":{"tag":[{"code":"t"}]}"#), 2),
  ]

  @Test(arguments: Form.allCases, metaHistories)
  func theHistoryOfLabels(form: Form, row: (query: String, body: String, kept: Int)) async throws {
    try await FormClient.run(form) { client in
      let first = try await client.put("/Patient/p", Sample.patient(id: "p")).expectVersion(201, 1)
      let second = try await client.put("/Patient/p\(row.query)", row.body).expectVersion(200, 2)
      #expect(first.text("meta.lastUpdated") != second.text("meta.lastUpdated"))
      let history = try await client.get("/Patient/p/_history").expectBundle("history")
      #expect(history.entries.count == row.kept)
      #expect(try await client.get("/Patient/p/_history/1").status == (row.kept == 2 ? 200 : 404))
    }
  }
}
