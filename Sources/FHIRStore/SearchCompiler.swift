import FHIRModel
import FHIRSearch
import Storage

/// Lowers a search's conditions to SQL.
///
/// Every condition has two forms: a *set* (a SELECT of the keys that satisfy it) and, where the index leads straight
/// to one key, a *probe* (EXISTS for a given key). An equality on a whole index prefix gives its keys in ascending
/// order, so it can *drive* the search: its range is walked in page order and the others are probed, and a page costs
/// what it shows. Without one, the sets are intersected.
struct SearchCompiler {
  let numbers: StoreNumbers
  /// The number of a system the query names, nil where the store has no such.
  let systemNumber: (String) throws -> Int64?
  /// The systems that occur under a parameter.
  let systems: (_ parameter: Int32) throws -> [Int64]

  /// A condition's table and its WHERE, without the key.
  private struct Predicate {
    let table: StaticString
    let condition: SQL
    /// Whether the condition fixes every column before `key`, so that keys come in order and one can be sought.
    let isOrdered: Bool

    func set() -> SQL { "SELECT key FROM \(unsafe: table) AS i WHERE \(condition)" }
    func probe() -> SQL { "EXISTS (SELECT 1 FROM \(unsafe: table) AS i WHERE \(condition) AND i.key = r.key)" }
  }

  /// How the conditions of a query are asked for.
  private struct Plan {
    /// The condition whose range is walked in the page's order.
    var driver: Predicate?
    /// Sets of keys that are intersected; without a driver the first of them leads.
    var sets: [SQL] = []
    /// Conditions on a resource that is at hand.
    var filters: [SQL] = []
  }

  /// `SELECT … FROM resource AS r …` for the matches, in ascending order of key.
  /// - Parameter types: the searched types the caller may see; not empty.
  func matches(_ query: SearchQuery, types: [Schema.TypeID], columns: StaticString, after: Int64?, limit: Int?) throws
    -> SQL
  {
    let plan = try plan(query, types)
    let typeList = types.map { SQLValue.integer(numbers.number($0)) }
    var sql: SQL = "SELECT \(unsafe: columns) FROM "
    if let driver = plan.driver {
      // A driver has one parameter, so one type: its keys are all of the searched, visible type.
      sql += "\(unsafe: driver.table) AS i CROSS JOIN resource AS r ON r.key = i.key WHERE \(driver.condition)"
    } else if types.count == numbers.types.count {
      sql += "resource AS r WHERE r.method <> 3"
    } else {
      sql += "resource AS r WHERE r.type IN (\(list: typeList)) AND r.method <> 3"
    }
    for set in plan.sets { sql += " AND r.key IN (\(set))" }
    for filter in plan.filters { sql += " AND \(filter)" }
    if let after {
      // The plus keeps the planner from walking all keys behind this one instead of the set.
      sql +=
        plan.driver != nil
        ? " AND i.key > \(after)" : plan.sets.isEmpty ? " AND r.key > \(after)" : " AND +r.key > \(after)"
    }
    guard let limit else { return sql }
    return sql + (plan.driver == nil ? " ORDER BY r.key LIMIT \(limit)" : " ORDER BY i.key LIMIT \(limit)")
  }

  /// `SELECT count(…)` of all matches; a single condition is counted in its index alone.
  func total(_ query: SearchQuery, types: [Schema.TypeID]) throws -> SQL {
    let plan = try plan(query, types)
    if let driver = plan.driver, plan.sets.isEmpty, plan.filters.isEmpty {
      return "SELECT count(*) FROM \(unsafe: driver.table) AS i WHERE \(driver.condition)"
    }
    if let only = query.conditions.first, query.conditions.count == 1, only.parameters.count == 1, only.isIndexed,
      plan.sets.count == 1, plan.filters.isEmpty
    {
      return "SELECT count(DISTINCT key) FROM (\(plan.sets[0]))"
    }
    return try matches(query, types: types, columns: "count(*)", after: nil, limit: nil)
  }

