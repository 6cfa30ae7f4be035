import Base
import Identity
import JSONCore
import Server
import Testing

/// What strangers try with tokens, each refused on the wire.
@Suite struct TokenAttackTests {
  private static let reader = ["FHIR Data Reader"]

  private func refused(
    _ live: LiveServer, _ token: String, status: Int = 401, error: String? = "invalid_token",
    _ comment: Comment
  ) async throws {
    let reply = try await live.ask("GET", "/Patient/p1", token: token)
    #expect(reply.status == status, comment)
    let challenge = reply.header("www-authenticate") ?? ""
    #expect(challenge.hasPrefix("Bearer "), comment)
    if let error { #expect(challenge.contains("error=\"\(error)\""), "\(comment): \(challenge)") }
    #expect(!reply.text.contains("family"), comment)
  }

  @Test func whoHasNoTokenIsToldWhereToGetOne() async throws {
    try await LiveServer.run(access: TestIssuer.access()) { live in
      try await live.put(AccessData.json)
      let requests: [(String, String)] = [
        ("GET", "/Patient/p1"), ("GET", "/Patient"), ("GET", "/"), ("GET", "/_history"), ("POST", ""),
        ("GET", "/nowhere"), ("DELETE", "/Patient/p1"), ("GET", "/$reindex"), ("POST", "/$fhirpath"),
        ("GET", "/Patient/p1/$everything"), ("POST", "/metadata"),
      ]
      for (method, path) in requests {
        let reply = try await live.ask(method, path)
        #expect(reply.status == 401, "\(method) \(path)")
        #expect(
          reply.header("www-authenticate")
            == #"Bearer authorization_uri="https://issuer.example/authorize", "#
            + #"resource_id="\#(TestIssuer.audience)", realm="\#(TestIssuer.audience)""#)
        #expect(try reply.outcome().code == "login")
      }
    }
  }

  @Test func whatSaysNothingOfAnybodyIsForEverybody() async throws {
    try await LiveServer.run(access: TestIssuer.access()) { live in
      for path in ["/metadata", "/$versions", "/.well-known/smart-configuration", "/health/check"] {
        let reply = try await live.ask("GET", path)
        #expect(reply.status == 200, "\(path)")
      }
      #expect(try await live.ask("OPTIONS", "/Patient").status == 204)
    }
  }

  @Test func tokensThatNobodyVouchesForAreRefused() async throws {
    try await LiveServer.run(access: TestIssuer.access()) { live in
      try await live.put(AccessData.json)
      var claims = TestIssuer.Claims()
      claims.roles = Self.reader
      #expect(try await live.ask("GET", "/Patient/p1", token: TestIssuer.token(claims)).status == 200)
      let payload = Base64URL.encode(TestIssuer.payload(claims))
      func unsigned(_ header: String) -> String { Base64URL.encode(header.utf8) + "." + payload + "." }
      try await refused(live, unsigned(#"{"alg":"none"}"#), "none")
      try await refused(live, unsigned(#"{"alg":"none"}"#) + "AAAA", "none with a signature")
      try await refused(live, unsigned(#"{"alg":"nOnE","kid":"k1"}"#), "none in another spelling")
      // The public key as the secret of an HMAC: whoever checks that with "the issuer's key" is fooled.
      try await refused(live, unsigned(#"{"alg":"HS256","kid":"k1"}"#) + String(repeating: "A", count: 43), "HMAC")
      try await refused(live, TestIssuer.token(claims, key: TestIssuer.other), "another's key")
      try await refused(live, TestIssuer.token(claims, keyID: "../../dev/null"), "a key id that is a path")
      try await refused(live, TestIssuer.token(claims, keyID: "k1' OR '1'='1"), "a key id that is SQL")
      try await refused(live, try TestIssuer.token(claims) + "A", "a longer signature")
      try await refused(live, "a.b.c", "no base64url")
      try await refused(live, "x", "no token at all")
      // A key of the attacker's inside the token, or at an address that he names.
      let jwk = String(decoding: JWKSet([JWK(TestIssuer.other.publicKey, id: "k1")]).json, as: UTF8.self)
        .dropFirst(9).dropLast(2)
      for header in [
        #"{"alg":"ES256","jwk":\#(jwk)}"#, #"{"alg":"ES256","jku":"https://evil.example/keys","kid":"k1"}"#,
      ] {
        let input = Base64URL.encode(header.utf8) + "." + payload
        let signature = Base64URL.encode(try TestIssuer.other.signature(of: Array(input.utf8), by: .es256))
        try await refused(live, input + "." + signature, "its own key")
      }
    }
  }

  @Test func tokensForOthersAndOtherTimesAreRefused() async throws {
    try await LiveServer.run(access: TestIssuer.access()) { live in
      func token(_ change: (inout TestIssuer.Claims) -> Void) throws -> String {
        try TestIssuer.token {
          $0.roles = Self.reader
          change(&$0)
        }
      }
      try await refused(live, token { $0.audience = "https://fhir.example/other/fhir" }, "another service's")
      try await refused(live, token { $0.audience = TestIssuer.audience + "/" }, "an audience that is longer")
      try await refused(live, token { $0.issuer = "https://evil.example" }, "another issuer's")
      try await refused(live, token { $0.issuer = TestIssuer.url + "/" }, "an issuer's name that is longer")
      try await refused(live, token { $0.expires = -61 }, "expired")
      try await refused(live, token { $0.notBefore = 120 }, "not yet valid")
      let late = try await live.ask("GET", "/Patient", token: token { $0.expires = -30 })
      #expect(late.status == 200, "within the skew: \(late.text)")
    }
  }

  @Test func whatIsNoBearerTokenIsRefused() async throws {
    try await LiveServer.run(access: TestIssuer.access()) { live in
      let token = try TestIssuer.token { $0.roles = Self.reader }
      for value in ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", token, "Negotiate \(token)", "BearerX \(token)"] {
        #expect(try await live.ask("GET", "/Patient", ["Authorization": value]).status == 401, "\(value.prefix(12))")
      }
      #expect(try await live.ask("GET", "/Patient", ["Authorization": "bearer  \(token)"]).status == 200)
      let both =
        "GET /default/fhir/Patient HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        + "Authorization: Bearer \(token)\r\nAuthorization: Bearer \(token)\r\n\r\n"
      #expect(try Reply(try await live.raw(Array(both.utf8))).status == 400)
      // One byte past the limit, and far past what the transport takes.
      let long = token + String(repeating: "A", count: JWS.bytesMax + 1 - token.utf8.count)
      #expect([401, 431].contains(try await live.ask("GET", "/Patient", token: long).status))
      #expect(try await live.ask("GET", "/Patient", token: String(repeating: "A", count: 200_000)).status == 431)
    }
  }

  @Test func tokensInAddressesAreRefused() async throws {
    try await LiveServer.run(logLevel: .debug, access: TestIssuer.access()) { live in
      let token = try TestIssuer.token { $0.roles = Self.reader }
      for path in [
        "/Patient?access_token=\(token)", "/Patient?_count=1&access_token=x", "/Patient/\(token)", "/\(token)/Patient",
        "/Patient?name=\(token)",
      ] {
        let reply = try await live.ask("GET", path, token: token)
        #expect(reply.status == 400, "\(path.prefix(30))")
        #expect(!reply.text.contains(token))
        #expect(reply.header("www-authenticate")?.contains(#"error="invalid_request""#) == true)
      }
      #expect(!live.log.contains { $0.contains("eyJ") })
    }
  }

  @Test func aTokenOfOneServiceIsNoneOfAnother() async throws {
    let other = "https://fhir.example/other/fhir"
    try await LiveServer.run(access: TestIssuer.access()) { one in
      try await LiveServer.run(access: TestIssuer.access(audiences: [other])) { two in
        let first = try TestIssuer.token { $0.roles = Self.reader }
        let second = try TestIssuer.token {
          $0.roles = Self.reader
          $0.audience = other
        }
        #expect(try await one.ask("GET", "/Patient", token: first).status == 200)
        #expect(try await two.ask("GET", "/Patient", token: second).status == 200)
        #expect(try await one.ask("GET", "/Patient", token: second).status == 401)
        #expect(try await two.ask("GET", "/Patient", token: first).status == 401)
        // Addresses that might mean another service to somebody on the way.
        for path in ["/default/fhir/../fhir/Patient", "/default/fhir/..%2Ffhir/Patient", "/default//fhir/Patient"] {
          let reply = try await one.askRoot("GET", path, ["Authorization": "Bearer \(second)"])
          #expect(reply.status >= 400 && !reply.text.contains("searchset"), "\(path)")
        }
      }
    }
  }

  @Test func scopesThatContradictThemselvesAreTold() async throws {
    try await LiveServer.run(access: TestIssuer.access()) { live in
      let wrong = [
        "patient/*.rs user/*.rs", "patient/*.read patient/*.rs", "patient/Nothing.rs", "patient/Patient.rsr",
        "patient/Observation.rs?category:not=x", "patient/Observation.rs?subject.name=x",
        "patient/Observation.rs?_include=Observation:subject",
      ]
      for scope in wrong {
        let reply = try await live.ask("GET", "/Patient", token: TestIssuer.app(scope))
        #expect(reply.status == 400, "\(scope)")
      }
      // About whom?
      #expect(
        try await live.ask("GET", "/Patient", token: TestIssuer.token { $0.scope = "patient/*.rs" }).status == 400)
      let related = try TestIssuer.token {
        $0.scope = "user/*.rs"
        $0.fhirUser = "RelatedPerson/1"
      }
      #expect(try await live.ask("GET", "/Patient", token: related).status == 400)
    }
  }

  @Test func aTokenThatIsGoodNoMoreIsRefusedAtOnce() async throws {
    let switches = Switches()
    var access = TestIssuer.access()
    access.issuers[0].isStillGood = { _ in switches.isOn }
    try await LiveServer.run(access: access) { live in
      let token = try TestIssuer.token { $0.roles = Self.reader }
      #expect(try await live.ask("GET", "/Patient", token: token).status == 200)
      switches.isOn = false
      #expect(try await live.ask("GET", "/Patient", token: token).status == 401)
    }
  }
}
