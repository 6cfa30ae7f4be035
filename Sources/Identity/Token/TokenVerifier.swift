public import Base
import JSONCore

/// A token that was checked: whatever it claims, a known issuer has said it, for this service, for this time.
public struct VerifiedToken: Sendable {
  public let claims: Claims
  /// `iss`
  public let issuer: String
  /// The app: the first of the check's client claims that the token has.
  public let client: String?
  /// When it ends, without skew.
  public let expires: Instant
  /// `typ`, in lower case.
  public let type: String?
  /// The certificate it is bound to (`cnf`/`x5t#S256`, RFC 8705), nil if to none.
  public let certificateThumbprint: String?
}

/// Checks access tokens of any number of issuers.
///
/// What the token says of its issuer only chooses whose rules and keys it is checked with; an issuer that is not known
/// is refused without asking anyone, and no address in a token is ever fetched.
public final class TokenVerifier: Sendable {
  /// An issuer's rules and keys. An issuer may have several, for several audiences or apps.
  public struct Issuer: Sendable {
    public let check: TokenCheck
    public let keys: KeySource

    public init(_ check: TokenCheck, _ keys: KeySource) {
      self.check = check
      self.keys = keys
    }
  }

  private let issuers: [String: [Issuer]]
  private let clock: Clock

  public init(_ issuers: [Issuer], clock: Clock = .system) {
    var table: [String: [Issuer]] = [:]
    for issuer in issuers {
      for name in issuer.check.issuers { table[name, default: []].append(issuer) }
    }
    self.issuers = table
    self.clock = clock
  }

  /// Checks a token: its form, its issuer, its signature, its claims, in this order.
  /// - Parameter certificateThumbprint: of the client's certificate (`x5t#S256`), if the connection has one.
  /// - Throws: the first thing wrong; where an issuer has several rules, what is wrong by the last of them.
  public func verify(_ token: [UInt8], certificateThumbprint: String? = nil) async throws(TokenError) -> VerifiedToken {
    let token = try JWS(token)
    let claims = try token.claims()
    guard let name = try claims.string("iss"), let candidates = issuers[name] else { throw TokenError(.issuer) }
    var failure = TokenError(.issuer)
    for issuer in candidates {
      do {
        return try await verify(token, claims, issuer, certificateThumbprint)
      } catch {
        failure = error
      }
    }
    throw failure
  }

  private func verify(
    _ token: JWS, _ claims: Claims, _ issuer: Issuer, _ certificateThumbprint: String?
  ) async throws(TokenError) -> VerifiedToken {
    try issuer.check.checkHeader(token)
    try token.verify(try await issuer.keys.candidates(id: token.keyID, token.algorithm))
    let expires = try issuer.check.checkClaims(
      claims, at: clock.now(), certificateThumbprint: certificateThumbprint)
    return VerifiedToken(
      claims: claims, issuer: try claims.string("iss") ?? "",
      client: try TokenCheck.first(issuer.check.clientClaims, of: claims), expires: expires, type: token.type,
      certificateThumbprint: claims["cnf"]?["x5t#S256"]?.string)
  }
}
