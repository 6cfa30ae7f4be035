import Storage

/// Where a setting's value is. SQLite has values of all kinds in one column, PostgreSQL one column for each kind.
enum SettingColumn {
  static let number = SQL(sqlite: "value", postgreSQL: "number")
  static let text = SQL(sqlite: "value", postgreSQL: "text")
  static let bytes = SQL(sqlite: "value", postgreSQL: "bytes")
}
