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
  /// What the body has under names, each behind those that it refers to.
  private var lists: [NamedList] = []

  private struct NamedList: Sendable, Hashable {
    let number: Int
    let query: SQL
  }

  /// Empty.
  public init() {}

  /// The text, one `?` for each bind (an engine with numbered parameters rewrites them in order).
  public var text: String {
    if lists.isEmpty { return body }
    let named = lists.map { "keys\($0.number) (key) AS (\($0.query.body))" }
    return "WITH \(named.joined(separator: ", ")) \(body)"
  }

  /// The parameters in the order of their `?`.
  public var binds: [SQLValue] {
    if lists.isEmpty { return bodyBinds }
    return lists.flatMap(\.query.bodyBinds) + bodyBinds
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
    left.body += right.body
    left.bodyBinds += right.bodyBinds
    for list in right.lists where !left.lists.contains(where: { $0.number == list.number }) { left.lists.append(list) }
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

    public mutating func appendLiteral(_ literal: StaticString) { sql.body += literal.text }

    public mutating func appendInterpolation(_ value: SQLValue) {
      sql.body += "?"
      sql.bodyBinds.append(value)
    }

    public mutating func appendInterpolation(_ value: Int64) { appendInterpolation(.integer(value)) }
    public mutating func appendInterpolation(_ value: Int) { appendInterpolation(.integer(Int64(value))) }
    public mutating func appendInterpolation(_ value: Double) { appendInterpolation(.real(value)) }
    public mutating func appendInterpolation(_ value: String) { appendInterpolation(.text(value)) }
    public mutating func appendInterpolation(_ value: [UInt8]) { appendInterpolation(.blob(value)) }

    /// Splices another piece, text and binds.
    public mutating func appendInterpolation(_ piece: SQL) { sql += piece }

    /// Binds each value: `?, ?, ?`. An empty list gives `NULL`, so that `IN (…)` stays valid and matches nothing.
    public mutating func appendInterpolation(list values: [SQLValue]) {
      guard !values.isEmpty else {
        sql.body += "NULL"
        return
      }
      sql.body += "?"
      for _ in values.dropFirst() { sql.body += ", ?" }
      sql.bodyBinds += values
    }

    /// Static text such as an identifier from a table of ours; not for values.
    public mutating func appendInterpolation(unsafe text: StaticString) { sql.body += text.text }
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
