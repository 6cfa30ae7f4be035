import Base
import Identity
import Issuer
import JSONCore
import Testing

@Suite struct FlowTests {
  @Test("the issuer describes itself (OpenID Connect Discovery 1.0 §3, RFC 8414 §2)") func discovery() async throws {
    try await withSite { site in
      let reply = try await site.web.send("GET", "/auth/.well-known/openid-configuration")
      #expect(reply.status == 200 && reply.header("content-type") == "application/json")
      let description = try OpenIDConfiguration(reply.body, expected: [site.address], allowsLoopback: true)
      #expect(description.authorizationEndpoint == site.address + "/authorize")
      #expect(description.tokenEndpoint == site.address + "/token")
      #expect(description.introspectionEndpoint == site.address + "/introspect")
      #expect(description.revocationEndpoint == site.address + "/revoke")
      let json = try site.json(reply)
      #expect(json["code_challenge_methods_supported"]?.elements.map(\.string) == ["S256"])
      #expect(json["response_types_supported"]?.elements.map(\.string) == ["code"])
      #expect(json["id_token_signing_alg_values_supported"]?.elements.map(\.string) == ["RS256"])
      let keys = try JWKSet(try await site.web.send("GET", "/auth/jwks").body)
      #expect(keys.keys.count == 1 && keys.skipped.isEmpty)
    }
  }

