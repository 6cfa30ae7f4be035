/// Many rows of parameters for one statement: a loop over one prepared statement on SQLite, one round trip on
/// PostgreSQL. The values lie flat, row after row.
public struct RowBatch: Sendable {
  /// Parameters in each row, at least 1.
  public let columns: Int
  /// All values, row after row.
  public internal(set) var values: [SQLValue] = []

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

  /// Adds the next value of the row under way; a row is complete with its last column's.
  public mutating func push(_ value: SQLValue) { values.append(value) }

  /// Adds one row, or several (a multiple of `columns`).
  public mutating func append(contentsOf row: some Collection<SQLValue>) {
    precondition(row.count % columns == 0, "a row has as many values as the batch has columns")
    values.append(contentsOf: row)
  }

  /// The values of one row.
  public subscript(row: Int) -> ArraySlice<SQLValue> { values[row * columns..<(row + 1) * columns] }

  /// The rows in ascending order of their columns, from the first on. Values of one column are of one kind.
  public func sorted() -> RowBatch {
    let order = (0..<rowCount).sorted { precedes($0, $1) }
    var batch = RowBatch(columns: columns)
    batch.values.reserveCapacity(values.count)
    for row in order { batch.values += self[row] }
    return batch
  }

  /// Without rows that are the same as the one before them, byte for byte.
  public func eachOnce() -> RowBatch {
    var batch = RowBatch(columns: columns)
    batch.values.reserveCapacity(values.count)
    for row in 0..<rowCount where row == 0 || !isSame(row, row - 1) { batch.values += self[row] }
    return batch
  }

  private func isSame(_ a: Int, _ b: Int) -> Bool {
    // The last column tells most rows apart.
    (0..<columns).reversed().allSatisfy { column in
      switch (values[a * columns + column], values[b * columns + column]) {
      // Strings that are equal may differ in their bytes.
      case (.text(let x), .text(let y)): x.utf8.elementsEqual(y.utf8)
      case (let x, let y): x == y
      }
    }
  }

  private func precedes(_ a: Int, _ b: Int) -> Bool {
    for column in 0..<columns {
      switch (values[a * columns + column], values[b * columns + column]) {
      case (.integer(let x), .integer(let y)): if x != y { return x < y }
      case (.text(let x), .text(let y)): if x != y { return x < y }
      case (.real(let x), .real(let y)): if x != y { return x < y }
      default: continue
      }
    }
    return false
  }

  /// Forgets the rows, keeps the room.
  public mutating func removeAll() { values.removeAll(keepingCapacity: true) }
}
