import Storage

/// Index rows of parameters that are no more.
extension FHIRStore {
  private static let retired = Statement("SELECT number FROM parameter WHERE state = 2 ORDER BY number")
  private static let setRemoved = Statement("UPDATE parameter SET state = 3 WHERE number = ? AND state = 2")
  private static let deletions = [
    Statement(
      """
      DELETE FROM index_token WHERE parameter = ? AND (system, code, key) IN
        (SELECT system, code, key FROM index_token WHERE parameter = ? LIMIT ?)
      """),
    Statement(
      """
      DELETE FROM index_string WHERE parameter = ? AND (folded, key, text) IN
        (SELECT folded, key, text FROM index_string WHERE parameter = ? LIMIT ?)
      """),
    Statement(
      """
      DELETE FROM index_reference WHERE parameter = ? AND (type, id, key) IN
        (SELECT type, id, key FROM index_reference WHERE parameter = ? LIMIT ?)
      """),
    Statement(
      """
      DELETE FROM index_date WHERE parameter = ? AND (class, low, high, key) IN
        (SELECT class, low, high, key FROM index_date WHERE parameter = ? LIMIT ?)
      """),
    Statement(
      """
      DELETE FROM index_number WHERE parameter = ? AND (several, low, high, key) IN
        (SELECT several, low, high, key FROM index_number WHERE parameter = ? LIMIT ?)
      """),
    Statement(
      """
      DELETE FROM index_quantity WHERE parameter = ? AND (system, code, several, low, high, key) IN
        (SELECT system, code, several, low, high, key FROM index_quantity WHERE parameter = ? LIMIT ?)
      """),
    Statement(
      """
      DELETE FROM index_uri WHERE parameter = ? AND (value, key) IN
        (SELECT value, key FROM index_uri WHERE parameter = ? LIMIT ?)
      """),
    Statement(
      """
      DELETE FROM index_composite WHERE parameter = ?
        AND (system1, code1, system2, text2, low2, high2, low3, high3, key) IN
        (SELECT system1, code1, system2, text2, low2, high2, low3, high3, key FROM index_composite
         WHERE parameter = ? LIMIT ?)
      """),
    Statement(
      """
      DELETE FROM index_position WHERE parameter = ? AND (latitude, longitude, key) IN
        (SELECT latitude, longitude, key FROM index_position WHERE parameter = ? LIMIT ?)
      """),
    Statement(
      """
      DELETE FROM index_missing WHERE parameter = ? AND key IN
        (SELECT key FROM index_missing WHERE parameter = ? LIMIT ?)
      """),
    Statement(
      """
      DELETE FROM parameter_system WHERE parameter = ? AND system IN
        (SELECT system FROM parameter_system WHERE parameter = ? LIMIT ?)
      """),
    Statement(
      """
      DELETE FROM parameter_unit WHERE parameter = ? AND (system, code) IN
        (SELECT system, code FROM parameter_unit WHERE parameter = ? LIMIT ?)
      """),
  ]

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
        for deletion in Self.deletions {
          let binds: [SQLValue] = [.integer(number), .integer(number), .integer(rowsMax)]
          removed += try transaction.execute(deletion, binds)
          if removed >= rowsMax { return true }
        }
        if removed == 0 { try transaction.execute(Self.setRemoved, [.integer(number)]) }
        return removed > 0
      }
    }
  }
}
