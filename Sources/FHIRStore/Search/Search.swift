import Base
import FHIRModel
import FHIRSearch
import Storage

/// A search under way: one plan for each type, their rows merged.
struct Search {
  var trace: SearchTrace

  let query: SearchQuery
  let view: StoreView
  let compiler: TermCompiler
  private let sources: [Source]

  /// What one plan searches.
  struct Source: Equatable {
    let type: Schema.TypeID
    let rows: SearchedRows
  }

  init(_ query: SearchQuery, _ view: StoreView) throws {
    guard query.sort.count <= PageOrder.keysMax else {
      throw Fault(.invalid, "A search is sorted by \(PageOrder.keysMax) keys at most.", code: "too-costly")
    }
    self.query = query
    self.view = view
    compiler = TermCompiler(view)
    // Estimates count what the caller may not see as well.
    trace = SearchTrace(isOn: query.wantsExplanation && view.restriction.isUnrestricted)
    guard query.includes.isEmpty || !view.restriction.refusesJoins else {
      throw Fault(.forbidden, "The access token does not allow searches that include other resources.")
    }
    sources = try Self.sources(query, view)
  }

  /// The searched types that the caller may see and that have resources.
  private static func sources(_ query: SearchQuery, _ view: StoreView) throws -> [Source] {
    if query.matchesNothing { return [] }
    let asked = query.types.isEmpty ? view.store.schema.resourceTypes : query.types
    let allowed = asked.filter { view.restriction.allows($0) }
    var sources: [Source] = []
    if query.contained != .true {
      let counts = allowed.count > 1 ? try view.resourceCounts() : [:]
      sources += allowed.filter { allowed.count == 1 || counts[$0] ?? 0 > 0 }.map { Source(type: $0, rows: .resources) }
    }
    if query.contained != .false {
      sources += try allowed.filter { try view.isContained($0) }.map { Source(type: $0, rows: .contained) }
    }
    return sources
  }

  /// The order of a page in which a key is.
  func order(of key: Int64) -> PageOrder {
    let source = sources.first { ($0.rows == .contained) == ContainedKey.isContained(key) } ?? sources.first
    return order(source ?? Source(type: view.store.schema.resourceTypes[0], rows: .resources))
  }

  private func order(_ source: Source) -> PageOrder {
    PageOrder(keys: query.sort.map { SortKey($0, source.type, query.criteria, view.store, source.rows) })
  }

  /// All matches.
  mutating func total() throws -> Int {
    var sum = 0
    for source in sources {
      let began = ContinuousClock.now
      let plan = try chosenForAll(source)
      if plan.terms.isEmpty {
        sum += try view.count(source)
        continue
      }
      let (count, work) = try guarded(plan, name(source)) {
        try measured { try view.reader.first(plan.total) { Int($0.integer(0)) } ?? 0 }
      }
      trace.add(plan, "count", name(source), rows: count, work, since: began)
      sum += count
    }
    return sum
  }

  /// The first rows behind a position, and whether they are the last ones.
  /// - Parameter isFree: whether any order will do where none is asked for.
  mutating func rows(after position: PagePosition?, limit: Int, isFree: Bool = false) throws
    -> (rows: [PagePosition], isLast: Bool)
  {
    var merged: [PagePosition] = []
    var isLast = true
    for source in sources {
      let began = ContinuousClock.now
      let (plan, work) = try measured {
        try chosen(source, limit: limit, behind: position, isFree: isFree && sources.count == 1)
      }
      trace.add(plan, "plan", name(source), rows: nil, work, since: began)
      let started = ContinuousClock.now
      let found = try found(plan, source, behind: position, limit: limit + 1, since: started)
      if found.count > limit { isLast = false }
      merged += found
    }
    if let first = sources.first, sources.count > 1 {
      let order = order(first)
      merged.sort { order.precedes($0, $1) }
    }
    // One resource's rows stand together: they have the same values.
    var rows: [PagePosition] = []
    for row in merged where rows.last?.key != row.key { rows.append(row) }
    if rows.count > limit {
      isLast = false
      rows.removeLast(rows.count - limit)
    }
    return (rows, isLast)
  }

