public import Base
public import FHIRService

/// Where a server listens and what it bears.
public struct ServerConfiguration: Sendable {
  public var host = "127.0.0.1"
  public var port = 8080
  public var logLevel = Log.Level.info
  public var dataDirectory: String?
  /// A PostgreSQL database for the services' stores; nil for files in `dataDirectory`.
  public var store: String?
  /// A standby of that database for searches, which may be some seconds behind.
  public var storeReplica: String?
  /// A file whose first line is the database's password.
  public var storePasswordFile: String?
  /// Listening beyond the own machine without authentication.
  public var allowsInsecureNetwork = false
  public var limits = Limits()
  /// Of every FHIR service.
  public var service = FHIRService.Configuration()
  /// Web pages of other origins.
  public var cors = CORSConfiguration()
  /// The reverse proxies whose `X-Forwarded-…` headers are believed; nobody's are by default, not even this machine's.
  public var trustedProxies: [AddressRange] = []

  public init() {}

  /// As it stands in an address.
  public var hostAndPort: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Whether only the own machine reaches the host (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
  public var isLoopback: Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}

/// A configuration file that cannot be read as one.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  /// 1-based.
  public let line: Int
  public let message: String

  public var description: String { "line \(line): \(message)" }
}

extension ServerConfiguration {
  /// A limit's name in the file is its name in `Limits` in lower case with hyphens, without `max`.
  private static let limitKeys: [(key: String, path: any WritableKeyPath<Limits, Int> & Sendable)] = [
    ("header-bytes", \.headerBytesMax), ("header-count", \.headerCountMax), ("target-bytes", \.targetBytesMax),
    ("body-bytes", \.bodyBytesMax), ("body-bytes-in-flight", \.bodyBytesInFlightMax),
    ("connections", \.connectionsMax), ("header-seconds", \.headerSecondsMax), ("body-seconds", \.bodySecondsMax),
    ("body-bytes-per-second-min", \.bodyBytesPerSecondMin), ("idle-seconds", \.idleSecondsMax),
    ("request-deadline-seconds", \.requestDeadlineSecondsMax), ("shutdown-seconds", \.shutdownSecondsMax),
    ("json-depth", \.jsonDepthMax), ("json-nodes", \.jsonNodesMax), ("bundle-entries", \.bundleEntriesMax),
    ("search-count-default", \.searchCountDefault), ("search-count", \.searchCountMax),
    ("page-bytes", \.pageBytesMax), ("conditional-deletions", \.conditionalDeletionsMax),
    ("conditional-references", \.conditionalReferencesMax),
    ("bundle-conditional-references", \.bundleConditionalReferencesMax), ("referrers", \.referrersMax),
    ("search-parameters", \.searchParametersMax), ("search-values", \.searchValuesMax),
    ("search-seconds", \.searchSecondsMax), ("search-text-seconds", \.searchTextSecondsMax),
    ("search-chain-depth", \.searchChainDepthMax), ("search-chain-targets", \.searchChainTargetsMax),
    ("search-sort-keys", \.searchSortKeysMax), ("search-includes", \.searchIncludesMax),
    ("search-expression-bytes", \.searchExpressionBytesMax),
    ("search-expression-depth", \.searchExpressionDepthMax),
    ("search-text-alternatives", \.searchTextAlternativesMax), ("search-codes", \.searchCodesMax),
    ("includes-count-default", \.includesCountDefault), ("includes", \.includesMax),
    ("index-rows", \.indexRowsMax), ("fhirpath-bytes", \.fhirPathBytesMax), ("fhirpath-steps", \.fhirPathStepsMax),
  ]

  /// Every key a file may have.
  public static var keys: [String] {
    [
      "host", "port", "data-dir", "store", "store-password-file", "store-replica", "log-level",
      "allow-insecure-network", "version-policy", "invariants",
    ] + networkKeys + limitKeys.map(\.key)
  }

  /// Takes over what a file says: a line is `key: value`, empty, or a comment that begins with `#`.
  /// - Throws: `ConfigurationError` for the first line that is none of these, or has an unknown or repeated key.
  public mutating func read(_ text: String) throws(ConfigurationError) {
    var seen: Set<String> = []
    let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    for (index, line) in lines.enumerated() {
      let content = Self.trimmed(line)
      if content.isEmpty || content.hasPrefix("#") { continue }
      guard let colon = content.firstIndex(of: ":") else {
        throw ConfigurationError(line: index + 1, message: "expected 'key: value'")
      }
      let key = Self.trimmed(content[..<colon])
      guard seen.insert(key).inserted else {
        throw ConfigurationError(line: index + 1, message: "the key '\(key)' stands here a second time")
      }
      try set(key, Self.trimmed(content[content.index(after: colon)...]), line: index + 1)
    }
  }

  private mutating func set(_ key: String, _ value: String, line: Int) throws(ConfigurationError) {
    guard !value.isEmpty else { throw ConfigurationError(line: line, message: "the key '\(key)' has no value") }
    switch key {
    case "host": host = value
    case "data-dir": dataDirectory = value
    case "store": store = value
    case "store-replica": storeReplica = value
    case "store-password-file": storePasswordFile = value
    case "port":
      guard let number = Int(value), (0...65_535).contains(number) else {
        throw ConfigurationError(line: line, message: "a port is a number from 0 to 65535")
      }
      port = number
    case "log-level":
      guard let level = Log.Level(rawValue: value) else {
        let names = Log.Level.allCases.map(\.rawValue).joined(separator: ", ")
        throw ConfigurationError(line: line, message: "a log level is one of \(names)")
      }
      logLevel = level
    case "version-policy":
      for policy in value.split(separator: ",") where !service.versions.add(Self.trimmed(policy)) {
        throw ConfigurationError(line: line, message: "'\(Self.trimmed(policy))' is no version policy")
      }
    case "invariants":
      guard let invariants = WriteInvariants(rawValue: value) else {
        throw ConfigurationError(line: line, message: "'invariants' is cheap or all")
      }
      service.invariants = invariants
    case "allow-insecure-network":
      guard value == "true" || value == "false" else {
        throw ConfigurationError(line: line, message: "'\(key)' is true or false")
      }
      allowsInsecureNetwork = value == "true"
    case let key where Self.networkKeys.contains(key): try setNetwork(key, value, line: line)
    default:
      guard let path = Self.limitKeys.first(where: { $0.key == key })?.path else {
        throw ConfigurationError(line: line, message: "the key '\(key)' is not known")
      }
      guard let number = Int(value), number > 0 else {
        throw ConfigurationError(line: line, message: "'\(key)' is a whole number above 0")
      }
      limits[keyPath: path] = number
    }
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    var rest = text[...]
    while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
    while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
    return String(rest)
  }
}
