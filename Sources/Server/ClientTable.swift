import Base
import Synchronization
import Workspace

/// How much each client asked of late, by its address: a bucket of tokens that fills again, and how many of its
/// requests are in work (RFC 6585 §4).
///
/// The table's memory is bounded. A client is forgotten when its bucket is full again and nothing of it is in work: it
/// is then as new. While all places are taken by clients that are not, newcomers share one more bucket: a flood from
/// many addresses slows newcomers down, and costs no memory. An IPv6 client is its /64, since it has all of it
/// (RFC 6177 §2).
final class ClientTable: Sendable {
  /// Clients that are told apart.
  static let clientsMax = 16_384
  private static let shards = 16
  /// How many are looked at for a place.
  private static let looksMax = 16
  private static let v6Bits = 64

  private struct Client {
    var address: IPAddress
    /// Requests that may come now.
    var tokens: Double
    /// When `tokens` was right, in nanoseconds.
    var time: UInt64
    var inWork = 0
  }

  private struct Shard {
    var places: [IPAddress: Int] = [:]
    /// The first one is of those who find no place.
    var clients: [Client] = []
    var hand = 1
  }

  enum Entry {
    case admitted(ClientVisit?)
    /// Seconds until it makes sense to come again.
    case refused(retryAfterSeconds: Int)
  }

  private let rate: Double?
  private let burst: Double
  private let concurrent: Int?
  private let placesMax: Int
  private let parts: [SharedShard]
  private let seed = UInt64.random(in: 0...UInt64.max)

  private final class SharedShard: Sendable {
    let state = Mutex(Shard())
  }

  /// nil if nothing is limited.
  init?(_ limits: ClientLimits, clientsMax: Int = ClientTable.clientsMax) {
    guard !limits.isOff else { return nil }
    rate = limits.requestsPerSecond.map(Double.init)
    burst = Double(max(1, limits.burst ?? limits.requestsPerSecond ?? 1))
    concurrent = limits.concurrentRequests
    placesMax = max(1, clientsMax / Self.shards)
    parts = (0..<Self.shards).map { _ in SharedShard() }
  }

  /// A request of a client, which is in work until nobody holds the visit any more.
  func enter(_ address: IPAddress, at now: UInt64 = monotonicNanoseconds()) -> Entry {
    let address = address.isV4 ? address : address.prefix(Self.v6Bits)
    let part = parts[shard(of: address)]
    return part.state.withLock { shard in
      let place = place(of: address, in: &shard, now)
      refill(&shard.clients[place], now)
      if let concurrent, shard.clients[place].inWork >= concurrent { return .refused(retryAfterSeconds: 1) }
      if let rate {
        guard shard.clients[place].tokens >= 1 else {
          let seconds = ((1 - shard.clients[place].tokens) / rate).rounded(.up)
          return .refused(retryAfterSeconds: max(1, Int(seconds)))
        }
        shard.clients[place].tokens -= 1
      }
      guard concurrent != nil else { return .admitted(nil) }
      shard.clients[place].inWork += 1
      return .admitted(
        ClientVisit { part.state.withLock { $0.clients[place].inWork -= 1 } })
    }
  }

  private func shard(of address: IPAddress) -> Int {
    var hasher = Hasher()
    hasher.combine(address)
    hasher.combine(seed)
    return Int(UInt(bitPattern: hasher.finalize()) % UInt(Self.shards))
  }

  private func refill(_ client: inout Client, _ now: UInt64) {
    guard let rate, now > client.time else { return }
    client.tokens = min(burst, client.tokens + Double(now - client.time) / 1e9 * rate)
    client.time = now
  }

  /// Where a client's count is; a new one gets a free place, or one of somebody who is as new, or shares the first.
  private func place(of address: IPAddress, in shard: inout Shard, _ now: UInt64) -> Int {
    if shard.clients.isEmpty { shard.clients.append(Client(address: address, tokens: burst, time: now)) }
    if let place = shard.places[address] { return place }
    let newcomer = Client(address: address, tokens: burst, time: now)
    if shard.clients.count <= placesMax {
      shard.clients.append(newcomer)
      shard.places[address] = shard.clients.count - 1
      return shard.clients.count - 1
    }
    for _ in 0..<Self.looksMax {
      shard.hand = shard.hand >= shard.clients.count - 1 ? 1 : shard.hand + 1
      refill(&shard.clients[shard.hand], now)
      let candidate = shard.clients[shard.hand]
      guard candidate.inWork == 0, candidate.tokens >= burst else { continue }
      shard.places[candidate.address] = nil
      shard.clients[shard.hand] = newcomer
      shard.places[address] = shard.hand
      return shard.hand
    }
    return 0
  }

  /// Clients that are told apart now.
  var count: Int { parts.reduce(0) { $0 + $1.state.withLock { $0.places.count } } }
}

/// A client's request in work.
final class ClientVisit: Sendable {
  private let leave: @Sendable () -> Void

  init(_ leave: @escaping @Sendable () -> Void) { self.leave = leave }

  deinit { leave() }
}
