/// One step of the schema's history: never changed once released, only followed by another.
public struct Migration: Sendable {
  /// Ascending from 1, without gaps.
  public let version: Int
  /// What it does; recorded, and checked against the record.
  public let name: String
  private let sqlite: SQL
  private let postgreSQL: SQL

  /// One script (statements parted by `;`, no parameters) for every engine.
  public init(_ version: Int, _ name: String, _ script: SQL) {
    self.init(version, name, sqlite: script, postgreSQL: script)
  }

  /// A script for each engine.
  public init(_ version: Int, _ name: String, sqlite: SQL, postgreSQL: SQL) {
    precondition(sqlite.binds.isEmpty && postgreSQL.binds.isEmpty, "a migration takes no parameters")
    self.version = version
    self.name = name
    self.sqlite = sqlite
    self.postgreSQL = postgreSQL
  }

  /// The script for an engine.
  public func script(_ dialect: Dialect) -> String {
    switch dialect {
    case .sqlite: sqlite.text
    case .postgreSQL: postgreSQL.text(.postgreSQL)
    }
  }
}
