public import Base

/// The `ct` of a next link: where the next page starts, sealed so that only we can have made it and only we can read
/// it, and bound to its query. It says *where*, never *may*: access is decided anew for every page.
public struct PagingToken: Sendable, Equatable {
  /// Where the next page starts: the last row's place in the page's order, or several numbers where an answer goes
  /// through more than one search.
  public let positions: [Int64]

  public var position: Int64 { positions.first ?? 0 }

  public init(position: Int64) { positions = [position] }

  public init(positions: [Int64]) { self.positions = positions }

  /// URL-safe text; valid on every node and after a restart, because the seal's key is the store's.
  public func sealed(for query: String, with seal: SipHash) -> String {
    var writer = TokenWriter(.numbers, count: positions.count)
    for position in positions { writer.append(position) }
    return TokenSeal(seal).seal(writer.bytes, for: query)
  }

  /// nil unless `text` was sealed by this key for this query, with so many positions.
  public init?(_ text: String, for query: String, with seal: SipHash, count: Int = 1) {
    guard let bytes = TokenSeal(seal).open(text, for: query),
      var reader = TokenReader(bytes, .numbers, count: count)
    else { return nil }
    var positions: [Int64] = []
    for _ in 0..<count {
      guard let position = reader.integer() else { return nil }
      positions.append(position)
    }
    self.positions = positions
  }
}

/// What a token holds, before its numbers: a token of one form is none of another.
enum TokenForm: UInt8 {
  case numbers = 1
  case page = 2
}

struct TokenWriter {
  private(set) var bytes: [UInt8]

  /// - Parameter count: entries that follow; no more than 255.
  init(_ form: TokenForm, count: Int) { bytes = [form.rawValue, UInt8(clamping: count)] }

  mutating func append(_ byte: UInt8) { bytes.append(byte) }

  mutating func append(_ integer: Int64) { bytes += integer.bigEndianBytes }

  mutating func append(_ text: String) {
    let utf8 = Array(text.utf8.prefix(Int(UInt16.max)))
    bytes += [UInt8(utf8.count >> 8), UInt8(utf8.count & 255)] + utf8
  }
}

/// Every read may fail: that the bytes are ours does not mean that they are of this version.
struct TokenReader {
  private var bytes: ArraySlice<UInt8>

  init?(_ bytes: [UInt8], _ form: TokenForm, count: Int) {
    guard bytes.count >= 2, bytes[0] == form.rawValue, Int(bytes[1]) == count else { return nil }
    self.bytes = bytes[2...]
  }

  mutating func byte() -> UInt8? { bytes.popFirst() }

  mutating func integer() -> Int64? {
    guard bytes.count >= 8 else { return nil }
    let word = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    bytes = bytes.dropFirst(8)
    return Int64(bitPattern: word)
  }

  mutating func text() -> String? {
    guard let high = byte(), let low = byte() else { return nil }
    let count = Int(high) << 8 | Int(low)
    guard bytes.count >= count else { return nil }
    defer { bytes = bytes.dropFirst(count) }
    return String(validating: bytes.prefix(count), as: UTF8.self)
  }
}
