import Testing

/// FHIR R4 http#create.
@Suite struct CreateCases {
  static let bodies: [(type: String, json: String)] = [
    (
      "Binary",
      #"{"resourceType":"Binary","contentType":"image/jpeg","data":"/9j/4AAQSkZJRgABAQEAYABgAAD/2wBDAAMCAgMCAgMDAwMEAwME"}"#
    ),
    (
      "Observation",
      Sample.observation(
        more: #","valueQuantity":{"value":67,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}"#)
    ),
    (
      "DocumentReference",
      #"{"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"contentType":"text/plain","data":"SGFsbG8="}}]}"#
    ),
    (
      "Communication",
      #"{"resourceType":"Communication","status":"completed","payload":[{"contentAttachment":{"contentType":"application/pdf","data":"JVBERi0xLjQ=","title":"a"}}]}"#
    ),
    ("Location", #"{"resourceType":"Location","position":{"longitude":-83.69471,"latitude":42.25475}}"#),
    // Decimals keep their digits (FHIR R4 datatypes#decimal).
    ("Observation", Sample.observation(more: #","valueQuantity":{"value":10.91968939701716}"#)),
    ("Observation", Sample.observation(more: #","valueQuantity":{"value":1.00,"unit":"1"}"#)),
  ]

  @Test(arguments: Form.allCases, bodies)
  func aResourceIsMade(form: Form, row: (type: String, json: String)) async throws {
    try await FormClient.run(form) { client in
      let created = try await client.post("/\(row.type)", row.json)
      let resource = try created.expectVersion(201, 1)
      let id = try #require(resource.text("id"))
      #expect(created.header("location") == "\(client.base)/\(row.type)/\(id)/_history/1")
      // All that was sent is there, and nothing else but id and meta.
      let sent = try Element(json: FormCases.json(row.json))
      let received = Element(
        name: "", type: resource.type, value: nil,
        children: resource.children.filter { !["id", "meta"].contains($0.name) })
      #expect(received.canonical == sent.canonical)
      let read = try await client.get("/\(row.type)/\(id)", ["Accept": form.mediaType])
      #expect(read.text == created.text)
    }
  }

  /// http#create: "The server SHALL ignore the id … and SHALL populate the id, meta.versionId and meta.lastUpdated".
  @Test(arguments: Form.allCases)
  func idAndMetaOfTheClientAreReplaced(form: Form) async throws {
    try await FormClient.run(form) { client in
      let body = Sample.patient(
        id: "mine", more: #","meta":{"versionId":"77","lastUpdated":"2001-01-01T00:00:00Z","tag":[{"code":"kept"}]}"#)
      let resource = try await client.post("/Patient", body).expectVersion(201, 1)
      #expect(resource.text("id") != "mine")
      #expect(resource.text("meta.lastUpdated")?.hasPrefix("2001") == false)
      #expect(resource.text("meta.tag.code") == "kept")
      try await client.get("/Patient/mine").expectOutcome(404, code: "not-found")
    }
  }

  /// Provenance beside the resource (FHIR R4 provenance.html#header).
  @Test(arguments: Form.allCases)
  func aProvenanceIsWrittenAlong(form: Form) async throws {
    try await FormClient.run(form) { client in
      let header = ["X-Provenance": Sample.provenance]
      let reply = try await client.post("/Observation", Sample.observation(), header)
      let id = try #require(try reply.expectVersion(201, 1).text("id"))
      let found = try await client.get("/Provenance?target=\(id)").expectBundle("searchset")
      #expect(found.resources.first?.text("target.reference") == "Observation/\(id)")
      #expect(found.matches.count == 1)
      let bad = try await client.post("/Observation", Sample.observation("b"), ["X-Provenance": "Jibberish"])
      try bad.expectOutcome(400)
      #expect(try await client.get("/Observation?_summary=count").element().total == 1)
    }
  }

  @Test(arguments: Form.allCases)
  func anUnknownTypeIs404(form: Form) async throws {
    try await FormClient.run(form) { client in
      let reply = try await client.post("/NotObservation", Sample.observation())
      try reply.expectOutcome(404, code: "not-found", diagnostics: "The route for \"/NotObservation\" was not found.")
    }
  }

  @Test(arguments: Form.allCases, ["text/plain", "application/x-www-form-urlencoded"])
  func aBodyThatIsNoResourceIs415(form: Form, contentType: String) async throws {
    try await FormClient.run(form) { client in
      let reply = try await client.post("/Observation", Sample.observation(), ["Content-Type": contentType])
      try reply.expectOutcome(415, code: "not-supported")
    }
  }

  /// What is missing or misformed, and where it is.
  static let broken: [(json: String, code: String, expression: String)] = [
    (#"{"resourceType":"Observation","id":"empty"}"#, "required", "Observation.status"),
    (#"{"resourceType":"Observation","status":"final"}"#, "required", "Observation.code"),
    (
      Sample.observation(more: #","effectiveDateTime":"2021-10-13+02:00""#), "value", "Observation.effective"
    ),
    (
      Sample.observation(more: #","status":"this_is_invalid""#).replacing(#""status":"final","#, with: ""),
      "code-invalid", "Observation.status"
    ),
    // More digits than the server's decimals have (R4 datatypes#decimal: 18 at least).
    (
      Sample.observation(more: #","valueQuantity":{"value":1234567890123456789.0123456789}"#), "value",
      "Observation.value.value"
    ),
  ]

  @Test(arguments: Form.allCases, broken)
  func whatIsBrokenIsNamed(form: Form, row: (json: String, code: String, expression: String)) async throws {
    try await FormClient.run(form) { client in
      let reply = try await client.post("/Observation", row.json)
      let outcome = try reply.expectOutcome(400)
      let issue = outcome["issue"].first { $0.text("expression") == row.expression }
      #expect(issue?.text("code") == row.code, "\(reply.text)")
    }
  }

  /// The message of a date with a zone and no time names its format, which clients look for.
  @Test(arguments: Form.allCases)
  func aMisformedDateIsToldByItsFormat(form: Form) async throws {
    try await FormClient.run(form) { client in
      let body = Sample.observation(more: #","effectiveDateTime":"2021-10-13+02:00""#)
      try await client.post("/Observation", body).expectOutcome(400, contains: "format")
    }
  }

  /// The query of a create says nothing, whatever stands in it.
  @Test(arguments: Form.allCases, Hostile.strings)
  func theQueryOfACreateIsIgnored(form: Form, text: String) async throws {
    try await FormClient.run(form) { client in
      let reply = try await client.post("/Observation?\(Hostile.encoded(text))", Sample.observation())
      try reply.expectVersion(201, 1)
      #expect(!reply.text.contains("script"))
    }
  }

  @Test(arguments: Form.allCases, Hostile.injections)
  func anIdIsNoStatement(form: Form, text: String) async throws {
    try await FormClient.run(form) { client in
      let body = #"{"resourceType":"Observation","id":"\#(Hostile.json(text))","status":"final","code":{"text":"x"}}"#
      let reply = try await client.put("/Observation/\(Hostile.encoded(text))", body)
      #expect(reply.status == 400)
      try reply.expectOutcome(400)
      let inBody = try await client.put("/Observation/x", body)
      try inBody.expectOutcome(400)
      #expect(try await client.get("/Observation?_summary=count").element().total == 0)
    }
  }

  /// Encoded markup in a narrative is text, real markup that acts is refused (FHIR R4 narrative.html).
  @Test(arguments: Form.allCases, Hostile.harmlessNarratives)
  func encodedMarkupIsText(form: Form, div: String) async throws {
    try await FormClient.run(form) { client in
      let reply = try await client.post("/Basic", Sample.narrative(Hostile.json(Hostile.div(div))))
      try reply.expectVersion(201, 1)
    }
  }

  /// A narrative in XML is a part of its document, so each payload is set into it as it stands.
  @Test(arguments: Form.allCases, Hostile.actingNarratives)
  func actingMarkupIsRefused(form: Form, div: String) async throws {
    try await FormClient.run(form) { client in
      let whole = Hostile.div(div)
      let body =
        form == .json
        ? Sample.narrative(Hostile.json(whole))
        : #"<Basic xmlns="http://hl7.org/fhir"><text><status value="generated"/>\#(whole)</text>"#
          + #"<code><text value="x"/></code></Basic>"#
      try await client.send("POST", "/Basic", body).expectOutcome(400)
      #expect(try await client.get("/Basic?_summary=count").element().total == 0)
    }
  }
}
