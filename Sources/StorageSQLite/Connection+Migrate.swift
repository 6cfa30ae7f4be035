import CSQLite
import Storage

extension Connection {
  private static let create: SQL = """
    CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied TEXT NOT NULL)
    """

  /// Runs what is not recorded yet, each with its record in one transaction.
  func migrate(_ migrations: [Migration]) throws {
    for (index, migration) in migrations.enumerated() where migration.version != index + 1 {
      throw StorageError(.misuse, detail: "migrations count from 1 without gaps; found \(migration.version)")
    }
    _ = try execute(Connection.create)
    let recorded = try all("SELECT version, name FROM migration ORDER BY version") { ($0.integer(0), $0.text(1)) }
    for (version, name) in recorded {
      guard version >= 1, version <= migrations.count else {
        throw StorageError(.misuse, detail: "the store is newer than this program: it has schema version \(version)")
      }
      let expected = migrations[Int(version) - 1].name
      guard expected == name else {
        throw StorageError(.misuse, detail: "schema version \(version) is \(name) in the store, \(expected) here")
      }
    }
    let done = Set(recorded.map { $0.0 })
    for migration in migrations where !done.contains(Int64(migration.version)) { try apply(migration) }
  }

  private func apply(_ migration: Migration) throws {
    try run("BEGIN IMMEDIATE")
    do {
      try run(migration.script(.sqlite))
      _ = try execute(
        """
        INSERT INTO migration (version, name, applied)
        VALUES (\(migration.version), \(migration.name), strftime('%Y-%m-%dT%H:%M:%SZ'))
        """)
      try run("COMMIT")
    } catch {
      if !isAutocommit { try? run("ROLLBACK") }
      throw error
    }
  }
}
