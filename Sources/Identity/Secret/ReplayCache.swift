public import Base
import Synchronization

/// The ids of assertions that were used, until they have expired: a second use is refused (RFC 7523 §3, 7).
///
/// It fails closed: when it is full of ids that are still good, new ones are refused, and one client cannot take the
/// places of the others.
public final class ReplayCache: Sendable {
  private struct State {
    var clients: [String: [DigestKey: Int64]] = [:]
    var count = 0
  }

  private let state = Mutex(State())
  private let countMax: Int
  private let perClientMax: Int

  public init(countMax: Int = 100_000, perClientMax: Int = 10_000) {
    self.countMax = countMax
    self.perClientMax = perClientMax
  }

  /// Notes that a client used an id.
  /// - Parameter expires: until when it could be used again.
  /// - Throws: `.replayed` if it was used before, `.busy` if there is no place for it.
  public func use(_ id: String, of client: String, until expires: Instant, at now: Instant) throws(TokenError) {
    guard let key = try? DigestKey(of: id) else { throw TokenError(.busy) }
    let failure = state.withLock { state -> TokenError? in
      if let end = state.clients[client]?[key], now.milliseconds < end { return TokenError(.replayed) }
      if state.count >= countMax || state.clients[client, default: [:]].count >= perClientMax {
        forget(at: now, &state)
      }
      guard state.count < countMax, state.clients[client, default: [:]].count < perClientMax else {
        return TokenError(.busy)
      }
      if state.clients[client, default: [:]].updateValue(expires.milliseconds, forKey: key) == nil {
        state.count += 1
      }
      return nil
    }
    if let failure { throw failure }
  }

  private func forget(at now: Instant, _ state: inout State) {
    state.clients = state.clients.mapValues { $0.filter { now.milliseconds < $0.value } }.filter { !$0.value.isEmpty }
    state.count = state.clients.values.reduce(0) { $0 + $1.count }
  }

  public var count: Int { state.withLock { $0.count } }
}
