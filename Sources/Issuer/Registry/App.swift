public import Identity

/// An app that may ask for tokens: a client (RFC 6749 §2).
public struct App: Sendable, Equatable {
  /// How it proves to be itself (RFC 6749 §2.1, SMART App Launch 2.2 §2.0.2).
  public enum Authentication: Sendable, Equatable {
    /// It cannot keep a secret: PKCE is all there is.
    case none
    case secret(ClientSecret)
    /// `private_key_jwt`: the public keys, as a JSON Web Key Set.
    case keys(JWKSet)
  }

  /// `client_id`
  public var id: String
  /// For the consent page.
  public var name: String
  public var authentication: Authentication
  /// Where codes may be sent; compared byte by byte.
  public var redirectURIs: [String]
  /// Where a browser may go after logging out.
  public var logoutURIs: [String]
  /// The most it can be granted.
  public var scopes: SMARTScopes
  /// Roles of its own, for tokens without a user.
  public var roles: [String]
  /// Whether users are not asked for their consent: an app of the house.
  public var isTrusted: Bool

  static let idBytesMax = 128
  static let addressesMax = 20
  static let addressBytesMax = 2048

  /// - Throws: `RegistryError` for what is no id, name, address, or not possible together.
  public init(
    id: String, name: String? = nil, authentication: Authentication, redirectURIs: [String] = [],
    logoutURIs: [String] = [], scopes: SMARTScopes, roles: [String] = [], isTrusted: Bool = false
  ) throws(RegistryError) {
    guard (1...Self.idBytesMax).contains(id.utf8.count), id.utf8.allSatisfy(Self.isIDByte) else {
      throw RegistryError("an app's id has 1 to \(Self.idBytesMax) letters, digits and any of . _ - ~")
    }
    guard RegistryError.isShown(name ?? id) else {
      throw RegistryError("an app's name has 1 to 200 bytes and no control characters")
    }
    guard redirectURIs.count <= Self.addressesMax, logoutURIs.count <= Self.addressesMax else {
      throw RegistryError("an app has at most \(Self.addressesMax) addresses")
    }
    for address in redirectURIs + logoutURIs { try Self.check(address) }
    if authentication == .none, redirectURIs.isEmpty {
      throw RegistryError("an app without secret or keys needs a redirect URI")
    }
    if authentication == .none, scopes.contexts.contains(.system) {
      throw RegistryError("an app without secret or keys cannot have system scopes")
    }
    if case .keys(let keys) = authentication, keys.keys.isEmpty {
      throw RegistryError("the key set has no key that can be used")
    }
    for role in roles where !RegistryError.isShown(role) {
      throw RegistryError("a role's name has 1 to 200 bytes and no control characters")
    }
    self.id = id
    self.name = name ?? id
    self.authentication = authentication
    self.redirectURIs = redirectURIs
    self.logoutURIs = logoutURIs
    self.scopes = scopes
    self.roles = roles
    self.isTrusted = isTrusted
  }

  private static func isIDByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "._-~".utf8.contains(byte)
    }
  }

  /// Where a browser may be sent: `https`; `http` on this machine only; or a scheme of an app's own with a point in it
  /// (RFC 8252 §7.1). Never a fragment (RFC 6749 §3.1.2).
  private static func check(_ address: String) throws(RegistryError) {
    let shown = address.prefix(200)
    guard address.utf8.count <= addressBytesMax,
      address.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"#\"<>\\^`{|}".utf8.contains($0) })
    else { throw RegistryError("'\(shown)' is no address without fragment") }
    if OpenIDConfiguration.isFetchable(address, allowsLoopback: true) { return }
    let scheme = address.prefix { $0 != ":" }
    guard scheme.utf8.count < address.utf8.count, scheme.contains("."), scheme.utf8.first.map(isLetter) == true,
      scheme.utf8.allSatisfy({ isLetter($0) || (48...57).contains($0) || "+-.".utf8.contains($0) })
    else {
      throw RegistryError("'\(shown)' is neither https, http on this machine, nor a scheme such as org.example.app:")
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }

  /// The origin of an address as a browser sends it, and as a Content-Security-Policy names it; a scheme with its colon
  /// for those of apps.
  static func origin(of address: String) -> String {
    for scheme in ["https://", "http://"] where address.hasPrefix(scheme) {
      return scheme + address.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" }.lowercased()
    }
    return address.prefix { $0 != ":" }.lowercased() + ":"
  }

  /// As `token_endpoint_auth_method` names them (RFC 7591 §2).
  public var methodName: String {
    switch authentication {
    case .none: "none"
    case .secret: "client_secret"
    case .keys: "private_key_jwt"
    }
  }
}
