import Storage

/// Every row of the search index in words, whatever numbers and keys the store gave.
enum IndexDump {
  private static let bounds = SQL(
    sqlite: "low2 || ' ' || high2, low3 || ' ' || high3",
    postgreSQL: "encode(low2, 'hex') || ' ' || encode(high2, 'hex'), encode(low3, 'hex') || ' ' || encode(high3, 'hex')"
  )

  private static let tables: [(name: String, columns: SQL)] = [
    ("token", "(SELECT uri FROM system WHERE number = i.system), code, '', '', '', '' FROM index_token"),
    ("string", "folded, text, several, '', '', '' FROM index_string"),
    ("reference", "(SELECT name FROM resource_type WHERE number = i.type), id, '', '', '', '' FROM index_reference"),
    ("date", "class, low, high, '', '', '' FROM index_date"),
    ("number", "class, low, high, '', '', '' FROM index_number"),
    (
      "quantity",
      "(SELECT uri FROM system WHERE number = i.system), code, class, low, high, '' FROM index_quantity"
    ),
    ("uri", "value, '', '', '', '', '' FROM index_uri"),
    (
      "composite",
      """
      coalesce((SELECT name FROM resource_type WHERE number = -i.system1),
               (SELECT uri FROM system WHERE number = i.system1)), code1,
      (SELECT uri FROM system WHERE number = i.system2), text2, \(bounds)
      FROM index_composite
      """
    ),
    ("position", "latitude, longitude, '', '', '', '' FROM index_position"),
    ("missing", "'', '', '', '', '', '' FROM index_missing"),
    (
      "contained",
      """
      (SELECT name FROM resource_type WHERE number = i.type),
      (SELECT name FROM resource_type WHERE number = i.container), id, '', '', ''
      FROM (SELECT *, 0 AS parameter FROM contained)
      """
    ),
  ]

  /// Keys of contained resources begin here; numbers of their parameters are these bits and one more.
  private static let firstContained: Int64 = 1 << 46
  private static let numbers: Int64 = 1 << 29 - 1

  static func lines(_ database: any Database) async throws -> [String] {
    try await database.read { reader in
      var lines: [String] = []
      for (name, columns) in tables {
        let sql: SQL = """
          SELECT (SELECT t.name || '/' || r.id FROM resource AS r JOIN resource_type AS t ON t.number = r.type
                  WHERE r.key = CASE WHEN i.key < \(firstContained) THEN i.key
                                ELSE (i.key - \(firstContained)) / 1024 END)
                   || CASE WHEN i.key < \(firstContained) THEN '' ELSE '#' || (i.key % 1024) END,
                 (SELECT type || '.' || code || ' ' || state FROM parameter WHERE number = i.parameter & \(numbers)),
                 \(columns) AS i
          """
        try reader.query(sql) { row in
          lines.append(([name] + (0..<8).map { text(row.value($0)) }).joined(separator: " | "))
          return true
        }
      }
      return lines.sorted()
    }
  }

  private static func text(_ value: SQLValue) -> String {
    switch value {
    case .null: "-"
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
    case .text(let value): value
    case .blob: "blob"
    }
  }

  static func count(_ database: any Database, _ sql: SQL) async throws -> Int64 {
    try await database.read { try $0.first(sql) { $0.integer(0) } ?? 0 }
  }
}
