import Base
import Storage
import Synchronization

// Plans depend on what ANALYZE has seen. PostgreSQL's own looks after a minute at the earliest, and one table of a
// database each time; until then it takes tables for small, and of two indexes the wrong one. A store that is being
// loaded would be searched by plans that are a thousand times too slow.

/// Has PostgreSQL look at the tables that have become twice as large since it did.
final class TableStatistics: Sendable {
  private let isRunning = Atomic<Bool>(false)

  private static let grown: SQL = """
    SELECT quote_ident(relname) FROM pg_stat_user_tables
    WHERE schemaname = current_schema() AND n_mod_since_analyze > 500 + n_live_tup / 2
    """

  /// Asks on a connection which tables those are; they are looked at on a thread and a connection of their own.
  func look(_ connection: Connection) throws {
    guard !isRunning.load(ordering: .relaxed) else { return }
    let tables = try connection.all(Self.grown) { $0.text(0) }
    guard !tables.isEmpty else { return }
    isRunning.store(true, ordering: .relaxed)
    let own = Connection(
      role: .migrator, configuration: connection.configuration, faults: connection.faults, node: connection.node)
    let started = WorkerThread.start(stackBytes: PostgreSQLDatabase.stackBytes) { [self] in
      Self.analyze(tables, own)
      isRunning.store(false, ordering: .relaxed)
    }
    if !started { isRunning.store(false, ordering: .relaxed) }
  }

  /// Another node may be at it, then the table is left out. What fails is done again with the next look.
  private static func analyze(_ tables: [String], _ connection: Connection) {
    do throws(StorageError) {
      try connection.open()
      for table in tables { try connection.script("ANALYZE (SKIP_LOCKED) \(table)") }
    } catch {}
    connection.drop()
  }
}
