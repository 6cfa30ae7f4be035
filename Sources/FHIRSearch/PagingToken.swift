public import Base

/// The `ct` of a next link: where the next page starts, sealed so that only we can have made it, and bound to its
/// query. It says *where*, never *may*: access is decided anew for every page.
public struct PagingToken: Sendable, Equatable {
  /// Where the next page starts: the last row's place in the page's order, or several numbers where an answer goes
  /// through more than one search.
  public let positions: [Int64]

  public var position: Int64 { positions.first ?? 0 }

  public init(position: Int64) { positions = [position] }

  public init(positions: [Int64]) { self.positions = positions }

  /// URL-safe text; valid on every node and after a restart, because the seal's key is the store's.
  public func sealed(for query: String, with seal: SipHash) -> String {
    let body = positions.flatMap { Self.bytes(UInt64(bitPattern: $0)) }
    let tag = Self.bytes(seal.hash(body + Array(query.utf8)))
    return Self.hex(body + tag)
  }

  /// nil unless `text` was sealed by this key for this query, with so many positions.
  public init?(_ text: String, for query: String, with seal: SipHash, count: Int = 1) {
    guard text.utf8.count == 16 * (count + 1), let bytes = Self.unhex(text) else { return nil }
    let body = Array(bytes[..<(8 * count)])
    guard Self.bytes(seal.hash(body + Array(query.utf8))) == Array(bytes[(8 * count)...]) else { return nil }
    positions = stride(from: 0, to: body.count, by: 8).map { start in
      Int64(bitPattern: body[start..<(start + 8)].reduce(0) { $0 << 8 | UInt64($1) })
    }
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
