import Base
import FHIRModel
import FHIRSearch
import Storage

/// A search under way: one plan for each type, their rows merged.
struct Search {
  let order: PageOrder
  var trace: SearchTrace

  let query: SearchQuery
  let compiler: TermCompiler
  private let types: [Schema.TypeID]
  let view: StoreView

  init(_ query: SearchQuery, _ view: StoreView) throws {
    guard query.sort.count <= PageOrder.keysMax else {
      throw Fault(.invalid, "A search is sorted by \(PageOrder.keysMax) keys at most.", code: "too-costly")
    }
    self.query = query
    self.view = view
    compiler = TermCompiler(view)
    trace = SearchTrace(isOn: query.wantsExplanation)
    let types = try Self.visibleTypes(query, view)
    self.types = types
    let criteria = query.criteria
    order = PageOrder(
      keys: query.sort.map { SortKey($0, types.first ?? view.store.schema.resourceTypes[0], criteria, view.store) })
  }

  /// The searched types that the caller may see and that have resources.
  private static func visibleTypes(_ query: SearchQuery, _ view: StoreView) throws -> [Schema.TypeID] {
    if query.matchesNothing { return [] }
    let asked = query.types.isEmpty ? view.store.schema.resourceTypes : query.types
    let allowed = asked.filter { view.restriction.allows($0) }
    guard allowed.count > 1 else { return allowed }
    let counts = try view.resourceCounts()
    return allowed.filter { counts[$0] ?? 0 > 0 }
  }

  /// All matches.
  mutating func total() throws -> Int {
    var sum = 0
    for type in types {
      let began = ContinuousClock.now
      let plan = try chosenForAll(type)
      if plan.terms.isEmpty {
        sum += try view.resourceCount(type)
        continue
      }
      let (count, work) = try guarded(plan, name(type)) {
        try measured { try view.reader.first(plan.total) { Int($0.integer(0)) } ?? 0 }
      }
      trace.add(plan, "count", name(type), rows: count, work, since: began)
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
    for type in types {
      let began = ContinuousClock.now
      let (plan, work) = try measured {
        try chosen(type, limit: limit, behind: position, isFree: isFree && types.count == 1)
      }
      trace.add(plan, "plan", name(type), rows: nil, work, since: began)
      let started = ContinuousClock.now
      let (found, steps) = try guarded(plan, name(type)) {
        try measured { try ordered(plan, type, behind: position, limit: limit + 1) }
      }
      trace.add(plan, "find", name(type), rows: found.count, steps, since: started)
      if found.count > limit { isLast = false }
      merged += found
    }
    if types.count > 1 { merged.sort { order.precedes($0, $1) } }
    // One resource's rows stand together: they have the same values.
    var rows: [PagePosition] = []
    for row in merged where rows.last?.key != row.key { rows.append(row) }
    if rows.count > limit {
      isLast = false
      rows.removeLast(rows.count - limit)
    }
    return (rows, isLast)
  }

  /// What a step was to the engine, where an explanation is wanted.
  func measured<R>(_ body: () throws -> R) throws -> (result: R, work: Work) {
    trace.isOn ? try view.reader.measuring(body) : (try body(), Work())
  }

  /// A search that takes too long says what it was doing.
  private func guarded<R>(_ plan: SearchPlan, _ type: String, _ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as StorageError where error.code == .deadlineExceeded {
      throw Fault(
        .tooSlow, "The search took too long and was ended. What it did: \(type): \(plan.description).",
        code: "too-costly")
    }
  }

  private func name(_ type: Schema.TypeID) -> String { view.store.schema.name(type) }

  /// The plan for a page of so many of a type's matches.
  func chosen(_ type: Schema.TypeID, limit: Int, behind position: PagePosition? = nil, isFree: Bool = true) throws
    -> SearchPlan
  {
    // A page in the order of a term's index goes on in it.
    let isOfStretch = query.sort.isEmpty && position?.values.count == SearchPlan.stretchValues
    var plan = try plan(type, pairing: !isOfStretch)
    try plan.choose(wanted: limit + 1, behind: position, isFree: isFree, compiler.estimates) {
      try view.resourceCount(type)
    }
    return plan
  }

  /// The plan for all of a type's matches.
  func chosenForAll(_ type: Schema.TypeID) throws -> SearchPlan {
    var plan = try plan(type)
    try plan.chooseForAll(compiler.estimates) { try view.resourceCount(type) }
    return plan
  }

  private func plan(_ type: Schema.TypeID, pairing: Bool = true) throws -> SearchPlan {
    let terms = try compiler.terms(query.criteria, type, pairing: pairing)
    let own = PageOrder(keys: query.sort.map { SortKey($0, type, query.criteria, view.store) })
    let number = view.store.numbers.number(type)
    let walks = try own.keys.first?.walks(type: number, query.criteria) { try compiler.systems($0.number) }
    return SearchPlan(terms, own, type: number, orderWalks: walks ?? nil)
  }

  func read(_ statement: SQL, _ values: Int, into rows: inout [PagePosition]) throws {
    try view.reader.query(statement) { row in
      rows.append(PagePosition(values: (0..<values).map { SortValue(row.value($0 + 1)) }, key: row.integer(0)))
      return true
    }
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
}
