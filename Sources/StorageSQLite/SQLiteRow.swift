import CSQLite
import Storage

/// The row a statement stands on. One word, so it travels in an existential without an allocation.
struct SQLiteRow: Row {
  let statement: OpaquePointer

  var columnCount: Int { Int(sqlite3_data_count(statement)) }

  // SQLite answers NULL for a column that is not there, so no index can trap; it takes 32 bits.
  private func index(_ column: Int) -> Int32 { Int32(truncatingIfNeeded: column) }

  func isNull(_ column: Int) -> Bool { sqlite3_column_type(statement, index(column)) == SQLITE_NULL }
  func integer(_ column: Int) -> Int64 { sqlite3_column_int64(statement, index(column)) }
  func real(_ column: Int) -> Double { sqlite3_column_double(statement, index(column)) }

  func text(_ column: Int) -> String {
    guard let start = sqlite3_column_text(statement, index(column)) else { return "" }
    let count = Int(sqlite3_column_bytes(statement, index(column)))
    return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  func blob(_ column: Int) -> [UInt8] {
    withBytes(column) { bytes in
      [UInt8](unsafeUninitializedCapacity: bytes.count) { target, count in
        if let source = bytes.baseAddress, let start = target.baseAddress {
          UnsafeMutableRawPointer(start).copyMemory(from: source, byteCount: bytes.count)
        }
        count = bytes.count
      }
    }
  }

  func withBytes<R>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    guard let start = sqlite3_column_blob(statement, index(column)) else {
      return try body(UnsafeRawBufferPointer(start: nil, count: 0))
    }
    let count = Int(sqlite3_column_bytes(statement, index(column)))
    return try body(UnsafeRawBufferPointer(start: start, count: count))
  }

  func value(_ column: Int) -> SQLValue {
    switch sqlite3_column_type(statement, index(column)) {
    case SQLITE_INTEGER: .integer(integer(column))
    case SQLITE_FLOAT: .real(real(column))
    case SQLITE_TEXT: .text(text(column))
    case SQLITE_BLOB: .blob(blob(column))
    default: .null
    }
  }
}