  @Test("a standalone launch: log in, choose a patient, consent, code, tokens (SMART App Launch 2.2 §2.0)")
  func standalone() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + site.request())
      #expect(visitor.reply.status == 200 && visitor.reply.text.contains("Growth &lt;Chart&gt;"))
      try await visitor.logIn("ada")
      #expect(visitor.reply.text.contains("Choose a patient"))
      #expect(visitor.reply.text.contains("Amy Shaw, born 1987-02-20"))
      #expect(!visitor.reply.text.contains("<script>alert"))
      try await visitor.submit("search", [("search", "Amy")])
      #expect(visitor.reply.text.contains("Amy Shaw") && !visitor.reply.text.contains("pt2"))
      try await visitor.choosePatient("pt1")
      #expect(visitor.reply.text.contains("patient/*.rs"))
      #expect(visitor.reply.text.contains("The patient is Amy Shaw, born 1987-02-20."))
      try await visitor.allow()
      let answer = try visitor.answer()
      // RFC 6749 §4.1.2: the state as it was; RFC 9207: whose answer it is.
      #expect(answer["state"] == "s t&te" && answer["iss"] == site.address)

      let reply = try await site.exchange(answer["code"] ?? "")
      #expect(reply.status == 200)
      // RFC 6749 §5.1
      #expect(reply.header("cache-control") == "no-store" && reply.header("pragma") == "no-cache")
      let tokens = try site.json(reply)
      #expect(tokens["token_type"]?.string == "Bearer" && tokens["expires_in"]?.integer == 3600)
      #expect(tokens["patient"]?.string == "pt1" && tokens["need_patient_banner"]?.bool == true)
      #expect(
        Set((tokens["scope"]?.string ?? "").split(separator: " "))
          == ["openid", "fhirUser", "offline_access", "launch/patient", "patient/*.rs"])

      let access = try await site.verifier(audience: site.service)
        .verify(Array((tokens["access_token"]?.string ?? "").utf8))
      let principal = try Principal(access)
      #expect(access.type == "at+jwt" && access.client == "app")
      #expect(principal.subject == "id-ada" && principal.patient == "pt1")
      #expect(principal.fhirUser == site.service + "/Practitioner/p1")
      #expect(principal.scopes.contains("patient/*.rs"))

      // OpenID Connect Core §3.1.3.7
      let identity = try await site.verifier(audience: "app").verify(Array((tokens["id_token"]?.string ?? "").utf8))
      #expect(identity.type == "jwt")
      #expect(try identity.claims.string("sub") == "id-ada" && identity.claims.string("nonce") == "n-1")
      #expect(try identity.claims.string("fhirUser") == site.service + "/Practitioner/p1")
      #expect(try identity.claims.time("auth_time") != nil)
    }
  }

  @Test("whoever is a patient chooses nobody") func patientThemselves() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + site.request())
      try await visitor.logIn("pat")
      #expect(!visitor.reply.text.contains("Choose a patient"))
      try await visitor.allow()
      let tokens = try site.json(try await site.exchange(try visitor.answer()["code"] ?? ""))
      #expect(tokens["patient"]?.string == "pt1")
    }
  }

  @Test("a user may leave scopes out, and refuse") func choosing() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      let query = site.request(["scope": "openid fhirUser user/Patient.rs user/Observation.rs offline_access"])
      try await visitor.get("/auth/authorize?" + query)
      try await visitor.logIn("ada")
      try await visitor.allow(without: ["user/Observation.rs", "offline_access"])
      let tokens = try site.json(try await site.exchange(try visitor.answer()["code"] ?? ""))
      #expect(tokens["scope"]?.string == "openid fhirUser user/Patient.rs")
      #expect(tokens["refresh_token"] == nil)

      // Logged in already: the next request asks for consent at once.
      try await visitor.get("/auth/authorize?" + query)
      try await visitor.submit("consent", [("decision", "deny")])
      let answer = try visitor.answer()
      #expect(answer["error"] == "access_denied" && answer["state"] == "s t&te" && answer["code"] == nil)
    }
  }

  @Test("an app gets no more than it is registered for and the user's roles allow") func limits() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      let scope = "openid user/*.cruds system/*.cruds unheard/of"
      try await visitor.get("/auth/authorize?" + site.request(["scope": scope]))
      try await visitor.logIn("reader")
      try await visitor.allow()
      let tokens = try site.json(try await site.exchange(try visitor.answer()["code"] ?? ""))
      // FHIR Data Reader reads and searches.
      #expect(tokens["scope"]?.string == "openid user/*.rs")
      let access = try await site.verifier(audience: site.service)
        .verify(Array((tokens["access_token"]?.string ?? "").utf8))
      #expect(try Principal(access).roles == ["FHIR Data Reader"])
    }
  }

  @Test("an EHR launches an app with a context of its own (SMART App Launch 2.2 §2.0.5, §3)") func ehrLaunch()
    async throws
  {
    try await withSite { site in
      let token = try site.json(try await site.backendToken(site.assertion(), scope: IssuerScope.launch))
      let bearer = [("Authorization", "Bearer \(token["access_token"]?.string ?? "")")]
      let context = """
        {"patient":"pt2","encounter":"e1","user":"ada","client_id":"app","intent":"reconcile",
        "fhirContext":[{"reference":"ImagingStudy/i1","role":"https://example.org/role"}],"need_patient_banner":false}
        """
      let made = try await site.web.send("POST", "/auth/launch", headers: bearer, body: context)
      #expect(made.status == 201)
      let handle = try site.json(made)["launch"]?.string ?? ""
      let query = site.request(["launch": handle, "scope": "openid launch patient/*.rs"])
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + query)
      try await visitor.logIn("ada")
      #expect(!visitor.reply.text.contains("Choose a patient"))
      try await visitor.allow()
      let tokens = try site.json(try await site.exchange(try visitor.answer()["code"] ?? ""))
      #expect(tokens["patient"]?.string == "pt2" && tokens["encounter"]?.string == "e1")
      #expect(tokens["need_patient_banner"]?.bool == false && tokens["intent"]?.string == "reconcile")
      #expect(tokens["fhirContext"]?[0]?["reference"]?.string == "ImagingStudy/i1")
      // A handle is good once.
      try await visitor.get("/auth/authorize?" + query)
      #expect(try visitor.answer()["error"] == "invalid_request")
    }
  }

  @Test("a launch is for its app and user, and made by whoever has the scope only") func foreignLaunch() async throws {
    try await withSite { site in
      let reading = try site.json(try await site.backendToken(site.assertion()))
      let weak = [("Authorization", "Bearer \(reading["access_token"]?.string ?? "")")]
      let refused = try await site.web.send("POST", "/auth/launch", headers: weak, body: "{}")
      #expect(refused.status == 403 && refused.header("www-authenticate")?.contains("insufficient_scope") == true)
      #expect(try await site.web.send("POST", "/auth/launch", body: "{}").status == 401)

      let token = try site.json(try await site.backendToken(site.assertion(), scope: IssuerScope.launch))
      let bearer = [("Authorization", "Bearer \(token["access_token"]?.string ?? "")")]
      for body in ["[]", "{\"patient\":\"a/b\"}", "{\"fhirContext\":{}}", "{\"fhirContext\":[{\"role\":\"x\"}]}"] {
        #expect(try await site.web.send("POST", "/auth/launch", headers: bearer, body: body).status == 400)
      }
      let other = try await site.web.send(
        "POST", "/auth/launch", headers: bearer, body: "{\"patient\":\"pt2\",\"user\":\"reader\"}")
      let visitor = Visitor(site)
      let handle = try site.json(other)["launch"]?.string ?? ""
      try await visitor.get("/auth/authorize?" + site.request(["launch": handle, "scope": "launch patient/*.rs"]))
      try await visitor.logIn("ada")
      #expect(try visitor.answer()["error"] == "access_denied")
      // A patient is launched into nobody else's record.
      let free = try await site.web.send("POST", "/auth/launch", headers: bearer, body: "{\"patient\":\"pt2\"}")
      let second = Visitor(site)
      let open = try site.json(free)["launch"]?.string ?? ""
      try await second.get("/auth/authorize?" + site.request(["launch": open, "scope": "launch patient/*.rs"]))
      try await second.logIn("pat")
      #expect(try second.answer()["error"] == "access_denied")
    }
  }

  @Test("an app with a secret, by the header and by the body; an app of the house asks nobody") func confidential()
    async throws
  {
    try await withSite { site in
      let visitor = Visitor(site)
      let query = site.request([
        "client_id": "web", "redirect_uri": Site.secretCallback, "scope": "openid profile user/*.rs",
        "code_challenge": nil, "code_challenge_method": nil,
      ])
      for method in ["header", "body"] {
        try await visitor.get("/auth/authorize?" + query)
        if method == "header" { try await visitor.logIn("ada") }
        let code = try visitor.answer(at: Site.secretCallback)["code"] ?? ""
        var fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", Site.secretCallback)]
        var headers: [(String, String)] = []
        if method == "header" {
          headers = [("Authorization", "Basic " + Base64.encode(Array("web:\(site.secret)".utf8)))]
        } else {
          fields += [("client_id", "web"), ("client_secret", site.secret)]
        }
        let reply = try await site.post("token", fields, headers: headers)
        #expect(reply.status == 200)
        let token = try site.json(reply)["access_token"]?.string ?? ""
        let info = try await site.web.send("GET", "/auth/userinfo", headers: [("Authorization", "Bearer \(token)")])
        let person = try site.json(info)
        #expect(person["sub"]?.string == "id-ada" && person["name"]?.string == "The ada")
        #expect(person["fhirUser"]?.string == site.service + "/Practitioner/p1")
      }
    }
  }

  @Test("backend services: client_credentials with private_key_jwt (SMART App Launch 2.2 §4)") func backend()
    async throws
  {
    try await withSite { site in
      let reply = try await site.backendToken(site.assertion(), scope: "system/*.cruds user/*.rs")
      let json = try site.json(reply)
      #expect(reply.status == 200 && json["expires_in"]?.integer == 300 && json["refresh_token"] == nil)
      #expect(json["scope"]?.string == "system/*.rs")
      let access = try await site.verifier(audience: site.service)
        .verify(Array((json["access_token"]?.string ?? "").utf8))
      #expect(try Principal(access).subject == "backend" && Principal(access).roles == ["FHIR Data Reader"])
      let refused = try await site.backendToken(site.assertion(), scope: "patient/*.rs")
      #expect(refused.status == 400)
      #expect(try site.json(refused)["error"]?.string == "invalid_scope")
    }
  }

  @Test("refresh tokens rotate, narrow and end") func refreshing() async throws {
    try await withSite { site in
      let first = try await site.tokens()
      let narrowed = try await site.refresh(first["refresh_token"]?.string ?? "", [("scope", "patient/*.r openid")])
      let second = try site.json(narrowed)
      #expect(narrowed.status == 200 && second["patient"]?.string == "pt1")
      #expect(second["scope"]?.string == "openid patient/*.r")
      // The next one may have all that was granted again (RFC 6749 §6).
      let third = try site.json(try await site.refresh(second["refresh_token"]?.string ?? ""))
      #expect(third["scope"]?.string?.contains("patient/*.rs") == true)
      let more = try await site.refresh(third["refresh_token"]?.string ?? "", [("scope", "patient/*.cruds")])
      #expect(try site.json(more)["error"]?.string == "invalid_scope")
      site.time.advance(seconds: 181 * 24 * 3600)
      let late = try await site.refresh(third["refresh_token"]?.string ?? "")
      #expect(late.status == 400)
      #expect(try site.json(late)["error"]?.string == "invalid_grant")
    }
  }

  @Test("online access ends with the session") func online() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + site.request(["scope": "openid user/*.rs online_access"]))
      try await visitor.logIn("ada")
      try await visitor.allow()
      let tokens = try site.json(try await site.exchange(try visitor.answer()["code"] ?? ""))
      let next = try site.json(try await site.refresh(tokens["refresh_token"]?.string ?? ""))
      #expect(next["access_token"] != nil)
      let hint = tokens["id_token"]?.string ?? ""
      let query = Form.encode([("id_token_hint", hint), ("post_logout_redirect_uri", "https://app.example/bye")])
      try await visitor.get("/auth/end_session?" + query)
      #expect(visitor.left == "https://app.example/bye")
      #expect(try await site.refresh(next["refresh_token"]?.string ?? "").status == 400)
      #expect(try await site.introspect(next["access_token"]?.string ?? "")["active"]?.bool == false)
      // And the browser is logged out.
      try await visitor.get("/auth/authorize?" + site.request())
      #expect(visitor.reply.text.contains("Log in"))
    }
  }

  @Test("introspection tells of tokens and their launch; revocation ends a grant (RFC 7662, RFC 7009)")
  func introspection() async throws {
    try await withSite { site in
      let tokens = try await site.tokens()
      let access = tokens["access_token"]?.string ?? ""
      let live = try await site.introspect(access)
      #expect(live["active"]?.bool == true && live["client_id"]?.string == "app")
      #expect(live["sub"]?.string == "id-ada" && live["patient"]?.string == "pt1")
      #expect(live["fhirUser"]?.string == site.service + "/Practitioner/p1")
      #expect(try await site.introspect(tokens["refresh_token"]?.string ?? "")["active"]?.bool == true)
      // RFC 7662 §2.2: nothing about a token that is none.
      let none = try await site.introspect("nonsense")
      #expect(none.count == 1 && none["active"]?.bool == false)
      #expect(try await site.introspect(tokens["id_token"]?.string ?? "")["active"]?.bool == false)

      let gone = try await site.post("revoke", [("token", access), ("client_id", "app")])
      #expect(gone.status == 200)
      #expect(try await site.introspect(access)["active"]?.bool == false)
      #expect(try await site.refresh(tokens["refresh_token"]?.string ?? "").status == 400)
      let info = try await site.web.send("GET", "/auth/userinfo", headers: [("Authorization", "Bearer \(access)")])
      #expect(info.status == 401 && info.header("www-authenticate")?.contains("invalid_token") == true)
      #expect(try await site.post("revoke", [("token", "nonsense"), ("client_id", "app")]).status == 200)
    }
  }

  @Test("prompt and max_age (OpenID Connect Core §3.1.2.1)") func prompts() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      let scope = "openid user/*.rs"
      try await visitor.get("/auth/authorize?" + site.request(["scope": scope, "prompt": "none"]))
      #expect(try visitor.answer()["error"] == "login_required")
      try await visitor.get("/auth/authorize?" + site.request(["scope": scope, "prompt": "login"]))
      try await visitor.logIn("ada")
      #expect(visitor.reply.text.contains("Allow access?"))
      try await visitor.get("/auth/authorize?" + site.request(["scope": scope, "prompt": "none"]))
      #expect(try visitor.answer()["error"] == "consent_required")
      try await visitor.get("/auth/authorize?" + site.request(["scope": scope, "prompt": "login"]))
      #expect(visitor.reply.text.contains("Log in"))
      site.time.advance(seconds: 100)
      try await visitor.get("/auth/authorize?" + site.request(["scope": scope, "max_age": "60"]))
      #expect(visitor.reply.text.contains("Log in"))
      try await visitor.get("/auth/authorize?" + site.request(["scope": scope, "max_age": "1000"]))
      #expect(visitor.reply.text.contains("Allow access?"))
    }
  }

  @Test("keys rotate; an old one is published until its last token has expired") func rotation() async throws {
    try await withSite { site in
      let old = try await site.tokens()["access_token"]?.string ?? ""
      let oldKey = try #require(try JWS(old).keyID)
      func published() async throws -> [String] {
        try JWKSet(try await site.web.send("GET", "/auth/jwks").body).keys.compactMap(\.id)
      }
      // A day before its turn the next key is published, and does not sign.
      site.time.advance(seconds: 89 * 24 * 3600 + 60)
      try await site.issuer.housekeep()
      #expect(try await published().count == 2)
      #expect(try await JWS(site.tokens()["access_token"]?.string ?? "").keyID == oldKey)
      site.time.advance(seconds: 24 * 3600)
      let last = try await site.tokens()["access_token"]?.string ?? ""
      #expect(try JWS(last).keyID != oldKey)
      // Tokens of the old key are good for an hour after its last signature.
      try await site.issuer.housekeep()
      #expect(try await published().contains(oldKey))
      site.time.advance(seconds: 3600 + 120)
      try await site.issuer.housekeep()
      #expect(try await !published().contains(oldKey))
    }
  }

  @Test("users and apps can be taken away at any time") func removal() async throws {
    try await withSite { site in
      let tokens = try await site.tokens()
      #expect(try await site.issuer.registry.removeAccount(name: "ada"))
      #expect(try await site.introspect(tokens["access_token"]?.string ?? "")["active"]?.bool == false)
      #expect(try await site.refresh(tokens["refresh_token"]?.string ?? "").status == 400)
      #expect(try await site.issuer.registry.removeApp("app"))
      let reply = try await site.web.send("GET", "/auth/authorize?" + site.request())
      #expect(reply.status == 400 && reply.header("location") == nil)
    }
  }

  @Test("pages of registered origins may call the token endpoint, others may not") func origins() async throws {
    try await withSite { site in
      let good = try await site.web.send(
        "OPTIONS", "/auth/token",
        headers: [("Origin", "https://app.example"), ("Access-Control-Request-Method", "POST")])
      #expect(good.status == 204 && good.header("access-control-allow-origin") == "https://app.example")
      let bad = try await site.web.send("OPTIONS", "/auth/token", headers: [("Origin", "https://evil.example")])
      #expect(bad.header("access-control-allow-origin") == nil)
      let page = try await site.web.send(
        "GET", "/auth/authorize?" + site.request(), headers: [("Origin", "https://app.example")])
      #expect(page.header("access-control-allow-origin") == nil)
      let keys = try await site.web.send("GET", "/auth/jwks", headers: [("Origin", "https://evil.example")])
      #expect(keys.header("access-control-allow-origin") == "*")
    }
  }
}