  /// A plan's rows; those of its fallback where it takes too long.
  private mutating func found(
    _ plan: SearchPlan, _ source: Source, behind position: PagePosition?, limit: Int,
    since began: ContinuousClock.Instant
  ) throws -> [PagePosition] {
    var plan = plan
    var began = began
    if let fallback = plan.fallback {
      let (found, work) = try guarded(plan, name(source)) {
        try measured {
          try view.reader.attempt(steps: fallback.steps) {
            try ordered(plan, source, behind: position, limit: limit)
          }
        }
      }
      trace.add(plan, found == nil ? "give up" : "find", name(source), rows: found?.count, work, since: began)
      if let found { return found }
      plan = plan.fallenBack(to: fallback)
      began = .now
    }
    let (found, work) = try guarded(plan, name(source)) {
      try measured { try ordered(plan, source, behind: position, limit: limit) }
    }
    trace.add(plan, "find", name(source), rows: found.count, work, since: began)
    return found
  }

  /// What a step was to the engine, where an explanation is wanted.
  func measured<R>(_ body: () throws -> R) throws -> (result: R, work: Work) {
    trace.isOn ? try view.reader.measuring(body) : (try body(), Work())
  }

  /// A search that takes too long says what it was doing.
  private func guarded<R>(_ plan: SearchPlan, _ name: String, _ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as StorageError where error.code == .deadlineExceeded {
      let what = view.restriction.isUnrestricted ? " What it did: \(name): \(plan.description)." : ""
      throw Fault(.tooSlow, "The search took too long and was ended.\(what)", code: "too-costly")
    }
  }

  private func name(_ source: Source) -> String {
    let name = view.store.schema.name(source.type)
    return source.rows == .contained ? "contained \(name)" : name
  }

  /// The plan for a page of so many of a type's matches.
  func chosen(_ source: Source, limit: Int, behind position: PagePosition? = nil, isFree: Bool = true) throws
    -> SearchPlan
  {
    // A page in the order of a term's index goes on in it.
    let isOfStretch = query.sort.isEmpty && position?.values.count == SearchPlan.stretchValues
    var plan = try plan(source, pairing: !isOfStretch)
    try plan.choose(wanted: limit + 1, behind: position, isFree: isFree, compiler.estimates) {
      try view.estimatedCount(source)
    }
    return plan
  }

  /// The plan for all of a type's matches.
  func chosenForAll(_ source: Source) throws -> SearchPlan {
    var plan = try plan(source)
    try plan.chooseForAll(compiler.estimates) { try view.estimatedCount(source) }
    return plan
  }

  private func plan(_ source: Source, pairing: Bool = true) throws -> SearchPlan {
    let compiler = compiler.searching(source.rows)
    var terms = try compiler.terms(query.criteria, source.type, pairing: pairing)
    if source.rows == .contained {
      terms += try ofContainers(source)
    } else if let sight = view.restriction.extent(source.type).criterion {
      var term = try compiler.term(.all([sight]), source.type)
      // Behind the query's own terms, whose places stand in positions.
      term.place = query.criteria.count * 2
      terms.append(term)
    }
    let own = order(source)
    let number = view.store.numbers.number(source.type)
    let walks = try own.keys.first?.walks(type: number, query.criteria) { try compiler.systems($0.number) }
    return SearchPlan(terms, own, type: number, source.rows, orderWalks: walks ?? nil)
  }

  func read(_ statement: SQL, _ values: Int, into rows: inout [PagePosition]) throws {
    try view.reader.query(statement) { row in
      rows.append(PagePosition(values: (0..<values).map { SortValue(row.value($0 + 1)) }, key: row.integer(0)))
      return true
    }
  }

  // MARK: Contained resources

