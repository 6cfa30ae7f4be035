import Base
import FHIRModel
import FHIRSearch
import Storage

extension TermCompiler {
  /// Ranges of the index that one condition may ask for.
  private static let rangesMax = 10_000

  /// One condition on the type's own parameters.
  func term(_ condition: SearchCondition, _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    let label = condition.label
    let parameters = indexed(condition.parameters, type)
    guard let first = parameters.first else { return .never(label) }
    if first.isAnsweredByResource { return try resourceTerm(condition, type, depth: depth) }
    if condition.modifier == .missing { return try missing(condition, parameters, depth: depth) }
    if condition.modifier?.isHierarchical == true && condition.kind == .reference {
      return try hierarchy(condition, parameters, type, depth: depth)
    }
    var sets: [SQL] = []
    var probes: [ValueCondition] = []
    var walks: [IndexRange] = []
    var all: [ValueCondition] = []
    for parameter in parameters {
      for found in try conditions(condition.values, condition.modifier, parameter) {
        all.append(found)
        let own: SQL = "parameter = \(Int64(parameter.number))"
        for range in found.ranges {
          let index = IndexRange(table: found.table, condition: "\(own) AND \(range.condition)")
          sets.append(index.keys)
          if range.isKeyOrdered { walks.append(index) }
        }
        probes.append(ValueCondition(found.table, ranges: [], probe: "\(own) AND \(found.probe)"))
      }
    }
    guard sets.count <= Self.rangesMax else {
      throw Fault(
        .invalid, "The search parameter '\(condition.code)' has more alternatives than can be looked up at once.",
        code: "too-costly")
    }
    guard let set = SQL.union(sets) else {
      return condition.modifier?.isNegative == true ? .always(label) : .never(label)
    }
    let alias = try alias(depth)
    let tests = probes
    let probe: @Sendable (SQL) -> SQL = { key in
      SQL.anyOf(
        tests.map {
          "EXISTS (SELECT 1 FROM \($0.table) AS \(alias.row) WHERE \($0.probe) AND \(alias.row).key = \(key))"
        })
    }
    if condition.modifier?.isNegative == true {
      return SearchTerm(label, set: nil) { key in "NOT \(probe(key))" }
    }
    var term = SearchTerm(label, set: set, walk: sets.count == 1 ? walks.first : nil, probe: probe)
    term.isChronological = condition.kind == .date
    if parameters.count == 1, condition.values.count == 1 {
      term.stretches = Self.stretches(all[0], first.number)
    }
    return term
  }

  /// One value's ranges in the order of their column. A resource with several values may be in several ranges, or
  /// several times in one: its first row counts.
  private static func stretches(_ found: ValueCondition, _ parameter: Int32) -> [IndexStretch] {
    guard let column = found.column else { return [] }
    let own: SQL = "parameter = \(Int64(parameter))"
    return found.ranges.enumerated().map { place, range in
      let earlier = found.ranges[..<place].map { "(\($0.condition))" as SQL }
      let before: SQL = "((\(range.condition)) AND q.\(column) < i.\(column))"
      let isFirst: SQL = """
        NOT EXISTS (SELECT 1 FROM \(found.table) AS q
                    WHERE q.key = i.key AND \(own) AND \(SQL.anyOf(earlier + [before])))
        """
      return IndexStretch(
        range: IndexRange(table: found.table, condition: "\(own) AND \(range.condition)"), column: column,
        isFirst: range.isSole ? nil : isFirst)
    }
  }

  /// Several conditions on one date parameter: where a resource has one value, one range answers them all.
  func dates(_ conditions: [SearchCondition], _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    let terms = try conditions.map { try term($0, type, depth: depth) }
    let label = terms.map(\.label).joined(separator: " and ")
    let probe: @Sendable (SQL) -> SQL = { key in SQL.allOf(terms.map { $0.probe(key) }) }
    guard let parameter = indexed(conditions[0].parameters, type).first,
      let first = conditions.firstIndex(where: { $0.values.count == 1 })
    else { return SearchTerm(label, set: nil, probe: probe) }
    let own: SQL = "parameter = \(Int64(parameter.number))"
    var ranges = DateClass.single.map { dateClass -> IndexStretch in
      let all = conditions.map { condition in
        SQL.anyOf(condition.values.map { "(\(Self.date($0, in: dateClass)))" })
      }
      let range = IndexRange(
        table: "index_date", condition: "\(own) AND class = \(dateClass.rawValue) AND \(SQL.allOf(all))")
      return IndexStretch(range: range, column: "low", isFirst: nil)
    }
    let others = terms.enumerated().filter { $0.offset != first }.map { $0.element.probe("i.key") }
    for dateClass in DateClass.several {
      let leading = Self.date(conditions[first].values[0], in: dateClass)
      let condition: SQL = "\(own) AND class = \(dateClass.rawValue) AND \(leading) AND \(SQL.allOf(others))"
      let isMet = Self.date(conditions[first].values[0], in: DateClass(span: .longer, isOneOfSeveral: true))
      let isFirst: SQL = """
        NOT EXISTS (SELECT 1 FROM index_date AS q WHERE q.key = i.key AND \(own) AND \(isMet)
                    AND (class < \(dateClass.rawValue) OR (class = \(dateClass.rawValue) AND q.low < i.low)))
        """
      ranges.append(
        IndexStretch(range: IndexRange(table: "index_date", condition: condition), column: "low", isFirst: isFirst))
    }
    var both = SearchTerm(label, set: SQL.union(ranges.map { $0.range.keys }), probe: probe)
    both.stretches = ranges
    both.isChronological = true
    return both
  }

