extension ServerConfiguration {
  static let keys = [
    "host", "port", "data-dir", "log-level", "store", "store-replica", "store-password-file", "domain",
    "trusted-proxies", "allow-insecure-network", "admin-key-file", "private-networks", "networkAccess", "clientLimits",
    "corsConfiguration", "resourceVersionPolicyConfiguration", "invariants",
  ]

  /// Takes over what `server:` says.
  mutating func read(_ node: YAMLNode) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(node, keys: Self.keys)
    host = try mapping.string("host") ?? host
    port = try mapping.integer("port", 0...65_535) ?? port
    dataDirectory = try mapping.string("data-dir") ?? dataDirectory
    logLevel = try mapping.choice("log-level") ?? logLevel
    store = try mapping.string("store") ?? store
    storeReplica = try mapping.string("store-replica") ?? storeReplica
    storePasswordFile = try mapping.string("store-password-file") ?? storePasswordFile
    allowsInsecureNetwork = try mapping.bool("allow-insecure-network") ?? allowsInsecureNetwork
    adminKeyFile = try mapping.string("admin-key-file") ?? adminKeyFile
    trustedProxies = try mapping.ranges("trusted-proxies") ?? trustedProxies
    privateNetworks = try mapping.ranges("private-networks") ?? privateNetworks
    if let node = mapping.value("networkAccess") { network = try NetworkAccess(node) }
    if let node = mapping.value("clientLimits") { clients = try ClientLimits(node) }
    if let node = mapping.value("corsConfiguration") { cors = try CORSConfiguration(node) }
    if let node = mapping.value("resourceVersionPolicyConfiguration") {
      versions = try VersionPolicyConfiguration(node)
    }
    invariants = try mapping.choice("invariants") ?? invariants
    if let domain = try mapping.string("domain") {
      guard HostField.isDomain(domain) else {
        throw ConfigurationError(
          "'\(domain)' is no domain: labels of lower-case letters, digits and hyphens with dots between them",
          at: mapping.value("domain") ?? node)
      }
      self.domain = domain
    }
  }

  /// Takes over what `limits:` says.
  mutating func readLimits(_ node: YAMLNode) throws(ConfigurationError) {
    let mapping = try ConfigurationMapping(node, keys: LimitKey.all.map(\.name))
    for key in LimitKey.all {
      if let number = try mapping.integer(key.name, 1...Int.max) { limits[keyPath: key.path] = number }
    }
  }
}
