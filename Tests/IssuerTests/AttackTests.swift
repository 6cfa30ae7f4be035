import Base
import HTTPServer
import Identity
import Issuer
import JSONCore
import Testing

/// What RFC 9700 (OAuth security), RFC 6749 §10 and SMART warn of: a refusal for each.
@Suite struct AttackTests {
  @Test(
    "nobody is sent to an address that is not registered, byte by byte",
    arguments: [
      "https://evil.example/callback", "https://app.example/callback/", "https://app.example/callback?x=1",
      "https://app.example/Callback", "https://app.example.evil.example/callback", "http://app.example/callback",
      "https://app.example:443/callback", "https://app.example/callback#x", "https://app.example/a/../callback",
      "https://app.example@evil.example/callback", "javascript:alert(1)", "//evil.example/callback", "",
    ])
  func openRedirect(_ address: String) async throws {
    try await withSite { site in
      for changes in [["redirect_uri": address], ["redirect_uri": address, "response_type": "token"]] {
        let reply = try await site.web.send("GET", "/auth/authorize?" + site.request(changes))
        #expect(reply.status == 400 && reply.header("location") == nil)
        #expect(reply.text.contains("not registered"))
      }
      let twice = site.request() + "&redirect_uri=" + Form.encode(address)
      let reply = try await site.web.send("GET", "/auth/authorize?" + twice)
      #expect(reply.status == 400 && reply.header("location") == nil)
    }
  }

  @Test("an unknown app, or two of them, get a page and no redirection") func unknownApp() async throws {
    try await withSite { site in
      for query in [site.request(["client_id": "other"]), site.request() + "&client_id=web", ""] {
        let reply = try await site.web.send("GET", "/auth/authorize?" + query)
        #expect(reply.status == 400 && reply.header("location") == nil)
      }
    }
  }

