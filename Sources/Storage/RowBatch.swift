/// Many rows of parameters for one statement: a loop over one prepared statement on SQLite, one round trip on
/// PostgreSQL. The values lie flat, row after row.
public struct RowBatch: Sendable {
  /// Parameters in each row, at least 1.
  public let columns: Int
  /// All values, row after row.
  public private(set) var values: [SQLValue] = []

  public init(columns: Int) {
    precondition(columns > 0, "a batch has at least one column")
    self.columns = columns
  }

  /// Complete rows.
  public var rowCount: Int { values.count / columns }
  public var isEmpty: Bool { values.isEmpty }

  /// Makes room for this many rows in all.
  public mutating func reserve(rows: Int) { values.reserveCapacity(rows * columns) }

  /// Adds one row.
  public mutating func append(_ row: SQLValue...) { append(contentsOf: row) }

  /// Adds one row, or several (a multiple of `columns`).
  public mutating func append(contentsOf row: some Collection<SQLValue>) {
    precondition(row.count % columns == 0, "a row has as many values as the batch has columns")
    values.append(contentsOf: row)
  }

  /// The values of one row.
  public subscript(row: Int) -> ArraySlice<SQLValue> { values[row * columns..<(row + 1) * columns] }

  /// Forgets the rows, keeps the room.
  public mutating func removeAll() { values.removeAll(keepingCapacity: true) }
}
