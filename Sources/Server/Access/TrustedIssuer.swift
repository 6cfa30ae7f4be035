public import Identity

/// An OpenID Connect issuer whose tokens a service takes.
public struct TrustedIssuer: Sendable {
  /// Where its keys come from.
  public enum Keys: Sendable {
    /// From the issuer's own description at `{url}/.well-known/openid-configuration`.
    case discovery
    /// From a key set at this address.
    case address(String)
    /// These, which never change.
    case fixed(JWKSet)
    /// Kept by somebody else, such as the issuer inside this server.
    case source(KeySource)
  }

  /// Where an issuer does what, for clients who ask the service (`.well-known/smart-configuration`, `metadata`). What
  /// is nil is looked up in the issuer's own description.
  public struct Endpoints: Sendable, Equatable {
    public var authorization: String?
    public var token: String?
    public var introspection: String?
    public var management: String?
    public var revocation: String?
    public var registration: String?
    public var keySet: String?

    public init() {}
  }

  /// `iss`, and where the issuer describes itself.
  public var url: String
  /// Other spellings of `iss` that its tokens may have (Entra's two versions write two).
  public var otherNames: Set<String> = []
  /// `aud`: one of a token's must be one of these; empty for the service's own audiences.
  public var audiences: [String] = []
  public var algorithms: Set<SignatureAlgorithm> = TrustedIssuer.standardAlgorithms
  public var keys: Keys
  /// The names of the claims that say who asks and what they may.
  public var claims = ClaimNames()
  /// The apps whose tokens are taken; nil for all.
  public var clients: Set<String>?
  /// Claims that its tokens must have.
  public var requiredClaims: [String] = []
  /// How far its clock may be from ours.
  public var skewSeconds = 60
  public var endpoints = Endpoints()
  /// Asked at every request whether a token that was good when it was verified still is: for revocation. It must cost
  /// little. Without it a verified token is good for `ServiceAccess.tokenSecondsMax`.
  public var isStillGood: (@Sendable (Principal) -> Bool)?

  public static let standardAlgorithms: Set<SignatureAlgorithm> = [
    .rs256, .rs384, .rs512, .ps256, .ps384, .ps512, .es256, .es384, .edDSA,
  ]

  public init(url: String, keys: Keys = .discovery) {
    self.url = url
    self.keys = keys
  }
}
