import Base
import CPostgreSQL
import Storage

/// Results as the server gave them, freed together. A statement's rows are all here before the first is shown, so a
/// closure may run statements of its own; whoever wants a few rows of many says LIMIT.
private final class Results {
  var items: [(question: Int, index: Int, result: OpaquePointer)] = []
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
    let execution = Execution(source: source, values: binds, columns: binds.count, rowCount: 1)
    try exchange([execution]) { results.items.append(($0, $1, $2)) }
    for item in results.items {
      for row in 0..<PQntuples(item.result) {
        guard try each(PostgreSQLRow(result: item.result, row: row)) else { return }
      }
    }
  }

  func query(_ statement: Statement, rows: RowBatch, _ each: (_ index: Int, any Row) throws -> Void) throws {
    try query([Question(statement, rows: rows)]) { try each($1, $2) }
  }

  func query(_ questions: [Question], _ each: (_ question: Int, _ index: Int, any Row) throws -> Void) throws {
    let results = Results()
    let executions = questions.map { question in
      Execution(
        source: .fixed(question.statement), values: question.rows?.values ?? [], columns: question.rows?.columns ?? 0,
        rowCount: question.rows?.rowCount ?? 1)
    }
    guard executions.contains(where: { $0.rowCount > 0 }) else { return }
    try exchange(executions) { results.items.append(($0, $1, $2)) }
    for item in results.items {
      for row in 0..<PQntuples(item.result) {
        try each(item.question, item.index, PostgreSQLRow(result: item.result, row: row))
      }
    }
  }

  func execute(_ statement: Statement, _ binds: [SQLValue]) throws -> Int {
    try execute(Execution(source: .fixed(statement), values: binds, columns: binds.count, rowCount: 1))
  }

  func execute(_ sql: SQL) throws -> Int {
    let binds = sql.binds(.postgreSQL)
    return try execute(
      Execution(source: .dynamic(sql.text(.postgreSQL)), values: binds, columns: binds.count, rowCount: 1))
  }

  func execute(_ statement: Statement, rows: RowBatch) throws -> Int {
    rows.isEmpty ? 0 : try execute(execution(statement, rows))
  }

  /// Many rows of an INSERT go as one statement over arrays.
  func execution(_ statement: Statement, _ rows: RowBatch) throws(StorageError) -> Execution {
    guard rows.rowCount >= InsertTemplate.rowsMin, let types = InsertTemplate.types(rows),
      let template = prepared.insertTemplate(statement)
    else {
      return Execution(
        source: .fixed(statement), values: rows.values, columns: rows.columns, rowCount: rows.rowCount)
    }
    guard types.count == template.parameterCount else {
      throw StorageError(.misuse, detail: "the statement has another number of parameters")
    }
    var arrays: [SQLValue] = []
    for (column, type) in types.enumerated() where type != 0 {
      arrays.append(try InsertTemplate.array(rows, column: column, type: type))
    }
    let source = StatementSource.arrays(template.text(types), types.filter { $0 != 0 }.map(TypeID.array(of:)))
    return Execution(source: source, values: arrays, columns: arrays.count, rowCount: 1)
  }

  func execute(_ execution: Execution) throws(StorageError) -> Int {
    var changed = 0
    try exchange([execution]) { _, _, result in
      defer { PQclear(result) }
      // The tag of a SELECT has a count too, of rows that it did not change.
      guard let tag = PQcmdStatus(result), tag[0] != CChar(UInt8(ascii: "S")) else { return }
      changed += PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
    }
    return changed
  }

  // MARK: Work

  func measuring<R>(_ body: () throws -> R) throws -> (result: R, work: Work) {
    try settleQueue()
    let outer = measured
    measured = 0
    defer { measured = outer.map { $0 &+ (measured ?? 0) } }
    let result = try body()
    return (result, Work(steps: Int(clamping: measured ?? 0) / max(1, configuration.stepNanoseconds)))
  }

  /// Less than that a busy machine takes for anything.
  private static let attemptNanosecondsMin: UInt64 = 5_000_000

  func attempt<R>(steps: Int, _ body: () throws -> R) throws -> R? {
    try settleQueue()
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

  // MARK: Snapshots

  /// Runs `body` in a read-only transaction: its statements see what the first of them saw.
  func snapshot<R>(_ body: (any Reader) throws -> R) throws -> R {
    failure = nil
    queue = [.command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")]
    transaction = .queued
    defer {
      queue = []
      if transaction == .begun { commandUnawaited("COMMIT") }
      transaction = .none
    }
    return try body(self)
  }
}
