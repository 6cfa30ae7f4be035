/// A blob's name: random, given by the store, and nothing that a file system could take for a path.
public struct BlobName: Hashable, Sendable {
  /// 32 hexadecimal digits in lower case.
  public let text: String

  /// Nil for anything but 32 hexadecimal digits in lower case.
  public init?(_ text: String) {
    guard text.utf8.count == 32, text.utf8.allSatisfy(Self.isDigit) else { return nil }
    self.text = text
  }

  /// 128 random bits.
  public static func random() -> BlobName {
    var generator = SystemRandomNumberGenerator()
    return BlobName(generator.next(), generator.next())
  }

  /// 120 random bits behind two digits that are given.
  static func random(in folder: UInt8) -> BlobName {
    var generator = SystemRandomNumberGenerator()
    return BlobName(generator.next() & ~(0xFF << 56) | UInt64(folder) << 56, generator.next())
  }

  private init(_ high: UInt64, _ low: UInt64) {
    text = String(unsafeUninitializedCapacity: 32) { bytes in
      for place in 0..<32 {
        let word = place < 16 ? high : low
        let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (place & 15))) & 0xF
        bytes[place] = digit < 10 ? 48 + digit : 87 + digit
      }
      return 32
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte &- 48 < 10 || byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "f")
  }
}

extension BlobName: CustomStringConvertible {
  public var description: String { text }
}
