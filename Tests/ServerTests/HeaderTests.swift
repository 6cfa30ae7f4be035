import JSONCore
import Testing

/// Fields of every answer, and requests that contradict themselves.
@Suite struct HeaderTests {
  @Test func everyAnswerHasTheSecurityFields() async throws {
    try await LiveServer.run { live in
      let patient = try await live.send("POST", "/Patient", VersionTests.patient)
      let id = try patient.id()
      let replies = [
        patient, try await live.ask("GET", "/Patient/\(id)"), try await live.ask("GET", "/Patient/none"),
        try await live.ask("GET", "/Patient?_format=xml"), try await live.ask("OPTIONS", "/Patient"),
        try await live.ask("HEAD", "/Patient/\(id)"), try await live.ask("DELETE", "/Patient/\(id)"),
        try await live.ask("GET", "/Patient/\(id)"), try await live.askRoot("GET", "/metrics"),
        try await live.askRoot("GET", "/health/check"), try await live.askRoot("GET", "/"),
        // One that reaches no handler.
        try Reply(try await live.raw(Array("nonsense\r\n\r\n".utf8))),
      ]
      for reply in replies {
        for (name, value) in [
          ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"),
          ("cross-origin-resource-policy", "same-origin"),
          ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
        ] {
          #expect(reply.headers.filter { $0.name == name }.map(\.value) == [value], "\(reply.status)")
        }
        #expect(reply.header("x-request-id")?.isEmpty == false)
      }
    }
  }

  /// RFC 9111 §5.2.2: what holds patients' data is kept by nobody but the client, and asked after each time.
  @Test func onlyAVersionMayBeKept() async throws {
    try await LiveServer.run { live in
      let id = try await live.send("POST", "/Patient", VersionTests.patient).id()
      let read = try await live.ask("GET", "/Patient/\(id)")
      #expect(read.header("cache-control") == "private, no-cache")
      let again = try await live.ask("GET", "/Patient/\(id)", ["If-None-Match": read.header("etag") ?? ""])
      #expect(again.status == 304)
      #expect(again.header("etag") == read.header("etag"))
      #expect(again.header("cache-control") == "private, no-cache")
      for path in ["/Patient", "/Patient/_history", "/metadata", "/Patient/none", "/nothing"] {
        #expect(try await live.ask("GET", path).header("cache-control") == "no-store", "\(path)")
      }
    }
  }

  /// RFC 9112 §6.3, §3.2: two readings of one message are how requests are smuggled.
  @Test(arguments: [
    ["Content-Length: 2", "Content-Length: 3"], ["Content-Length: 2", "Content-Length: 2"],
    ["Content-Length: 2, 2"], ["Content-Length: +2"], ["Content-Length: 2", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], ["Transfer-Encoding : chunked"],
    ["Host: a.example"], ["Transfer-Encoding: gzip, chunked"],
  ])
  func contradictoryFramingIsRefused(lines: [String]) async throws {
    try await LiveServer.run { live in
      let reply = try await live.exchange("POST", "/Patient", nil, lines + ["Content-Type: application/fhir+json"])
      #expect([400, 501].contains(reply.status), "\(reply.status)")
      #expect(try !reply.outcome().diagnostics.isEmpty)
      #expect(reply.header("connection") == "close")
    }
  }

  @Test(arguments: [
    ("POST", "/Patient", ["Content-Type: application/json", "Content-Type: application/fhir+json"]),
    ("POST", "/Patient", ["Content-Type: application/fhir+json", "Content-Type: application/fhir+json"]),
    ("POST", "/Patient", ["Content-Type: application/fhir+json", "If-None-Exist: a=1", "If-None-Exist: b=1"]),
    ("POST", "/Patient", ["Content-Type: application/fhir+json", "X-Provenance: {}", "X-Provenance: {}"]),
    ("PUT", "/Patient/1", ["Content-Type: application/fhir+json", "If-Match: W/\"1\"", "If-Match: W/\"2\""]),
    (
      "GET", "/Patient/1",
      [
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "If-Modified-Since: Mon, 07 Nov 1994 08:49:37 GMT",
      ]
    ),
  ])
  func whatStandsOnceMayNotStandTwice(method: String, path: String, lines: [String]) async throws {
    try await LiveServer.run { live in
      let body = #"{"resourceType":"Patient","id":"1"}"#
      #expect(try await live.send("PUT", "/Patient/1", body).status == 201)
      let reply = try await live.exchange(method, path, method == "GET" ? nil : Array(body.utf8), lines)
      #expect(reply.status == 400)
      #expect(try !reply.outcome().diagnostics.isEmpty)
      #expect(try await live.ask("GET", "/Patient?_summary=count").json()["total"]?.integer == 1)
    }
  }

  @Test func compressedBodiesAreRefused() async throws {
    try await LiveServer.run { live in
      for coding in ["gzip", "deflate", "br", "identity, gzip", "x"] {
        let reply = try await live.send("POST", "/Patient", VersionTests.patient, ["Content-Encoding": coding])
        #expect(reply.status == 415)
        #expect(try reply.outcome().code == "not-supported")
      }
      let plain = try await live.send("POST", "/Patient", VersionTests.patient, ["Content-Encoding": "identity"])
      #expect(plain.status == 201)
    }
  }

  @Test func optionsOfTheBaseIsTheStatement() async throws {
    try await LiveServer.run { live in
      for path in ["", "/"] {
        let reply = try await live.ask("OPTIONS", path)
        #expect(reply.status == 200)
        #expect(try reply.json()["resourceType"]?.string == "CapabilityStatement")
        #expect(reply.header("allow") == "GET, HEAD, POST, OPTIONS")
      }
      let xml = try await live.ask("OPTIONS", "", ["Accept": "application/fhir+xml"])
      #expect(xml.text.contains("<CapabilityStatement"))
      #expect(try await live.ask("OPTIONS", "", ["Accept": "text/turtle"]).status == 406)
    }
  }

  @Test(arguments: [
    "/metadata", "/Patient/1", "/Patient/1/_history/1", "/Patient/1/_history", "/Patient", "/_history", "/$versions",
    "/Patient/1/$everything", "/Patient/1/Observation", "",
  ])
  func headIsAnsweredWhereGetIs(path: String) async throws {
    try await LiveServer.run { live in
      _ = try await live.send("PUT", "/Patient/1", #"{"resourceType":"Patient","id":"1"}"#)
      let get = try await live.ask("GET", path)
      let head = try await live.ask("HEAD", path)
      #expect(head.status == get.status)
      #expect(head.body.isEmpty)
      #expect(head.header("content-type") == get.header("content-type"))
      #expect(head.header("etag") == get.header("etag"))
      #expect(head.header("content-length") == get.header("content-length"))
    }
  }
}
