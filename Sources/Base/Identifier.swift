#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
import Synchronization

/// Makes server-assigned logical ids: time-ordered UUIDs (RFC 9562 version 7), so that inserts stay local.
///
/// Within one millisecond a counter keeps the order of creation; randomness comes from the system in bulk.
public final class IdentifierSource: Sendable {
  private struct State {
    var last: Int64 = 0
    var counter: UInt16 = 0
    var generator: any RandomNumberGenerator & Sendable
  }

  private let clock: Clock
  private let state: Mutex<State>

  public init(clock: Clock, random: any RandomNumberGenerator & Sendable = PooledRandomNumberGenerator()) {
    self.clock = clock
    self.state = Mutex(State(generator: random))
  }

  /// A new id in lower-case canonical form, 36 bytes.
  public func next() -> String {
    let now = clock.now().milliseconds
    let (milliseconds, counter, random) = state.withLock { state -> (Int64, UInt16, UInt64) in
      if now > state.last {
        state.last = now
        state.counter = 0
      } else if state.counter == 0x0FFF {
        state.last += 1
        state.counter = 0
      } else {
        state.counter += 1
      }
      return (state.last, state.counter, state.generator.next())
    }
    let high = UInt64(bitPattern: milliseconds) << 16 | 0x7000 | UInt64(counter)
    let low = random & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    return IdentifierSource.format(high, low)
  }

  static func format(_ high: UInt64, _ low: UInt64) -> String {
    String(unsafeUninitializedCapacity: 36) { bytes in
      var position = 0
      for (half, word) in [high, low].enumerated() {
        for nibble in 0..<16 {
          let place = half * 16 + nibble
          if place == 8 || place == 12 || place == 16 || place == 20 {
            bytes[position] = UInt8(ascii: "-")
            position += 1
          }
          let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * nibble)) & 0xF
          bytes[position] = digit < 10 ? 48 + digit : 87 + digit
          position += 1
        }
      }
      return position
    }
  }
}

/// The system's random numbers, fetched many at a time: one call of the kernel for 32 ids.
public struct PooledRandomNumberGenerator: RandomNumberGenerator, Sendable {
  private static let words = 32
  private var pool: [UInt64] = []
  private var fallback = SystemRandomNumberGenerator()

  public init() {}

  public mutating func next() -> UInt64 {
    if pool.isEmpty { refill() }
    return pool.popLast() ?? fallback.next()
  }

  private mutating func refill() {
    pool = [UInt64](repeating: 0, count: Self.words)
    // getentropy(3) gives 256 bytes at most, all or none; without it the standard library's generator serves.
    let isFilled = pool.withUnsafeMutableBytes { bytes in
      bytes.baseAddress.map { getentropy($0, bytes.count) == 0 } ?? false
    }
    if !isFilled { pool.removeAll() }
  }
}
