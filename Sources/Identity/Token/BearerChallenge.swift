/// The `WWW-Authenticate` header of a 401 or 403 (RFC 6750 §3), with the members that Microsoft's server adds.
public struct BearerChallenge: Sendable, Equatable {
  public enum Error: String, Sendable {
    case invalidRequest = "invalid_request"
    case invalidToken = "invalid_token"
    case insufficientScope = "insufficient_scope"
  }

  /// Where a client gets a token, and for what.
  public var authorizationAddress: String?
  public var resource: String?
  public var realm: String?
  public var error: Error?
  public var errorDescription: String?
  /// The scopes that would do.
  public var scope: String?

  public init(authorizationAddress: String? = nil, resource: String? = nil, realm: String? = nil) {
    self.authorizationAddress = authorizationAddress
    self.resource = resource
    self.realm = realm
  }

  /// The answer to a token that is not accepted.
  public func refusing(_ error: TokenError) -> BearerChallenge {
    var challenge = self
    challenge.error = .invalidToken
    challenge.errorDescription = error.message
    return challenge
  }

  /// The header's value. Characters that RFC 6750 does not allow inside the quotes become spaces, so that nothing
  /// ends the value or the header.
  public var header: String {
    let members: [(String, String?)] = [
      ("authorization_uri", authorizationAddress), ("resource_id", resource), ("realm", realm),
      ("error", error?.rawValue), ("error_description", errorDescription), ("scope", scope),
    ]
    let parts = members.compactMap { name, value in value.map { "\(name)=\"\(BearerChallenge.quotable($0))\"" } }
    return parts.isEmpty ? "Bearer" : "Bearer " + parts.joined(separator: ", ")
  }

  private static func quotable(_ text: String) -> String {
    let bytes = text.utf8.map { byte in
      byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") ? byte : 0x20
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
