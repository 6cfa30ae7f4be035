import FHIRSearch
import Storage

/// Index rows of parameters that are no more.
extension FHIRStore {
  private static let retired = Statement("SELECT number FROM parameter WHERE state = 2 ORDER BY number")
  private static let setRemoved = Statement("UPDATE parameter SET state = 3 WHERE number = ? AND state = 2")
  /// The tables, each with the columns that tell the rows of a parameter apart.
  private static let tables: [(table: SQL, columns: SQL)] = [
    ("index_token", "system, code, key"), ("index_string", "folded, key, text"), ("index_reference", "type, id, key"),
    ("index_date", "class, low, high, key"), ("index_number", "class, low, high, key"),
    ("index_quantity", "system, code, class, low, high, key"), ("index_uri", "value, key"),
    ("index_composite", "system1, code1, system2, text2, low2, high2, low3, high3, key"),
    ("index_position", "latitude, longitude, key"), ("index_missing", "key"), ("parameter_system", "system"),
    ("parameter_unit", "system, code"),
  ]
  private static let deletions = tables.map { table, columns in
    Statement(
      sqlite: """
        DELETE FROM \(table) WHERE parameter = ? AND (\(columns)) IN
          (SELECT \(columns) FROM \(table) WHERE parameter = ? LIMIT ?)
        """,
      // Rows by their place, for a join with the range of the parameter would read all of it.
      postgreSQL: """
        DELETE FROM \(table) WHERE parameter = ? AND ctid = ANY
          (ARRAY(SELECT ctid FROM \(table) WHERE parameter = ? LIMIT ?))
        """)
  }

  /// The numbers of parameters that are no more, and may still have index rows.
  public func retiredParameters() async throws -> [Int64] {
    try await faulting { try await database.read { try $0.all(Self.retired) { $0.integer(0) } } }
  }

  /// Removes some index rows of a parameter that is no more, in one short transaction.
  /// - Parameter rowsMax: rows removed at most from each table.
  /// - Returns: whether there may be more.
  public func removeRows(ofRetired number: Int64, rowsMax: Int) async throws -> Bool {
    try await faulting {
      try await database.write { transaction in
        var removed = 0
        for number in SearchParameter.numbers(number) {
          for deletion in Self.deletions {
            let binds: [SQLValue] = [.integer(number), .integer(number), .integer(rowsMax)]
            removed += try transaction.execute(deletion, binds)
            if removed >= rowsMax { return true }
          }
        }
        if removed == 0 { try transaction.execute(Self.setRemoved, [.integer(number)]) }
        return removed > 0
      }
    }
  }
}
