public import Base
public import Identity

/// Whose tokens a service takes and what they allow: the value that a mount has. Without one the service asks nobody
/// who they are.
public struct ServiceAccess: Sendable {
  /// The first is the one that clients are told of.
  public var issuers: [TrustedIssuer]
  /// `aud` for issuers without audiences of their own. The service's address is none by itself: what a token is for
  /// must not depend on a header.
  public var audiences: [String]
  /// Roles, scopes and what they mean.
  public var settings: AccessSettings
  /// Gets what is at an address, for discovery and key sets.
  public var fetch: KeySource.Fetch
  public var clock = Clock.system
  /// A verified token is taken for this long without being verified again, and no longer than it says itself.
  public var tokenSecondsMax = 300
  /// The capabilities that `.well-known/smart-configuration` names; nil for those that Azure's service names.
  public var smartCapabilities: [String]?

  /// - Parameters:
  ///   - fetch: nil for the server's own client, which reaches `https` and, on this machine, `http`.
  public init(
    issuers: [TrustedIssuer], audiences: [String], settings: AccessSettings = AccessSettings(),
    fetch: KeySource.Fetch? = nil
  ) {
    self.issuers = issuers
    self.audiences = audiences
    self.settings = settings
    self.fetch = fetch ?? KeyFetcher.standard
  }
}
