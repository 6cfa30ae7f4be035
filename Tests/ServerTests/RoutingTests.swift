import JSONCore
import Testing

/// What is no route, or no method of one.
@Suite struct RoutingTests {
  @Test(arguments: [
    "/unknownRoute", "/patient/123", "/PATIENT", "/Patient/1/foo", "/Patient/1/_history/1/2", "/Sequence", "/$nothing",
    "/Patient/$nothing", "/Patient//1", "//Patient", "/DomainResource", "/HumanName",
  ])
  func unknownPathsAre404(path: String) async throws {
    try await LiveServer.run { live in
      let reply = try await live.ask("GET", path)
      #expect(reply.status == 404)
      #expect(try reply.outcome().code == "not-found")
      #expect(reply.header("x-content-type-options") == "nosniff")
    }
  }

  @Test(arguments: ["/default", "/other/fhir/Patient", "/default/dicom", "/favicon.ico", "/health", "/metrics/x"])
  func unknownServicesAre404(target: String) async throws {
    try await LiveServer.run { live in
      let reply = try await live.askRoot("GET", target)
      #expect(reply.status == 404)
      #expect(try reply.outcome().code == "not-found")
    }
  }

  /// RFC 3986 §3.3, §6: whatever could be read in two ways is refused.
  @Test(arguments: [
    "/Patient/%2e%2e/%2e%2e/etc/passwd", "/Patient/..", "/../../etc/passwd", "/./Patient", "/Patient/a%2Fb",
    "/Patient/a%5Cb", "/Patient/a%00", "/Patient/a%0d%0aX:1", "/Patient/%", "/Patient/%4", "/Patient/%zz",
    "/Patient/%ff%fe", "/Patient/a%20b", "/Patient/a'%20or%201=1", "/Patient/a_b",
    "/Patient/" + String(repeating: "a", count: 65),
  ])
  func trickyPathsAreRefused(path: String) async throws {
    try await LiveServer.run { live in
      let reply = try await live.ask("GET", path)
      #expect(reply.status == 400)
      #expect(try !reply.outcome().diagnostics.isEmpty)
      #expect(!reply.text.contains("root:"))
    }
  }

  @Test func aPathMayBeEscapedAndEndWithASlash() async throws {
    try await LiveServer.run { live in
      let created = try await live.send("PUT", "/Patient/a-b.c", #"{"resourceType":"Patient","id":"a-b.c"}"#)
      #expect(created.status == 201)
      #expect(try await live.ask("GET", "/Patient/a%2Db%2ec").status == 200)
      #expect(try await live.ask("GET", "/%50atient/a-b.c").status == 200)
      #expect(try await live.ask("GET", "/Patient/").status == 200)
      #expect(try await live.ask("GET", "/Patient/\(String(repeating: "a", count: 64))").status == 404)
    }
  }

  /// RFC 9110 §15.5.6: 405 names the methods there are.
  @Test(arguments: [
    ("BREW", "/Patient", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ("POST", "/Patient/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
    ("PATCH", "/Patient/1/_history", "GET, HEAD, OPTIONS"), ("POST", "/metadata", "GET, HEAD, OPTIONS"),
    ("PUT", "", "GET, HEAD, POST, OPTIONS"), ("BREW", "/Patient/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
    ("GET", "/Patient/_search", "POST, OPTIONS"), ("TRACE", "/metadata", "GET, HEAD, OPTIONS"),
  ])
  func wrongMethodsAre405(method: String, path: String, allow: String) async throws {
    try await LiveServer.run { live in
      let reply = try await live.ask(method, path)
      #expect(reply.status == 405)
      #expect(reply.header("allow") == allow)
      #expect(try !reply.outcome().diagnostics.isEmpty)
    }
  }

  @Test func optionsTellsTheMethods() async throws {
    try await LiveServer.run { live in
      let reply = try await live.ask("OPTIONS", "/Patient/1")
      #expect(reply.status == 204)
      #expect(reply.header("allow") == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
      #expect(reply.body.isEmpty)
      #expect(try await live.ask("OPTIONS", "/nothing").status == 404)
      #expect(try await live.askRoot("OPTIONS", "*").status == 204)
      #expect(try await live.askRoot("OPTIONS", "/health/check").header("allow") == "GET, HEAD, OPTIONS")
    }
  }

  /// http.html: HEAD is answered as GET, without the body (RFC 9110 §9.3.2).
  @Test func headHasNoBody() async throws {
    try await LiveServer.run { live in
      let created = try await live.send("POST", "/Patient", VersionTests.patient)
      let head = try await live.ask("HEAD", "/Patient/\(try created.id())")
      #expect(head.status == 200)
      #expect(head.body.isEmpty)
      #expect(head.header("etag") == "W/\"1\"")
      #expect(head.header("content-length") == String(created.body.count))
      #expect(try await live.ask("HEAD", "/Patient/none").status == 404)
      let unknown = try await live.ask("HEAD", "/admin.html")
      #expect(unknown.status == 405)
      #expect(unknown.header("allow") != nil)
    }
  }

  /// The host a client names becomes part of every address it is told.
  @Test func theHostIsTheClients() async throws {
    try await LiveServer.run { live in
      let body = VersionTests.patient
      for host in ["fhir.example.org", "fhir.example.org:8443", "[::1]:80", "10.0.0.1"] {
        let reply = try await live.send("POST", "/Patient", body, ["Host": host])
        #expect(reply.header("location")?.hasPrefix("http://\(host)/default/fhir/Patient/") == true)
      }
      for host in ["a b", "a/b", "a\"b", "<script>", "user@host", "host:port", "host:123456", "[::1", "[zz]"] {
        let reply = try await live.send("POST", "/Patient", body, ["Host": host])
        #expect(reply.status == 400, "\(host)")
        #expect(try !reply.outcome().diagnostics.isEmpty)
      }
    }
  }
}
