import DICOMweb
import Storage

/// How a search is carried out: the keys to begin with, if a condition leaves few enough, and what their rows have to
/// meet; else the newest rows one after the other.
///
/// What is few is counted on the spot, up to a bound: it is never stale and costs less than a millisecond.
struct SearchPlan {
  /// Matches of one condition that are looked up and sorted rather than met on the way through the newest.
  static let fewMax = 10_000

  let level: Target.Level
  private let partition: Int64
  private let within: DICOMStore.Place?
  private let conditions: [SearchCondition]
  /// The place in `conditions` of the one to begin with.
  private let first: Int?

  /// - Parameter within: the study or series of the address.
  init(
    _ level: Target.Level, partition: Int64, within: DICOMStore.Place?, _ conditions: [SearchCondition],
    _ reader: any Reader
  ) throws {
    self.level = level
    self.partition = partition
    self.within = within
    self.conditions = conditions
    first = within == nil ? try Self.narrowest(conditions, level, reader) : nil
  }

  private static func narrowest(
    _ conditions: [SearchCondition], _ level: Target.Level, _ reader: any Reader
  ) throws -> Int? {
    var best: (place: Int, count: Int)?
    for (place, condition) in conditions.enumerated() {
      guard let keys = condition.keys else { continue }
      let most = min(fewMax, (best?.count ?? .max) - 1)
      var found = keys
      if condition.level != level {
        let table = SearchConditionCompiler.table(level)
        found = "SELECT key FROM \(table) WHERE \(parent(condition.level, of: level)) IN (\(keys))"
      }
      let count = try reader.first("SELECT count(*) FROM (\(found) LIMIT \(most + 1)) AS few") { Int($0.integer(0)) }
      guard let count, count <= most else { continue }
      best = (place, count)
      if count == 0 { break }
    }
    return best?.place
  }

  // MARK: SQL

  /// The keys of a page, newest first.
  func keys(limit: Int, offset: Int) -> SQL {
    let alias = SearchConditionCompiler.alias(level)
    return "SELECT \(alias).key \(source) ORDER BY \(alias).key DESC LIMIT \(limit) OFFSET \(offset)"
  }

  /// How many there are behind the page, up to a bound.
  func remaining(behind offset: Int, upTo most: Int) -> SQL {
    let alias = SearchConditionCompiler.alias(level)
    // In the same order: the same plan, and it ends as soon as it has enough.
    return """
      SELECT count(*)
      FROM (SELECT \(alias).key \(source) ORDER BY \(alias).key DESC LIMIT \(most) OFFSET \(offset)) AS rest
      """
  }

  /// FROM and WHERE.
  private var source: SQL {
    let alias = SearchConditionCompiler.alias(level)
    var predicates: [SQL] = []
    if let within {
      predicates.append("\(alias).\(Self.parent(within.level, of: level)) = \(within.key)")
    } else if let first, let keys = conditions[first].keys {
      let column: SQL = "\(alias).\(Self.parent(conditions[first].level, of: level))"
      // PostgreSQL would make a join of it and might walk all rows in the page's order; an array is made first.
      predicates.append(SQL(sqlite: "\(column) IN (\(keys))", postgreSQL: "\(column) = ANY (ARRAY(\(keys)))"))
    } else {
      predicates.append("\(alias).partition = \(partition)")
    }
    for (place, condition) in conditions.enumerated() where place != first {
      predicates.append(predicate(condition))
    }
    let table = SearchConditionCompiler.table(level)
    return "FROM \(table) AS \(alias) WHERE \(predicates.joined(separator: " AND "))"
  }

  /// The column that has the key of a row's study, series, or its own.
  private static func parent(_ level: Target.Level, of child: Target.Level) -> SQL {
    if level == child { return "key" }
    return level == .study ? "study" : "series"
  }

  private func predicate(_ condition: SearchCondition) -> SQL {
    if condition.level == level { return condition.filter }
    let own = SearchConditionCompiler.alias(level)
    let upper = SearchConditionCompiler.alias(condition.level)
    return """
      EXISTS (SELECT 1 FROM \(SearchConditionCompiler.table(condition.level)) AS \(upper)
      WHERE \(upper).key = \(own).\(Self.parent(condition.level, of: level)) AND \(condition.filter)\(SQL.fence))
      """
  }
}
