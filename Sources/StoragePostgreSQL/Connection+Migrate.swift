import Storage

extension Connection {
  /// Runs what is not recorded yet, each with its record in one transaction, while other nodes wait.
  func migrate(_ migrations: [Migration]) throws {
    for (index, migration) in migrations.enumerated() where migration.version != index + 1 {
      throw StorageError(.misuse, detail: "migrations count from 1 without gaps; found \(migration.version)")
    }
    // Given back at the latest with the connection, which is the migrations' own.
    try query(Node.migrationLock) { _ in true }
    if let schema = configuration.schema { try make(schema) }
    _ = try execute(
      "CREATE TABLE IF NOT EXISTS migration (version integer PRIMARY KEY, name text NOT NULL, applied text NOT NULL)")
    // Work that one process at a time does: whose it is, and until when unless that one is heard of again.
    _ = try execute(
      "CREATE TABLE IF NOT EXISTS lease (work text PRIMARY KEY, node text NOT NULL, until timestamptz NOT NULL)")
    // Numbers that processes with a replica write, and look for there.
    _ = try execute(
      """
      CREATE TABLE IF NOT EXISTS pulse (
        node text PRIMARY KEY, number bigint NOT NULL, written timestamptz NOT NULL DEFAULT now())
      """)
    // The number of each writer's last transaction, changed in it: so it can be told later whether it was committed.
    // Every transaction changes a row, so pages have room for the next one beside it.
    _ = try execute(
      """
      CREATE TABLE IF NOT EXISTS outcome (
        writer text PRIMARY KEY, number bigint NOT NULL, written timestamptz NOT NULL DEFAULT now())
      WITH (fillfactor = 20)
      """)
    // Of processes that are gone.
    _ = try execute("DELETE FROM outcome WHERE written < now() - interval '1 day'")
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

  /// Makes the schema where there is none: to ask for it takes a right that whoever only uses it need not have.
  private func make(_ schema: String) throws {
    let isThere = try first("SELECT 1 FROM pg_namespace WHERE nspname = \(schema)") { _ in true } ?? false
    if !isThere { try script("CREATE SCHEMA \"\(schema)\"") }
  }

  private func apply(_ migration: Migration) throws {
    failure = nil
    try script("BEGIN")
    transaction = .begun
    defer { transaction = .none }
    do {
      try script(migration.script(.postgreSQL))
      _ = try execute(
        """
        INSERT INTO migration (version, name, applied)
        VALUES (\(migration.version), \(migration.name), to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
        """)
    } catch {
      try? script("ROLLBACK")
      throw error
    }
    do throws(StorageError) {
      try script("COMMIT")
    } catch {
      guard !isOpen else { throw error }
      throw StorageError(.outcomeUnknown, engineCode: error.engineCode, detail: error.detail)
    }
  }
}
