import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Testing

/// A table of things in a database of its own, and what is done with it.
enum Things {
  static let migrations = [
    Migration(
      1, "things",
      "CREATE TABLE thing (key bigint PRIMARY KEY, name text UNIQUE, body bytea, size double precision)")
  ]
  static let insert = Statement("INSERT INTO thing (key, name, body, size) VALUES (?, ?, ?, ?)")
  static let byKey = Statement("SELECT key, name, body, size FROM thing WHERE key = ?")
  static let update = Statement("UPDATE thing SET size = size + 1 WHERE key = ?")
  static let size = Statement("SELECT size FROM thing WHERE key = ?")
  static let count = Statement("SELECT count(*) FROM thing")
  static let endless: SQL = """
    WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT (x + 1) % 1000 FROM c) SELECT count(*) FROM c
    """

  static func withStore(
    _ configure: (inout PostgreSQLConfiguration) -> Void = { _ in },
    _ body: (PostgreSQLDatabase, String) async throws -> Void
  ) async throws {
    let connection = try PostgreSQLServer.shared.get().database()
    let database = try open(connection, configure)
    try await database.migrate(migrations)
    try await body(database, connection)
    await database.close()
  }

  static func open(
    _ connection: String, _ configure: (inout PostgreSQLConfiguration) -> Void = { _ in }
  ) throws -> PostgreSQLDatabase {
    var configuration = PostgreSQLConfiguration(connection: connection)
    configure(&configuration)
    return try PostgreSQLDatabase(configuration)
  }

  static func put(_ database: PostgreSQLDatabase, _ key: Int, _ name: String? = nil, size: Double? = nil) async throws {
    let values: [SQLValue] = [.integer(key), .optional(name), .null, size.map { .real($0) } ?? .null]
    try await database.write { _ = try $0.execute(insert, values) }
  }

  static func count(_ reader: any Reader) throws -> Int64 { try reader.first(count) { $0.integer(0) } ?? -1 }

  static func counted(_ database: PostgreSQLDatabase) throws -> Int64 { try database.point { try count($0) } }

  /// The database's name in a connection string of the test server's.
  static func name(_ connection: String) -> Substring {
    connection.split(separator: "?").first?.split(separator: "/").last ?? ""
  }

  static func expectCount(_ database: PostgreSQLDatabase, _ expected: Int64) throws {
    let count = try counted(database)
    #expect(count == expected)
  }

  static func expectReadCount(_ database: PostgreSQLDatabase, _ expected: Int64) async throws {
    let count = try await database.read { try Things.count($0) }
    #expect(count == expected)
  }

  static func size(_ database: PostgreSQLDatabase, _ key: Int) throws -> Double? {
    try database.point { try $0.first(size, [.integer(key)]) { $0.real(0) } }
  }
}

struct Refusal: Error {}

extension StorageError {
  /// The code of what `body` throws; nil when it does not.
  static func code(_ body: () async throws -> some Any) async -> Code? {
    do {
      _ = try await body()
      return nil
    } catch {
      return (error as? StorageError)?.code ?? .other
    }
  }
}
