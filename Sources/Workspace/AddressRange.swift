import Glibc

/// A range of IP addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3): `10.0.0.0/8`, `fd00::/8`, `127.0.0.1`.
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
  public let description: String
  private let address: IPAddress
  private let prefixBits: Int

  /// nil for what is no address or range, and for an address with bits beyond its prefix, which is a slip.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
    let width = first.contains(":") ? 128 : 32
    var bits = width
    if parts.count == 2 {
      guard parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(parts[1]), number <= width else {
        return nil
      }
      bits = number
    }
    self.address = address
    prefixBits = bits + 128 - width
    description = text
    guard address.prefix(prefixBits) == address else { return nil }
  }

  public func contains(_ other: IPAddress) -> Bool { other.prefix(prefixBits) == address }
}

/// An IPv6 address, or an IPv4 address in its IPv6 form (RFC 4291 §2.5.5.2).
public struct IPAddress: Sendable, Hashable {
  private let high: UInt64
  private let low: UInt64

  private init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// nil for what is no address.
  public init?(_ text: String) {
    var v4 = in_addr()
    var v6 = in6_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: v4.s_addr)))
    } else if inet_pton(AF_INET6, text, &v6) == 1 {
      let words = withUnsafeBytes(of: v6) { bytes in
        (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      }
      self.init(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1))
    } else {
      return nil
    }
  }

  /// Its first bits, the others zero.
  public func prefix(_ bits: Int) -> IPAddress {
    IPAddress(high: high & Self.mask(bits), low: low & Self.mask(bits - 64))
  }

  /// Whether only this machine has it (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
  public var isLoopback: Bool {
    high == 0 && (low == 1 || low >> 24 == 0xFFFF_7F)
  }

  /// Whether it is an IPv4 address.
  public var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }

  /// A shift by a whole word or more clears it: Swift's `<<` is defined for every count.
  private static func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : UInt64.max << max(0, 64 - bits) }
}
