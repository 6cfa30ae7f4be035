import Base
import CPostgreSQL
import Storage

/// Results as the server gave them, freed together. A statement's rows are all here before the first is shown, so a
/// closure may run statements of its own; whoever wants a few rows of many says LIMIT.
private final class Results {
  var items: [(index: Int, result: OpaquePointer)] = []
  deinit { for item in items { PQclear(item.result) } }
}

extension Connection: Transaction {
  func query(_ statement: Statement, _ binds: [SQLValue], _ each: (any Row) throws -> Bool) throws {
    try query(.fixed(statement), binds, each)
  }

  func query(_ sql: SQL, _ each: (any Row) throws -> Bool) throws {
    try query(.dynamic(sql.text(.postgreSQL)), sql.binds(.postgreSQL), each)
  }

  private func query(_ source: StatementSource, _ binds: [SQLValue], _ each: (any Row) throws -> Bool) throws {
    let results = Results()
    try exchange(source, binds, columns: binds.count, rowCount: 1) { results.items.append(($0, $1)) }
    for item in results.items {
      for row in 0..<PQntuples(item.result) {
        guard try each(PostgreSQLRow(result: item.result, row: row)) else { return }
      }
    }
  }

  func query(_ statement: Statement, rows: RowBatch, _ each: (_ index: Int, any Row) throws -> Void) throws {
    let results = Results()
    try exchange(.fixed(statement), rows.values, columns: rows.columns, rowCount: rows.rowCount) {
      results.items.append(($0, $1))
    }
    for item in results.items {
      for row in 0..<PQntuples(item.result) { try each(item.index, PostgreSQLRow(result: item.result, row: row)) }
    }
  }

  func execute(_ statement: Statement, _ binds: [SQLValue]) throws -> Int {
    try execute(.fixed(statement), binds, columns: binds.count, rowCount: 1)
  }

  func execute(_ sql: SQL) throws -> Int {
    let binds = sql.binds(.postgreSQL)
    return try execute(.dynamic(sql.text(.postgreSQL)), binds, columns: binds.count, rowCount: 1)
  }

  func execute(_ statement: Statement, rows: RowBatch) throws -> Int {
    if rows.rowCount >= InsertTemplate.rowsMin, let types = InsertTemplate.types(rows),
      let template = prepared.insertTemplate(statement)
    {
      return try execute(template, types, rows)
    }
    return try execute(.fixed(statement), rows.values, columns: rows.columns, rowCount: rows.rowCount)
  }

  private func execute(_ template: InsertTemplate, _ types: [Oid], _ rows: RowBatch) throws -> Int {
    guard types.count == template.parameterCount else {
      throw StorageError(.misuse, detail: "the statement has another number of parameters")
    }
    var arrays: [SQLValue] = []
    for (column, type) in types.enumerated() where type != 0 {
      arrays.append(try InsertTemplate.array(rows, column: column, type: type))
    }
    let source = StatementSource.arrays(template.text(types), types.filter { $0 != 0 }.map(TypeID.array(of:)))
    return try execute(source, arrays, columns: arrays.count, rowCount: 1)
  }

  private func execute(
    _ source: StatementSource, _ values: [SQLValue], columns: Int, rowCount: Int
  ) throws -> Int {
    var changed = 0
    try exchange(source, values, columns: columns, rowCount: rowCount) { _, result in
      defer { PQclear(result) }
      // The tag of a SELECT has a count too, of rows that it did not change.
      guard let tag = PQcmdStatus(result), tag[0] != CChar(UInt8(ascii: "S")) else { return }
      changed += PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
    }
    return changed
  }

  // MARK: Work

  func measuring<R>(_ body: () throws -> R) throws -> (result: R, work: Work) {
    let outer = measured
    measured = 0
    defer { measured = outer.map { $0 &+ (measured ?? 0) } }
    let result = try body()
    return (result, Work(steps: Int(clamping: measured ?? 0) / max(1, configuration.stepNanoseconds)))
  }

  /// Less than that a busy machine takes for anything.
  private static let attemptNanosecondsMin: UInt64 = 5_000_000

  func attempt<R>(steps: Int, _ body: () throws -> R) throws -> R? {
    let outer = attemptLimit
    let (nanoseconds, isEndless) = max(0, steps).multipliedReportingOverflow(by: max(1, configuration.stepNanoseconds))
    let limit = isEndless ? .max : monotonicNanoseconds() &+ max(UInt64(nanoseconds), Self.attemptNanosecondsMin)
    attemptLimit = min(limit, outer ?? .max)
    defer { attemptLimit = outer }
    // A statement that is given up takes its transaction with it, so there must be a point to go back to.
    let savepoint = transaction == .none ? nil : enterSavepoint("attempt")
    do {
      let result = try body()
      if let savepoint { try leave(savepoint) }
      return result
    } catch {
      let isGivenUp = didGiveUp && (error as? StorageError)?.code == .deadlineExceeded
      if let savepoint { try takeBack(savepoint) }
      guard isGivenUp else { throw error }
      return nil
    }
  }

  /// A point to go back to, set in the round trip of the next statement.
  struct Savepoint {
    let name: String
    /// Nothing has been sent since, if so many commands still wait.
    let queued: Int
    /// Tells that there was a round trip in between.
    let trip: Int
  }

  func enterSavepoint(_ name: String) -> Savepoint {
    prefix.append("SAVEPOINT \(name)")
    return Savepoint(name: name, queued: prefix.count, trip: trips)
  }

  /// Forgets the point, keeps what was done since.
  func leave(_ savepoint: Savepoint) throws(StorageError) {
    if let failure { throw failure.error }
    if trips == savepoint.trip {
      prefix.removeLast(prefix.count - savepoint.queued + 1)
    } else {
      prefix.append("RELEASE SAVEPOINT \(savepoint.name)")
    }
  }

  /// Takes back what was done since the point. Throws when the transaction is lost as a whole.
  func takeBack(_ savepoint: Savepoint) throws(StorageError) {
    if let failure, failure.kind != .other { throw failure.error }
    guard isOpen else { throw failure?.error ?? .unreachable("no connection") }
    if trips == savepoint.trip {
      prefix.removeLast(prefix.count - savepoint.queued + 1)
    } else {
      // Savepoints that were put off inside of this one are gone with it.
      prefix = []
      try command("ROLLBACK TO SAVEPOINT \(savepoint.name)", "RELEASE SAVEPOINT \(savepoint.name)")
    }
    failure = nil
  }

  // MARK: Snapshots

  /// Runs `body` in a read-only transaction: its statements see what the first of them saw.
  func snapshot<R>(_ body: (any Reader) throws -> R) throws -> R {
    failure = nil
    prefix = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"]
    transaction = .queued
    defer {
      prefix = []
      if transaction == .begun { commandUnawaited("COMMIT") }
      transaction = .none
    }
    return try body(self)
  }
}
