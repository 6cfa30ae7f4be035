import CSQLite
import Storage

extension Connection: Transaction {
  func query(_ statement: Statement, _ binds: [SQLValue], _ each: (any Row) throws -> Bool) throws {
    try withPrepared(statement) { prepared in
      try withBound(prepared, binds, from: 0, count: binds.count) { try walk(prepared, each) }
    }
  }

  func query(_ sql: SQL, _ each: (any Row) throws -> Bool) throws {
    try withPrepared(sql) { prepared in
      try withBound(prepared, sql.binds, from: 0, count: sql.binds.count) { try walk(prepared, each) }
    }
  }

  func query(_ statement: Statement, rows: RowBatch, _ each: (_ index: Int, any Row) throws -> Void) throws {
    try withPrepared(statement) { prepared in
      for index in 0..<rows.rowCount {
        try withBound(prepared, rows.values, from: index * rows.columns, count: rows.columns) {
          try walk(prepared) { row in
            try each(index, row)
            return true
          }
        }
        sqlite3_reset(prepared)
      }
    }
  }

  func measuring<R>(_ body: () throws -> R) throws -> (result: R, work: Work) {
    let outer = steps
    steps = 0
    defer { steps = outer.map { $0 + (steps ?? 0) } }
    let result = try body()
    return (result, Work(steps: steps ?? 0))
  }

  func attempt<R>(steps: Int, _ body: () throws -> R) throws -> R? {
    let outer = asksLeft
    let asks = min(steps / Int(Self.interruptSteps), outer ?? .max)
    asksLeft = asks
    defer { asksLeft = outer.map { $0 - asks + (asksLeft ?? 0) } }
    do {
      return try body()
    } catch let error as StorageError where error.code == .interrupted && (asksLeft ?? 0) < 0 {
      return nil
    }
  }

  func execute(_ statement: Statement, _ binds: [SQLValue]) throws -> Int {
    try countingChanges { try query(statement, binds) { _ in true } }
  }

  func execute(_ sql: SQL) throws -> Int {
    try countingChanges { try query(sql) { _ in true } }
  }

  func execute(_ statement: Statement, rows: RowBatch) throws -> Int {
    try countingChanges { try query(statement, rows: rows) { _, _ in } }
  }

  /// Steps through the result until its end or until `each` has enough.
  private func walk(_ prepared: OpaquePointer, _ each: (any Row) throws -> Bool) throws {
    // The count is the statement's, and goes on from one use of it to the next.
    if steps != nil { _ = sqlite3_stmt_status(prepared, SQLITE_STMTSTATUS_VM_STEP, 1) }
    defer { steps = steps.map { $0 + Int(sqlite3_stmt_status(prepared, SQLITE_STMTSTATUS_VM_STEP, 1)) } }
    let row = SQLiteRow(statement: prepared)
    while true {
      let code = sqlite3_step(prepared)
      if code == SQLITE_DONE { return }
      guard code == SQLITE_ROW else { throw error(code) }
      guard try each(row) else { return }
    }
  }

  /// The difference of the running total, since the count of the last statement stays as it was after one that is no
  /// INSERT, UPDATE or DELETE.
  private func countingChanges(_ body: () throws -> Void) throws -> Int {
    let before = sqlite3_total_changes64(handle)
    try body()
    return Int(truncatingIfNeeded: sqlite3_total_changes64(handle) &- before)
  }
}
