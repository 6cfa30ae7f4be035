import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Testing

/// The connection is lost at the very moment of a commit: the database is asked afterwards what became of it.
@Suite(.serialized, .enabled(if: PostgreSQLServer.isInstalled, "needs PostgreSQL 15 or newer: apt install postgresql"))
struct OutcomeTests {
  /// Ends the session that commits rows of `thing`, the first time. What a sequence gave is not taken back.
  private static let trap = """
    CREATE SEQUENCE once;
    CREATE FUNCTION vanish() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('once') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); END IF;
      RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER vanish AFTER INSERT ON thing DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION vanish();
    """

  @Test(
    "a commit that did not come to pass is done again, and acknowledged once it is there", arguments: [true, false])
  func takenBack(isPutOff: Bool) async throws {
    try await Things.withStore { database, connection in
      let server = try PostgreSQLServer.shared.get()
      try server.sql(Self.trap, database: String(Things.name(connection)))
      try await database.write { transaction in
        let values: [SQLValue] = [1, "a", nil, nil]
        if isPutOff {
          try transaction.send(Things.insert, values)
        } else {
          _ = try transaction.execute(Things.insert, values)
        }
      }
      try Things.expectCount(database, 1)
      let faults = database.faults
      #expect(faults.outcomesFound == 1 && faults.outcomesUnknown == 0 && faults.connectionsLost == 1)
    }
  }

  @Test("a commit that came to pass unheard is acknowledged, and not done twice")
  func unheard() async throws {
    let server = try PostgreSQLServer()
    let database = try Things.open(server.database())
    try await database.migrate(Things.migrations)
    try await Things.put(database, 1, size: 0)
    // A commit waits for a standby that is not there, after it is on the disk of this server.
    try server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    try server.sql("SELECT pg_reload_conf()")
    async let writing: Void = database.write { _ = try $0.execute(Things.update, [1]) }
    let waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    var pid = ""
    for _ in 0..<500 where pid.isEmpty {
      pid = try server.sql("SET synchronous_commit = off; \(waits)")
      try await Task.sleep(for: .milliseconds(10))
    }
    try server.sql("SET synchronous_commit = off; SELECT pg_terminate_backend(\(pid))")
    // The question, too, is answered only when a standby has it.
    var other = ""
    for _ in 0..<500 where other.isEmpty || other == pid {
      other = try server.sql("SET synchronous_commit = off; \(waits)")
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(!other.isEmpty && other != pid)
    try server.sql("ALTER SYSTEM RESET synchronous_standby_names")
    try server.sql("SELECT pg_reload_conf()")
    try await writing
    #expect(try Things.size(database, 1) == 1)
    let faults = database.faults
    #expect(faults.outcomesFound == 1 && faults.outcomesUnknown == 0 && faults.jobsRepeated == 0)
    await database.close()
    server.stop()
  }

  @Test("where the database stays away the outcome is unknown, and said to be")
  func unknown() async throws {
    let server = try PostgreSQLServer()
    let database = try Things.open(server.database()) { $0.reconnectMillisecondsMax = 200 }
    try await database.migrate(Things.migrations)
    try server.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    try server.sql("SELECT pg_reload_conf()")
    async let code = StorageError.code { try await Things.put(database, 1) }
    var waiting = ""
    for _ in 0..<500 where waiting.isEmpty {
      waiting = try server.sql(
        "SET synchronous_commit = off; SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
      try await Task.sleep(for: .milliseconds(10))
    }
    server.stop("QUIT")
    #expect(await code == .outcomeUnknown)
    #expect(database.faults.outcomesUnknown == 1 && database.faults.outcomesFound == 0)
    await database.close()
  }
}
