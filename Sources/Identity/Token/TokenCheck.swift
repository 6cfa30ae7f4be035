public import Base
import JSONCore

/// What a token must say to be accepted, and by whom it must be signed: the rules of one issuer for one service.
public struct TokenCheck: Sendable {
  /// `iss`, byte by byte; more than one where an issuer writes its name in two ways (Entra's two versions do).
  public var issuers: Set<String>
  /// `aud`: one of the token's must be one of these.
  public var audiences: Set<String>
  /// The algorithms that are accepted, whatever the token says (RFC 8725 §3.1).
  public var algorithms: Set<SignatureAlgorithm> = [
    .rs256, .rs384, .rs512, .ps256, .ps384, .ps512, .es256, .es384, .edDSA,
  ]
  /// `typ` of access tokens (RFC 9068 §2.1, and what most issuers write), in lower case; a token without one is
  /// accepted. It keeps out identity tokens of issuers that name them, log-out tokens and proofs.
  public var types: Set<String> = ["jwt", "at+jwt"]
  /// How far the issuer's clock may be from ours, in seconds.
  public var skewSeconds = 60
  /// From `iat` to `exp`; nil for any.
  public var lifetimeSecondsMax: Int?
  /// Where the client's name is: the first that the token has counts.
  public var clientClaims = ["azp", "client_id", "appid"]
  /// The clients that are accepted; nil for all.
  public var clients: Set<String>?
  /// Claims that must be there.
  public var requiredClaims: [String] = []

  public init(issuers: Set<String>, audiences: Set<String>) {
    self.issuers = issuers
    self.audiences = audiences
  }

  /// What comes before the signature: it costs nothing and needs no keys.
  /// - Throws: `.algorithm`, `.type` or `.header`.
  public func checkHeader(_ token: JWS) throws(TokenError) {
    guard algorithms.contains(token.algorithm) else { throw TokenError(.algorithm) }
    guard token.keySetAddress == nil else { throw TokenError(.header, "jku") }
    if let type = token.type, !types.contains(type) { throw TokenError(.type) }
  }

  /// What comes after the signature.
  /// - Parameter certificateThumbprint: of the client's certificate, as `x5t#S256` has it (RFC 8705 §3.1), if the
  ///   connection has one.
  /// - Returns: when the token ends, without skew.
  /// - Throws: what is wrong first.
  public func checkClaims(
    _ claims: Claims, at now: Instant, certificateThumbprint: String? = nil
  ) throws(TokenError) -> Instant {
    guard let issuer = try claims.string("iss"), issuers.contains(issuer) else { throw TokenError(.issuer) }
    guard !audiences.isDisjoint(with: try claims.strings("aud")) else { throw TokenError(.audience) }
    let end = try TokenCheck.checkTimes(claims, at: now, skewSeconds: skewSeconds, lifetimeSecondsMax)
    if let clients {
      guard let client = try TokenCheck.first(clientClaims, of: claims), clients.contains(client) else {
        throw TokenError(.client)
      }
    }
    for name in requiredClaims where claims[name] == nil { throw TokenError(.claim, name) }
    try TokenCheck.checkBinding(claims, certificateThumbprint)
    return end
  }

  static func first(_ names: [String], of claims: Claims) throws(TokenError) -> String? {
    for name in names {
      if let text = try claims.string(name) { return text }
    }
    return nil
  }

  /// RFC 7519 §4.1.4 to §4.1.6.
  static func checkTimes(
    _ claims: Claims, at now: Instant, skewSeconds: Int, _ lifetimeSecondsMax: Int?
  ) throws(TokenError) -> Instant {
    let skew = Int64(clamping: skewSeconds) &* 1000
    guard let end = try claims.time("exp") else { throw TokenError(.claim, "exp") }
    guard now < end.advanced(byMilliseconds: skew) else { throw TokenError(.expired) }
    let start = try claims.time("nbf")
    let issued = try claims.time("iat")
    for moment in [start, issued] {
      if let moment, now.advanced(byMilliseconds: skew) < moment { throw TokenError(.notYetValid) }
    }
    if let lifetimeSecondsMax {
      let from = issued ?? start ?? now
      guard end.milliseconds - from.milliseconds <= Int64(clamping: lifetimeSecondsMax) &* 1000 else {
        throw TokenError(.lifetime)
      }
    }
    return end
  }

  /// A token that is bound to a key is worth nothing to whoever does not show that key (RFC 8705 §3, RFC 9449 §7).
  private static func checkBinding(_ claims: Claims, _ certificateThumbprint: String?) throws(TokenError) {
    guard let confirmation = claims["cnf"] else { return }
    guard confirmation.kind == .object, confirmation.count == 1,
      let thumbprint = confirmation["x5t#S256"]?.string, let certificateThumbprint,
      ConstantTime.equals(thumbprint, certificateThumbprint)
    else { throw TokenError(.binding) }
  }
}
