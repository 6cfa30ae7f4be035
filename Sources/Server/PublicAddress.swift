import Base
import HTTPServer
import Workspace

/// The address under which a client knows a service, which stands in all that it is told: links, `Location`, `fullUrl`.
///
/// Behind a reverse proxy it is another than the one the server sees. The proxy tells it by `X-Forwarded-Host`,
/// `X-Forwarded-Proto` and `X-Forwarded-Prefix`, which are taken from trusted proxies only: from anybody else they
/// would put a stranger's address into the links of a client. RFC 7239's `Forwarded` is never read, since a proxy that
/// does not know it passes a client's on as it came.
enum PublicAddress {
  static let prefixBytesMax = 512

  /// The base of a service.
  /// - Parameters:
  ///   - entrance: where the service is here; a forwarded prefix is where the client knows it, and stands instead.
  ///   - domain: the services' hosts are below it.
  /// - Throws: `.invalid` for what is no host, scheme or path.
  static func base(
    _ request: HTTPRequest, _ entrance: Entrance, defaultHost: String, domain: String?, trusted: [AddressRange]
  ) throws(Fault) -> String {
    let isTrusted = isFromTrustedProxy(request, trusted)
    let host = host(request, isTrusted: isTrusted) ?? defaultHost
    var scheme = request.isSecure ? "https" : "http"
    var path = entrance.path
    if let domain, labels(of: host, below: domain) == entrance.hostLabels { path = "" }
    if isTrusted {
      if let named = request.list("x-forwarded-proto").last?.lowercased() {
        guard named == "http" || named == "https" else {
          throw Fault(.invalid, "The X-Forwarded-Proto header is neither http nor https.", code: "value")
        }
        scheme = named
      }
      if let prefix = request.list("x-forwarded-prefix").last { path = try checked(prefix) }
    }
    guard HostField.isValid(host) else {
      throw Fault(
        .invalid,
        "The Host header, or the X-Forwarded-Host header, is not a host name or address with an optional port.",
        code: "value")
    }
    return "\(scheme)://\(host)\(path)"
  }

  /// The labels that stand before the domain in the host that a client addressed; nil if it is no host below it.
  static func labels(_ request: HTTPRequest, below domain: String, trusted: [AddressRange]) -> String? {
    host(request, isTrusted: isFromTrustedProxy(request, trusted)).flatMap { labels(of: $0, below: domain) }
  }

  /// Names have no case (RFC 4343), and a host may have a port.
  static func labels(of host: String, below domain: String) -> String? {
    let name = host.prefix { $0 != ":" }.lowercased()
    let suffix = "." + domain
    guard name.utf8.count > suffix.utf8.count, name.hasSuffix(suffix) else { return nil }
    return String(name.dropLast(suffix.count))
  }

  /// Of several forwarded values the last is the proxy's own; what stands before it may be anybody's.
  private static func host(_ request: HTTPRequest, isTrusted: Bool) -> String? {
    isTrusted ? request.list("x-forwarded-host").last.map(String.init) ?? request.host : request.host
  }

  private static func isFromTrustedProxy(_ request: HTTPRequest, _ trusted: [AddressRange]) -> Bool {
    guard !trusted.isEmpty, let peer = IPAddress(request.remoteAddress) else { return false }
    return trusted.contains { $0.contains(peer) }
  }

  /// A path of plain segments, without a slash at its end; `/` alone is none.
  private static func checked(_ prefix: Substring) throws(Fault) -> String {
    let segments = prefix.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    let names = segments.last == "" ? segments.dropLast() : segments
    guard prefix.utf8.count <= prefixBytesMax, prefix.hasPrefix("/"),
      names.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.allSatisfy(isPlain) })
    else {
      throw Fault(
        .invalid, "The X-Forwarded-Prefix header is not a path of letters, digits and -._~ between slashes.",
        code: "value")
    }
    return names.map { "/" + $0 }.joined()
  }

  /// RFC 3986 §2.3.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: "-._~".utf8.contains(byte)
    }
  }
}
