import Base
import HTTPServer
import Workspace

/// Whence a request comes: the peer's address, or, where the peer is a trusted proxy, the address that it tells.
enum ClientAddress {
  /// A longer chain of proxies is none.
  private static let hopsMax = 32

  /// Of `X-Forwarded-For` the last address counts that is no trusted proxy's: each proxy appends whom it heard, and
  /// what stands before is anybody's word.
  /// - Returns: nil if there is none that makes sense.
  static func of(_ request: HTTPRequest, trusted: [AddressRange]) -> IPAddress? {
    guard let peer = IPAddress(request.remoteAddress) else { return nil }
    guard trusted.contains(where: { $0.contains(peer) }) else { return peer }
    var address = peer
    for item in request.list("x-forwarded-for").reversed().prefix(hopsMax) {
      // A proxy that tells nonsense tells nothing about who is behind it.
      guard let next = IPAddress(bare(item)) else { return nil }
      address = next
      if !trusted.contains(where: { $0.contains(next) }) { break }
    }
    return address
  }

  /// Without the port that some proxies add, and without the brackets of an IPv6 address.
  private static func bare(_ item: Substring) -> String {
    if item.hasPrefix("["), let end = item.firstIndex(of: "]") {
      return String(item[item.index(after: item.startIndex)..<end])
    }
    guard let colon = item.firstIndex(of: ":"), item.lastIndex(of: ":") == colon else { return String(item) }
    return String(item[..<colon])
  }
}