  private func plan(_ query: SearchQuery, _ types: [Schema.TypeID]) throws -> Plan {
    var plan = Plan()
    var ordered: [(predicates: [Predicate], rank: Int)] = []
    for condition in query.conditions {
      switch condition.code {
      case "_id": try add(ids: condition, types, to: &plan)
      case "_lastUpdated": plan.filters.append(lastUpdated(condition))
      default:
        let predicates = try predicates(condition)
        if predicates.isEmpty {
          plan.filters.append(condition.isNegative ? "1 = 1" : "1 = 0")
        } else if condition.isNegative {
          plan.filters.append("r.key NOT IN (\(union(predicates)))")
        } else if predicates.allSatisfy(\.isOrdered) {
          ordered.append((predicates, condition.selectivityRank))
        } else {
          plan.sets.append(union(predicates))
        }
      }
    }
    // What selects most comes first: it drives, if it is one range, or leads as a set; the others are probed.
    ordered.sort { ($0.rank, $0.predicates.count) < ($1.rank, $1.predicates.count) }
    for (place, condition) in ordered.enumerated() {
      if place == 0, condition.predicates.count == 1 {
        plan.driver = condition.predicates[0]
      } else if place == 0, plan.sets.isEmpty {
        plan.sets.append(union(condition.predicates))
      } else {
        plan.filters.append(anyOf(condition.predicates.map { $0.probe() }))
      }
    }
    return plan
  }

  /// Alternatives past this many are grouped: SQLite takes 500 terms in a compound SELECT and a tree of conditions
  /// 1,000 deep, and a search may name more values than that (`Limits.searchValuesMax`).
  private static let groupMax = 100

  private func union(_ predicates: [Predicate]) -> SQL {
    let sets = predicates.map { $0.set() }
    guard sets.count > Self.groupMax else { return sets.joined(separator: " UNION ALL ") }
    return Self.groups(sets).map { "SELECT key FROM (\($0.joined(separator: " UNION ALL ")))" }
      .joined(separator: " UNION ALL ")
  }

  private func anyOf(_ alternatives: [SQL]) -> SQL {
    guard alternatives.count > Self.groupMax else { return "(\(alternatives.joined(separator: " OR ")))" }
    let groups = Self.groups(alternatives).map { group -> SQL in "(\(group.joined(separator: " OR ")))" }
    return "(\(groups.joined(separator: " OR ")))"
  }

  private static func groups(_ pieces: [SQL]) -> [ArraySlice<SQL>] {
    stride(from: 0, to: pieces.count, by: groupMax).map { pieces[$0..<min($0 + groupMax, pieces.count)] }
  }

  // MARK: What the resource's own row answers

  private func add(ids condition: SearchCondition, _ types: [Schema.TypeID], to plan: inout Plan) throws {
    if case .missing(let isMissing)? = condition.values.first {
      return plan.filters.append(isMissing ? "1 = 0" : "1 = 1")
    }
    // An id has no system: `system|id` matches nothing, `|id` and `id` do.
    let ids: [SQLValue] = condition.values.compactMap {
      guard case .token(let system, let code?) = $0 else { return nil }
      if case .uri = system { return nil }
      return .text(code)
    }
    if condition.modifier == .not { return plan.filters.append("r.id NOT IN (\(list: ids))") }
    let typeList = types.map { SQLValue.integer(numbers.number($0)) }
    plan.sets.append("SELECT key FROM resource WHERE type IN (\(list: typeList)) AND id IN (\(list: ids))")
  }

  private func lastUpdated(_ condition: SearchCondition) -> SQL {
    let alternatives: [SQL] = condition.values.map { value in
      switch value {
      case .missing(let isMissing): return isMissing ? "1 = 0" : "1 = 1"
      case .date(let comparator, let low, let high):
        // An instant with milliseconds: the period searched, rounded to whole milliseconds inside it.
        let first = low.roundedUpToMilliseconds
        let last = high.roundedDownToMilliseconds
        switch comparator {
        case .eq, .ap: return "r.updated BETWEEN \(first) AND \(last)"
        case .ne: return "r.updated NOT BETWEEN \(first) AND \(last)"
        case .gt, .sa: return "r.updated > \(last)"
        case .ge: return "r.updated >= \(first)"
        case .lt, .eb: return "r.updated < \(first)"
        case .le: return "r.updated <= \(last)"
        }
      default: return "1 = 0"
      }
    }
    return anyOf(alternatives)
  }

  // MARK: Index conditions

