import Server
import Testing
import Workspace

/// Fetch standard, "CORS protocol"; what Microsoft's clients expect of it.
@Suite struct CORSTests {
  static let origin = "https://localhost:6001"
  static let asAzure: @Sendable (inout ServerConfiguration) -> Void = { configuration in
    configuration.cors.origins = [origin]
    configuration.cors.maxAgeSeconds = 1_440
  }

  @Test func aPreflightIsAnsweredOnAnyPath() async throws {
    try await LiveServer.run(configure: Self.asAzure) { live in
      for path in ["/patient", "/Patient/1", "/nothing/at/all", "", "/metadata"] {
        let reply = try await live.exchange(
          "OPTIONS", path, nil,
          [
            "Origin: \(Self.origin)", "Access-Control-Request-Method: PUT",
            "Access-Control-Request-Headers: authorization", "Access-Control-Request-Headers: content-type",
          ])
        #expect(reply.status == 204)
        #expect(reply.body.isEmpty)
        #expect(reply.header("access-control-allow-origin") == Self.origin)
        #expect(reply.header("access-control-allow-methods") == "PUT")
        #expect(reply.header("access-control-allow-headers") == "authorization, content-type")
        #expect(reply.header("access-control-max-age") == "1440")
        #expect(reply.header("access-control-allow-credentials") == nil)
        #expect(
          reply.header("vary") == "Access-Control-Request-Method, Access-Control-Request-Headers, Origin")
      }
    }
  }

  @Test func anAnswerTellsWhoMayReadIt() async throws {
    try await LiveServer.run(configure: Self.asAzure) { live in
      let created = try await live.send("POST", "/Patient", VersionTests.patient, ["Origin": Self.origin])
      #expect(created.status == 201)
      #expect(created.header("access-control-allow-origin") == Self.origin)
      #expect(created.header("vary") == "Accept, Origin")
      let exposed =
        created.header("access-control-expose-headers")?.split(separator: ", ").map { $0.lowercased() } ?? []
      for name in ["etag", "location", "content-location", "x-request-id", "x-correlation-id"] {
        #expect(exposed.contains(name))
      }
      // A page must be able to read why it failed.
      let failed = try await live.ask("GET", "/Patient/none", ["Origin": Self.origin])
      #expect(failed.status == 404)
      #expect(failed.header("access-control-allow-origin") == Self.origin)
    }
  }

  @Test(arguments: [
    "https://evil.example", "http://localhost:6001", "https://localhost:60011", "https://localhost", "null", "",
    "https://localhost:6001, https://evil.example", "HTTPS://LOCALHOST:6001",
  ])
  func otherOriginsHearNothing(origin: String) async throws {
    try await LiveServer.run(configure: Self.asAzure) { live in
      let headers = ["Origin": origin, "Access-Control-Request-Method": "GET"]
      for method in ["OPTIONS", "GET"] {
        let reply = try await live.ask(method, "/Patient", headers)
        #expect((200...204).contains(reply.status))
        #expect(!reply.headers.contains { $0.name.hasPrefix("access-control-") })
        #expect(reply.header("vary")?.contains("Origin") == true)
      }
    }
  }

  @Test func nothingIsSaidWithoutConfiguration() async throws {
    try await LiveServer.run { live in
      let headers = ["Origin": Self.origin, "Access-Control-Request-Method": "PUT"]
      #expect(try await live.ask("OPTIONS", "/patient", headers).status == 404)
      for method in ["OPTIONS", "GET"] {
        let reply = try await live.ask(method, "/Patient", headers)
        #expect(!reply.headers.contains { $0.name.hasPrefix("access-control-") })
        #expect(reply.header("vary")?.contains("Origin") != true)
      }
    }
  }

  @Test func everyOriginAndNamedMethods() async throws {
    try await LiveServer.run { configuration in
      configuration.cors.origins = ["*"]
      configuration.cors.methods = ["GET", "POST"]
      configuration.cors.headers = ["authorization"]
    } _: { live in
      let reply = try await live.ask(
        "OPTIONS", "/Patient",
        [
          "Origin": "https://any.example", "Access-Control-Request-Method": "DELETE",
          "Access-Control-Request-Headers": "x-evil",
        ])
      #expect(reply.header("access-control-allow-origin") == "*")
      #expect(reply.header("access-control-allow-methods") == "GET, POST")
      #expect(reply.header("access-control-allow-headers") == "authorization")
      let read = try await live.ask("GET", "/Patient", ["Origin": "https://any.example"])
      #expect(read.header("access-control-allow-origin") == "*")
      #expect(read.header("vary") == "Accept")
      // What operators look at is not for web pages.
      for target in ["/metrics", "/health/check", "/"] {
        let reply = try await live.askRoot("GET", target, ["Origin": "https://any.example"])
        #expect(reply.header("access-control-allow-origin") == nil)
      }
    }
  }

  @Test func credentialsAreAllowedToNamedOrigins() async throws {
    try await LiveServer.run { configuration in
      configuration.cors.origins = ["https://a.example", "capacitor://localhost"]
      configuration.cors.allowsCredentials = true
    } _: { live in
      for origin in ["https://a.example", "capacitor://localhost"] {
        let reply = try await live.ask("GET", "/Patient", ["Origin": origin])
        #expect(reply.header("access-control-allow-origin") == origin)
        #expect(reply.header("access-control-allow-credentials") == "true")
      }
    }
  }

  /// What a client asks for is repeated to it, but never what can be no name.
  @Test(arguments: ["<script>", "a b", "x\u{e9}", "authorization, \"", String(repeating: "a", count: 4_097)])
  func namesThatAreNoneAreNotRepeated(names: String) async throws {
    try await LiveServer.run(configure: Self.asAzure) { live in
      let reply = try await live.ask(
        "OPTIONS", "/Patient",
        ["Origin": Self.origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": names])
      #expect(reply.status == 204)
      #expect(reply.header("access-control-allow-headers") == nil)
    }
  }

  @Test(arguments: [
    (["*"], true, "credentials"), (["*", "https://a.example"], false, "stands alone"),
    (["null"], false, "no CORS origin"),
    (["https://a.example/"], false, "no CORS origin"), (["https://A.example"], false, "no CORS origin"),
    (["https://a.example:443"], false, "no CORS origin"), (["http://a.example:80"], false, "no CORS origin"),
    (["a.example"], false, "no CORS origin"), (["https://"], false, "no CORS origin"),
    (["https://*.example"], false, "no CORS origin"), (["://a"], false, "no CORS origin"),
    ([], true, "without an origin"),
  ])
  func aConfigurationThatMakesNoSenseIsTold(origins: [String], credentials: Bool, why: String) {
    var cors = CORSConfiguration()
    cors.origins = origins
    cors.allowsCredentials = credentials
    #expect(cors.flaw?.contains(why) == true, "\(cors.flaw ?? "sound")")
  }

  @Test func theLongestAge() {
    var cors = CORSConfiguration()
    #expect(cors.flaw == nil)
    cors.origins = ["https://a.example"]
    cors.maxAgeSeconds = CORSConfiguration.maxAgeSecondsMax
    #expect(cors.flaw == nil)
    cors.maxAgeSeconds += 1
    #expect(cors.flaw != nil)
  }
}
