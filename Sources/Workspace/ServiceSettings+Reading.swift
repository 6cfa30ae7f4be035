extension ServiceSettings {
  /// Keys of the properties of every service.
  static let keys = [
    "publicNetworkAccess", "corsConfiguration", "networkAccess", "clientLimits", "authenticationConfiguration",
  ]

  private enum PublicAccess: String, CaseIterable { case enabled = "Enabled", disabled = "Disabled" }

  mutating func read(_ properties: ConfigurationMapping) throws(ConfigurationError) {
    let access: PublicAccess? = try properties.choice("publicNetworkAccess")
    isPublic = access != .disabled
    if let node = properties.value("corsConfiguration") { cors = try CORSConfiguration(node) }
    if let node = properties.value("networkAccess") { network = try NetworkAccess(node) }
    if let node = properties.value("clientLimits") { clients = try ClientLimits(node) }
    if let node = properties.value("authenticationConfiguration") {
      authentication = try AuthenticationConfiguration(node)
    }
  }
}

extension CORSConfiguration {
  static let keys = ["origins", "methods", "headers", "maxAge", "allowCredentials"]

  init(_ node: YAMLNode) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(node, keys: Self.keys)
    self.init()
    origins = try mapping.strings("origins") ?? origins
    methods = try mapping.strings("methods") ?? methods
    headers = try mapping.strings("headers") ?? headers
    maxAgeSeconds = try mapping.integer("maxAge", 0...Self.maxAgeSecondsMax) ?? maxAgeSeconds
    allowsCredentials = try mapping.bool("allowCredentials") ?? allowsCredentials
    if let flaw { throw ConfigurationError(flaw, at: node) }
  }
}

extension NetworkAccess {
  static let keys = ["allow", "deny"]

  init(_ node: YAMLNode) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(node, keys: Self.keys)
    self.init()
    allow = try mapping.ranges("allow") ?? []
    deny = try mapping.ranges("deny") ?? []
  }
}

extension ClientLimits {
  static let keys = ["requestsPerSecond", "burst", "concurrentRequests"]
  /// More is no limit.
  static let numberMax = 1_000_000

  init(_ node: YAMLNode) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(node, keys: Self.keys)
    self.init()
    requestsPerSecond = try mapping.integer("requestsPerSecond", 1...Self.numberMax)
    burst = try mapping.integer("burst", 1...Self.numberMax)
    concurrentRequests = try mapping.integer("concurrentRequests", 1...Self.numberMax)
    if burst != nil, requestsPerSecond == nil {
      throw ConfigurationError("'burst' is nothing without 'requestsPerSecond'", at: node)
    }
  }
}

extension VersionPolicyConfiguration {
  static let keys = ["default", "resourceTypeOverrides"]

  init(_ node: YAMLNode) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(node, keys: Self.keys)
    self.init()
    standard = try mapping.choice("default") ?? .versioned
    guard let overrides = mapping.value("resourceTypeOverrides") else { return }
    guard case .mapping(let members) = overrides.content else {
      throw ConfigurationError("'resourceTypeOverrides' is a mapping of types to policies", at: overrides)
    }
    let types = try ConfigurationMapping(overrides, keys: members.map(\.key))
    for member in members {
      guard let first = member.key.first, first.isASCII, first.isUppercase else {
        throw ConfigurationError("'\(member.key)' is no resource type", line: member.line, column: member.column)
      }
      ofTypes[member.key] = try types.choice(member.key)
    }
  }
}

extension AuthenticationConfiguration {
  static let keys = ["authority", "audience", "audiences", "smartIdentityProviders", "issuers"]
  static let refused = ["smartProxyEnabled": "there is no proxy to another issuer; clients ask the issuer itself"]
  /// As Azure's.
  static let providersMax = 2

  init(_ node: YAMLNode) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(node, keys: Self.keys, refused: Self.refused)
    self.init()
    authority = try mapping.string("authority")
    audiences = try (mapping.strings("audience") ?? []) + (mapping.strings("audiences") ?? [])
    for item in try mapping.list("smartIdentityProviders") {
      smartIdentityProviders.append(try SMARTIdentityProvider(item))
    }
    for item in try mapping.list("issuers") { issuers.append(try DeclaredIssuer(item)) }
    guard smartIdentityProviders.count <= Self.providersMax else {
      throw ConfigurationError(
        "there are more than \(Self.providersMax) 'smartIdentityProviders'; use 'issuers'", at: node)
    }
    guard authority != nil || !issuers.isEmpty || !smartIdentityProviders.isEmpty else {
      throw ConfigurationError("no issuer is named: 'authority' or 'issuers' is missing", at: node)
    }
    if let authority { try DeclaredIssuer.check(authority, node) }
    // What a token is for must not depend on what a request says of its host.
    guard !audiences.isEmpty || authority == nil && issuers.allSatisfy({ !$0.audiences.isEmpty }) else {
      throw ConfigurationError("'audience' is missing: what tokens for this service must name", at: node)
    }
  }
}

extension SMARTIdentityProvider {
  static let keys = ["authority", "applications"]
  static let applicationKeys = ["clientId", "audience", "allowedDataActions"]

  init(_ node: YAMLNode) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(node, keys: Self.keys)
    self.init(authority: try mapping.required("authority", "the issuer's address"), applications: [])
    try DeclaredIssuer.check(authority, node)
    for item in try mapping.list("applications") {
      let app = try ConfigurationMapping(item, keys: Self.applicationKeys)
      let actions = try app.strings("allowedDataActions") ?? []
      guard actions == ["Read"] else {
        throw ConfigurationError("'allowedDataActions' is [Read]", at: app.value("allowedDataActions") ?? item)
      }
      applications.append(
        Application(
          clientID: try app.required("clientId", "the app that tokens are taken of"),
          audience: try app.required("audience", "what its tokens must name"), allowedDataActions: actions))
    }
    guard !applications.isEmpty else { throw ConfigurationError("'applications' is missing", at: node) }
  }
}

extension DeclaredIssuer {
  static let keys = ["url", "audiences", "algorithms", "jwksUrl", "roleClaims"]

  init(_ node: YAMLNode) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(node, keys: Self.keys)
    self.init(url: try mapping.required("url", "the issuer's address"))
    try Self.check(url, node)
    audiences = try mapping.strings("audiences") ?? []
    algorithms = try mapping.strings("algorithms") ?? []
    jwksURL = try mapping.string("jwksUrl")
    roleClaims = try mapping.strings("roleClaims") ?? []
    if let jwksURL { try Self.check(jwksURL, node) }
  }

  /// OpenID Connect Core 1.0 §2: an https address without query and fragment; on this machine http does as well.
  static func check(_ url: String, _ node: YAMLNode) throws(ConfigurationError) {
    let rest: Substring? =
      if url.hasPrefix("https://") {
        url.dropFirst(8)
      } else if url.hasPrefix("http://127.0.0.1") || url.hasPrefix("http://localhost") || url.hasPrefix("http://[::1]")
      {
        url.dropFirst(7)
      } else {
        nil
      }
    let host = rest.map { $0.prefix { $0 != "/" } }
    guard let host, HostField.isValid(String(host)), !url.contains("?"), !url.contains("#"),
      url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else {
      throw ConfigurationError("'\(url)' is no address of an issuer: https://…, without ? and #", at: node)
    }
  }
}
