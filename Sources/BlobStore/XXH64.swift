/// XXH64 (Y. Collet, "xxHash fast digest algorithm", version 0.1.1): tells whether bytes are still what they were. It
/// is no protection against someone who changes them on purpose.
public struct XXH64: Sendable {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5
  private static let stripeBytes = 32

  private let seed: UInt64
  private var lane1: UInt64
  private var lane2: UInt64
  private var lane3: UInt64
  private var lane4: UInt64
  private var total: UInt64 = 0
  /// Bytes that fill no stripe yet.
  private var rest: [UInt8] = []

  public init(seed: UInt64 = 0) {
    self.seed = seed
    lane1 = seed &+ Self.prime1 &+ Self.prime2
    lane2 = seed &+ Self.prime2
    lane3 = seed
    lane4 = seed &- Self.prime1
    rest.reserveCapacity(Self.stripeBytes)
  }

  /// The digest of some bytes.
  public static func digest(_ bytes: [UInt8]) -> UInt64 {
    var hash = XXH64()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.digest
  }

  /// Adds bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    total &+= UInt64(bytes.count)
    var place = 0
    if !rest.isEmpty {
      place = min(Self.stripeBytes - rest.count, bytes.count)
      rest.append(contentsOf: bytes[..<place])
      guard rest.count == Self.stripeBytes else { return }
      let stripe = rest
      _ = stripe.withUnsafeBytes { consume($0, from: 0) }
      rest.removeAll(keepingCapacity: true)
    }
    place = consume(bytes, from: place)
    if place < bytes.count { rest.append(contentsOf: bytes[place...]) }
  }

  /// Takes in whole stripes; gives the place behind them.
  private mutating func consume(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var place = start
    var (a, b, c, d) = (lane1, lane2, lane3, lane4)
    while bytes.count - place >= Self.stripeBytes {
      a = Self.round(a, Self.word(bytes, place))
      b = Self.round(b, Self.word(bytes, place + 8))
      c = Self.round(c, Self.word(bytes, place + 16))
      d = Self.round(d, Self.word(bytes, place + 24))
      place += Self.stripeBytes
    }
    (lane1, lane2, lane3, lane4) = (a, b, c, d)
    return place
  }

  /// The digest of all bytes so far.
  public var digest: UInt64 {
    var hash: UInt64
    if total >= UInt64(Self.stripeBytes) {
      hash = Self.rotate(lane1, 1) &+ Self.rotate(lane2, 7) &+ Self.rotate(lane3, 12) &+ Self.rotate(lane4, 18)
      for lane in [lane1, lane2, lane3, lane4] {
        hash = (hash ^ Self.round(0, lane)) &* Self.prime1 &+ Self.prime4
      }
    } else {
      hash = seed &+ Self.prime5
    }
    hash &+= total
    rest.withUnsafeBytes { hash = Self.finish(hash, $0) }
    hash = (hash ^ hash >> 33) &* Self.prime2
    hash = (hash ^ hash >> 29) &* Self.prime3
    return hash ^ hash >> 32
  }

  private static func finish(_ start: UInt64, _ rest: UnsafeRawBufferPointer) -> UInt64 {
    var hash = start
    var place = 0
    while rest.count - place >= 8 {
      hash = rotate(hash ^ round(0, word(rest, place)), 27) &* prime1 &+ prime4
      place += 8
    }
    if rest.count - place >= 4 {
      let half = UInt64(UInt32(littleEndian: rest.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
      hash = rotate(hash ^ half &* prime1, 23) &* prime2 &+ prime3
      place += 4
    }
    while place < rest.count {
      hash = rotate(hash ^ UInt64(rest[place]) &* prime5, 11) &* prime1
      place += 1
    }
    return hash
  }

  @inline(__always)
  private static func word(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }

  @inline(__always)
  private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
    rotate(lane &+ word &* prime2, 31) &* prime1
  }
}
