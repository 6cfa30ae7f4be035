import Base
import HTTPServer
import Identity
import JSONCore

/// The token endpoint (RFC 6749 §3.2).
extension Issuer {
  func token(_ exchange: Exchange) async throws -> HTTPResponse {
    do {
      guard let form = form(exchange) else {
        throw OAuthError(.invalidRequest, "The body is no form (application/x-www-form-urlencoded).")
      }
      // RFC 6749 §2.3.1: credentials and codes are never in an address, which others keep.
      guard exchange.query.isEmpty else {
        throw OAuthError(.invalidRequest, "The parameters are in the body, not in the address.")
      }
      switch form["grant_type"] {
      case "authorization_code": return try await exchangeCode(exchange, form)
      case "refresh_token": return try await refresh(exchange, form)
      case "client_credentials": return try await clientCredentials(exchange, form)
      case nil: throw OAuthError(.invalidRequest, "The parameter grant_type is missing.")
      default:
        throw OAuthError(
          .unsupportedGrantType, "A grant_type is authorization_code, refresh_token or client_credentials.")
      }
    } catch let error as OAuthError {
      return Self.refusal(error, exchange)
    }
  }

  /// RFC 6749 §5.2: an app that tried by the header is told which scheme there is.
  static func refusal(_ error: OAuthError, _ exchange: Exchange) -> HTTPResponse {
    var response = error.response
    if error.code == .invalidClient, exchange.request.header("authorization") != nil {
      response.headers.append(("WWW-Authenticate", "Basic realm=\"aceso\", charset=\"UTF-8\""))
    }
    return response
  }

  // MARK: Codes

  private func exchangeCode(_ exchange: Exchange, _ form: FormFields) async throws -> HTTPResponse {
    let app = try await client(exchange, form, allowsPublic: true)
    guard let code = form["code"] else { throw OAuthError(.invalidRequest, "The parameter code is missing.") }
    let (redirectURI, verifier) = (form["redirect_uri"], form["code_verifier"])
    let lifetime = Int64(configuration.accessTokenSeconds) * 1000
    let redeemed = try await grants.redeem(
      code: code, app: app.id, keepsUntil: clock.now().advanced(byMilliseconds: lifetime)
    ) { row in
      guard redirectURI == row.redirectURI else { return false }
      // A verifier without a challenge shows a request from which somebody took the challenge (RFC 9700 §4.8.2).
      guard let challenge = row.challenge else { return verifier == nil }
      return verifier.map { PKCE.verifies($0, challenge: challenge) } ?? false
    }
    guard case .good(let row) = redeemed, let account = try await account(of: row.grant) else {
      throw OAuthError(
        .invalidGrant, "The code is not known, was used, has expired, or does not fit redirect_uri or code_verifier.")
    }
    var refreshToken: String?
    if row.grant.scopes.hasOfflineAccess || row.grant.scopes.hasOnlineAccess {
      let token = try SecureRandom.text(byteCount: 32)
      try await grants.addRefreshToken(token, of: row.grant.id, until: refreshEnd)
      refreshToken = token
    }
    return try await answer(
      row.grant, row.grant.scopes, app: app, account: account, nonce: row.nonce, refreshToken: refreshToken)
  }

  private var refreshEnd: Instant {
    clock.now().advanced(byMilliseconds: Int64(configuration.refreshTokenSeconds) * 1000)
  }

  private func account(of grant: Grant) async throws -> Account? {
    guard let id = grant.account else { return nil }
    return try await registry.account(id: id)
  }

  // MARK: Refresh tokens

  private func refresh(_ exchange: Exchange, _ form: FormFields) async throws -> HTTPResponse {
    let app = try await client(exchange, form, allowsPublic: true)
    guard let token = form["refresh_token"] else {
      throw OAuthError(.invalidRequest, "The parameter refresh_token is missing.")
    }
    var wanted: SMARTScopes?
    if form["scope"] != nil {
      let scopes = try AuthorizationRequest.scopes(form["scope"])
      // Before the token is used up: a wish for too much costs nothing but an error.
      guard let grant = try await grants.grant(refreshToken: token)?.grant, grant.app == app.id,
        scopes.isSubset(of: grant.scopes)
      else {
        if try await grants.grant(refreshToken: token) != nil {
          throw OAuthError(.invalidScope, "A refresh cannot ask for more than was granted.")
        }
        return try await rotate(token, app, nil)
      }
      wanted = scopes
    }
    return try await rotate(token, app, wanted)
  }

