/// Why a token is not accepted.
///
/// `message` is for the caller and fits `error_description` of RFC 6750 §3; `description` is for logs. Neither holds
/// anything the token says: a token in a log is a key under the mat, and its claims name people.
public struct TokenError: Error, Sendable, Equatable {
  public enum Code: String, Sendable, CaseIterable {
    /// Not three parts of strict base64url with JSON objects.
    case malformed
    case tooLarge
    /// A header that asks for what is never done: `crit`, embedded keys, addresses of keys.
    case header
    /// An algorithm that is not pinned: `none`, HMAC, and any other.
    case algorithm
    /// A type of token (`typ`) that is no access token.
    case type
    case unknownKey
    case signature
    /// The issuer's keys cannot be had at the moment: no fault of the token.
    case keysUnavailable
    case issuer
    case audience
    case expired
    case notYetValid
    /// Lives longer than the rules allow.
    case lifetime
    case client
    case claim
    /// Bound to a certificate or key that the caller did not show.
    case binding
    case replayed
    /// Too many to remember: refused until some have expired.
    case busy
    case revoked
  }

  public let code: Code
  /// The claim's or header's name, as the standard or the configuration names it; never its value.
  public let name: String?

  public init(_ code: Code, _ name: String? = nil) {
    self.code = code
    self.name = name
  }

  /// For the caller.
  public var message: String {
    switch code {
    case .malformed: "The token is malformed."
    case .tooLarge: "The token is too large."
    case .header: "The token's header parameter \(name ?? "") is not accepted."
    case .algorithm: "The token's signature algorithm is not accepted."
    case .type: "The token is of another type."
    case .unknownKey: "The token's signing key is unknown."
    case .signature: "The token's signature is invalid."
    case .keysUnavailable: "The keys of the token's issuer are not available at the moment."
    case .issuer: "The token's issuer is not accepted."
    case .audience: "The token is for another audience."
    case .expired: "The token has expired."
    case .notYetValid: "The token is not valid yet."
    case .lifetime: "The token lives longer than is accepted."
    case .client: "The token's client is not accepted."
    case .claim: "The token's claim \(name ?? "") is missing or malformed."
    case .binding: "The token is bound to a key that was not presented."
    case .replayed: "The token was used before."
    case .busy: "Too many tokens are in use at the moment."
    case .revoked: "The token was revoked."
    }
  }

  /// Whether it may be accepted later without having changed: an answer of 503 rather than 401.
  public var isTemporary: Bool { code == .keysUnavailable || code == .busy }
}

extension TokenError: CustomStringConvertible {
  /// The code and the name of what was wrong: safe to log.
  public var description: String { "TokenError(\(code.rawValue)\(name.map { " \($0)" } ?? ""))" }
}
