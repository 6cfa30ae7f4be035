/// Pieces in which the engines differ, for statements that are composed.
extension SQL {
  /// Behind a subquery in FROM: PostgreSQL wants a name even where nobody uses it.
  public static let unnamed = SQL(sqlite: "", postgreSQL: " AS d")

  /// A join that has an ON, in the order in which it is written: SQLite keeps to the order of a CROSS JOIN, PostgreSQL
  /// to that of every JOIN where `join_collapse_limit` is 1.
  public static let join = SQL(sqlite: "CROSS JOIN", postgreSQL: "JOIN")

  /// Before a column that is no number, so that SQLite looks for no index for it. PostgreSQL has no such sign.
  public static let unindexed = SQL(sqlite: "+", postgreSQL: "")

  /// The greater of two values (SQLite's `max` of several).
  public static let greatest = SQL(sqlite: "max", postgreSQL: "greatest")

  /// The smaller of two values (SQLite's `min` of several).
  public static let least = SQL(sqlite: "min", postgreSQL: "least")

  /// At the end of a subquery that is carried out as it stands: an EXISTS that is asked for each row of what leads, or
  /// a list. PostgreSQL would make a join of it, and leave the order in which the rows of a page come, or walk a whole
  /// index for the order that is wanted of the list; a subquery with an OFFSET it leaves alone.
  public static let fence = SQL(sqlite: "", postgreSQL: " OFFSET 0")
}
