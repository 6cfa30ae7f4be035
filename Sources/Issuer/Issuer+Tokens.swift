import Base
import HTTPServer
import Identity
import JSONCore

/// What is done with tokens after they were given: revocation, introspection, userinfo, launches, logging out.
extension Issuer {
  // MARK: Revocation (RFC 7009)

  /// Whatever token of a grant is revoked, the whole grant is: its refresh tokens, and its access tokens wherever they
  /// are asked for.
  func revoke(_ exchange: Exchange) async throws -> HTTPResponse {
    do {
      guard let form = form(exchange) else {
        throw OAuthError(.invalidRequest, "The body is no form (application/x-www-form-urlencoded).")
      }
      let app = try await client(exchange, form, allowsPublic: true)
      guard let token = form["token"] else { throw OAuthError(.invalidRequest, "The parameter token is missing.") }
      if let found = try await grants.grantID(refreshToken: token), found.app == app.id {
        try await grants.revoke(grant: found.grant)
      } else if let own = try await ownToken(token), own.grant.app == app.id {
        try await grants.revoke(grant: own.grant.id)
      }
      // RFC 7009 §2.2: a token that is none is as good as revoked; so is another app's, for whoever asks.
      return HTTPResponse(status: 200, headers: [("Cache-Control", "no-store")])
    } catch let error as OAuthError {
      return Self.refusal(error, exchange)
    }
  }

  // MARK: Introspection (RFC 7662)

  func introspect(_ exchange: Exchange) async throws -> HTTPResponse {
    do {
      guard let form = form(exchange) else {
        throw OAuthError(.invalidRequest, "The body is no form (application/x-www-form-urlencoded).")
      }
      let app = try await client(exchange, form, allowsPublic: false)
      guard let token = form["token"] else { throw OAuthError(.invalidRequest, "The parameter token is missing.") }
      let seesAll = app.scopes.others.contains(IssuerScope.introspect)
      var writer = JSONWriter()
      writer.beginObject()
      if let own = try await ownToken(token), seesAll || own.grant.app == app.id,
        try await isLive(own.grant)
      {
        writeClaims(own, to: &writer)
      } else if let (grant, expires) = try await grants.grant(refreshToken: token), seesAll || grant.app == app.id,
        try await isLive(grant)
      {
        writer.member("active", true)
        writer.member("token_type", "refresh_token")
        writer.member("client_id", grant.app)
        writer.member("scope", grant.scopes.text)
        writer.member("exp", Int(expires.milliseconds / 1000))
      } else {
        // RFC 7662 §2.2: nothing about why.
        writer.member("active", false)
      }
      writer.endObject()
      return Self.secret(writer.bytes)
    } catch let error as OAuthError {
      return Self.refusal(error, exchange)
    }
  }

  /// Whether whoever gave the grant is still a user.
  private func isLive(_ grant: Grant) async throws -> Bool {
    guard let account = grant.account else { return true }
    return try await registry.account(id: account) != nil
  }

  private func writeClaims(_ own: OwnToken, to writer: inout JSONWriter) {
    writer.member("active", true)
    writer.member("token_type", "Bearer")
    if let name = own.claims["preferred_username"]?.string { writer.member("username", name) }
    for (name, value) in own.claims.json.members where name != "grant" && name != "preferred_username" {
      writer.key(name)
      writer.raw(value.json)
    }
    if let list = own.grant.context.fhirContext {
      writer.key("fhirContext")
      writer.raw(list.utf8)
    }
  }

  // MARK: Userinfo (OpenID Connect Core §5.3)

  func userinfo(_ exchange: Exchange) async throws -> HTTPResponse {
    do throws(OAuthError) {
      let own = try await bearer(exchange)
      guard own.scopes.hasOpenID, let id = own.grant.account,
        let account = try? await registry.account(id: id)
      else { throw OAuthError(.insufficientScope, "The token was not granted openid.") }
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("sub", account.id)
      describe(account, own.scopes, own.grant, to: &writer)
      writer.endObject()
      return Self.secret(writer.bytes)
    } catch {
      return challenge(error, scope: "openid")
    }
  }

  /// The access token of a request, from its header only (RFC 9700 §4.3.2: never from an address).
  private func bearer(_ exchange: Exchange) async throws(OAuthError) -> OwnToken {
    let lines = exchange.request.headers.values("authorization")
    guard let line = lines.first else { throw OAuthError(.invalidToken, "") }
    let parts = line.split(separator: " ")
    guard lines.count == 1, parts.count == 2, parts[0].lowercased() == "bearer" else {
      throw OAuthError(.invalidRequest, "The Authorization field holds no bearer token.")
    }
    do {
      guard let own = try await ownToken(String(parts[1])) else {
        throw OAuthError(.invalidToken, "The token is not valid.")
      }
      return own
    } catch let error as OAuthError {
      throw error
    } catch {
      throw OAuthError.unavailable
    }
  }

