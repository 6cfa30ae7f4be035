import JSONCore

/// Why an issuer's description cannot be used.
public struct DiscoveryError: Error, Sendable, Equatable {
  public enum Code: String, Sendable { case malformed, tooLarge, issuer, address }
  public let code: Code
  /// For whoever configured the issuer.
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

extension DiscoveryError: CustomStringConvertible {
  /// The code alone: safe to log.
  public var description: String { "DiscoveryError(\(code.rawValue))" }
}

/// What an issuer says of itself (OpenID Connect Discovery 1.0 §3, RFC 8414 §2), as far as it is used.
public struct OpenIDConfiguration: Sendable, Equatable {
  public let issuer: String
  public let keySetAddress: String
  public let authorizationEndpoint: String?
  public let tokenEndpoint: String?
  public let introspectionEndpoint: String?
  public let revocationEndpoint: String?
  public let managementEndpoint: String?
  public let registrationEndpoint: String?
  public let scopesSupported: [String]

  public static let bytesMax = 256 * 1024
  static let addressBytesMax = 2048

  /// Where an issuer describes itself (OpenID Connect Discovery 1.0 §4).
  public static func address(ofIssuer issuer: String) -> String {
    var issuer = issuer
    while issuer.last == "/" { issuer.removeLast() }
    return issuer + "/.well-known/openid-configuration"
  }

  /// - Parameters:
  ///   - expected: the names the issuer may have; one must be the description's own, a slash at the end apart, so that
  ///     one issuer's description cannot stand for another's (OpenID Connect Discovery 1.0 §4.3).
  ///   - allowsLoopback: whether `http` is good enough for an issuer on this machine.
  public init(_ bytes: [UInt8], expected: Set<String>, allowsLoopback: Bool = false) throws(DiscoveryError) {
    guard bytes.count <= OpenIDConfiguration.bytesMax else {
      throw DiscoveryError(.tooLarge, "The issuer's description is too large.")
    }
    var limits = JSONLimits()
    limits.depthMax = 32
    limits.nodesMax = 50_000
    guard let json = try? JSONDocument(bytes, limits: limits).value, json.kind == .object else {
      throw DiscoveryError(.malformed, "The issuer's description is no JSON object.")
    }
    guard let issuer = json["issuer"]?.string, expected.contains(where: { Self.isSame($0, issuer) }) else {
      throw DiscoveryError(.issuer, "The description is another issuer's.")
    }
    func address(_ name: JSONKey) throws(DiscoveryError) -> String? {
      guard let value = json[name], value.kind != .null else { return nil }
      guard let text = value.string, Self.isFetchable(text, allowsLoopback: allowsLoopback) else {
        throw DiscoveryError(.address, "The description's \(name.name) is no https address.")
      }
      return text
    }
    guard let keySetAddress = try address("jwks_uri") else {
      throw DiscoveryError(.malformed, "The issuer's description has no jwks_uri.")
    }
    self.issuer = issuer
    self.keySetAddress = keySetAddress
    authorizationEndpoint = try address("authorization_endpoint")
    tokenEndpoint = try address("token_endpoint")
    introspectionEndpoint = try address("introspection_endpoint")
    revocationEndpoint = try address("revocation_endpoint")
    managementEndpoint = try address("management_endpoint")
    registrationEndpoint = try address("registration_endpoint")
    scopesSupported = json["scopes_supported"]?.elements.compactMap(\.string) ?? []
  }

  private static func isSame(_ one: String, _ other: String) -> Bool {
    func trimmed(_ text: String) -> Substring { text.last == "/" ? text.dropLast() : text[...] }
    return trimmed(one) == trimmed(other)
  }

  /// Whether an address may be asked for keys: `https`, a host without user information, no white space and no
  /// fragment; `http` only for this machine, and only where that is allowed.
  public static func isFetchable(_ address: String, allowsLoopback: Bool) -> Bool {
    guard address.utf8.count <= addressBytesMax,
      address.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") })
    else { return false }
    let isPlain = address.hasPrefix("http://")
    guard isPlain || address.hasPrefix("https://") else { return false }
    let rest = address.dropFirst(isPlain ? 7 : 8)
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    guard !authority.isEmpty, !authority.contains("@"), authority.first != ":" else { return false }
    guard isPlain else { return true }
    guard allowsLoopback else { return false }
    return ["localhost", "127.0.0.1", "[::1]"].contains { host in
      guard authority.hasPrefix(host) else { return false }
      let port = authority.dropFirst(host.count)
      return port.isEmpty || (port.first == ":" && port.utf8.dropFirst().allSatisfy { (48...57).contains($0) })
    }
  }
}
