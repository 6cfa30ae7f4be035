import FHIRSearch
import Storage

/// What one value asks of one index table; the parameter is named by whoever uses it.
struct ValueCondition {
  struct Range {
    let condition: SQL
    /// Whether every column before `key` is fixed, so that keys ascend and each comes once.
    let isKeyOrdered: Bool
    /// Whether a resource has one row in all ranges, if it has one in this.
    fileprivate(set) var isSole: Bool
    /// Tells it from others of its kind, whatever comes between two pages of a search.
    fileprivate(set) var name: SortValue
    /// For an equality: what is fixed first, and the last column with its value.
    fileprivate var equality: (prefix: SQL, column: SQL, value: String)?

    init(condition: SQL, isKeyOrdered: Bool, isSole: Bool = false, name: SortValue = .integer(0)) {
      self.name = name
      self.condition = condition
      self.isKeyOrdered = isKeyOrdered
      self.isSole = isSole
    }

    /// An equality on all columns before `key`.
    init(_ prefix: SQL, _ column: SQL, _ value: String) {
      self.init(condition: "\(prefix) AND \(column) = \(IndexedText.sql(value))", isKeyOrdered: true)
      equality = (prefix, column, value)
    }
  }

  let table: SQL
  /// Ranges of the table whose union is meant.
  private(set) var ranges: [Range]
  /// The same as a test on the rows of one key.
  let probe: SQL
  /// For a date that lies within a period.
  var period: (low: Int64, high: Int64)?
  /// The column that the ranges' rows are ordered by; nil where that is the key, or none.
  var column: SQL?

  init(_ table: SQL, ranges: [Range], probe: SQL, column: SQL? = nil) {
    self.table = table
    self.ranges = ranges
    self.probe = probe
    self.column = column
  }

  /// One range, and the test says the same.
  init(_ table: SQL, _ condition: SQL, column: SQL? = nil, name: SortValue = .integer(0)) {
    self.init(
      table, ranges: [Range(condition: condition, isKeyOrdered: false, name: name)], probe: condition, column: column)
  }

  /// Equalities.
  init(_ table: SQL, _ equalities: [Range]) {
    self.init(table, ranges: equalities, probe: SQL.anyOf(equalities.map { "(\($0.condition))" }))
  }

  /// The same as one of several alternatives: a resource's one row may meet another of them, too, and the ranges of
  /// each have names of their own.
  /// - Parameter place: its place among them, on every page of a search.
  func alternative(_ place: Int) -> ValueCondition {
    guard column != nil else { return self }
    var alternative = self
    for range in ranges.indices {
      alternative.ranges[range].isSole = false
      alternative.ranges[range].name = .text("\(place) \(ranges[range].name.text)")
    }
    return alternative
  }

  // MARK: Many values

  /// The same with lists instead of alternatives, as far as they can be listed.
  /// - Parameter classes: those that dates under the parameter have.
  static func merged(_ conditions: [ValueCondition], _ classes: [DateClass]) -> [ValueCondition] {
    var others: [ValueCondition] = []
    var lists: [SQL: (table: SQL, prefix: SQL, column: SQL, values: [String])] = [:]
    var order: [SQL] = []
    var periods: [(low: Int64, high: Int64)] = []
    for condition in conditions {
      let equalities = condition.ranges.compactMap(\.equality)
      if let period = condition.period {
        periods.append(period)
      } else if equalities.count == condition.ranges.count {
        for (prefix, column, value) in equalities {
          let name: SQL = "\(condition.table) \(prefix)"
          if lists[name] == nil { order.append(name) }
          lists[name, default: (condition.table, prefix, column, [])].values.append(value)
        }
      } else {
        others.append(condition)
      }
    }
    let listed = order.compactMap { lists[$0] }.map { list in
      let (range, probe) = oneOf(list.values, list.prefix, list.column)
      return ValueCondition(
        list.table,
        ranges: [
          Range(
            condition: range, isKeyOrdered: false,
            name: list.prefix.binds.first.map { SortValue($0) } ?? .integer(0))
        ], probe: probe, column: list.column)
    }
    return listed + (periods.isEmpty ? [] : [within(periods, classes)]) + others
  }

  /// Up to so many values PostgreSQL compares one after the other with each row.
  private static let comparedMax = 16

  /// A column that has one of some values: as a range of an index, and as a test on rows at hand.
  private static func oneOf(_ values: [String], _ prefix: SQL, _ column: SQL) -> (range: SQL, probe: SQL) {
    let plain: SQL = "\(prefix) AND \(column) IN (\(IndexedText.sql(list: values)))"
    guard values.count > comparedMax else { return (plain, plain) }
    // As a table PostgreSQL seeks them one by one, or hashes them; a list it may compare with every row of the prefix,
    // of which it expects few where columns depend on each other.
    let table = values.map { "(\(IndexedText.sql($0)))" as SQL }.joined(separator: ", ")
    return (
      SQL(sqlite: plain, postgreSQL: "\(prefix) AND \(column) IN (VALUES \(table))"),
      SQL(sqlite: plain, postgreSQL: "\(prefix) AND (\(column) IN (VALUES \(table))) IS TRUE")
    )
  }

  /// Dates within any of many periods: the periods are a table of their own.
  private static func within(_ periods: [(low: Int64, high: Int64)], _ classes: [DateClass]) -> ValueCondition {
    let table = periods.map { "(\($0.low), \($0.high))" as SQL }.joined(separator: ", ")
    let test: SQL = """
      EXISTS (SELECT 1 FROM (SELECT column1 AS first, column2 AS last FROM (VALUES \(table))\(SQL.unnamed)) AS v
              WHERE low BETWEEN v.first AND v.last AND high <= v.last)
      """
    let first = periods.map(\.low).min() ?? .max
    let last = periods.map(\.high).max() ?? .min
    return ValueCondition(
      "index_date",
      ranges: classes.map {
        Range(condition: "class = \($0.rawValue) AND low BETWEEN \(first) AND \(last) AND \(test)", isKeyOrdered: false)
      }, probe: test)
  }
}

extension SortValue {
  fileprivate var text: String {
    switch self {
    case .none: ""
    case .integer(let value): String(value)
    case .real(let value): String(value)
    case .text(let value): value
    }
  }
}
