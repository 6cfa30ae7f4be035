import FHIRModel
import FHIRSearch
import Storage

/// One key of a page's order, for one type of resource.
struct SortKey {
  let isDescending: Bool
  private let source: Source

  private enum Source {
    /// A column of the resource's own row.
    case row(SQL)
    /// A column of an index table: the rows, under the alias `o`, of these parameters.
    case index(table: SQL, column: SQL, parameters: [SearchParameter], rows: SQL)
    /// The distance to the point that `near` asks for.
    case distance(SQL, parameter: Int64)
    /// How well the words of a full-text search match.
    case score(FullTextScore)
    /// The type has no such parameter, or nothing to compare.
    case none
  }

  private let searched: SearchedRows

  init(
    _ sort: SearchSort, _ type: Schema.TypeID, _ criteria: [SearchCriterion], _ store: FHIRStore,
    _ searched: SearchedRows = .resources
  ) {
    isDescending = sort.isDescending
    self.searched = searched
    if sort.isByScore {
      source = FullTextScore(criteria).map { .score($0) } ?? .none
      return
    }
    guard let parameter = sort.parameters.first(where: { $0.resourceType == type }) else {
      source = .none
      return
    }
    var parts = store.catalog.indexed.indexed(parameter)
    if searched == .contained { parts = parts.map { $0.contained() } }
    func index(_ table: SQL, _ column: SQL) -> Source {
      .index(
        table: table, column: column, parameters: parts, rows: store.numbers.rows(of: parts, store.schema, "o."))
    }
    switch (parameter.kind, parameter.code) {
    case (_, "_id"): source = .row("id")
    case (_, "_lastUpdated"): source = searched == .resources ? .row("updated") : .none
    case (.token, _): source = index("index_token", "code")
    case (.string, _): source = index("index_string", "folded")
    case (.reference, _): source = index("index_reference", "id")
    case (.date, _): source = index("index_date", "low")
    case (.number, _): source = index("index_number", "low")
    case (.quantity, _): source = index("index_quantity", "low")
    case (.uri, _): source = index("index_uri", "value")
    case (.composite, _): source = .none
    case (.special, _):
      source = Self.center(criteria).map { .distance($0, parameter: Int64((parts.first ?? parameter).number)) } ?? .none
    }
  }

  private static func center(_ criteria: [SearchCriterion]) -> SQL? {
    for case .condition(let condition) in criteria {
      if case .near(let latitude, let longitude, _)? = condition.values.first {
        return TermCompiler.distance(latitude, longitude)
      }
    }
    return nil
  }

  /// What a resource's value is: the lowest ascending, the highest descending; null for none.
  func value(of key: SQL) -> SQL {
    let extreme: SQL = isDescending ? "max" : "min"
    switch source {
    case .row(let column): return "(SELECT o.\(column) FROM \(searched.table) AS o WHERE o.key = \(key))"
    case .index(let table, let column, _, let rows):
      return "(SELECT \(extreme)(o.\(column)) FROM \(table) AS o WHERE o.key = \(key) AND \(rows))"
    case .distance(let distance, let parameter):
      return """
        (SELECT \(extreme)(\(distance)) FROM index_position AS o WHERE o.key = \(key) AND o.parameter = \(parameter))
        """
    case .score(let score): return score.value(of: key)
    // What has a value elsewhere is a number.
    case .none: return SQL(sqlite: "NULL", postgreSQL: "CAST(NULL AS bigint)")
    }
  }

  // MARK: Walking the index

  /// A stretch of an index in the order of this key.
  struct Walk {
    let table: SQL
    let column: SQL
    let condition: SQL
    /// Whether a resource may occur more than once, so that its first row has to be told from the others.
    let mayRepeat: Bool
  }

