import JSONCore
import Testing

/// What every answer has, whatever was asked: ids of requests, faults, health, cross-origin requests (§ "exceptions",
/// "custom headers", "health", "CORS" of the conformance tables).
@Suite struct EdgeCases {
  @Test(arguments: Form.allCases)
  func requestsAreCorrelated(form: Form) async throws {
    try await FormClient.run(form) { client in
      let id = "8f2f5c1a-42ab-4c58-8f6a-3f2d1a2b3c4d"
      let marked = try await client.get("/Patient", ["X-Request-Id": id])
      #expect(marked.status == 200)
      #expect(marked.header("x-correlation-id")?.contains(id) == true)
      #expect(marked.header("x-request-id")?.contains(id) == false)
      let plain = try await client.get("/Patient")
      #expect(plain.header("x-request-id")?.isEmpty == false)
      #expect(plain.header("x-correlation-id") == nil)
      #expect(plain.header("x-request-id") != marked.header("x-request-id"))
    }
  }

  @Test(arguments: Form.allCases)
  func anUnknownRouteIs404(form: Form) async throws {
    try await FormClient.run(form) { client in
      let outcome = try await client.get("/unknownRoute").expectOutcome(404, code: "not-found")
      #expect(outcome.text("issue.severity") == "error")
      #expect(try await client.ask("HEAD", "/admin.html").status == 405)
    }
  }

  /// Names of types are of one case (FHIR R4 http#general).
  @Test(
    arguments: ["GET", "PUT", "DELETE", "POST", "PATCH"], ["/patient/123", "/PATIENT/123", "/patient", "/Patients/1"])
  func typesAreOfOneCase(method: String, path: String) async throws {
    try await FormClient.run(.json) { client in
      let reply = try await client.ask(
        method, path, ["Content-Type": "application/fhir+json"], method == "GET" ? nil : Sample.patient(id: "123"))
      try reply.expectOutcome(404, code: "not-found")
      #expect(try await client.get("/Patient").status == 200)
    }
  }

  @Test func healthIsJSON() async throws {
    try await FormClient.run(.json) { client in
      let reply = try await client.get("/health/check")
      #expect(reply.status == 200)
      #expect(reply.text.contains("\"description\""))
      #expect(try reply.reply.json()["overallStatus"]?.string == "Healthy")
    }
  }

  // MARK: Metadata

  static let metadataQueries: [(query: String, status: Int)] = [
    ("_format=blah", 406), ("_pretty=abc", 400), ("_pretty=", 400), ("_pretty=1", 400), ("_pretty=0", 400),
    ("_summary=abc", 400), ("_summary=", 400), ("_elements=%20", 400), ("_elements=%22%20%22", 400),
    ("_elements=", 400),
  ]

  @Test(arguments: Form.allCases, metadataQueries)
  func metadataWithBadParameters(form: Form, row: (query: String, status: Int)) async throws {
    try await FormClient.run(form) { client in
      let reply = try await client.get("/metadata?\(row.query)")
      #expect(reply.status == row.status)
      if row.status == 400 { try reply.expectOutcome(400) }
    }
  }

  @Test(arguments: Form.allCases)
  func metadataNamesTheRelease(form: Form) async throws {
    try await FormClient.run(form) { client in
      let reply = try await client.get("/metadata")
      #expect(reply.status == 200)
      let statement = try reply.element()
      #expect(statement.type == "CapabilityStatement")
      #expect(statement.text("fhirVersion") == "4.0.1")
      #expect(statement.text("kind") == "instance")
      #expect(statement.texts("format").contains("application/fhir+\(form.rawValue)"))
      #expect(statement["rest.resource"].count == 146 || statement["rest.resource"].count == 145)
      // FHIR R4 http#capabilities: also the short form.
      for summary in ["true", "data", "text"] {
        #expect(try await client.get("/metadata?_summary=\(summary)").status == 200, "\(summary)")
      }
    }
  }

  /// Types of other releases are unknown (R4 renamed Sequence to MolecularSequence).
  @Test(arguments: Form.allCases)
  func typesAreOfThisRelease(form: Form) async throws {
    try await FormClient.run(form) { client in
      try await client.get("/Sequence").expectOutcome(404)
      #expect(try await client.get("/MolecularSequence").status == 200)
      let product = #"{"resourceType":"MedicinalProduct","identifier":[{"value":"mp"}],"name":[{"productName":"x"}]}"#
      let id = try await client.create("MedicinalProduct", product)
      #expect(try await client.get("/MedicinalProduct?identifier=mp").element().matches == [id])
    }
  }

  // MARK: $versions

  static let accepted: [(accept: String?, type: String?)] = [
    ("application/json", "application/json"), ("application/fhir+json", "application/fhir+json"),
    ("application/xml", "application/xml"), ("application/fhir+xml", "application/fhir+xml"),
    (nil, "application/fhir+json"), ("application/json1", nil), ("applicaiton/xml", nil),
  ]

  @Test(arguments: accepted)
  func versionsInTheFormAskedFor(row: (accept: String?, type: String?)) async throws {
    try await LiveServer.run { live in
      let reply = try await live.ask("GET", "/$versions", row.accept.map { ["Accept": $0] } ?? [:])
      guard let type = row.type else {
        #expect(reply.status == 406)
        #expect(try reply.outcome().code == "not-supported")
        return
      }
      #expect(reply.status == 200)
      #expect(reply.header("content-type")?.hasPrefix(type + ";") == true)
      #expect(reply.text.contains("4.0"))
    }
  }
}
