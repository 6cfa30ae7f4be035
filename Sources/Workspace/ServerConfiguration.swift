public import Base

/// Where a server listens and what it bears, whatever its services are.
public struct ServerConfiguration: Sendable, Equatable {
  public var host = "127.0.0.1"
  public var port = 8080
  public var logLevel = LogLevel.info
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
  /// Of FHIR services that have none of their own.
  public var versions = VersionPolicyConfiguration()
  /// Of FHIR services that have none of their own.
  public var invariants = InvariantsChecked.cheap
  /// Of services that have none of their own: web pages of other origins.
  public var cors = CORSConfiguration()
  /// The reverse proxies whose `X-Forwarded-…` headers are believed; nobody's are by default, not even this machine's.
  public var trustedProxies: [AddressRange] = []
  /// `{workspace}-{service}.fhir.{domain}` and `….dicom.{domain}` are the services' own hosts.
  public var domain: String?
  /// Of every service, and of the server's own paths.
  public var network = NetworkAccess()
  /// Where callers of services without public access may come from.
  public var privateNetworks = ServerConfiguration.privateRanges
  /// Of every client, over all services.
  public var clients = ClientLimits()
  /// A file whose first line is what a caller of the administration must show; nil: callers of this machine need none.
  public var adminKeyFile: String?

  public init() {}

  /// This machine, and what RFC 1918 §3, RFC 4193 §3 and RFC 4291 §2.5.6 keep for networks of one's own.
  public static let privateRanges = [
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1", "fc00::/7", "fe80::/10",
  ].compactMap { AddressRange($0) }

  /// As it stands in an address.
  public var hostAndPort: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Whether only the own machine reaches the host (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
  public var isLoopback: Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}

/// How much is told in the log.
public enum LogLevel: String, Sendable, CaseIterable { case error, warning, info, debug }
