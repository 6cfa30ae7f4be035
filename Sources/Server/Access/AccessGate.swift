import Base
import HTTPServer
import Identity

/// The gate of one service: a request's token becomes a caller, or the request goes no further.
final class AccessGate: Sendable {
  /// Why a request goes no further: a fault, and what `WWW-Authenticate` says with it.
  struct Refusal: Error {
    let fault: Fault
    var challenge: BearerChallenge?
  }

  private let access: ServiceAccess
  private let verifier: TokenVerifier
  private let known: TokenCache<Caller>
  private let settings: AccessSettings
  let smart: SMARTConfiguration

  /// - Parameter isType: types of the service's FHIR release, which scopes may name.
  init(_ access: ServiceAccess, isType: @escaping @Sendable (String) -> Bool = { _ in true }) {
    self.access = access
    var settings = access.settings
    settings.isType = isType
    self.settings = settings
    verifier = TokenVerifier(access.issuers.map { Self.rules(of: $0, access) }, clock: access.clock)
    known = TokenCache(secondsMax: access.tokenSecondsMax)
    smart = SMARTConfiguration(access)
  }

  private static func rules(of issuer: TrustedIssuer, _ access: ServiceAccess) -> TokenVerifier.Issuer {
    let names = issuer.otherNames.union([issuer.url])
    var check = TokenCheck(
      issuers: names, audiences: Set(issuer.audiences.isEmpty ? access.audiences : issuer.audiences))
    check.algorithms = issuer.algorithms
    check.clients = issuer.clients
    check.requiredClaims = issuer.requiredClaims
    check.skewSeconds = issuer.skewSeconds
    var keys = KeySource.Settings()
    keys.allowsLoopback = true
    let source =
      switch issuer.keys {
      case .fixed(let set): KeySource(fixed: set)
      case .source(let source): source
      case .address(let address):
        KeySource(.keySet(address), settings: keys, clock: access.clock, fetch: access.fetch)
      case .discovery:
        KeySource(
          .discovery(issuer: issuer.url, names: names), settings: keys, clock: access.clock, fetch: access.fetch)
      }
    return TokenVerifier.Issuer(check, source)
  }

  // MARK: Who asks

