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
      for found in try conditions(condition, parameter) {
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
          """
          EXISTS (SELECT 1 FROM \($0.table) AS \(alias.row) \
          WHERE \($0.probe) AND \(alias.row).key = \(key)\(SQL.fence))
          """
        })
    }
    if condition.modifier?.isNegative == true {
      return SearchTerm(label, set: nil) { key in "NOT \(probe(key))" }
    }
    var term = SearchTerm(label, set: set, walk: sets.count == 1 ? walks.first : nil, probe: probe)
    term.isChronological = condition.kind == .date
    if parameters.count == 1, let table = all.first?.table, all.allSatisfy({ $0.column != nil && $0.table == table }) {
      let (found, number) = (all, first.number)
      term.stretching = { Self.stretches(found, number) }
    }
    return term
  }

  /// Ranges of one table in the order of their columns. A resource with several values may be in several ranges, or
  /// several times in one: its first row counts.
  static func stretches(_ all: [ValueCondition], _ parameter: Int32) -> [IndexStretch] {
    let own: SQL = "parameter = \(Int64(parameter))"
    let ranges = all.flatMap { found in
      found.ranges.map { (range: $0, table: found.table, column: found.column ?? "key") }
    }
    .sorted { $0.range.name.compare($1.range.name) < 0 }
    return ranges.enumerated().map { place, found in
      let (range, table, column) = found
      let earlier = ranges[..<place].map { "(\($0.range.condition))" as SQL }
      let before: SQL = "((\(range.condition)) AND q.\(column) < i.\(column))"
      let isFirst: SQL = """
        NOT EXISTS (SELECT 1 FROM \(table) AS q
                    WHERE q.key = i.key AND \(own) AND \(SQL.anyOf(earlier + [before]))\(SQL.fence))
        """
      return IndexStretch(
        name: range.name, range: IndexRange(table: table, condition: "\(own) AND \(range.condition)"), column: column,
        isFirst: range.isSole ? nil : isFirst)
    }
  }

  /// Several conditions on one date parameter: where a resource has one value, one range answers them all.
  func dates(_ conditions: [SearchCondition], _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    let label = conditions.map(\.label).joined(separator: " and ")
    let alias = try alias(depth)
    guard let parameter = indexed(conditions[0].parameters, type).first else { return .never(label) }
    let own: SQL = "parameter = \(Int64(parameter.number))"
    let probes = conditions.map { condition -> @Sendable (SQL) -> SQL in
      let test = Self.date(condition, in: DateClass(span: .longer, isOneOfSeveral: true))
      return { key in
        """
        EXISTS (SELECT 1 FROM index_date AS \(alias.row) \
        WHERE \(own) AND \(test) AND \(alias.row).key = \(key)\(SQL.fence))
        """
      }
    }
    let stretches = try dateClasses(parameter).map { dateClass -> IndexStretch in
      let isClass: SQL = "\(own) AND class = \(dateClass.rawValue)"
      guard dateClass.isOneOfSeveral else {
        let all = SQL.allOf(conditions.map { Self.date($0, in: dateClass) })
        return IndexStretch(
          name: .integer(dateClass.rawValue),
          range: IndexRange(table: "index_date", condition: "\(isClass) AND \(all)"),
          column: "low", isFirst: nil)
      }
      // The first condition's values lead.
      let leading: SQL = "\(isClass) AND \(Self.date(conditions[0], in: dateClass))"
      let isMet = Self.date(conditions[0], in: DateClass(span: .longer, isOneOfSeveral: true))
      let isFirst: SQL = """
        NOT EXISTS (SELECT 1 FROM index_date AS q WHERE q.key = i.key AND \(own) AND \(isMet)
                    AND (class < \(dateClass.rawValue) \
        OR (class = \(dateClass.rawValue) AND q.low < i.low))\(SQL.fence))
        """
      let others = SQL.allOf(probes.dropFirst().map { $0("i.key") })
      return IndexStretch(
        name: .integer(dateClass.rawValue),
        range: IndexRange(table: "index_date", condition: "\(leading) AND \(others)"),
        column: "low", isFirst: isFirst)
    }
    guard let set = SQL.union(stretches.map { $0.range.keys }) else { return .never(label) }
    var both = SearchTerm(label, set: set) { key in SQL.allOf(probes.map { $0(key) }) }
    both.stretching = { stretches }
    both.isChronological = true
    both.cost.probing = Double(probes.count)
    return both
  }

  private static func date(_ condition: SearchCondition, in dateClass: DateClass) -> SQL {
    SQL.anyOf(condition.values.map { "(\(date($0, in: dateClass)))" })
  }

  // MARK: What the resource's own row answers

  private func resourceTerm(_ condition: SearchCondition, _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    // When it was stored a contained resource does not tell (FHIR R4 dom-4).
    let isThere = searched == .resources || condition.code == "_id"
    if case .missing(let isMissing)? = condition.values.first {
      return isMissing == isThere ? .never(condition.label) : .always(condition.label)
    }
    guard isThere else { return condition.modifier == .not ? .always(condition.label) : .never(condition.label) }
    let alias = try alias(depth)
    let test = condition.code == "_id" ? Self.ids(condition.values) : Self.lastUpdated(condition.values)
    let table = searched.table
    let probe: @Sendable (SQL) -> SQL = { key in
      """
      EXISTS (SELECT 1 FROM \(table) AS \(alias.resource) \
      WHERE \(alias.resource).key = \(key) AND \(test)\(SQL.fence))
      """
    }
    if condition.modifier == .not {
      return SearchTerm(condition.label, set: nil) { key in "NOT \(probe(key))" }
    }
    let own: SQL = "\(searched.ofType(numbers.number(type))) AND \(test)"
    var term = SearchTerm(condition.label, set: "SELECT key FROM \(table) WHERE \(own)", probe: probe)
    if condition.code == "_id" {
      // Ids of contained resources are their containers' own: many may have the same.
      guard searched == .resources else { return term }
      term.cost.known = condition.values.count
      term.stretching = {
        [IndexStretch(name: .integer(0), range: IndexRange(table: table, condition: own), column: "id", isFirst: nil)]
      }
    } else {
      term.isChronological = true
    }
    return term
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
    let rows = parameters.flatMap { parameter in
      Self.tables(parameter.kind).map { table -> (table: SQL, condition: SQL) in
        // Identifiers do not tell what they identify.
        if table == "index_token" { return (table, "parameter = \(Int64(parameter.number))") }
        return (table, values(of: parameter))
      }
    }
    let present: @Sendable (SQL) -> SQL = { key in
      SQL.anyOf(
        rows.map { table, condition in
          """
          EXISTS (SELECT 1 FROM \(table) AS \(alias.row) WHERE \(alias.row).key = \(key) AND \(condition)\(SQL.fence))
          """
        })
    }
    if !isMissing {
      let sets = rows.map { table, condition -> SQL in "SELECT i.key FROM \(table) AS i WHERE \(condition)" }
      return SearchTerm(condition.label, set: SQL.union(sets), probe: present)
    }
    var walk: IndexRange?
    // Of tokens and references it tells what cannot be sorted by: words and identifiers are values, too.
    if parameters.count == 1, parameters[0].keepsMissing, ![.token, .reference].contains(condition.kind) {
      walk = IndexRange(table: "index_missing", condition: "parameter = \(Int64(parameters[0].number))")
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