  private func predicates(_ condition: SearchCondition) throws -> [Predicate] {
    let parameter: SQL =
      if condition.parameters.count == 1, let only = condition.parameters.first {
        "i.parameter = \(Int64(only.number))"
      } else {
        "i.parameter IN (\(list: condition.parameters.map { .integer(Int64($0.number)) }))"
      }
    let isSingle = condition.parameters.count == 1
    if condition.modifier == .missing {
      return [Predicate(table: table(condition.kind), condition: parameter, isOrdered: false)]
    }
    return try condition.values.flatMap { value in
      try self.conditions(value, condition).map { sql, isOrdered in
        Predicate(
          table: table(condition.kind), condition: "\(parameter) AND \(sql)", isOrdered: isOrdered && isSingle)
      }
    }
  }

  private func table(_ kind: SearchParameter.Kind) -> StaticString {
    switch kind {
    case .token: "index_token"
    case .string: "index_string"
    case .reference: "index_reference"
    case .date: "index_date"
    case .number: "index_number"
    case .quantity: "index_quantity"
    case .uri: "index_uri"
    case .composite: "index_composite"
    case .special: "index_position"
    }
  }

  /// The WHEREs of one value after the parameter's: any of them may hold; none where nothing can match.
  private func conditions(_ value: SearchValue, _ condition: SearchCondition) throws -> [(SQL, isOrdered: Bool)] {
    switch value {
    case .token(let system, let code): try token(system, code, condition.parameters)
    case .string(let text): [string(text, condition.modifier)]
    case .reference(let type, let id): reference(type, id, condition.parameters)
    case .uri(let text): [("i.value = \(text)", true)]
    case .date(let comparator, let low, let high): date(comparator, low, high).map { ($0, false) }
    case .number(let comparator, let low, let high, let exact): [(number(comparator, low, high, exact), false)]
    case .quantity(let comparator, let low, let high, let exact, let system, let code):
      try quantity(number(comparator, low, high, exact), system, code)
    case .missing: []
    }
  }

  private func token(_ system: SearchValue.TokenSystem, _ code: String?, _ parameters: [SearchParameter]) throws
    -> [(SQL, isOrdered: Bool)]
  {
    switch (system, code) {
    case (.any, let code?):
      // The systems that occur under a parameter are few: one seek each, and often it is one.
      let found = try parameters.reduce(into: Set<Int64>()) { $0.formUnion(try systems($1.number)) }
      if found.count == 1, let only = found.first { return [("i.system = \(only) AND i.code = \(code)", true)] }
      return found.isEmpty
        ? [] : [("i.system IN (\(list: found.sorted().map { .integer($0) })) AND i.code = \(code)", false)]
    case (.none, let code?): return [("i.system = 0 AND i.code = \(code)", true)]
    case (.uri(let uri), let code):
      guard let number = try systemNumber(uri) else { return [] }
      guard let code else { return [("i.system = \(number)", false)] }
      return [("i.system = \(number) AND i.code = \(code)", true)]
    case (.any, nil), (.none, nil): return []
    }
  }

  private func string(_ text: String, _ modifier: SearchCondition.Modifier?) -> (SQL, isOrdered: Bool) {
    let folded = TextFolding.fold(text)
    switch modifier {
    case .exact: return ("i.folded = \(folded) AND i.text = \(text)", false)
    case .contains: return ("instr(i.folded, \(folded)) > 0", false)
    default:
      // A prefix is a range: from the text itself to the text followed by the last code point.
      return ("i.folded >= \(folded) AND i.folded < \(folded + "\u{10FFFF}")", false)
    }
  }

  private func reference(_ type: String, _ id: String, _ parameters: [SearchParameter]) -> [(SQL, isOrdered: Bool)] {
    if !type.isEmpty {
      guard let number = numbers.typeNumbersByName[type] else { return [] }
      return [("i.type = \(number) AND i.id = \(id)", true)]
    }
    if id.contains(":") || id.contains("/") { return [("i.type = 0 AND i.id = \(id)", true)] }
    // An id alone: any type the parameter may point to, or a reference that was stored without a type. Where there is
    // one target only, references without a type were stored as that.
    let targets = parameters.reduce(into: Set<Int64>()) { set, parameter in
      set.formUnion(parameter.definition.targets.map { numbers.number($0) })
      if parameter.definition.targets.isEmpty { set.formUnion(numbers.types.keys) }
    }
    if parameters.count == 1, targets.count == 1, let only = targets.first {
      return [("i.type = \(only) AND i.id = \(id)", true)]
    }
    return [("i.type IN (\(list: ([0] + targets.sorted()).map { .integer($0) })) AND i.id = \(id)", false)]
  }