  /// What must hold of a contained resource for its container's sake: the caller may see that, and where containers
  /// are wanted it is the one that stands for its container.
  private func ofContainers(_ source: Source) throws -> [SearchTerm] {
    var terms: [SearchTerm] = []
    if !view.restriction.isUnrestricted {
      let test = try isFoundContainer()
      terms.append(
        SearchTerm("container", set: nil) { key in
          "EXISTS (SELECT 1 FROM contained AS c WHERE c.key = \(key) AND \(test)\(SQL.fence))"
        })
    }
    if query.containedType == .container {
      let earlier = try sources.prefix { $0 != source }
        .filter { try $0.rows == .contained || view.isContained(source.type, in: $0.type) }
        .map { try (source: $0, terms: matching($0)) }
      let own = try matching(source)
      let numbers = view.store.numbers
      terms.append(
        SearchTerm("first of its container", set: nil) { key in
          let start = ContainedKey.start(of: key)
          let others = earlier.map { other -> SQL in
            let type = numbers.number(other.source.type)
            switch other.source.rows {
            case .resources:
              return """
                NOT EXISTS (SELECT 1 FROM resource AS c WHERE c.key = \(ContainedKey.container(of: key))
                            AND \(SearchedRows.resources.ofType(type, "c.")) AND \(other.terms)\(SQL.fence))
                """
            case .contained:
              return """
                NOT EXISTS (SELECT 1 FROM contained AS c WHERE c.key >= \(start) AND c.key < \(start) + 1024
                            AND c.type + 0 = \(type) AND \(other.terms)\(SQL.fence))
                """
            }
          }
          let first: SQL = """
            NOT EXISTS (SELECT 1 FROM contained AS c WHERE c.key >= \(start) AND c.key < \(key)
                        AND c.type + 0 = \(numbers.number(source.type)) AND \(own)\(SQL.fence))
            """
          return SQL.allOf([first] + others)
        })
    }
    return terms
  }

  /// Whether the caller may see the container of the row `c`.
  private func isFoundContainer() throws -> SQL {
    try view.isFound(type: "c.container", key: ContainedKey.container(of: "c.key"))
  }

  /// Whether the row `c` matches the criteria.
  private func matching(_ source: Source) throws -> SQL {
    SQL.allOf(try compiler.searching(source.rows).terms(query.criteria, source.type).map { $0.probe("c.key") })
  }
}

extension StoreView {
  private static let countRows = Statement("SELECT type, live FROM resource_count")
  private static let countRow = Statement("SELECT live FROM resource_count WHERE type = ?")

  /// How many resources of each type there are.
  func resourceCounts() throws -> [Schema.TypeID: Int] {
    var counts: [Schema.TypeID: Int] = [:]
    try reader.query(Self.countRows, []) { row in
      if let type = store.numbers.types[row.integer(0)] { counts[type] = Int(row.integer(1)) }
      return true
    }
    return counts
  }

  /// How many resources of a type there are.
  func resourceCount(_ type: Schema.TypeID) throws -> Int {
    try reader.first(Self.countRow, [.integer(store.numbers.number(type))]) { Int($0.integer(0)) } ?? 0
  }

  private static let isContained = Statement("SELECT 1 FROM contained WHERE type = ? LIMIT 1")

  /// Whether any resource contains one of the type.
  func isContained(_ type: Schema.TypeID) throws -> Bool {
    try reader.first(Self.isContained, [.integer(store.numbers.number(type))]) { _ in true } ?? false
  }

  private static let isContainedIn = Statement("SELECT 1 FROM contained WHERE container = ? AND type = ? LIMIT 1")

  /// Whether a resource of another type contains one of the type.
  func isContained(_ type: Schema.TypeID, in container: Schema.TypeID) throws -> Bool {
    let types = [container, type].map { SQLValue.integer(store.numbers.number($0)) }
    return try reader.first(Self.isContainedIn, types) { _ in true } ?? false
  }

  /// How many resources a source has.
  func count(_ source: Search.Source) throws -> Int {
    if source.rows == .resources { return try resourceCount(source.type) }
    let number = store.numbers.number(source.type)
    return try reader.first("SELECT count(*) FROM contained WHERE type = \(number)") { Int($0.integer(0)) } ?? 0
  }

  /// The same for a plan: the order of magnitude.
  func estimatedCount(_ source: Search.Source) throws -> Int {
    if source.rows == .resources {
      return try store.estimates.typeCount(store.numbers.number(source.type)) { try resourceCount(source.type) }
    }
    let sql: SQL = """
      SELECT count(*) FROM (SELECT 1 FROM contained WHERE type = \(store.numbers.number(source.type))
                            LIMIT \(Estimates.largeCap))\(SQL.unnamed)
      """
    return try reader.first(sql) { Int($0.integer(0)) } ?? 0
  }
}
