import Storage

/// Functions whose names or arguments differ between the engines.
extension SQL {
  /// Where a text begins in another, from 1; 0 where it does not.
  static let place = SQL(sqlite: "instr", postgreSQL: "strpos")

  /// A number of characters as an argument: PostgreSQL's functions of texts take none of 64 bits.
  static func count(_ count: Int) -> SQL { SQL(sqlite: "\(count)", postgreSQL: "CAST(\(count) AS integer)") }
}
