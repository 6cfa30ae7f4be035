import Foundation
import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Testing

/// Stores on one server for the whole process, each in a schema of its own.
enum PostgreSQLStores {
  /// The connection string (a URI) of a server that is there already, in a database that tests may fill.
  static let variable = "ACESO_TEST_POSTGRESQL"

  /// What it acknowledges need not survive anything; it has little memory and many small stores.
  private static let server = Result {
    try PostgreSQLServer(settings: [
      "fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=8GB",
      "checkpoint_timeout=1h", "autovacuum=off", "shared_buffers=256MB", "max_connections=500",
      "max_locks_per_transaction=256",
    ])
  }

  static func connection() throws -> String {
    if let given = ProcessInfo.processInfo.environment[variable] { return given }
    guard PostgreSQLServer.isInstalled else {
      try Test.cancel("needs PostgreSQL 15 or newer: apt install postgresql")
    }
    return try server.get().connection()
  }

  /// The same for the same path in every process. FNV-1a
  static func schema(_ path: String) -> String {
    let hash = path.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return "store_\(String(hash, radix: 16))"
  }

  private static func connection(_ path: String) throws -> String {
    let base = try connection()
    return "\(base)\(base.contains("?") ? "&" : "?")options=-csearch_path%3D\(schema(path))"
  }

  static func open(_ path: String) throws -> PostgreSQLDatabase {
    var configuration = PostgreSQLConfiguration(connection: try connection())
    configuration.schema = schema(path)
    configuration.readerThreads = 2
    configuration.pointConnectionsMax = 8
    return try PostgreSQLDatabase(configuration)
  }

  static func tables(_ path: String, isWritable: Bool) throws -> PostgreSQLTables {
    let tables = try PostgreSQLTables(try connection(path))
    if !isWritable { try tables.execute("SET default_transaction_read_only = on") }
    return tables
  }

  /// All tables with their rows, as of one snapshot; numbers that the server gives go on where they are.
  static func copy(_ path: String, to copy: String) throws {
    let (from, to) = (schema(path), schema(copy))
    try tables(path, isWritable: true).execute(
      """
      BEGIN ISOLATION LEVEL REPEATABLE READ;
      CREATE SCHEMA \(to);
      DO $$
      DECLARE name text; sequence text;
      BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = '\(from)' LOOP
          EXECUTE format('CREATE TABLE \(to).%I (LIKE \(from).%I INCLUDING ALL)', name, name);
          EXECUTE format('INSERT INTO \(to).%I SELECT * FROM \(from).%I', name, name);
          SELECT pg_get_serial_sequence('\(to).' || name, c.attname) INTO sequence
          FROM pg_attribute AS c WHERE c.attrelid = ('\(to).' || name)::regclass AND c.attidentity <> '';
          IF sequence IS NOT NULL THEN
            EXECUTE format(
              'SELECT setval(%L, coalesce((SELECT max(number) FROM \(to).%I), 0) + 1, false)', sequence, name);
          END IF;
          sequence := NULL;
        END LOOP;
      END $$;
      COMMIT
      """)
  }
}
