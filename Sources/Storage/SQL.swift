/// SQL text with its parameters, written as a string literal whose interpolations *bind*.
///
/// ```swift
/// var query: SQL = "SELECT key FROM resource WHERE type = \(type) AND id IN (\(list: ids))"
/// if let since { query += " AND updated >= \(since)" }
/// ```
///
/// A value never becomes text: it becomes a `?` and an entry of `binds`. Another `SQL` is spliced, text and binds.
/// Literals are `StaticString`s, so text that did not stand in the program's source cannot get in at all.
public struct SQL: Sendable, Hashable {
  /// What stands behind the lists.
  private var body = ""
  private var bodyBinds: [SQLValue] = []
  /// The same for PostgreSQL, once something in it differs.
  private var own: Form?
  /// What the body has under names, each behind those that it refers to.
  private var lists: [NamedList] = []

  private struct NamedList: Sendable, Hashable {
    let number: Int
    let query: SQL
  }

  private struct Form: Sendable, Hashable {
    var body: String
    var binds: [SQLValue]
  }

  /// Empty.
  public init() {}

  /// A form for each engine. Each has parameters of its own, which may be others, or stand elsewhere.
  public init(sqlite: SQL, postgreSQL: SQL) {
    self = sqlite
    own = postgreSQL.form(.postgreSQL)
    add(postgreSQL.lists)
  }

  /// The text for SQLite, one `?` for each bind.
  public var text: String { text(.sqlite) }

  /// SQLite's parameters in the order of their `?`.
  public var binds: [SQLValue] { binds(.sqlite) }

  /// The text for an engine, one `?` for each bind (an engine with numbered parameters rewrites them in order).
  public func text(_ dialect: Dialect) -> String {
    let body = form(dialect).body
    if lists.isEmpty { return body }
    let named = lists.map { "keys\($0.number) (key) AS (\($0.query.form(dialect).body))" }
    return "WITH \(named.joined(separator: ", ")) \(body)"
  }

  /// An engine's parameters in the order of their `?`.
  public func binds(_ dialect: Dialect) -> [SQLValue] {
    let binds = form(dialect).binds
    if lists.isEmpty { return binds }
    return lists.flatMap { $0.query.form(dialect).binds } + binds
  }

  private func form(_ dialect: Dialect) -> Form {
    if dialect == .postgreSQL, let own { return own }
    return Form(body: body, binds: bodyBinds)
  }

  /// Nothing in the text yet.
  public var isEmpty: Bool { body.isEmpty }

  /// A SELECT of one column, `key`, that refers to nothing outside of it: it is written once, before the statement that
  /// this gets into (`WITH`), and here stands its name. So statements nest no deeper than an engine's parser takes.
  /// - Parameter number: tells it from the statement's others.
  public static func list(_ number: Int, _ query: SQL) -> SQL {
    var named = SQL()
    named.body = "SELECT key FROM keys\(number)"
    named.lists = query.lists
    var own = query
    own.lists = []
    named.lists.append(NamedList(number: number, query: own))
    return named
  }

  public static func + (left: SQL, right: SQL) -> SQL {
    var sum = left
    sum += right
    return sum
  }

  public static func += (left: inout SQL, right: SQL) {
    if left.own != nil || right.own != nil {
      var own = left.form(.postgreSQL)
      let other = right.form(.postgreSQL)
      own.body += other.body
      own.binds += other.binds
      left.own = own
    }
    left.body += right.body
    left.bodyBinds += right.bodyBinds
    left.add(right.lists)
  }

  private mutating func add(_ lists: [NamedList]) {
    for list in lists where !self.lists.contains(where: { $0.number == list.number }) { self.lists.append(list) }
  }

  /// Adds to both forms.
  fileprivate mutating func append(_ text: String, _ binds: [SQLValue] = []) {
    body += text
    bodyBinds += binds
    own?.body += text
    own?.binds += binds
  }
}

extension SQL: ExpressibleByStringInterpolation {
  public init(stringLiteral value: StaticString) {
    body = value.text
  }

  public init(stringInterpolation interpolation: StringInterpolation) {
    self = interpolation.sql
  }

  /// Collects a literal: text goes to `text`, interpolated values to `binds`.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var sql = SQL()

    public init(literalCapacity: Int, interpolationCount: Int) {
      sql.body.reserveCapacity(literalCapacity + interpolationCount)
      sql.bodyBinds.reserveCapacity(interpolationCount)
    }

    public mutating func appendLiteral(_ literal: StaticString) { sql.append(literal.text) }

    public mutating func appendInterpolation(_ value: SQLValue) { sql.append("?", [value]) }

    public mutating func appendInterpolation(_ value: Int64) { appendInterpolation(.integer(value)) }
    public mutating func appendInterpolation(_ value: Int) { appendInterpolation(.integer(Int64(value))) }
    public mutating func appendInterpolation(_ value: Double) { appendInterpolation(.real(value)) }
    public mutating func appendInterpolation(_ value: String) { appendInterpolation(.text(value)) }
    public mutating func appendInterpolation(_ value: [UInt8]) { appendInterpolation(.blob(value)) }

    /// Splices another piece, text and binds.
    public mutating func appendInterpolation(_ piece: SQL) { sql += piece }

    /// Binds each value: `?, ?, ?`. An empty list gives `NULL`, so that `IN (…)` stays valid and matches nothing.
    public mutating func appendInterpolation(list values: [SQLValue]) {
      guard !values.isEmpty else { return sql.append("NULL") }
      sql.append("?" + String(repeating: ", ?", count: values.count - 1), values)
    }

    /// Static text such as an identifier from a table of ours; not for values.
    public mutating func appendInterpolation(unsafe text: StaticString) { sql.append(text.text) }
  }
}

extension Sequence where Element == SQL {
  /// The pieces in order with `separator` between them.
  public func joined(separator: SQL) -> SQL {
    var result = SQL()
    var isFirst = true
    for piece in self {
      if !isFirst { result += separator }
      result += piece
      isFirst = false
    }
    return result
  }
}

extension StaticString {
  /// The text as a String, also where the compiler stored a single scalar instead of a pointer.
  var text: String { withUTF8Buffer { String(decoding: $0, as: UTF8.self) } }
}