  /// RFC 6750 §3: an error is told only of a request that shows a token.
  private func challenge(_ error: OAuthError, scope: String) -> HTTPResponse {
    var challenge = BearerChallenge(realm: configuration.address)
    if !error.message.isEmpty {
      challenge.error = BearerChallenge.Error(rawValue: error.code.rawValue)
      challenge.errorDescription = error.message
      if error.code == .insufficientScope { challenge.scope = scope }
    }
    return HTTPResponse(
      status: error.status, headers: [("WWW-Authenticate", challenge.header), ("Cache-Control", "no-store")])
  }

  // MARK: Launches

  /// An EHR tells what an app is to be launched with, and gets the handle for the app's launch URL. Body: JSON with
  /// `patient`, `encounter`, `fhirContext`, `need_patient_banner`, `intent`, `smart_style_url`, `tenant`, and, to bind
  /// the launch, `client_id` and `user`.
  func launch(_ exchange: Exchange) async throws -> HTTPResponse {
    let own: OwnToken
    do throws(OAuthError) {
      own = try await bearer(exchange)
      guard own.scopes.others.contains(IssuerScope.launch) else {
        throw OAuthError(.insufficientScope, "The token was not granted \(IssuerScope.launch).")
      }
    } catch {
      return challenge(error, scope: IssuerScope.launch)
    }
    guard let json = try? JSONDocument(exchange.request.body.bytes).value, json.kind == .object else {
      throw OAuthError(.invalidRequest, "The body is no JSON object.")
    }
    var launch = GrantStore.Launch(context: try LaunchContext(json))
    if let value = json["client_id"] {
      guard let id = value.string, try await registry.app(id) != nil else {
        throw OAuthError(.invalidRequest, "The member client_id names no app.")
      }
      launch.app = id
    }
    if let value = json["user"] {
      guard let name = value.string, let account = try await registry.account(name: name) else {
        throw OAuthError(.invalidRequest, "The member user names no user.")
      }
      launch.account = account.id
    }
    let handle = try SecureRandom.text(byteCount: 32)
    try await grants.add(launch, handle: handle, seconds: configuration.launchSeconds)
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("launch", handle)
    writer.member("expires_in", configuration.launchSeconds)
    writer.endObject()
    var response = Self.secret(writer.bytes)
    response.status = 201
    return response
  }

  // MARK: Logging out (OpenID Connect RP-Initiated Logout 1.0)

  func endSession(_ exchange: Exchange) async throws -> HTTPResponse {
    let isPost = exchange.request.method == .post
    guard let fields = isPost ? form(exchange) : FormFields(exchange.query.utf8), fields.repeated() == nil else {
      return Page.failure("The address cannot be read.")
    }
    let browser = Browser(exchange.request, isSecure: configuration.isSecure)
    var session: (account: String, authenticated: Instant)?
    if let browser { session = try await grants.session(browser.hash) }
    let hint = try await hinted(fields["id_token_hint"])
    let back = try await returnAddress(fields, hint)
    if let browser, let session {
      // Somebody else's page must not log a user out: an app shows the identity token it has of them, else they are
      // asked.
      let isMeant = hint?.subject == session.account || (isPost && browser.isToken(fields["token"], "logout"))
      guard isMeant else { return try logoutPage(browser, fields, back) }
      try await grants.endSession(browser.hash)
    }
    var response: HTTPResponse
    if let back {
      let state = fields["state"].map { [(name: "state", value: $0)] } ?? []
      response = Self.see(state.isEmpty ? back : FormFields(state).added(to: back))
    } else {
      var page = Page("You are logged out")
      page.paragraph("You can close this page.")
      response = page.response()
    }
    response.headers.append(Browser.noCookie(isSecure: configuration.isSecure, path: cookiePath))
    return response
  }

  private func logoutPage(
    _ browser: Browser, _ fields: FormFields, _ back: String?
  ) throws(KeyError) -> HTTPResponse {
    var page = Page("Log out?")
    page.form(action: "end_session", step: "logout", token: try browser.token("logout"))
    for name in ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"] {
      if let value = fields[name] { page.hidden(name, value) }
    }
    page.button("Log out")
    page.endForm()
    return page.response(formTargets: back.map { [App.origin(of: $0)] } ?? [])
  }

  /// Whose identity token an app shows; it may have expired.
  private func hinted(_ token: String?) async throws -> (subject: String, app: String)? {
    guard let token, let jws = try? JWS(token), jws.type == "jwt",
      (try? jws.verify(try await keys.published())) != nil, let claims = try? jws.claims(),
      (try? claims.string("iss")) == configuration.address, let subject = try? claims.string("sub"),
      let app = try? claims.strings("aud").first
    else { return nil }
    return (subject, app)
  }

  /// Where the browser goes then: only to an address that is registered for the app that asks.
  private func returnAddress(_ fields: FormFields, _ hint: (subject: String, app: String)?) async throws -> String? {
    guard let address = fields["post_logout_redirect_uri"], let id = hint?.app ?? fields["client_id"],
      fields["client_id"] ?? id == id, let app = try await registry.app(id), app.logoutURIs.contains(address)
    else { return nil }
    return address
  }
}
