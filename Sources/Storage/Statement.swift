import Synchronization

/// A fixed statement, made once as a `static let` and prepared once on each connection.
///
/// Its `id` is a small dense number, so a connection finds the prepared form in an array slot: no text is hashed.
/// A statement is never forgotten; do not make them in a loop (dynamic text goes as `SQL`, which has a bounded cache).
public struct Statement: Sendable {
  /// Dense from 0 in order of creation, unique in the process.
  public let id: Int
  private let sqlite: String
  private let postgreSQL: String

  private static let count = Atomic<Int>(0)

  /// One statement for every engine, with `?` for each parameter.
  public init(_ sql: SQL) {
    self.init(sqlite: sql, postgreSQL: sql)
  }

  /// A text for each engine, taking the same parameters.
  public init(sqlite: SQL, postgreSQL: SQL) {
    precondition(sqlite.binds.isEmpty && postgreSQL.binds.isEmpty, "write ? for a statement's parameters")
    id = Statement.count.add(1, ordering: .relaxed).oldValue
    self.sqlite = sqlite.text(.sqlite)
    self.postgreSQL = postgreSQL.text(.postgreSQL)
  }

  /// The text for an engine.
  public func text(_ dialect: Dialect) -> String {
    switch dialect {
    case .sqlite: sqlite
    case .postgreSQL: postgreSQL
    }
  }
}

extension Statement: Hashable {
  public static func == (left: Statement, right: Statement) -> Bool { left.id == right.id }
  public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// The SQL an engine speaks.
public enum Dialect: String, Sendable, CaseIterable {
  case sqlite, postgreSQL
}