  /// The index in this key's order, as stretches that together hold every resource with a value; nil where no index is
  /// in that order.
  /// - Parameter criteria: what bounds the same parameter bounds the stretches.
  func walks(type: Int64, _ criteria: [SearchCriterion], systems: (SearchParameter) throws -> [Int64]) rethrows
    -> [Walk]?
  {
    switch source {
    case .row(let column):
      return [Walk(table: searched.table, column: column, condition: searched.ofType(type), mayRepeat: false)]
    case .index(let table, let column, let parameters, _):
      guard parameters.count == 1, let parameter = parameters.first else { return nil }
      let own: SQL = "parameter = \(Int64(parameter.number))"
      switch parameter.kind {
      case .date:
        let there = Set(try systems(parameter))
        return DateClass.all.filter { there.contains($0.rawValue) }.map { dateClass in
          // Where there is one value, whatever is asked of the parameter is asked of it.
          let bounds = dateClass.isOneOfSeveral ? [] : Self.bounds(criteria, on: parameter, in: dateClass)
          return Walk(
            table: table, column: column,
            condition: SQL.allOf([own, "class = \(dateClass.rawValue)"] + bounds), mayRepeat: dateClass.isOneOfSeveral)
        }
      case .number:
        return try systems(parameter).map { NumberClass(rawValue: $0) }.map { numberClass in
          Walk(
            table: table, column: column, condition: "\(own) AND class = \(numberClass.rawValue)",
            mayRepeat: numberClass.isOneOfSeveral)
        }
      case .string, .uri: return [Walk(table: table, column: column, condition: own, mayRepeat: true)]
      case .token:
        let systems = try systems(parameter)
        guard systems.count <= Self.stretchesMax else { return nil }
        return systems.map {
          Walk(table: table, column: column, condition: "\(own) AND system = \($0)", mayRepeat: true)
        }
      case .reference, .quantity, .composite, .special: return nil
      }
    case .distance, .score, .none: return nil
    }
  }

  private static func bounds(_ criteria: [SearchCriterion], on parameter: SearchParameter, in dateClass: DateClass)
    -> [SQL]
  {
    criteria.compactMap { criterion in
      guard case .condition(let condition) = criterion, condition.modifier == nil,
        condition.parameters.contains(where: { $0.resourceType == parameter.resourceType && $0.code == parameter.code })
      else { return nil }
      return SQL.anyOf(condition.values.map { "(\(TermCompiler.date($0, in: dateClass)))" })
    }
  }

  /// More stretches than this cost more than sorting.
  private static let stretchesMax = 16

  /// The date parameter whose values are this key's; nil for all else.
  var dateParameter: Int32? {
    guard case .index(_, _, let parameters, _) = source, parameters.count == 1, parameters[0].kind == .date else {
      return nil
    }
    return parameters[0].number
  }

  /// Keeps a resource's first row in this key's order: `i` is the row.
  func isFirst(_ walk: Walk) -> SQL? {
    guard walk.mayRepeat, case .index(_, _, let parameters, _) = source, let parameter = parameters.first else {
      return nil
    }
    let before: SQL = isDescending ? ">" : "<"
    let test: SQL = """
      NOT EXISTS (SELECT 1 FROM \(walk.table) AS o WHERE o.key = i.key AND o.parameter = \(Int64(parameter.number))
                  AND o.\(walk.column) \(before) i.\(walk.column)\(SQL.fence))
      """
    return parameter.kind == .string ? "(i.several = 0 OR \(test))" : test
  }

  /// The resources without a value, as a range of the index; nil where they are found by testing only.
  var missing: IndexRange? {
    guard case .index(_, _, let parameters, _) = source, parameters.count == 1, let parameter = parameters.first,
      parameter.keepsMissing, parameter.soleTarget == nil
    else { return nil }
    return IndexRange(table: "index_missing", condition: "parameter = \(Int64(parameter.number))")
  }

  /// Whether every resource has a value.
  var isAlwaysThere: Bool { if case .row = source { true } else { false } }

  /// A resource without a value.
  func isMissing(_ key: SQL) -> SQL {
    guard case .index(let table, _, _, let rows) = source else { return "\(value(of: key)) IS NULL" }
    return "NOT EXISTS (SELECT 1 FROM \(table) AS o WHERE o.key = \(key) AND \(rows)\(SQL.fence))"
  }
}

