import Base
import HTTPServer
import Identity

/// Which app it is that asks (RFC 6749 §2.3, RFC 7523 §2.2).
extension Issuer {
  /// What an app shows.
  private enum Credentials {
    case none(id: String)
    case secret(id: String, String)
    case assertion(JWS)
  }

  /// The app of a request, by the one way it is registered for.
  /// - Parameter allowsPublic: whether an app that can keep no secret is good enough.
  /// - Throws: `.invalidClient`, the same for all that is wrong about it, or `.invalidRequest`.
  func client(_ exchange: Exchange, _ form: FormFields, allowsPublic: Bool) async throws -> App {
    switch try credentials(exchange, form) {
    case .none(let id):
      guard allowsPublic, let app = try await registry.app(id), app.authentication == .none else {
        throw Self.refusal
      }
      return app
    case .secret(let id, let secret):
      // By app and address: who guesses locks out nobody but themselves.
      let name = id + " " + exchange.client
      if let seconds = apps.begin(name: name, address: exchange.client, at: clock.now()) {
        throw OAuthError(.temporarilyUnavailable, "Too many attempts.", retryAfterSeconds: seconds)
      }
      guard let app = try await registry.app(id), case .secret(let own) = app.authentication,
        try await work.run({ own.matches(secret) })
      else { throw Self.refusal }
      apps.succeeded(name: name, address: exchange.client)
      return app
    case .assertion(let token): return try await client(by: token, form)
    }
  }

  static let refusal = OAuthError(.invalidClient, "The app is not known, or could not be authenticated.")

  /// What the request shows, which must be in one place only (RFC 6749 §2.3: no more than one method).
  private func credentials(_ exchange: Exchange, _ form: FormFields) throws(OAuthError) -> Credentials {
    if let name = form.repeated(except: ["resource"]) {
      throw OAuthError(.invalidRequest, "The parameter \(name.prefix(64).filter(\.isLetter)) is there more than once.")
    }
    let header = exchange.request.headers.values("authorization")
    let ways = [!header.isEmpty, form["client_secret"] != nil, form["client_assertion"] != nil].count { $0 }
    guard ways <= 1, header.count <= 1 else {
      throw OAuthError(.invalidRequest, "An app authenticates in one way only.")
    }
    if let line = header.first {
      guard let (id, secret) = Self.basic(line) else { throw Self.refusal }
      if let named = form["client_id"], named != id {
        throw OAuthError(.invalidRequest, "The parameter client_id names another app.")
      }
      return .secret(id: id, secret)
    }
    if let assertion = form["client_assertion"] {
      guard form["client_assertion_type"] == ClientAssertion.type else {
        throw OAuthError(.invalidRequest, "The only client_assertion_type is \(ClientAssertion.type).")
      }
      guard let token = try? JWS(assertion) else { throw Self.refusal }
      return .assertion(token)
    }
    guard let id = form["client_id"] else { throw Self.refusal }
    if let secret = form["client_secret"] { return .secret(id: id, secret) }
    return .none(id: id)
  }

  /// RFC 7617 with RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
  private static func basic(_ line: String) -> (String, String)? {
    let parts = line.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "basic", let bytes = Base64.decode(String(parts[1])),
      let colon = bytes.firstIndex(of: UInt8(ascii: ":")), let id = FormFields.decode(bytes[..<colon]),
      let secret = FormFields.decode(bytes[(colon + 1)...]), !id.isEmpty, !secret.isEmpty
    else { return nil }
    return (id, secret)
  }

  /// SMART App Launch 2.2 §5: what a client's key signed.
  private func client(by token: JWS, _ form: FormFields) async throws -> App {
    guard let claimed = try? ClientAssertion.claimedClient(token), form["client_id"] ?? claimed == claimed,
      let app = try await registry.app(claimed), case .keys(let keys) = app.authentication
    else { throw Self.refusal }
    let check = ClientAssertion(audiences: [configuration.address + "/token", configuration.address])
    do throws(TokenError) {
      try await check.check(
        token, client: app.id, keys: KeySource(fixed: keys), replays: replays, at: clock.now())
    } catch {
      // Only whoever has the key gets as far as most of these; the others learn that a check failed.
      throw OAuthError(.invalidClient, "The client assertion is not accepted: \(error.message)")
    }
    return app
  }
}