  @Test(
    "wrong requests are told to the app, with the state",
    arguments: [
      (["response_type": "token"], "unsupported_response_type"), (["response_type": nil], "invalid_request"),
      (["scope": nil], "invalid_scope"), (["scope": "patient/Nothing!.rs"], "invalid_scope"),
      (["aud": nil], "invalid_request"), (["aud": "https://evil.example/fhir"], "invalid_target"),
      (["code_challenge": nil, "code_challenge_method": nil], "invalid_request"),
      (["code_challenge_method": "plain"], "invalid_request"), (["code_challenge_method": nil], "invalid_request"),
      (["code_challenge": "short"], "invalid_request"), (["request": "eyJ"], "request_not_supported"),
      (["request_uri": "https://evil.example/"], "request_uri_not_supported"),
      (["response_mode": "fragment"], "invalid_request"), (["prompt": "none login"], "invalid_request"),
      (["max_age": "-1"], "invalid_request"),
    ] as [([String: String?], String)])
  func wrongRequest(_ changes: [String: String?], _ error: String) async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + site.request(changes))
      let answer = try visitor.answer()
      #expect(answer["error"] == error && answer["state"] == "s t&te" && answer["iss"] == site.address)
    }
  }

  @Test("a parameter that stands there twice is refused (RFC 6749 §3.1)") func repeated() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + site.request() + "&scope=openid")
      #expect(try visitor.answer()["error"] == "invalid_request")
    }
  }

  @Test("a code is good once; a second use ends what came of the first (RFC 6749 §4.1.2)") func codeReplay()
    async throws
  {
    try await withSite { site in
      let code = try await site.code()
      let tokens = try site.json(try await site.exchange(code))
      let again = try await site.exchange(code)
      #expect(again.status == 400)
      #expect(try site.json(again)["error"]?.string == "invalid_grant")
      #expect(try await site.introspect(tokens["access_token"]?.string ?? "")["active"]?.bool == false)
      #expect(try await site.refresh(tokens["refresh_token"]?.string ?? "").status == 400)
    }
  }

  @Test("a code is good for a minute") func lateCode() async throws {
    try await withSite { site in
      let code = try await site.code()
      site.time.advance(seconds: 61)
      #expect(try await site.exchange(code).status == 400)
    }
  }

  @Test("a code needs its verifier, its redirect URI and its app") func codeBinding() async throws {
    try await withSite { site in
      let code = try await site.code()
      let other = String(Site.verifier.reversed())
      for changes in [
        ["code_verifier": nil], ["code_verifier": other], ["code_verifier": Site.challenge],
        ["redirect_uri": nil], ["redirect_uri": "https://app.example/other"],
      ] as [[String: String?]] {
        let reply = try await site.exchange(code, changes)
        #expect(reply.status == 400)
        #expect(try site.json(reply)["error"]?.string == "invalid_grant")
      }
      // Another app that found the code neither gets tokens nor spoils it.
      let stolen = try await site.post(
        "token",
        [
          ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", Site.callback),
          ("code_verifier", Site.verifier), ("client_id", "web"), ("client_secret", site.secret),
        ])
      #expect(try site.json(stolen)["error"]?.string == "invalid_grant")
      #expect(try await site.exchange(code).status == 200)
    }
  }

  @Test("a verifier without a challenge is a downgrade (RFC 9700 §4.8.2)") func downgrade() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      try await visitor.get(
        "/auth/authorize?"
          + site.request([
            "client_id": "web", "redirect_uri": Site.secretCallback, "scope": "openid user/*.rs",
            "code_challenge": nil, "code_challenge_method": nil,
          ]))
      try await visitor.logIn("ada")
      let code = try visitor.answer(at: Site.secretCallback)["code"] ?? ""
      let fields = [
        ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", Site.secretCallback),
        ("client_id", "web"), ("client_secret", site.secret),
      ]
      #expect(try await site.post("token", fields + [("code_verifier", Site.verifier)]).status == 400)
      #expect(try await site.post("token", fields).status == 200)
    }
  }

  @Test("an app authenticates as it is registered, and in one way") func clientMixUp() async throws {
    try await withSite { site in
      let code = try await site.code()
      // A public app with a secret, an app with a secret without it, an app with keys by a secret.
      let wrong: [[String: String?]] = [
        ["client_secret": "x"], ["client_id": "web"], ["client_id": "backend", "client_secret": "x"],
        ["client_id": "nobody"], ["client_id": nil],
      ]
      for changes in wrong {
        let reply = try await site.exchange(code, changes)
        #expect(reply.status == 401)
        #expect(try site.json(reply)["error"]?.string == "invalid_client")
      }
      let basic = [("Authorization", "Basic " + Base64.encode(Array("web:wrong".utf8)))]
      let refused = try await site.post("token", [("grant_type", "client_credentials")], headers: basic)
      #expect(refused.status == 401 && refused.header("www-authenticate")?.hasPrefix("Basic") == true)
      let both = try await site.post(
        "token", [("grant_type", "client_credentials"), ("client_id", "web"), ("client_secret", site.secret)],
        headers: [("Authorization", "Basic " + Base64.encode(Array("web:\(site.secret)".utf8)))])
      #expect(both.status == 400)
      // Parameters in the address are read by nobody.
      let inAddress = try await site.web.send(
        "POST", "/auth/token?client_id=web&client_secret=\(site.secret)&grant_type=client_credentials",
        headers: [("Content-Type", "application/x-www-form-urlencoded")], body: "")
      #expect(inAddress.status == 400)
    }
  }

  @Test("a refresh token that is used twice ends the grant (RFC 9700 §4.14.2)") func refreshReuse() async throws {
    try await withSite { site in
      let tokens = try await site.tokens()
      let first = tokens["refresh_token"]?.string ?? ""
      let next = try site.json(try await site.refresh(first))
      let again = try await site.refresh(first)
      #expect(try again.status == 400 && site.json(again)["error"]?.string == "invalid_grant")
      #expect(try await site.refresh(next["refresh_token"]?.string ?? "").status == 400)
      #expect(try await site.introspect(next["access_token"]?.string ?? "")["active"]?.bool == false)
    }
  }

  @Test("a refresh token is its app's") func foreignRefresh() async throws {
    try await withSite { site in
      let token = try await site.tokens()["refresh_token"]?.string ?? ""
      let stolen = try await site.post(
        "token",
        [
          ("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "web"),
          ("client_secret", site.secret),
        ])
      #expect(try site.json(stolen)["error"]?.string == "invalid_grant")
      #expect(
        try await site.post("revoke", [("token", token), ("client_id", "web"), ("client_secret", site.secret)])
          .status == 200)
      #expect(try await site.refresh(token).status == 200)
    }
  }

  @Test("tricks with assertions are refused (RFC 7523 §3, RFC 8725)") func assertions() async throws {
    try await withSite { site in
      let good = try site.assertion()
      #expect(try await site.backendToken(good).status == 200)
      // The same again: its jti was used.
      let replayed = try await site.backendToken(good)
      #expect(try replayed.status == 401 && site.json(replayed)["error"]?.string == "invalid_client")

      let parts = try site.assertion().split(separator: ".").map(String.init)
      func header(_ text: String) -> String { Base64URL.encode(Array(text.utf8)) }
      let stranger = try PrivateKey.generate(.p384)
      let claims = try #require(Base64URL.decode(parts[1]))
      let tricks: [String] = [
        header(#"{"alg":"none"}"#) + "." + parts[1] + ".",
        header(#"{"alg":"HS256","kid":"k1"}"#) + "." + parts[1] + "." + parts[2],
        header(#"{"alg":"ES384","kid":"k1","jwk":{"kty":"EC"}}"#) + "." + parts[1] + "." + parts[2],
        header(#"{"alg":"ES384","kid":"../k1"}"#) + "." + parts[1] + "." + parts[2],
        header(#"{"alg":"ES384","kid":"k1","crit":["x"],"x":1}"#) + "." + parts[1] + "." + parts[2],
        parts[0] + "." + parts[1] + "." + Base64URL.encode([UInt8](repeating: 0, count: 96)),
        try JWS.sign(claims, stranger, .es384, keyID: "k1"),
        try site.assertion { $0["aud"] = "https://other.example/token" }, try site.assertion { $0["sub"] = "app" },
        try site.assertion { $0["iss"] = "web" }, try site.assertion { $0["jti"] = nil },
        try site.assertion(seconds: -60), try site.assertion(seconds: 3600), "a.b.c", "",
      ]
      for trick in tricks {
        let reply = try await site.backendToken(trick)
        #expect(reply.status == 401, "\(trick)")
        #expect(try site.json(reply)["error"]?.string == "invalid_client")
      }
    }
  }

  @Test("a form counts with the cookie and the token of its own page only") func crossSite() async throws {
    try await withSite { site in
      let victim = Visitor(site)
      try await victim.get("/auth/authorize?" + site.request(["scope": "openid user/*.rs"]))
      try await victim.logIn("ada")
      let consent = try #require(victim.forms.first { $0.value("step") == "consent" })
      let target = "/auth/" + consent.action
      let fields = consent.fields + [("decision", "allow")]
      func post(_ fields: [(String, String)], cookies: [String: String], target: String) async throws -> Reply {
        let cookie = cookies.map { "\($0.key)=\($0.value)" }.joined()
        return try await site.web.send(
          "POST", target,
          headers: [("Cookie", cookie), ("Content-Type", "application/x-www-form-urlencoded")],
          body: Form.encode(fields))
      }
      // Without the token, with one of another page, of another browser, or for another request.
      #expect(try await post(fields.filter { $0.0 != "token" }, cookies: victim.cookies, target: target).status == 403)
      let attacker = Visitor(site)
      try await attacker.get("/auth/authorize?" + site.request(["scope": "openid user/*.rs"]))
      let theirs = attacker.forms[0].value("token") ?? ""
      let forged = fields.map { $0.0 == "token" ? ($0.0, theirs) : $0 }
      #expect(try await post(forged, cookies: victim.cookies, target: target).status == 403)
      #expect(try await post(fields, cookies: attacker.cookies, target: target).status == 403)
      let wider = "/auth/authorize?" + site.request(["scope": "openid user/*.cruds"])
      #expect(try await post(fields, cookies: victim.cookies, target: wider).status == 403)
      #expect(try await post(fields, cookies: victim.cookies, target: target).status == 303)
    }
  }

  @Test("logging in gives a new session: one that somebody planted is worth nothing") func fixation() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + site.request(["scope": "openid user/*.rs"]))
      let planted = visitor.cookies
      try await visitor.logIn("ada")
      #expect(visitor.cookies != planted)
      let attacker = Visitor(site)
      attacker.cookies = planted
      try await attacker.get("/auth/authorize?" + site.request(["scope": "openid user/*.rs"]))
      #expect(attacker.reply.text.contains("Log in"))
    }
  }

  @Test("a patient who was not offered cannot be chosen, nor somebody else's scopes be consented to")
  func tampering() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + site.request())
      try await visitor.logIn("ada")
      let form = try #require(visitor.forms.first { $0.buttons.contains { $0.value == "pt1" } })
      try await visitor.post("/auth/" + form.action, form.fields + [("patient", "pt9")])
      #expect(visitor.reply.status == 403)
      try await visitor.get("/auth/authorize?" + site.request())
      try await visitor.choosePatient("pt1")
      let consent = try #require(visitor.forms.first { $0.value("step") == "consent" })
      // Neither another patient, nor this one under another's name.
      for (name, value) in [("patient", "pt9"), ("label", "Somebody else")] {
        let other = consent.fields.map { $0.0 == name ? ($0.0, value) : $0 }
        try await visitor.post("/auth/" + consent.action, other + [("decision", "allow")])
        #expect(visitor.reply.status == 403)
      }
      try await visitor.get("/auth/authorize?" + site.request())
      try await visitor.choosePatient("pt1")
      try await visitor.submit(
        "consent", [("decision", "allow"), ("scope", "user/*.cruds"), ("scope", "patient/*.rs")])
      let tokens = try site.json(try await site.exchange(try visitor.answer()["code"] ?? ""))
      #expect(tokens["scope"]?.string?.contains("user/") == false)
    }
  }

  @Test("who is neither a clinician nor allowed to search sees no patients") func picker() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + site.request())
      try await visitor.logIn("nobody")
      #expect(try visitor.answer()["error"] == "access_denied")
      #expect(!visitor.reply.text.contains("Amy"))
    }
  }

  @Test("guessing passwords is slowed down by name and by address") func bruteForce() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + site.request())
      for _ in 0..<5 {
        try await visitor.logIn("ada", "wrong password")
        #expect(visitor.reply.status == 403 && visitor.reply.text.contains("wrong"))
      }
      // The sixth is not heard, right as it may be.
      try await visitor.logIn("ada")
      #expect(visitor.reply.status == 429 && visitor.reply.header("retry-after") != nil)
      site.time.advance(seconds: 2)
      try await visitor.logIn("ada", "wrong password")
      #expect(visitor.reply.status == 403)
      // Now it takes longer.
      site.time.advance(seconds: 1)
      try await visitor.logIn("ada")
      #expect(visitor.reply.status == 429)
      // Others log in from the same address.
      try await visitor.logIn("reader")
      #expect(visitor.reply.text.contains("Choose a patient"))
      site.time.advance(seconds: 3)
      let later = Visitor(site)
      try await later.get("/auth/authorize?" + site.request())
      try await later.logIn("ada")
      #expect(later.reply.text.contains("Choose a patient"))
    }
  }

  @Test("many names from one address are slowed down as well, also by unknown names") func spraying() async throws {
    try await withSite({ $0.throttle.perAddressFree = 8 }) { site in
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + site.request())
      for number in 0..<8 {
        try await visitor.logIn("user\(number)", "Password1")
        #expect(visitor.reply.status == 403)
        #expect(visitor.reply.text.contains("The name or the password is wrong."))
      }
      try await visitor.logIn("ada")
      #expect(visitor.reply.status == 429)
    }
  }

  @Test("pages can be framed by nobody, run nothing, and are kept by nobody") func headers() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + site.request(["login_hint": "\"><script>alert(1)</script>"]))
      let policies = visitor.reply.headers.filter { $0.name.lowercased() == "content-security-policy" }.map(\.value)
      #expect(
        policies == [
          "default-src 'none'; style-src 'self'; form-action 'self' https://app.example; frame-ancestors 'none'; "
            + "base-uri 'none'"
        ])
      #expect(visitor.reply.header("cache-control") == "no-store")
      #expect(visitor.reply.header("referrer-policy") == "no-referrer")
      #expect(visitor.reply.header("x-frame-options") == "DENY")
      #expect(!visitor.reply.text.contains("<script"))
      let cookie = visitor.reply.header("set-cookie") ?? ""
      #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/auth"))
      #expect(!cookie.contains("Secure"))
    }
  }

  @Test("with TLS the cookie is secure and bound to the host") func secureCookie() async throws {
    try await withSite({ $0.address = "https://data.example/auth" }) { site in
      let reply = try await site.web.send("GET", "/auth/authorize?" + site.request())
      let cookie = reply.header("set-cookie") ?? ""
      #expect(cookie.hasPrefix("__Host-aceso-session=") && cookie.contains("; Secure") && cookie.contains("; Path=/;"))
    }
  }

  @Test("somebody else's page does not log a user out") func logoutCrossSite() async throws {
    try await withSite { site in
      let visitor = Visitor(site)
      try await visitor.get("/auth/authorize?" + site.request(["scope": "openid user/*.rs"]))
      try await visitor.logIn("ada")
      let back = [("post_logout_redirect_uri", "https://evil.example/"), ("client_id", "app")]
      try await visitor.get("/auth/end_session?" + Form.encode(back))
      #expect(visitor.reply.text.contains("Log out?") && visitor.left == nil)
      try await visitor.get("/auth/authorize?" + site.request(["scope": "openid user/*.rs"]))
      #expect(visitor.reply.text.contains("Allow access?"))
      try await visitor.get("/auth/end_session?" + Form.encode(back))
      try await visitor.submit("logout", [])
      #expect(visitor.left == nil && visitor.reply.text.contains("You are logged out"))
      try await visitor.get("/auth/authorize?" + site.request(["scope": "openid user/*.rs"]))
      #expect(visitor.reply.text.contains("Log in"))
    }
  }

  @Test("introspection needs an app of its own and shows others' tokens to nobody else") func introspecting()
    async throws
  {
    try await withSite { site in
      let access = try await site.tokens()["access_token"]?.string ?? ""
      #expect(try await site.post("introspect", [("token", access), ("client_id", "app")]).status == 401)
      #expect(try await site.post("introspect", [("token", access)]).status == 401)
      let other = try await site.post(
        "introspect", [("token", access), ("client_id", "web"), ("client_secret", site.secret)])
      #expect(try site.json(other)["active"]?.bool == false)
    }
  }

  @Test("tokens in addresses are read by nobody (RFC 9700 §4.3.2)") func tokenInAddress() async throws {
    try await withSite { site in
      let access = try await site.tokens()["access_token"]?.string ?? ""
      let reply = try await site.web.send("GET", "/auth/userinfo?access_token=\(access)")
      #expect(reply.status == 401 && reply.header("www-authenticate")?.contains("error") == false)
    }
  }

  @Test(
    "what is no form, or too much of one, is refused",
    arguments: [
      "grant_type=%zz", "grant_type=%00", String(repeating: "a=b&", count: 401), String(repeating: "a", count: 65_537),
    ])
  func badForms(_ body: String) async throws {
    try await withSite { site in
      let reply = try await site.web.send(
        "POST", "/auth/token", headers: [("Content-Type", "application/x-www-form-urlencoded")], body: body)
      #expect(try reply.status == 400 && site.json(reply)["error"]?.string == "invalid_request")
      let json = try await site.web.send(
        "POST", "/auth/token", headers: [("Content-Type", "application/json")], body: "{}")
      #expect(json.status == 400)
    }
  }
}
