import Storage
import Synchronization

/// This process among those that share a store, and what its connections have in common.
final class Node: Sendable {
  private struct State {
    var isUp = true
    var host = 0
    var isMigrated = false
  }

  /// Tells this process from all others, in leases and announcements.
  let name: String
  private let state = Mutex(State())

  init() { name = Self.randomName() }

  static func randomName() -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  /// Whether the tables of the engine's own are there for certain.
  var isMigrated: Bool {
    get { state.withLock { $0.isMigrated } }
    set { state.withLock { $0.isMigrated = newValue } }
  }

  /// Whether the database can be reached, as far as is known.
  var isUp: Bool {
    get { state.withLock { $0.isUp } }
    set { state.withLock { $0.isUp = newValue } }
  }

  /// Which of several hosts was the right one last: the others are tried after it.
  var host: Int {
    get { state.withLock { $0.host } }
    set { state.withLock { $0.host = newValue } }
  }

  // What stores of one database must not share has the name of the schema in it: the server's own, for `search_path`
  // can come from many places.

  /// The channel on which the store's processes announce.
  static let channel: SQL = "'aceso_' || to_hex(hashtextextended('aceso notices ' || current_schema(), 0))"
  /// The lock of whoever writes, until the end of the transaction.
  static let writeLock: SQL = "SELECT pg_advisory_xact_lock(hashtextextended('aceso writes ' || current_schema(), 0))"
  /// "aceso" in ASCII: the lock of whoever migrates, one in each database, for the schema may not be there yet.
  static let migrationLock: SQL = "SELECT pg_advisory_lock(\(0x61_63_65_73_6F))"
}
