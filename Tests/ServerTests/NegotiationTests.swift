import JSONCore
import Testing

/// FHIR R4 http#mime-type: forms of requests and answers.
@Suite struct NegotiationTests {
  @Test(arguments: [
    ("application/fhir+json", "application/fhir+json; charset=utf-8"),
    ("application/json", "application/json; charset=utf-8"),
    ("*/*", "application/fhir+json; charset=utf-8"),
    ("application/*", "application/fhir+json; charset=utf-8"),
    ("APPLICATION/FHIR+JSON; charset=UTF-8", "application/fhir+json; charset=utf-8"),
    ("application/fhir+json; fhirVersion=4.0", "application/fhir+json; charset=utf-8"),
    ("text/turtle, application/json;q=0.5", "application/json; charset=utf-8"),
    ("application/fhir+xml", "application/fhir+xml; charset=utf-8"),
    ("application/xml", "application/xml; charset=utf-8"),
    ("application/fhir+xml;q=0.4, application/json;q=0.5", "application/json; charset=utf-8"),
    ("application/json;q=0.1, application/fhir+json;q=0.9", "application/fhir+json; charset=utf-8"),
    ("text/html, */*;q=0.1", "application/fhir+json; charset=utf-8"),
  ])
  func anAcceptedFormIsAnswered(accept: String, contentType: String) async throws {
    try await LiveServer.run { live in
      let reply = try await live.ask("GET", "/metadata", ["Accept": accept])
      #expect(reply.status == 200)
      #expect(reply.header("content-type") == contentType)
    }
  }

  @Test(arguments: [
    "application/fhir+xml; fhirVersion=3.0", "text/turtle", "application/json1", "applicaiton/xml",
    "application/json;q=0", "application/fhir+json; fhirVersion=5.0",
  ])
  func aFormWeDoNotHaveIs406(accept: String) async throws {
    try await LiveServer.run { live in
      let reply = try await live.ask("GET", "/metadata", ["Accept": accept])
      #expect(reply.status == 406)
      #expect(try reply.outcome().code == "not-supported")
    }
  }

  /// http#parameters: `_format` stands above Accept.
  @Test func theFormatParameterStandsAboveAccept() async throws {
    try await LiveServer.run { live in
      for format in ["json", "application/json", "application/fhir%2Bjson", "application/fhir+json"] {
        let reply = try await live.ask("GET", "/metadata?_format=\(format)", ["Accept": "application/fhir+xml"])
        #expect(reply.status == 200, "\(format)")
      }
      for format in ["xml", "application/fhir+xml"] {
        let reply = try await live.ask("GET", "/metadata?_format=\(format)", ["Accept": "application/json"])
        #expect(reply.header("content-type") == "application/fhir+xml; charset=utf-8", "\(format)")
      }
      for format in ["turtle", "blah", ""] {
        let reply = try await live.ask("GET", "/metadata?_format=\(format)", ["Accept": "application/json"])
        #expect(reply.status == 406, "\(format)")
      }
    }
  }

  /// What Microsoft's clients expect of invalid answer parameters.
  @Test(arguments: [
    "_pretty=abc", "_pretty=", "_pretty=1", "_pretty=0", "_summary=abc", "_summary=", "_elements=%22%20%22",
    "_elements=",
  ])
  func invalidAnswerParametersAre400(query: String) async throws {
    try await LiveServer.run { live in
      let reply = try await live.ask("GET", "/metadata?\(query)")
      #expect(reply.status == 400)
      #expect(try !reply.outcome().diagnostics.isEmpty)
    }
  }

  /// capabilitystatement-operation-versions: Parameters, or a plain list for application/json.
  @Test func versionsComeInTheFormAskedFor() async throws {
    try await LiveServer.run { live in
      let fhir = try await live.ask("GET", "/$versions")
      #expect(fhir.status == 200)
      #expect(fhir.header("content-type") == "application/fhir+json; charset=utf-8")
      #expect(try fhir.json()["resourceType"]?.string == "Parameters")
      let plain = try await live.ask("GET", "/$versions", ["Accept": "application/json"])
      #expect(plain.header("content-type") == "application/json; charset=utf-8")
      #expect(plain.text == #"{"versions":["4.0"],"default":"4.0"}"#)
      #expect(try await live.ask("GET", "/$versions", ["Accept": "application/json1"]).status == 406)
    }
  }

  @Test(arguments: [
    ("application/fhir+json", 201), ("application/json", 201), ("application/json; charset=utf-8", 201),
    ("application/fhir+json; charset=\"UTF-8\"", 201), ("application/fhir+json; fhirVersion=4.0", 201),
    ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("application/fhir+turtle", 415), ("", 415),
    ("application/json; charset=iso-8859-1", 415), ("application/fhir+json; fhirVersion=3.0", 415),
  ])
  func aBodyMustSayThatItIsJSON(contentType: String, status: Int) async throws {
    try await LiveServer.run { live in
      let reply = try await live.ask("POST", "/Patient", ["Content-Type": contentType], body: VersionTests.patient)
      #expect(reply.status == status)
      if status == 415 { #expect(try reply.outcome().code == "not-supported") }
    }
  }

  @Test func aBodyWithoutATypeIs415() async throws {
    try await LiveServer.run { live in
      let reply = try await live.ask("POST", "/Patient", body: VersionTests.patient)
      #expect(reply.status == 415)
    }
  }

  /// Every answer has an id of its own; the client's own comes back under another name.
  @Test func requestsAreCorrelated() async throws {
    try await LiveServer.run { live in
      let marked = try await live.ask("GET", "/Patient", ["X-Request-Id": "6f7a"])
      #expect(marked.header("x-correlation-id") == "6f7a")
      #expect(marked.header("x-request-id")?.isEmpty == false)
      #expect(marked.header("x-request-id") != "6f7a")
      let plain = try await live.ask("GET", "/Patient")
      #expect(plain.header("x-correlation-id") == nil)
      #expect(plain.header("x-request-id") != marked.header("x-request-id"))
      let long = try await live.ask("GET", "/Patient", ["X-Request-Id": String(repeating: "a", count: 129)])
      #expect(long.header("x-correlation-id") == nil)
      let longest = try await live.ask("GET", "/Patient", ["X-Request-Id": String(repeating: "a", count: 128)])
      #expect(longest.header("x-correlation-id")?.count == 128)
    }
  }
}
