import Base
import Identity
import Testing

@Suite struct TokenCheckTests {
  @Test(
    "claims",
    arguments: [
      (["iss": nil], TokenError.Code.issuer), (["iss": "\"https://issuer.example/\""], .issuer),
      (["iss": "\"https://ISSUER.example\""], .issuer), (["iss": "[\"https://issuer.example\"]"], .claim),
      (["iss": "\"https://evil.example\""], .issuer), (["iss": "null"], .issuer),
      (["aud": nil], .audience), (["aud": "\"https://fhir.example/other\""], .audience), (["aud": "[]"], .audience),
      (["aud": "\"https://fhir.example/main/\""], .audience), (["aud": "\"https://fhir.example/\""], .audience),
      (["aud": "[\"a\",7]"], .claim), (["aud": "{}"], .claim),
      (["exp": nil], .claim), (["exp": "\"1800000600\""], .claim), (["exp": "-1"], .claim), (["exp": "1e30"], .claim),
      (["exp": "99999999999999999999"], .claim), (["exp": "true"], .claim), (["exp": "null"], .claim),
      (["exp": "1799999940"], .expired), (["exp": "1000"], .expired), (["exp": "0"], .expired),
      (["nbf": "1800000061"], .notYetValid), (["iat": "1800000061"], .notYetValid), (["nbf": "\"x\""], .claim),
      (["cnf": #"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#], .binding),
      (["cnf": #"{"x5t#S256":"AAAA"}"#], .binding), (["cnf": "{}"], .binding), (["cnf": "7"], .binding),
      (["client_id": "7"], .claim),
    ] as [([String: String?], TokenError.Code)])
  func refused(_ changes: [String: String?], _ code: TokenError.Code) async throws {
    #expect(await refusal(try Issuing.token(changes))?.code == code, "\(changes)")
  }

  @Test(
    "claims that pass",
    arguments: [
      ["aud": "[\"https://other.example\",\"https://fhir.example/main\"]"], ["exp": "1799999941"],
      ["exp": "1.8000006e9"],
      ["exp": "1800000600.75"], ["nbf": "1800000060"], ["iat": "1800000060"], ["iat": nil], ["sub": nil],
      ["x": "[[[[[]]]]]"],
    ] as [[String: String?]])
  func accepted(_ changes: [String: String?]) async throws {
    #expect(await refusal(try Issuing.token(changes)) == nil, "\(changes)")
  }

  @Test("the time between issue and end, at its limit and past it") func lifetime() async throws {
    var check = Issuing.check
    check.lifetimeSecondsMax = 600
    #expect(await refusal(try Issuing.token(), Issuing.verifier(check)) == nil)
    #expect(await refusal(try Issuing.token(["exp": "1800000601"]), Issuing.verifier(check))?.code == .lifetime)
  }

  @Test("apps by azp, client_id and appid, in this order") func clients() async throws {
    var check = Issuing.check
    check.clients = ["app-1"]
    #expect(await refusal(try Issuing.token(), Issuing.verifier(check)) == nil)
    #expect(await refusal(try Issuing.token(["client_id": "\"app-2\""]), Issuing.verifier(check))?.code == .client)
    #expect(await refusal(try Issuing.token(["client_id": nil]), Issuing.verifier(check))?.code == .client)
    #expect(await refusal(try Issuing.token(["client_id": nil, "appid": "\"app-1\""]), Issuing.verifier(check)) == nil)
    #expect(await refusal(try Issuing.token(["azp": "\"app-2\""]), Issuing.verifier(check))?.code == .client)
  }

  @Test("claims that a configuration asks for, also deep inside") func required() async throws {
    var check = Issuing.check
    check.requiredClaims = ["fhirUser", "/realm_access/roles"]
    let verifier = Issuing.verifier(check)
    let error = await refusal(try Issuing.token(), verifier)
    #expect(error == TokenError(.claim, "fhirUser"))
    #expect(
      await refusal(try Issuing.token(["fhirUser": "\"Patient/1\"", "realm_access": "{\"roles\":[]}"]), verifier) == nil
    )
  }

  @Test("a token bound to a certificate is good with that certificate only") func certificate() async throws {
    let token = try Issuing.token(["cnf": #"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}"#])
    #expect(await refusal(token, certificateThumbprint: "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2") == nil)
    #expect(
      await refusal(token, certificateThumbprint: "AwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2")?.code == .binding)
    #expect(await refusal(token)?.code == .binding)
  }

  @Test("two issuers: each other's keys and audiences are worth nothing") func twoIssuers() async throws {
    let second = try PrivateKey.generate(.p256)
    let verifier = TokenVerifier(
      [
        TokenVerifier.Issuer(Issuing.check, KeySource(fixed: Issuing.keys)),
        TokenVerifier.Issuer(
          TokenCheck(issuers: ["https://second.example"], audiences: ["second"]),
          KeySource(fixed: JWKSet([JWK(second.publicKey, id: "p256")]))),
      ], clock: Clock { Issuing.now })
    #expect(await refusal(try Issuing.token(), verifier) == nil)
    let own = ["iss": "\"https://second.example\"", "aud": "\"second\""]
    #expect(await refusal(try Issuing.token(own, key: second), verifier) == nil)
    #expect(await refusal(try Issuing.token(own), verifier)?.code == .signature)
    #expect(await refusal(try Issuing.token(key: second), verifier)?.code == .signature)
    #expect(
      await refusal(try Issuing.token(["iss": "\"https://second.example\""], key: second), verifier)?.code == .audience)
  }

  @Test("one issuer with an app each for two audiences") func twoApps() async throws {
    var first = TokenCheck(issuers: [Issuing.issuer], audiences: ["one"])
    first.clients = ["app-1"]
    var second = TokenCheck(issuers: [Issuing.issuer], audiences: ["two"])
    second.clients = ["app-2"]
    let keys = KeySource(fixed: Issuing.keys)
    let verifier = TokenVerifier(
      [TokenVerifier.Issuer(first, keys), TokenVerifier.Issuer(second, keys)], clock: Clock { Issuing.now })
    #expect(await refusal(try Issuing.token(["aud": "\"one\""]), verifier) == nil)
    #expect(await refusal(try Issuing.token(["aud": "\"two\"", "client_id": "\"app-2\""]), verifier) == nil)
    #expect(await refusal(try Issuing.token(["aud": "\"two\""]), verifier) != nil)
  }

  @Test("the challenge of a 401") func challenge() {
    let challenge = BearerChallenge(
      authorizationAddress: "https://login.example/authorize", resource: "https://fhir.example",
      realm: "https://fhir.example")
    #expect(
      challenge.header
        == "Bearer authorization_uri=\"https://login.example/authorize\", resource_id=\"https://fhir.example\", realm=\"https://fhir.example\""
    )
    #expect(
      BearerChallenge(realm: "r").refusing(TokenError(.expired)).header
        == "Bearer realm=\"r\", error=\"invalid_token\", error_description=\"The token has expired.\"")
    #expect(BearerChallenge(realm: "a\"\r\nX: y\\é").header == "Bearer realm=\"a   X: y   \"")
    #expect(BearerChallenge().header == "Bearer")
    // RFC 6750 §3: what an error_description may hold.
    for code in TokenError.Code.allCases {
      #expect(TokenError(code).message.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C })
    }
  }
}
