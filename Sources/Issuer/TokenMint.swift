import Base
import Identity
import JSONCore

/// Makes tokens.
extension Issuer {
  /// An access token (RFC 9068) of a grant.
  /// - Parameters:
  ///   - scopes: the grant's, or some of them.
  ///   - account: whoever gave the grant.
  func accessToken(
    _ grant: Grant, _ scopes: SMARTScopes, app: App, account: Account?, seconds: Int
  ) async throws -> String {
    let now = clock.now().milliseconds / 1000
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("iss", configuration.address)
    writer.member("sub", account?.id ?? app.id)
    if grant.audiences.count == 1, let audience = grant.audiences.first {
      writer.member("aud", audience)
    } else {
      Self.write(grant.audiences, "aud", to: &writer)
    }
    writer.member("iat", Int(now))
    writer.member("exp", Int(now) + seconds)
    writer.member("jti", try SecureRandom.text(byteCount: 16))
    writer.member("client_id", app.id)
    writer.member("grant", grant.id)
    writer.member("scope", scopes.text)
    let roles = account?.roles ?? app.roles
    if !roles.isEmpty { Self.write(roles, "roles", to: &writer) }
    if let account {
      writer.member("preferred_username", account.name)
      if let fhirUser = fhirUser(account, grant) { writer.member("fhirUser", fhirUser) }
    }
    if let patient = grant.context.patient { writer.member("patient", patient) }
    if let encounter = grant.context.encounter { writer.member("encounter", encounter) }
    writer.endObject()
    return try await sign(writer.bytes, type: "at+jwt")
  }

  /// An identity token (OpenID Connect Core §2) for the app.
  /// - Parameter nonce: of the request; nil where the token comes of a refresh.
  func identityToken(
    _ grant: Grant, _ scopes: SMARTScopes, app: App, account: Account, nonce: String?
  ) async throws -> String {
    let now = clock.now().milliseconds / 1000
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("iss", configuration.address)
    writer.member("sub", account.id)
    writer.member("aud", app.id)
    writer.member("iat", Int(now))
    writer.member("exp", Int(now) + configuration.accessTokenSeconds)
    writer.member("auth_time", Int(grant.authenticated.milliseconds / 1000))
    if let nonce { writer.member("nonce", nonce) }
    describe(account, scopes, grant, to: &writer)
    writer.endObject()
    return try await sign(writer.bytes, type: "JWT")
  }

  /// What an app may know of whoever logged in.
  func describe(_ account: Account, _ scopes: SMARTScopes, _ grant: Grant, to writer: inout JSONWriter) {
    if scopes.hasFHIRUser || scopes.hasProfile, let fhirUser = fhirUser(account, grant) {
      writer.member("fhirUser", fhirUser)
    }
    if scopes.hasProfile {
      writer.member("preferred_username", account.name)
      if let name = account.displayName { writer.member("name", name) }
      if let fhirUser = fhirUser(account, grant) { writer.member("profile", fhirUser) }
    }
  }

  /// The address of whoever logged in (SMART App Launch 2.2 §3.0.6: absolute, or relative to the service).
  private func fhirUser(_ account: Account, _ grant: Grant) -> String? {
    guard let text = account.fhirUser, let user = FHIRUser(text) else { return nil }
    guard user.base == nil, let audience = grant.audiences.first, audience != configuration.address else { return text }
    return (audience.last == "/" ? String(audience.dropLast()) : audience) + "/" + user.reference
  }

  private func sign(_ payload: [UInt8], type: String) async throws -> String {
    let key = try await keys.signing()
    return try JWS.sign(payload, key.key, SigningKeys.algorithm, keyID: key.id, type: type)
  }

  /// An access token of ours as it came back, with the grant it came of.
  struct OwnToken: Sendable {
    let claims: Claims
    let grant: Grant
    let scopes: SMARTScopes
    let expires: Instant
  }

  /// Reads an access token that is good now.
  /// - Returns: nil for any other: another issuer's, expired, revoked, an identity token.
  func ownToken(_ text: String) async throws -> OwnToken? {
    var check = TokenCheck(issuers: [configuration.address], audiences: [])
    check.types = ["at+jwt"]
    check.algorithms = [SigningKeys.algorithm]
    check.skewSeconds = 0
    guard let token = try? JWS(text), (try? check.checkHeader(token)) != nil, token.type == "at+jwt",
      (try? token.verify(try await keys.published())) != nil, let claims = try? token.claims(),
      let audiences = try? claims.strings("aud")
    else { return nil }
    check.audiences = Set(audiences)
    guard let expires = try? check.checkClaims(claims, at: clock.now()), let id = try? claims.string("grant"),
      let scopes = try? SMARTScopes(claims.string("scope") ?? ""), let grant = try await grants.grant(id)
    else { return nil }
    return OwnToken(claims: claims, grant: grant, scopes: scopes, expires: expires)
  }
}
