/// Rows of a small text table: one line a row, columns parted by `|`, blank lines and lines with `#` left out.
enum TableText {
  static func rows(_ text: String) -> [[Substring]] {
    text.split(separator: "\n").filter { !$0.hasPrefix("#") }
      .map { $0.split(separator: "|", omittingEmptySubsequences: false) }
  }

  /// A column as a whole number; the tables are our own, so anything else is our mistake.
  static func number(_ column: Substring) -> Int {
    guard let number = Int(column) else { preconditionFailure("no number in a table: \(column)") }
    return number
  }

  /// The members of an enumeration named in a column, parted by commas.
  static func keys<Key: CaseIterable>(_ column: Substring, of type: Key.Type) -> [Key] {
    column.split(separator: ",").map { name in
      guard let key = Key.allCases.first(where: { "\($0)" == name }) else {
        preconditionFailure("no such name in \(type): \(name)")
      }
      return key
    }
  }
}

/// A text table with one row for each case of an enumeration, in any order; the first column (0) is the case's name.
struct Table<Key: CaseIterable & RawRepresentable, Row: Sendable>: Sendable where Key.RawValue == Int {
  let rows: [Row]

  init(_ text: String, row: ([Substring]) -> Row) {
    var found: [Substring: [Substring]] = [:]
    for columns in TableText.rows(text) { found[columns[0]] = columns }
    rows = Key.allCases.map { key in
      guard let columns = found["\(key)"] else { preconditionFailure("no row for \(key)") }
      return row(columns)
    }
  }

  subscript(key: Key) -> Row { rows[key.rawValue] }
}
