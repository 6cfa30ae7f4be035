import Storage

extension Statement {
  /// Inserts rows that are not there yet: `table (columns) VALUES (…)`.
  static func insertNew(_ rows: SQL) -> Statement {
    Statement(sqlite: "INSERT OR IGNORE INTO \(rows)", postgreSQL: "INSERT INTO \(rows) ON CONFLICT DO NOTHING")
  }
}

extension SQL {
  /// Behind `resource`: in the order of the index of what is there. PostgreSQL decides that by its statistics.
  static let byLiveIndex = SQL(sqlite: " INDEXED BY resource_live", postgreSQL: "")
}
