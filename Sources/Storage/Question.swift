/// A fixed statement that is asked together with others (`Reader.query(_:_:)`).
public struct Question: Sendable {
  public let statement: Statement
  /// The statement runs once for each row of parameters; nil where it has none.
  public let rows: RowBatch?

  /// A statement that runs once, with these parameters.
  public init(_ statement: Statement, _ binds: SQLValue...) {
    self.statement = statement
    guard !binds.isEmpty else {
      rows = nil
      return
    }
    var row = RowBatch(columns: binds.count)
    row.append(contentsOf: binds)
    rows = row
  }

  public init(_ statement: Statement, rows: RowBatch) {
    self.statement = statement
    self.rows = rows
  }
}

extension Reader {
  /// One after the other: what an engine does that has no way to anywhere.
  public func query(_ questions: [Question], _ each: (_ question: Int, _ index: Int, any Row) throws -> Void) throws {
    for (number, question) in questions.enumerated() {
      if let rows = question.rows {
        try query(question.statement, rows: rows) { try each(number, $0, $1) }
      } else {
        try query(question.statement, []) { row in
          try each(number, 0, row)
          return true
        }
      }
    }
  }
}

extension Transaction {
  /// At once.
  public func send(_ statement: Statement, _ binds: [SQLValue]) throws { _ = try execute(statement, binds) }

  /// At once.
  public func send(_ statement: Statement, rows: RowBatch) throws { _ = try execute(statement, rows: rows) }
}
