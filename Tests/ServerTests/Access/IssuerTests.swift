import Base
import Identity
import JSONCore
import Server
import Testing

/// Issuers that are found by their addresses, and what a service tells of them.
@Suite struct IssuerTests {
  private var claims: TestIssuer.Claims {
    var claims = TestIssuer.Claims()
    claims.roles = ["FHIR Data Reader"]
    return claims
  }

  @Test func tokensOfTwoIssuersAreTaken() async throws {
    try await IssuerServer.run { one in
      try await IssuerServer.run { two in
        try one.rotate(to: "a")
        try two.rotate(to: "a")
        let access = ServiceAccess(
          issuers: [TrustedIssuer(url: one.url), TrustedIssuer(url: two.url)], audiences: [TestIssuer.audience])
        try await LiveServer.run(access: access) { live in
          for _ in 0..<5 {
            #expect(try await live.ask("GET", "/Patient", token: one.token(claims)).status == 200)
            #expect(try await live.ask("GET", "/Patient", token: two.token(claims)).status == 200)
          }
          // The keys are asked for once.
          #expect(one.requests == ["/.well-known/openid-configuration", "/keys"])
          // One issuer's key under the other's name.
          var mixed = claims
          mixed.issuer = two.url
          let key = try PrivateKey.generate(.p256)
          #expect(
            try await live.ask("GET", "/Patient", token: TestIssuer.token(mixed, key: key, keyID: "a")).status == 401)
        }
      }
    }
  }

  @Test func keysRotate() async throws {
    try await IssuerServer.run { issuer in
      try issuer.rotate(to: "first")
      var now = Clock.system.now()
      let moment = Moment(now)
      var access = ServiceAccess(issuers: [TrustedIssuer(url: issuer.url)], audiences: [TestIssuer.audience])
      access.clock = Clock { moment.now }
      try await LiveServer.run(access: access) { live in
        #expect(try await live.ask("GET", "/Patient", token: issuer.token(claims)).status == 200)
        try issuer.rotate(to: "second")
        // A stranger cannot make the server ask again and again.
        let token = try issuer.token(claims)
        #expect(try await live.ask("GET", "/Patient", token: token).status == 401)
        now = now.advanced(byMilliseconds: 61_000)
        moment.now = now
        #expect(try await live.ask("GET", "/Patient", token: token).status == 200)
      }
    }
  }

  @Test func anIssuerThatIsAwayIsNoFaultOfTheTokens() async throws {
    let access = ServiceAccess(issuers: [TrustedIssuer(url: "http://127.0.0.1:1")], audiences: [TestIssuer.audience])
    try await LiveServer.run(access: access) { live in
      var claims = claims
      claims.issuer = "http://127.0.0.1:1"
      let refused = try await live.ask("GET", "/Patient", token: TestIssuer.token(claims))
      #expect(refused.status == 503)
      #expect(try await live.ask("GET", "/.well-known/smart-configuration").status == 503)
      #expect(try await live.ask("GET", "/metadata").status == 200)
    }
  }

  @Test func theServiceTellsWhereTokensComeFrom() async throws {
    try await IssuerServer.run { issuer in
      let access = ServiceAccess(issuers: [TrustedIssuer(url: issuer.url)], audiences: [TestIssuer.audience])
      try await LiveServer.run(access: access) { live in
        let reply = try await live.ask("GET", "/.well-known/smart-configuration")
        #expect(reply.header("content-type") == "application/json; charset=utf-8")
        let json = try reply.json()
        #expect(json["issuer"]?.string == issuer.url)
        #expect(json["jwks_uri"]?.string == issuer.url + "/keys")
        #expect(json["authorization_endpoint"]?.string == issuer.url + "/authorize")
        #expect(json["token_endpoint"]?.string == issuer.url + "/token")
        #expect(json["revocation_endpoint"]?.string == issuer.url + "/revoke")
        #expect(json["introspection_endpoint"] == nil)
        // SMART App Launch 2.2, "Metadata": required members.
        for name in ["capabilities", "grant_types_supported", "code_challenge_methods_supported"] as [JSONKey] {
          #expect(json[name]?.elements.isEmpty == false)
        }
        #expect(json["code_challenge_methods_supported"]?.elements.map(\.string) == ["S256"])
        let rest = try await live.ask("GET", "/metadata").json()["rest"]?.elements.first
        let security = rest?["security"]
        #expect(security?["cors"]?.bool == false)
        let codes = security?["service"]?.elements.compactMap { $0["coding"]?.elements.first?["code"]?.string }
        #expect(codes == ["OAuth", "SMART-on-FHIR"])
        let oauth = security?["extension"]?.elements.first {
          $0["url"]?.string == "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
        }
        let uris = (oauth?["extension"]?.elements ?? []).map { [$0["url"]?.string, $0["valueUri"]?.string] }
        #expect(
          uris == [
            ["authorize", issuer.url + "/authorize"], ["token", issuer.url + "/token"],
            ["revoke", issuer.url + "/revoke"],
          ])
        let xml = try await live.ask("GET", "/metadata?_format=xml")
        #expect(xml.status == 200 && xml.text.contains("<security>"))
      }
    }
  }

  @Test func aServiceWithoutAuthenticationSaysSo() async throws {
    try await LiveServer.run { live in
      let refused = try await live.ask("GET", "/.well-known/smart-configuration")
      #expect(refused.status == 400)
      #expect(try await live.ask("GET", "/metadata").json()["rest"]?.elements.first?["security"] == nil)
    }
  }

  /// Keycloak and others put roles somewhere else than Azure.
  @Test func rolesMayBeInAnotherPlace() async throws {
    var access = TestIssuer.access()
    access.issuers[0].claims.roles = ["/realm_access/roles"]
    try await LiveServer.run(access: access) { live in
      let now = Int(Clock.system.now().milliseconds / 1000)
      let text = #"""
        {"iss":"\#(TestIssuer.url)","aud":["x","\#(TestIssuer.audience)"],"sub":"u","exp":\#(now + 60),
         "realm_access":{"roles":["offline_access","globalReader"]}}
        """#
      let token = try JWS.sign(Array(text.utf8), TestIssuer.key, .es256, keyID: "k1")
      #expect(try await live.ask("GET", "/Patient", token: token).status == 200)
      #expect(try await live.ask("POST", "/Patient", token: token, body: #"{"resourceType":"Patient"}"#).status == 403)
    }
  }
}
