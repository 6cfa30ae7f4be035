import Base
import Identity
import Storage
import Synchronization

/// The keys that the issuer signs with: made in advance, published before they sign and as long after as a token of
/// theirs is good, and kept in the store, so that they outlive the process and are the same on every node.
final class SigningKeys: Sendable {
  struct Key: Sendable {
    let id: String
    let key: PrivateKey
    let signsFrom: Instant
  }

  private struct State {
    var keys: [Key] = []
    var loaded: Instant?
  }

  /// How long what the store says is believed without asking again: another node may have made a key.
  private static let freshSeconds: Int64 = 30
  static let algorithm = SignatureAlgorithm.rs256

  private let database: any Database
  private let clock: Clock
  private let rotation: Int64
  private let lead: Int64
  /// How long the last token of a key may live, in milliseconds.
  private let tokenLifetime: Int64
  private let work: BlockingWork
  private let state = Mutex(State())

  init(_ database: any Database, clock: Clock, _ configuration: IssuerConfiguration, work: BlockingWork) {
    self.database = database
    self.clock = clock
    self.work = work
    rotation = Int64(configuration.keyRotationSeconds) * 1000
    lead = min(Int64(configuration.keyLeadSeconds) * 1000, rotation / 2)
    let seconds = max(configuration.accessTokenSeconds, configuration.backendTokenSeconds)
    tokenLifetime = (Int64(seconds) + 60) * 1000
  }

  private static let all = Statement("SELECT id, pem, signs_from FROM signing_key ORDER BY signs_from")
  private static let newest = Statement("SELECT max(signs_from) FROM signing_key")
  private static let insert = Statement(
    "INSERT INTO signing_key (id, pem, created, signs_from) VALUES (?, ?, ?, ?)")
  private static let delete = Statement("DELETE FROM signing_key WHERE id = ?")

  /// The keys of now, in the order in which they sign.
  private func current() async throws -> [Key] {
    let now = clock.now()
    let known = state.withLock { state -> [Key]? in
      guard let loaded = state.loaded, now >= loaded,
        now < loaded.advanced(byMilliseconds: Self.freshSeconds * 1000)
      else { return nil }
      return state.keys
    }
    if let known { return known }
    let keys = try await database.read { reader in
      try reader.all(Self.all) { row in
        Key(
          id: row.text(0), key: try PrivateKey(pem: row.text(1)), signsFrom: Instant(milliseconds: row.integer(2)))
      }
    }
    state.withLock { state in
      state.keys = keys
      state.loaded = now
    }
    return keys
  }

  private func forget() { state.withLock { $0.loaded = nil } }

  /// Makes the first key or the next one if it is time, and removes those whose tokens have all expired.
  func rotate() async throws {
    let now = clock.now()
    forget()
    let keys = try await current()
    let due = keys.last.map { $0.signsFrom.milliseconds &+ rotation &- lead <= now.milliseconds } ?? true
    if due {
      let key = try await work.run { Result { () throws(KeyError) in try PrivateKey.generate(.rsa) } }.get()
      let id = try key.publicKey.thumbprint()
      let pem = try key.pem()
      let (lead, last) = (lead, keys.last?.signsFrom.milliseconds)
      try await database.write { transaction in
        // Another node may have been faster.
        let newest = try transaction.first(Self.newest) { $0.optionalInteger(0) } ?? nil
        guard newest == last else { return }
        let signsFrom = last == nil ? now.milliseconds : now.milliseconds &+ lead
        try transaction.execute(
          Self.insert, [.text(id), .text(pem), .integer(now.milliseconds), .integer(signsFrom)])
      }
    }
    for (key, successor) in zip(keys, keys.dropFirst())
    where successor.signsFrom.milliseconds &+ tokenLifetime <= now.milliseconds {
      try await database.write { _ = try $0.execute(Self.delete, [.text(key.id)]) }
    }
    forget()
  }

  /// The key that signs now.
  func signing() async throws -> Key {
    let now = clock.now()
    guard let key = try await current().last(where: { $0.signsFrom <= now }) else {
      throw KeyError(.failed, "There is no key to sign with.")
    }
    return key
  }

  /// What is published: keys that sign, signed a while ago or will sign.
  func published() async throws -> JWKSet {
    JWKSet(try await current().map { JWK($0.key.publicKey, id: $0.id, algorithm: Self.algorithm) })
  }
}
