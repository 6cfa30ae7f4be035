/// Reads inside the closure it is handed to; not to be kept, nor used from another thread.
public protocol Reader {
  /// Runs a fixed statement; `each` sees the rows in order and returns false to stop.
  func query(_ statement: Statement, _ binds: [SQLValue], _ each: (any Row) throws -> Bool) throws

  /// Runs dynamic SQL (the prepared form is kept in a bounded cache keyed by the text).
  func query(_ sql: SQL, _ each: (any Row) throws -> Bool) throws

  /// Runs the statement once for each row of parameters, together one round trip. `each` gets the index of the
  /// parameter row and a result row; indexes come in order, those without a result are skipped.
  func query(_ statement: Statement, rows: RowBatch, _ each: (_ index: Int, any Row) throws -> Void) throws

  /// Runs statements that do not wait for each other's rows, together one round trip. `each` gets the question's
  /// number, the index of its parameter row and a result row; both come in order.
  func query(_ questions: [Question], _ each: (_ question: Int, _ index: Int, any Row) throws -> Void) throws

  /// Runs `body` as long as its statements are no more work than about `steps` (`Work.steps`); nil when they became
  /// more: what they gave until then is void. An engine that cannot tell how far it is carries `body` through.
  func attempt<R>(steps: Int, _ body: () throws -> R) throws -> R?

  /// Runs `body` and tells what its statements were to the engine, which keeps no count of it otherwise.
  func measuring<R>(_ body: () throws -> R) throws -> (result: R, work: Work)
}

extension Reader {
  /// The first row, as `read` makes it; nil without rows.
  public func first<R>(_ statement: Statement, _ binds: [SQLValue] = [], _ read: (any Row) throws -> R) throws -> R? {
    var result: R?
    try query(statement, binds) { row in
      result = try read(row)
      return false
    }
    return result
  }

  /// The first row, as `read` makes it; nil without rows.
  public func first<R>(_ sql: SQL, _ read: (any Row) throws -> R) throws -> R? {
    var result: R?
    try query(sql) { row in
      result = try read(row)
      return false
    }
    return result
  }

  /// Every row, as `read` makes it.
  public func all<R>(_ statement: Statement, _ binds: [SQLValue] = [], _ read: (any Row) throws -> R) throws -> [R] {
    var result: [R] = []
    try query(statement, binds) { row in
      result.append(try read(row))
      return true
    }
    return result
  }

  /// Every row, as `read` makes it.
  public func all<R>(_ sql: SQL, _ read: (any Row) throws -> R) throws -> [R] {
    var result: [R] = []
    try query(sql) { row in
      result.append(try read(row))
      return true
    }
    return result
  }
}

/// Reads and writes inside one transaction; it sees its own writes.
///
/// When an `execute` throws, nothing of that statement remains (of a batch: nothing of that row). Code lets the error
/// out: PostgreSQL gives up the whole transaction at the first one.
public protocol Transaction: Reader {
  /// Runs a fixed statement; the result is the number of rows inserted, updated or deleted.
  @discardableResult func execute(_ statement: Statement, _ binds: [SQLValue]) throws -> Int

  /// Runs dynamic SQL; the result is the number of rows inserted, updated or deleted.
  @discardableResult func execute(_ sql: SQL) throws -> Int

  /// Writes many rows with one statement; the result is the number of rows inserted, updated or deleted.
  @discardableResult func execute(_ statement: Statement, rows: RowBatch) throws -> Int

  /// Runs a fixed statement whose count nobody needs: an engine may put it off until the next that is asked for
  /// something, or until the commit. Its error comes out there; nothing is acknowledged before.
  func send(_ statement: Statement, _ binds: [SQLValue]) throws

  /// The same for many rows.
  func send(_ statement: Statement, rows: RowBatch) throws

  /// Tells the other processes that share the store (`Database.listen`), once this transaction is committed.
  func announce(_ topic: String) throws
}
