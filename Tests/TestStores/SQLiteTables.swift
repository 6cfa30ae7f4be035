import CSQLite
import Storage

/// A store's file.
final class SQLiteTables: StoreTables {
  let dialect = Dialect.sqlite
  private let handle: OpaquePointer

  init(_ path: String, isWritable: Bool) throws {
    var handle: OpaquePointer?
    // A file with a log that recovery has not seen yet needs a connection that may write.
    let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil)
    guard code == SQLITE_OK, let handle else {
      sqlite3_close(handle)
      throw TestStores.Failure(description: "cannot be opened: \(code)")
    }
    self.handle = handle
    if !isWritable { try execute("PRAGMA query_only = ON") }
  }

  deinit { sqlite3_close(handle) }

  private var failure: TestStores.Failure { TestStores.Failure(description: String(cString: sqlite3_errmsg(handle))) }

  func execute(_ sql: String) throws {
    guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure }
  }

  func rows(_ sql: String) throws -> [[StoredValue]] {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else { throw failure }
    defer { sqlite3_finalize(statement) }
    var rows: [[StoredValue]] = []
    while true {
      let code = sqlite3_step(statement)
      if code == SQLITE_DONE { return rows }
      guard code == SQLITE_ROW else { throw failure }
      rows.append((0..<sqlite3_column_count(statement)).map { Self.value(statement, $0) })
    }
  }

  private static func value(_ statement: OpaquePointer?, _ column: Int32) -> StoredValue {
    let bytes = UnsafeRawBufferPointer(
      start: sqlite3_column_blob(statement, column), count: Int(sqlite3_column_bytes(statement, column)))
    switch sqlite3_column_type(statement, column) {
    case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, column))
    case SQLITE_FLOAT: return .real(sqlite3_column_double(statement, column))
    case SQLITE_TEXT: return .text(String(decoding: bytes, as: UTF8.self))
    case SQLITE_BLOB: return .blob(Array(bytes))
    default: return .null
    }
  }
}
