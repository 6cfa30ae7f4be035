public import Base
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What was found out about tokens that were verified before, so that the next request with the same token costs a
/// look-up and a comparison.
///
/// An entry is found by the end of its token, where the signature is, and then compared byte by byte: a digest of the
/// whole would cost ten times as much as all of that. It ends with its token, and no later than `secondsMax` after it
/// was made, so that a key that was taken back, or a role that was changed, takes effect. There are at most `countMax`
/// entries with `bytesMax` bytes of tokens, in two generations: when the young one has half of either, it becomes the
/// old one, and the old one is forgotten; what is asked for again comes back to the young one. Only verified tokens are
/// kept, so that a stranger cannot push others out.
///
/// `Value` is a class, so that a hit copies a reference and nothing else.
public final class TokenCache<Value: AnyObject & Sendable>: Sendable {
  private struct Slot: Sendable {
    let token: [UInt8]
    let value: Value
    /// Milliseconds since 1970.
    let ends: Int64
    let certificateThumbprint: String?
  }

  private struct Generations: Sendable {
    var young: [Int: Slot] = [:]
    var old: [Int: Slot] = [:]
    /// Bytes of the young one's tokens, and a little more where one was replaced.
    var youngBytes = 0
    /// Moves with every removal, so that what was verified before one is not put in after it.
    var epoch = 0
  }

  private let generations = Mutex(Generations())
  private let countMax: Int
  private let bytesMax: Int
  private let secondsMax: Int

  /// - Parameters:
  ///   - countMax: entries.
  ///   - bytesMax: of all their tokens.
  ///   - secondsMax: from verifying a token to verifying it again.
  public init(countMax: Int = 20_000, bytesMax: Int = 32 * 1024 * 1024, secondsMax: Int = 300) {
    self.countMax = max(countMax, 2)
    self.bytesMax = max(bytesMax, 2 * JWS.bytesMax)
    self.secondsMax = max(secondsMax, 0)
  }

  /// Bytes at a token's end that it is found by: 48 bytes of its signature, which nobody can choose.
  private static var tailByteCount: Int { 64 }

  private static func place(of token: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: token.suffix(tailByteCount)))
    return hasher.finalize()
  }

  /// What is known of a token, nil if nothing is known, or no more, or only for another certificate.
  public func value(
    for token: UnsafeRawBufferPointer, at now: Instant, certificateThumbprint: String? = nil
  ) -> Value? {
    guard token.count <= JWS.bytesMax else { return nil }
    let place = TokenCache.place(of: token)
    let slot = generations.withLock { generations -> Slot? in
      if let slot = generations.young[place] { return slot }
      guard let slot = generations.old.removeValue(forKey: place) else { return nil }
      insert(slot, place, into: &generations)
      return slot
    }
    guard let slot, now.milliseconds < slot.ends, TokenCache.isSame(slot.token, token) else { return nil }
    guard slot.certificateThumbprint == nil || slot.certificateThumbprint == certificateThumbprint else { return nil }
    return slot.value
  }

  /// A comparison whose time tells nothing would cost more than all the rest. It is not needed: to be compared at all,
  /// a token must end with the 48 bytes of a signature that only those have who have the token.
  private static func isSame(_ kept: [UInt8], _ token: UnsafeRawBufferPointer) -> Bool {
    guard kept.count == token.count, let base = token.baseAddress else { return kept.isEmpty && token.isEmpty }
    return kept.withUnsafeBytes { bytes in
      bytes.baseAddress.map { memcmp($0, base, bytes.count) == 0 } ?? false
    }
  }

  /// What is known of a token.
  public func value(for token: [UInt8], at now: Instant, certificateThumbprint: String? = nil) -> Value? {
    token.withUnsafeBytes { value(for: $0, at: now, certificateThumbprint: certificateThumbprint) }
  }

  /// What is known of a token.
  public func value(for token: String, at now: Instant, certificateThumbprint: String? = nil) -> Value? {
    var token = token
    return token.withUTF8 {
      value(for: UnsafeRawBufferPointer($0), at: now, certificateThumbprint: certificateThumbprint)
    }
  }

  /// The moment to ask for before verifying a token that is to be kept.
  public var epoch: Int { generations.withLock { $0.epoch } }

  /// Keeps what was found out about a token.
  /// - Parameters:
  ///   - expires: the token's end.
  ///   - certificateThumbprint: the certificate that the token is bound to, if it is.
  ///   - epoch: as it was before the token was verified; nothing is kept if something was removed since.
  public func insert(
    _ value: Value, for token: [UInt8], expires: Instant, at now: Instant, certificateThumbprint: String? = nil,
    epoch: Int
  ) {
    guard token.count <= JWS.bytesMax else { return }
    let place = token.withUnsafeBytes { TokenCache.place(of: $0) }
    let ends = min(expires.milliseconds, now.milliseconds &+ Int64(clamping: secondsMax) &* 1000)
    let slot = Slot(token: token, value: value, ends: ends, certificateThumbprint: certificateThumbprint)
    generations.withLock { generations in
      guard generations.epoch == epoch else { return }
      insert(slot, place, into: &generations)
    }
  }

  private func insert(_ slot: Slot, _ place: Int, into generations: inout Generations) {
    if generations.young.count >= countMax / 2 || generations.youngBytes + slot.token.count > bytesMax / 2 {
      generations.old = generations.young
      generations.young = [:]
      generations.youngBytes = 0
    }
    generations.young[place] = slot
    generations.youngBytes += slot.token.count
  }

  /// Forgets what a condition holds for: a revoked grant, a user whose roles were changed.
  public func removeAll(where isRemoved: (Value) -> Bool) {
    generations.withLock { generations in
      generations.epoch &+= 1
      generations.young = generations.young.filter { !isRemoved($0.value.value) }
      generations.old = generations.old.filter { !isRemoved($0.value.value) }
    }
  }

  /// Forgets everything: another configuration.
  public func removeAll() { removeAll { _ in true } }

  public var count: Int { generations.withLock { $0.young.count + $0.old.count } }
}