  private func rotate(_ token: String, _ app: App, _ wanted: SMARTScopes?) async throws -> HTTPResponse {
    let successor = try SecureRandom.text(byteCount: 32)
    let rotated = try await grants.rotate(token, app: app.id, to: successor, until: refreshEnd)
    guard case .good(let grant) = rotated, let account = try await account(of: grant) else {
      throw OAuthError(.invalidGrant, "The refresh token is not known, was used, was revoked, or has expired.")
    }
    // What the app is registered for, or the user's roles, may be less by now.
    let limits = ScopeGrants(configuration.roles)
    let scopes = limits.granted(wanted ?? grant.scopes, app: app, account: account)
    guard scopes != SMARTScopes() else { throw OAuthError(.invalidScope, "Nothing is left of what was granted.") }
    return try await answer(grant, scopes, app: app, account: account, nonce: nil, refreshToken: successor)
  }

  // MARK: Apps by themselves

  /// RFC 6749 §4.4; SMART App Launch 2.2 §4, backend services.
  private func clientCredentials(_ exchange: Exchange, _ form: FormFields) async throws -> HTTPResponse {
    let app = try await client(exchange, form, allowsPublic: false)
    let asked = try AuthorizationRequest.scopes(form["scope"])
    let scopes = ScopeGrants(configuration.roles).granted(asked, app: app)
    guard scopes != SMARTScopes() else {
      throw OAuthError(.invalidScope, "None of the scopes can be granted to this app.")
    }
    var audiences = configuration.audiences + [configuration.address]
    let named = form.all("resource") + form.all("audience")
    if !named.isEmpty {
      audiences = named.compactMap { configuration.audience($0) }
      guard audiences.count == named.count else {
        throw OAuthError(.invalidTarget, "A resource is not the base of a service of this server.")
      }
    }
    let seconds = configuration.backendTokenSeconds
    let now = clock.now()
    let grant = Grant(
      id: try SecureRandom.text(byteCount: 16), app: app.id, account: nil, scopes: scopes, audiences: audiences,
      context: LaunchContext(), session: nil, authenticated: now)
    try await grants.add(grant, until: now.advanced(byMilliseconds: Int64(seconds) * 1000))
    let token = try await accessToken(grant, scopes, app: app, account: nil, seconds: seconds)
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("access_token", token)
    writer.member("token_type", "Bearer")
    writer.member("expires_in", seconds)
    writer.member("scope", scopes.text)
    writer.endObject()
    return Self.secret(writer.bytes)
  }

  // MARK: The answer

  private func answer(
    _ grant: Grant, _ scopes: SMARTScopes, app: App, account: Account, nonce: String?, refreshToken: String?
  ) async throws -> HTTPResponse {
    let seconds = configuration.accessTokenSeconds
    let token = try await accessToken(grant, scopes, app: app, account: account, seconds: seconds)
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("access_token", token)
    writer.member("token_type", "Bearer")
    writer.member("expires_in", seconds)
    writer.member("scope", scopes.text)
    if let refreshToken { writer.member("refresh_token", refreshToken) }
    if scopes.hasOpenID {
      writer.member("id_token", try await identityToken(grant, scopes, app: app, account: account, nonce: nonce))
    }
    grant.context.write(to: &writer)
    writer.endObject()
    return Self.secret(writer.bytes)
  }

  /// JSON that nobody may keep.
  static func secret(_ bytes: [UInt8]) -> HTTPResponse {
    HTTPResponse(
      status: 200,
      headers: [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Pragma", "no-cache")],
      body: .bytes(bytes))
  }
}
