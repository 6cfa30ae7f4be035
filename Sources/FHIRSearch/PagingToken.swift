public import Base

/// The `ct` of a next link: where the next page starts, sealed so that only we can have made it, and bound to its
/// query. It says *where*, never *may*: access is decided anew for every page.
public struct PagingToken: Sendable, Equatable {
  /// The place of the last row given, in the page's order.
  public let position: Int64

  public init(position: Int64) { self.position = position }

  /// URL-safe text; valid on every node and after a restart, because the seal's key is the store's.
  public func sealed(for query: String, with seal: SipHash) -> String {
    let body = Self.bytes(UInt64(bitPattern: position))
    let tag = Self.bytes(seal.hash(body + Array(query.utf8)))
    return Self.hex(body + tag)
  }

  /// nil unless `text` was sealed by this key for this query.
  public init?(_ text: String, for query: String, with seal: SipHash) {
    guard text.utf8.count == 32, let bytes = Self.unhex(text) else { return nil }
    let body = Array(bytes[0..<8])
    guard Self.bytes(seal.hash(body + Array(query.utf8))) == Array(bytes[8...]) else { return nil }
    position = Int64(bitPattern: body.reduce(0) { $0 << 8 | UInt64($1) })
  }

  private static func bytes(_ word: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  private static func unhex(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for character in text.utf8 {
      let digit: UInt8
      switch character {
      case 48...57: digit = character - 48
      case 97...102: digit = character - 87
      default: return nil
      }
      if let first = high {
        bytes.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    return bytes
  }
}