  /// FHIR R4 search §2.1.1.4.4: the searched range against the stored one; one range of the index for each class of
  /// length where the end counts.
  private func date(_ comparator: SearchComparator, _ low: Int64, _ high: Int64) -> [SQL] {
    switch comparator {
    case .eq: classes { _ in "i.low BETWEEN \(low) AND \(high) AND i.high <= \(high)" }
    case .ne: classes { _ in "(i.low < \(low) OR i.high > \(high))" }
    case .gt: classes { "i.low > \($0.earliestLow(endingAt: high)) AND i.high > \(high)" }
    case .lt: classes { _ in "i.low < \(low)" }
    case .ge:
      classes {
        "i.low > \($0.earliestLow(endingAt: low)) AND (i.high > \(high) OR (i.low >= \(low) AND i.high <= \(high)))"
      }
    case .le: classes { _ in "i.low <= \(high) AND (i.low < \(low) OR i.high <= \(high))" }
    case .sa: classes { _ in "i.low > \(high)" }
    case .eb: classes { _ in "i.low < \(low) AND i.high < \(low)" }
    case .ap: classes { "i.low > \($0.earliestLow(endingAt: low)) AND i.low <= \(high) AND i.high >= \(low)" }
    }
  }

  private func classes(_ condition: (DateSpan) -> SQL) -> [SQL] {
    DateSpan.allCases.map { "i.span = \($0.rawValue) AND \(condition($0))" }
  }

  private func number(_ comparator: SearchComparator, _ low: Double, _ high: Double, _ exact: Double) -> SQL {
    switch comparator {
    case .eq, .ap: "i.low >= \(low) AND i.low < \(high) AND i.high < \(high)"
    case .ne: "(i.low < \(low) OR i.high >= \(high))"
    case .gt: "i.high > \(exact)"
    case .lt: "i.low < \(exact)"
    case .ge: "i.high >= \(exact)"
    case .le: "i.low <= \(exact)"
    case .sa: "i.low > \(exact)"
    case .eb: "i.high < \(exact)"
    }
  }

  private func quantity(_ range: SQL, _ system: String?, _ code: String?) throws -> [(SQL, isOrdered: Bool)] {
    if let system {
      guard let number = try systemNumber(system) else { return [] }
      if let code { return [("i.system = \(number) AND i.code = \(code) AND \(range)", false)] }
      return [
        (
          """
          i.system = \(number) AND i.code IN
            (SELECT code FROM parameter_unit AS u WHERE u.parameter = i.parameter AND u.system = \(number)) AND \(range)
          """, false
        )
      ]
    }
    if let code {
      return [
        (
          """
          i.system IN (SELECT system FROM parameter_unit AS u WHERE u.parameter = i.parameter AND u.code = \(code))
            AND i.code = \(code) AND \(range)
          """, false
        )
      ]
    }
    // A number alone: one range for each unit that occurs.
    return [
      (
        """
        (i.system, i.code) IN
          (SELECT u.system, u.code FROM parameter_unit AS u WHERE u.parameter = i.parameter) AND \(range)
        """, false
      )
    ]
  }
}

extension SearchCondition {
  /// Whether what matches the values is excluded.
  fileprivate var isNegative: Bool { modifier == .not || values == [.missing(true)] }

  /// A guess at how much a condition leaves over, lower for less: what names one thing before what names a kind.
  fileprivate var selectivityRank: Int {
    switch kind {
    case .reference, .uri: 0
    case .token: code == "identifier" ? 0 : 1
    default: 2
    }
  }

  /// Whether an index table answers it, rather than the resource's own row.
  fileprivate var isIndexed: Bool { parameters.first.map { !$0.isAnsweredByResource } ?? false }
}

extension Int64 {
  fileprivate var roundedDownToMilliseconds: Int64 { self >= 0 ? self / 1_000 : (self - 999) / 1_000 }
  fileprivate var roundedUpToMilliseconds: Int64 { -(-self).roundedDownToMilliseconds }
}