  /// The caller of a request.
  ///
  /// A token that was seen before costs a look-up. Only the header is looked at: tokens in addresses are refused,
  /// tokens in bodies are not read (RFC 6750 §2.2 and §2.3, RFC 9700 §4.3.2).
  func caller(_ request: HTTPRequest) async throws(Refusal) -> Caller {
    try refuseTokenInAddress(request.target)
    guard var header = request.header("authorization") else { throw unauthenticated(nil) }
    guard request.headers.count(of: "authorization") == 1 else {
      throw Refusal(fault: Fault(.invalid, "The request has more than one Authorization header.", code: "structure"))
    }
    let now = access.clock.now()
    let found = header.withUTF8 { bytes -> (token: [UInt8], caller: Caller?)? in
      guard let start = Self.tokenStart(bytes) else { return nil }
      let token = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start...])
      if let caller = known.value(for: token, at: now) { return ([], caller) }
      // What is too long is not even copied.
      return (Array(token.prefix(JWS.bytesMax + 1)), nil)
    }
    guard let found else { throw unauthenticated(nil) }
    let caller: Caller
    if let cached = found.caller {
      caller = cached
    } else {
      caller = try await verified(found.token, now)
    }
    guard caller.isGood else { throw unauthenticated(TokenError(.revoked)) }
    return caller
  }

  /// Where the token begins behind `Bearer` (RFC 9110 §11.4: the scheme's case does not matter).
  private static func tokenStart(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
    let scheme = "bearer ".utf8
    guard bytes.count > scheme.count, zip(bytes, scheme).allSatisfy({ $0 | 0x20 == $1 }) else { return nil }
    var start = scheme.count
    while start < bytes.count, bytes[start] == 0x20 { start += 1 }
    return start < bytes.count ? start : nil
  }

  private func verified(_ token: [UInt8], _ now: Instant) async throws(Refusal) -> Caller {
    let epoch = known.epoch
    let verified: VerifiedToken
    let principal: Principal
    let issuer: TrustedIssuer?
    do throws(TokenError) {
      verified = try await verifier.verify(token)
      issuer = self.issuer(of: verified)
      principal = try Principal(verified, issuer?.claims ?? ClaimNames())
    } catch {
      throw unauthenticated(error)
    }
    let caller = try makeCaller(principal, issuer)
    known.insert(caller, for: token, expires: verified.expires, at: now, epoch: epoch)
    return caller
  }

  private func makeCaller(_ principal: Principal, _ issuer: TrustedIssuer?) throws(Refusal) -> Caller {
    do throws(AccessError) {
      let rules = try AccessRules(principal, settings)
      return Caller(principal, rules, isStillGood: issuer?.isStillGood)
    } catch {
      // As Microsoft's server: the token is good, but what it asks for makes no sense.
      throw Refusal(fault: Fault(.invalid, error.message))
    }
  }

  /// The issuer by whose rules a token was taken: an issuer may stand here several times, for several audiences.
  private func issuer(of token: VerifiedToken) -> TrustedIssuer? {
    let own = access.issuers.filter { $0.url == token.issuer || $0.otherNames.contains(token.issuer) }
    guard own.count > 1 else { return own.first }
    let audiences = (try? token.claims.strings("aud")) ?? []
    let fitting = own.first { issuer in
      let wanted = issuer.audiences.isEmpty ? access.audiences : issuer.audiences
      guard audiences.contains(where: { wanted.contains($0) }) else { return false }
      guard let clients = issuer.clients else { return true }
      return token.client.map { clients.contains($0) } ?? false
    }
    return fitting ?? own.first
  }

  // MARK: Refusals

  private func unauthenticated(_ error: TokenError?) -> Refusal {
    let audience = access.audiences.first ?? access.issuers.first?.audiences.first
    var challenge = BearerChallenge(
      authorizationAddress: smart.authorizationAddress, resource: audience, realm: audience)
    guard let error else {
      return Refusal(fault: Fault(.unauthenticated, "Authentication failed."), challenge: challenge)
    }
    if error.isTemporary {
      return Refusal(fault: Fault(.unavailable, error.message))
    }
    challenge = challenge.refusing(error)
    return Refusal(fault: Fault(.unauthenticated, "Authentication failed. \(error.message)"), challenge: challenge)
  }

  /// The challenge that goes with a 403 (RFC 6750 §3.1).
  var insufficientScope: BearerChallenge {
    var challenge = BearerChallenge(realm: access.audiences.first ?? access.issuers.first?.audiences.first)
    challenge.error = .insufficientScope
    return challenge
  }

  /// Addresses are written into logs, histories and referrers everywhere on their way: a token in one is lost.
  private func refuseTokenInAddress(_ target: String) throws(Refusal) {
    guard Self.holdsToken(target) else { return }
    var challenge = BearerChallenge()
    challenge.error = .invalidRequest
    challenge.errorDescription = "Tokens belong into the Authorization header."
    throw Refusal(
      fault: Fault(.invalid, "The address holds an access token. Tokens belong into the Authorization header."),
      challenge: challenge)
  }

  /// Whether an address has a parameter `access_token`, or a JWT anywhere: what begins as every JSON header does in
  /// base64url (`{"`), and has two full stops.
  static func holdsToken(_ target: String) -> Bool {
    let bytes = target.utf8
    guard bytes.count > 12 else { return false }
    if let query = bytes.firstIndex(of: UInt8(ascii: "?")) {
      for pair in bytes[bytes.index(after: query)...].split(separator: UInt8(ascii: "&")) {
        if pair.starts(with: "access_token=".utf8) || pair.starts(with: "access%5Ftoken=".utf8) { return true }
      }
    }
    guard bytes.contains(UInt8(ascii: "e")), target.contains("eyJ") else { return false }
    return bytes.split(whereSeparator: { "/?&=,;".utf8.contains($0) }).contains { part in
      part.count >= 32 && part.starts(with: "eyJ".utf8) && part.count { $0 == UInt8(ascii: ".") } == 2
    }
  }
}
