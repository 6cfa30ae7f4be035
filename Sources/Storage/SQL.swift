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
  /// The text, one `?` for each bind (an engine with numbered parameters rewrites them in order).
  public private(set) var text: String
  /// The parameters in the order of their `?`.
  public private(set) var binds: [SQLValue]

  /// Empty.
  public init() {
    text = ""
    binds = []
  }

  /// Nothing in the text yet.
  public var isEmpty: Bool { text.isEmpty }

  public static func + (left: SQL, right: SQL) -> SQL {
    var sum = left
    sum += right
    return sum
  }

  public static func += (left: inout SQL, right: SQL) {
    left.text += right.text
    left.binds += right.binds
  }
}

extension SQL: ExpressibleByStringInterpolation {
  public init(stringLiteral value: StaticString) {
    text = value.text
    binds = []
  }

  public init(stringInterpolation interpolation: StringInterpolation) {
    self = interpolation.sql
  }

  /// Collects a literal: text goes to `text`, interpolated values to `binds`.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var sql = SQL()

    public init(literalCapacity: Int, interpolationCount: Int) {
      sql.text.reserveCapacity(literalCapacity + interpolationCount)
      sql.binds.reserveCapacity(interpolationCount)
    }

    public mutating func appendLiteral(_ literal: StaticString) { sql.text += literal.text }

    public mutating func appendInterpolation(_ value: SQLValue) {
      sql.text += "?"
      sql.binds.append(value)
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
        sql.text += "NULL"
        return
      }
      sql.text += "?"
      for _ in values.dropFirst() { sql.text += ", ?" }
      sql.binds += values
    }

    /// Static text such as an identifier from a table of ours; not for values.
    public mutating func appendInterpolation(unsafe text: StaticString) { sql.text += text.text }
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
