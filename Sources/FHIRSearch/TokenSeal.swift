import Base

/// Seals the bytes of a paging token: hidden, because what a page is sorted by is a patient's data and addresses are
/// logged, and bound to their query, so that only we can have made them.
///
/// The construction is SIV (Rogaway, Shrimpton 2006; RFC 5297 in form) with SipHash-2-4 as the pseudo-random function:
/// the tag is a function of query and plaintext under two keys, 128 bits; the keystream is a function of the tag under
/// a third. The three keys are derived from the store's. It needs no random number: the same position of the same
/// query gives the same token, on every node and after a restart.
struct TokenSeal {
  private let tags: (SipHash, SipHash)
  private let stream: SipHash

  private static let tagBytes = 16
  private static let blockBytes = 32

  init(_ key: SipHash) {
    func derived(_ name: String) -> SipHash {
      SipHash(key0: key.hash(Array("paging \(name) 0".utf8)), key1: key.hash(Array("paging \(name) 1".utf8)))
    }
    tags = (derived("tag a"), derived("tag b"))
    stream = derived("stream")
  }

  /// URL-safe text.
  func seal(_ plaintext: [UInt8], for query: String) -> String {
    // Whole blocks, so that the length says little about what is inside. The plaintext knows its own end.
    let padding = (Self.blockBytes - plaintext.count % Self.blockBytes) % Self.blockBytes
    let padded = plaintext + [UInt8](repeating: 0, count: padding)
    let tag = tag(padded, query)
    return Self.hex(tag + encrypted(padded, tag))
  }

  /// The plaintext with its padding; nil unless this seal made `text` for this query.
  func open(_ text: String, for query: String) -> [UInt8]? {
    guard text.utf8.count <= Self.textBytesMax, let bytes = Self.unhex(text), bytes.count > Self.tagBytes else {
      return nil
    }
    let tag = Array(bytes[..<Self.tagBytes])
    let plaintext = encrypted(Array(bytes[Self.tagBytes...]), tag)
    let expected = self.tag(plaintext, query)
    // Every byte is compared, whichever differs.
    let difference = zip(tag, expected).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
    return difference == 0 ? plaintext : nil
  }

  /// A token longer than any we make is none.
  static let textBytesMax = 16 * 1024

  private func tag(_ plaintext: [UInt8], _ query: String) -> [UInt8] {
    var input = query.utf8.count.bigEndianBytes
    input += Array(query.utf8)
    input += plaintext
    return tags.0.hash(input).bigEndianBytes + tags.1.hash(input).bigEndianBytes
  }

  /// Its own inverse.
  private func encrypted(_ bytes: [UInt8], _ tag: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var block: [UInt8] = []
    for (place, byte) in bytes.enumerated() {
      if place % 8 == 0 { block = stream.hash(tag + (place / 8).bigEndianBytes).bigEndianBytes }
      result.append(byte ^ block[place % 8])
    }
    return result
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// Lower case only: one token has one spelling.
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
    return high == nil ? bytes : nil
  }
}

extension FixedWidthInteger {
  /// Eight bytes, the most significant first.
  var bigEndianBytes: [UInt8] {
    let word = UInt64(truncatingIfNeeded: self)
    return (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
  }
}
