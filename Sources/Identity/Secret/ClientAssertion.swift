public import Base

/// Authentication of a client by a token it signed itself: `private_key_jwt` (OpenID Connect Core §9, RFC 7523 §3) with
/// the rules of SMART App Launch 2 for asymmetric authentication and backend services.
public struct ClientAssertion: Sendable {
  /// The only `client_assertion_type`.
  public static let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

  /// `aud`: the token endpoint's address, in all spellings that clients know it by.
  public var audiences: Set<String>
  /// SMART asks for RS384 and ES384.
  public var algorithms: Set<SignatureAlgorithm> = [.rs384, .es384]
  /// SMART: no more than five minutes.
  public var lifetimeSecondsMax = 300
  public var skewSeconds = 30
  /// Bytes of `jti`.
  public static let idBytesMax = 512

  public init(audiences: Set<String>) { self.audiences = audiences }

  /// The client that an assertion says it is from: to look up its keys, not to be believed.
  public static func claimedClient(_ assertion: JWS) throws(TokenError) -> String {
    guard let client = try assertion.claims().string("sub"), !client.isEmpty else { throw TokenError(.claim, "sub") }
    return client
  }

  /// Checks an assertion.
  /// - Parameters:
  ///   - client: the registered client, whose keys these are.
  ///   - keySetAddress: where the client has its keys; a `jku` must be the same, and is never fetched.
  /// - Throws: the first thing wrong.
  public func check(
    _ assertion: JWS, client: String, keys: KeySource, keySetAddress: String? = nil, replays: ReplayCache,
    at now: Instant
  ) async throws(TokenError) {
    guard algorithms.contains(assertion.algorithm) else { throw TokenError(.algorithm) }
    if let address = assertion.keySetAddress, address != keySetAddress { throw TokenError(.header, "jku") }
    if let type = assertion.type, type != "jwt", type != "client-authentication+jwt" { throw TokenError(.type) }
    let claims = try assertion.claims()
    guard try claims.string("iss") == client else { throw TokenError(.issuer) }
    guard try claims.string("sub") == client else { throw TokenError(.claim, "sub") }
    try assertion.verify(try await keys.candidates(id: assertion.keyID, assertion.algorithm))
    guard !audiences.isDisjoint(with: try claims.strings("aud")) else { throw TokenError(.audience) }
    let end = try TokenCheck.checkTimes(claims, at: now, skewSeconds: skewSeconds, nil)
    let skew = Int64(clamping: skewSeconds) &* 1000
    guard end.milliseconds - now.milliseconds <= Int64(clamping: lifetimeSecondsMax) &* 1000 &+ skew else {
      throw TokenError(.lifetime)
    }
    guard let id = try claims.string("jti"), !id.isEmpty, id.utf8.count <= ClientAssertion.idBytesMax else {
      throw TokenError(.claim, "jti")
    }
    // Last, so that only what the client really signed takes a place.
    try replays.use(id, of: client, until: end.advanced(byMilliseconds: skew), at: now)
  }
}
