import CPostgreSQL
import Storage

/// A store's schema.
final class PostgreSQLTables: StoreTables {
  let dialect = Dialect.postgreSQL
  private let handle: OpaquePointer

  init(_ connection: String) throws {
    guard let handle = PQconnectdb(connection) else { throw TestStores.Failure(description: "no memory") }
    self.handle = handle
    guard PQstatus(handle) == CONNECTION_OK else { throw failure }
    try execute("SET client_min_messages = warning")
  }

  deinit { PQfinish(handle) }

  private var failure: TestStores.Failure { TestStores.Failure(description: String(cString: PQerrorMessage(handle))) }

  private func run<R>(_ sql: String, _ read: (OpaquePointer) -> R) throws -> R {
    guard let result = PQexec(handle, sql) else { throw failure }
    defer { PQclear(result) }
    let status = PQresultStatus(result)
    guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else { throw failure }
    return read(result)
  }

  func execute(_ sql: String) throws { try run(sql) { _ in } }

  func rows(_ sql: String) throws -> [[StoredValue]] {
    try run(sql) { result in
      (0..<PQntuples(result)).map { row in
        (0..<PQnfields(result)).map { Self.value(result, row, $0) }
      }
    }
  }

  /// A column in the text format, by its type (pg_type.dat).
  private static func value(_ result: OpaquePointer, _ row: Int32, _ column: Int32) -> StoredValue {
    guard PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else { return .null }
    let text = String(cString: start)
    switch PQftype(result, column) {
    case 20, 21, 23: return Int64(text).map { .integer($0) } ?? .text(text)
    case 700, 701: return Double(text).map { .real($0) } ?? .text(text)
    case 1700: return Int64(text).map { .integer($0) } ?? Double(text).map { .real($0) } ?? .text(text)
    case 17: return .blob(bytes(text))
    default: return .text(text)
    }
  }

  /// `\x` and two digits for each byte (8.4.1).
  private static func bytes(_ text: String) -> [UInt8] {
    let digits = text.utf8.dropFirst(2).map { $0 >= 97 ? $0 - 87 : $0 - 48 }
    return stride(from: 0, to: digits.count & ~1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}