  // MARK: What the resource's own row answers

  private func resourceTerm(_ condition: SearchCondition, _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    if condition.values == [.missing(false)] { return .always(condition.label) }
    if condition.values == [.missing(true)] { return .never(condition.label) }
    let alias = try alias(depth)
    let test = condition.code == "_id" ? Self.ids(condition.values) : Self.lastUpdated(condition.values)
    let probe: @Sendable (SQL) -> SQL = { key in
      "EXISTS (SELECT 1 FROM resource AS \(alias.resource) WHERE \(alias.resource).key = \(key) AND \(test))"
    }
    if condition.modifier == .not {
      return SearchTerm(condition.label, set: nil) { key in "NOT \(probe(key))" }
    }
    return SearchTerm(
      condition.label,
      set: "SELECT key FROM resource WHERE type = \(numbers.number(type)) AND method <> 3 AND \(test)", probe: probe)
  }

  /// An id has no system: `system|id` matches nothing, `|id` and `id` do.
  private static func ids(_ values: [SearchValue]) -> SQL {
    let ids: [SQLValue] = values.compactMap {
      guard case .token(let system, let code?) = $0 else { return nil }
      if case .uri = system { return nil }
      return .text(code)
    }
    return "id IN (\(list: ids))"
  }

  /// An instant with milliseconds: the period searched, rounded to whole milliseconds inside it.
  private static func lastUpdated(_ values: [SearchValue]) -> SQL {
    SQL.anyOf(
      values.map { value in
        guard case .date(let comparator, let low, let high) = value else { return "1 = 0" }
        let first = low.roundedUpToMilliseconds
        let last = high.roundedDownToMilliseconds
        switch comparator {
        case .eq, .ap: return "updated BETWEEN \(first) AND \(last)"
        case .ne: return "updated NOT BETWEEN \(first) AND \(last)"
        case .gt, .sa: return "updated > \(last)"
        case .ge: return "updated >= \(first)"
        case .lt, .eb: return "updated < \(first)"
        case .le: return "updated <= \(last)"
        }
      })
  }

  // MARK: :missing

  private func missing(_ condition: SearchCondition, _ parameters: [SearchParameter], depth: Int) throws -> SearchTerm {
    guard case .missing(let isMissing)? = condition.values.first else { return .never(condition.label) }
    let alias = try alias(depth)
    let tables = Self.tables(condition.kind)
    let numbers = parameters.map { SQLValue.integer(Int64($0.number)) }
    let present: @Sendable (SQL) -> SQL = { key in
      SQL.anyOf(
        tables.map { table in
          """
          EXISTS (SELECT 1 FROM \(table) AS \(alias.row)
                  WHERE \(alias.row).key = \(key) AND \(alias.row).parameter IN (\(list: numbers)))
          """
        })
    }
    if !isMissing {
      let sets = tables.map { table -> SQL in
        "SELECT i.key FROM \(table) AS i WHERE i.parameter IN (\(list: numbers))"
      }
      return SearchTerm(condition.label, set: SQL.union(sets), probe: present)
    }
    var walk: IndexRange?
    if parameters.count == 1, parameters[0].keepsMissing, let number = numbers.first {
      walk = IndexRange(table: "index_missing", condition: "parameter = \(number)")
    }
    return SearchTerm(condition.label, set: walk?.keys, walk: walk) { key in "NOT \(present(key))" }
  }

  /// Where a parameter's values are; a reference may have an identifier instead of a target.
  private static func tables(_ kind: SearchParameter.Kind) -> [SQL] {
    switch kind {
    case .token: ["index_token", "index_string"]
    case .string: ["index_string"]
    case .reference: ["index_reference", "index_token"]
    case .date: ["index_date"]
    case .number: ["index_number"]
    case .quantity: ["index_quantity"]
    case .uri: ["index_uri"]
    case .composite: ["index_composite"]
    case .special: ["index_position"]
    }
  }
}

extension SearchCondition {
  /// The parameter with its modifier.
  var label: String { modifier.map { "\(code):\($0.rawValue)" } ?? code }
}

extension SearchCondition.Modifier {
  /// Whether what matches the values is excluded.
  var isNegative: Bool { self == .not || self == .notIn }
  /// Whether the values name a whole branch of a hierarchy.
  var isHierarchical: Bool { self == .above || self == .below }
}

extension Int64 {
  fileprivate var roundedDownToMilliseconds: Int64 { self >= 0 ? self / 1_000 : (self - 999) / 1_000 }
  fileprivate var roundedUpToMilliseconds: Int64 { -(-self).roundedDownToMilliseconds }
}
