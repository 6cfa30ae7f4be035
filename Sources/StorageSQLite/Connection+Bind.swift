import CSQLite
import Storage

/// Parameters go to SQLite without a copy where they are large: the pointer is good while the closures that give it
/// are open, so a large value opens one around everything that follows. Small values are copied by SQLite, which is
/// cheaper than that.
extension Connection {
  private static let copiedBytesMax = 512
  private static let nestedMax = 16

  /// Binds `count` values from `first` on, then runs `body`.
  func withBound<R>(
    _ statement: OpaquePointer, _ values: [SQLValue], from first: Int, count: Int, _ body: () throws -> R
  ) throws -> R {
    guard Int(sqlite3_bind_parameter_count(statement)) == count else {
      throw StorageError(.misuse, detail: "the statement has another number of parameters")
    }
    return try bind(statement, values, first, at: 0, count, depth: 0, body)
  }

  private func bind<R>(
    _ statement: OpaquePointer, _ values: [SQLValue], _ first: Int, at start: Int, _ count: Int, depth: Int,
    _ body: () throws -> R
  ) throws -> R {
    var position = start
    while position < count {
      let parameter = Int32(truncatingIfNeeded: position + 1)
      position += 1
      let code: Int32
      switch values[first + position - 1] {
      case .null: code = sqlite3_bind_null(statement, parameter)
      case .integer(let value): code = sqlite3_bind_int64(statement, parameter, value)
      case .real(let value): code = sqlite3_bind_double(statement, parameter, value)
      case .blob(let bytes):
        if bytes.count > Connection.copiedBytesMax, depth < Connection.nestedMax {
          return try bytes.withUnsafeBytes { buffer in
            try check(sqlite3_bind_blob64(statement, parameter, buffer.baseAddress, UInt64(buffer.count), nil))
            defer { sqlite3_reset(statement); sqlite3_clear_bindings(statement) }
            return try bind(statement, values, first, at: position, count, depth: depth + 1, body)
          }
        }
        code = Connection.bindCopy(statement, parameter, bytes)
      case .text(var text):
        if text.utf8.count > Connection.copiedBytesMax, depth < Connection.nestedMax {
          return try text.withUTF8 { buffer in
            try check(Connection.bindText(statement, parameter, buffer, nil))
            defer { sqlite3_reset(statement); sqlite3_clear_bindings(statement) }
            return try bind(statement, values, first, at: position, count, depth: depth + 1, body)
          }
        }
        code = text.withUTF8 { Connection.bindText(statement, parameter, $0, Connection.transient) }
      }
      try check(code)
    }
    return try body()
  }

  /// SQLite's own copy of the bytes (`SQLITE_TRANSIENT`, a cast in the header).
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  private static func bindCopy(_ statement: OpaquePointer, _ parameter: Int32, _ bytes: [UInt8]) -> Int32 {
    // An empty array may have no address, and no address would mean NULL.
    if bytes.isEmpty { return sqlite3_bind_zeroblob(statement, parameter, 0) }
    return bytes.withUnsafeBytes {
      sqlite3_bind_blob64(statement, parameter, $0.baseAddress, UInt64($0.count), transient)
    }
  }

  private static func bindText(
    _ statement: OpaquePointer, _ parameter: Int32, _ utf8: UnsafeBufferPointer<UInt8>,
    _ destructor: sqlite3_destructor_type?
  ) -> Int32 {
    guard let start = utf8.baseAddress, !utf8.isEmpty else {
      return sqlite3_bind_text(statement, parameter, "", 0, transient)
    }
    return start.withMemoryRebound(to: CChar.self, capacity: utf8.count) {
      sqlite3_bind_text64(statement, parameter, $0, UInt64(utf8.count), destructor, UInt8(SQLITE_UTF8))
    }
  }

  private func check(_ code: Int32) throws(StorageError) {
    guard code == SQLITE_OK else { throw error(code) }
  }
}