/// The order of a page: its keys, then the order of creation.
struct PageOrder {
  let keys: [SortKey]

  private static let names: [SQL] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"]
  /// More keys than this are refused by the grammar.
  static let keysMax = names.count

  /// `, … AS s0, … AS s1` for a row whose key is `key`; `first` is the leading value where it is at hand.
  func columns(of key: SQL, first: SQL? = nil) -> SQL {
    zip(keys.indices, Self.names).map { place, name -> SQL in
      let value = place == 0 ? first ?? keys[0].value(of: key) : keys[place].value(of: key)
      return ", \(value) AS \(name)"
    }
    .joined(separator: "")
  }

  /// `s0 ASC NULLS FIRST, …, key`
  var orderBy: SQL { (zip(keys, Self.names).map { Self.term($0, $1) } + ["key"]).joined(separator: ", ") }

  /// The same for rows that have a value of the first key. PostgreSQL's indexes end with nulls, ascending: so the
  /// order is theirs only if it does not say where nulls would be.
  var orderByThere: SQL {
    let terms = zip(keys, Self.names).enumerated().map { place, term -> SQL in
      let (key, name) = term
      if place > 0 { return Self.term(key, name) }
      return SQL(sqlite: Self.term(key, name), postgreSQL: key.isDescending ? "\(name) DESC" : name)
    }
    return (terms + ["key"]).joined(separator: ", ")
  }

  private static func term(_ key: SortKey, _ name: SQL) -> SQL {
    key.isDescending ? "\(name) DESC NULLS LAST" : "\(name) ASC NULLS FIRST"
  }

  /// What comes behind a position in this order.
  func behind(_ position: PagePosition) -> SQL {
    var condition: SQL = "key > \(position.key)"
    for (place, key) in keys.enumerated().reversed() where place < position.values.count {
      let name = Self.names[place]
      let value = position.values[place]
      let equal: SQL = value == .none ? "\(name) IS NULL" : "\(name) = \(value.sql)"
      let later: SQL =
        switch (key.isDescending, value == .none) {
        case (false, true): "\(name) IS NOT NULL"
        case (false, false): "\(name) > \(value.sql)"
        case (true, true): "1 = 0"
        case (true, false): "(\(name) < \(value.sql) OR \(name) IS NULL)"
        }
      condition = "(\(later) OR (\(equal) AND \(condition)))"
    }
    return condition
  }

  /// Whether one row comes before another.
  func precedes(_ left: PagePosition, _ right: PagePosition) -> Bool {
    for (place, key) in keys.enumerated() {
      let order = left.values[place].compare(right.values[place])
      if order != 0 { return key.isDescending ? order > 0 : order < 0 }
    }
    return left.key < right.key
  }
}

extension SortValue {
  var sql: SQLValue {
    switch self {
    case .none: .null
    case .integer(let value): .integer(value)
    case .real(let value): .real(value)
    case .text(let value): .text(value)
    }
  }

  init(_ value: SQLValue) {
    switch value {
    case .null, .blob: self = .none
    case .integer(let value): self = .integer(value)
    case .real(let value): self = .real(value)
    case .text(let value): self = .text(value)
    }
  }

  /// Below 0 where this comes first, ascending: nothing before something, texts by their bytes as the index has them.
  func compare(_ other: SortValue) -> Int {
    switch (self, other) {
    case (.none, .none): 0
    case (.none, _): -1
    case (_, .none): 1
    case (.integer(let a), .integer(let b)): a == b ? 0 : a < b ? -1 : 1
    case (.real(let a), .real(let b)): a == b ? 0 : a < b ? -1 : 1
    case (.text(let a), .text(let b)):
      a.utf8.elementsEqual(b.utf8) ? 0 : a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
    case (.integer, _), (.real, .text): -1
    default: 1
    }
  }
}
