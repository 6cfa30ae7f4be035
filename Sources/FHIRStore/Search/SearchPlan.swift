import Base
import FHIRModel
import FHIRSearch
import Storage

/// How the matches of one type are found in a page's order.
///
/// What leads is chosen by cost: a condition whose keys can be walked, the smallest set, the index in the order asked
/// for, or the type itself. Everything else is probed. Costs are rows visited, from counts that are made on the spot.
struct SearchPlan {
  enum Lead: Equatable {
    /// A term, by its place: its keys are walked where they come in order, else listed and sorted.
    case term(Int)
    /// A term, by its place, in the order of its index: for pages in no particular order.
    case stretches(Int)
    /// The index in the order of the first sort key.
    case order
    /// Every resource of the type.
    case type
  }

  let type: Int64
  let searched: SearchedRows
  let terms: [SearchTerm]
  let order: PageOrder
  let orderWalks: [SortKey.Walk]?
  /// The term that bounds the walks: what it asks is part of their conditions.
  private let orderBound: Int?
  private(set) var lead = Lead.type
  /// What leads when the one chosen takes more work than hoped for.
  private(set) var fallback: Fallback?
  /// For each term how many keys it has, counted as far as `caps` says; nil where that was not needed.
  private(set) var counts: [Int?]
  private(set) var caps: [Int]
  /// All resources of the type.
  private(set) var typeCount = 0
  /// Where counting ended early there are many more.
  private static let manyMore = 10.0

  init(
    _ terms: [SearchTerm], _ order: PageOrder, type: Int64, _ searched: SearchedRows = .resources,
    orderWalks: [SortKey.Walk]?
  ) {
    self.type = type
    self.searched = searched
    self.terms = terms
    self.order = order
    self.orderWalks = orderWalks
    let isBounded = orderWalks?.allSatisfy { !$0.mayRepeat } ?? false
    let parameter = isBounded ? order.keys.first?.dateParameter : nil
    self.orderBound = parameter.flatMap { asked in terms.firstIndex { $0.dateParameter == asked } }
    self.counts = Array(repeating: nil, count: terms.count)
    self.caps = Array(repeating: .max, count: terms.count)
  }

  /// Values that its rows carry besides their key.
  var valueCount: Int { if case .stretches = lead { Self.stretchValues } else { order.keys.count } }

  /// A place in a stretch is told by the term, the stretch, and its column's value.
  static let stretchValues = 3

  /// Chooses what leads for a page of `wanted` rows.
  /// - Parameters:
  ///   - position: where the page begins; the pages of a search go on as they began.
  ///   - isFree: whether any order will do.
  mutating func choose(
    wanted: Int, behind position: PagePosition?, isFree: Bool, _ estimates: Estimates, typeCount: () throws -> Int
  ) throws {
    if order.keys.isEmpty, let position, position.values.count == Self.stretchValues {
      guard case .integer(let place) = position.values[0],
        let found = terms.firstIndex(where: { $0.place == place && $0.stretching != nil })
      else {
        throw Fault(.invalid, "The page can no longer be found. Begin the search anew.", code: "invalid")
      }
      lead = .stretches(found)
      return
    }
    if terms.count == 1, order.keys.isEmpty, terms[0].walk != nil {
      lead = .term(0)
      return
    }
    let typeCount = try typeCount()
    self.typeCount = typeCount
    if terms.isEmpty && order.keys.isEmpty { return }
    let mayWalkIndex = isFree && position == nil
    try count(estimates, mayWalkIndex: mayWalkIndex)
    lead = cheapest(wanted: Double(wanted), mayWalkIndex: mayWalkIndex, listedMax: estimates.listedMax)
    fallback = surer()
  }

  /// Chooses what leads where every match is wanted.
  mutating func chooseForAll(_ estimates: Estimates, typeCount: () throws -> Int) throws {
    if terms.count == 1, terms[0].set != nil {
      lead = .term(0)
      return
    }
    self.typeCount = try typeCount()
    try count(estimates, mayWalkIndex: false)
    let probing = probing(besides: nil)
    var best = (lead: Lead.type, cost: Double(self.typeCount) * (1 + probing))
    for place in terms.indices {
      guard let count = keys(place) else { continue }
      let cost = count * (terms[place].cost.listing + self.probing(besides: place))
      if cost < best.cost { best = (.term(place), cost) }
    }
    lead = best.lead
  }

  /// Counts the terms' keys, further and further until one of them is small enough to tell: the others are then only
  /// tested, and need not be counted.
  private mutating func count(_ estimates: Estimates, mayWalkIndex: Bool) throws {
    let remembered = terms.map { $0.cost.rows.map { estimates.isRemembered($0) } ?? true }
    let listedMax = estimates.listedMax
    for cap in caps(remembered, mayWalkIndex: mayWalkIndex, listedMax) {
      var isTold = false
      for place in terms.indices where !(isTold && cap == Estimates.caps[0]) {
        let cost = terms[place].cost
        let bound = remembered[place] ? Estimates.largeCap : cap
        counts[place] = try cost.known ?? cost.rows.map { try estimates.count($0, upTo: bound) }
        caps[place] = cost.known == nil ? bound : .max
        if let count = counts[place], count < bound, Double(count) * cost.fanOut < Double(cap) { isTold = true }
      }
      if cap == Estimates.cap { try countFrequent(estimates) }
      if isTold || cap >= listedMax && isEnough(mayWalkIndex: mayWalkIndex) { return }
    }
  }

  /// A term that is alone to be counted is counted in larger steps; and one term alone is not told apart from others.
  private func caps(_ remembered: [Bool], mayWalkIndex: Bool, _ listedMax: Int) -> [Int] {
    if terms.count == 1 { return [goesInOrder(0, mayWalkIndex: mayWalkIndex) ? listedMax : Estimates.cap] }
    let open = terms.indices.count { !remembered[$0] && terms[$0].cost.known == nil }
    return open > 1 ? Estimates.caps : Estimates.caps.filter { $0 >= listedMax }
  }

  /// Whether a page in the order asked for can be had from the term's own index.
  private func goesInOrder(_ place: Int, mayWalkIndex: Bool) -> Bool {
    if !order.keys.isEmpty { return orderBound == place }
    return mayWalkIndex && terms[place].stretching != nil && !terms[place].cost.isListedFirst
  }

  /// Whether a term that is too large to be listed is gone through in the order of its index, whatever more is known of
  /// it, because all others are much larger.
  private func isEnough(mayWalkIndex: Bool) -> Bool {
    let smaller = terms.indices.filter { counts[$0].map { $0 < Estimates.largeCap } ?? false }
    return smaller.count == 1 && goesInOrder(smaller[0], mayWalkIndex: mayWalkIndex)
  }

  /// What is asked by a single value is asked again, so its large count will be remembered.
  private mutating func countFrequent(_ estimates: Estimates) throws {
    for place in terms.indices where terms[place].walk != nil && counts[place] ?? 0 >= caps[place] {
      guard let rows = terms[place].cost.rows else { continue }
      counts[place] = try estimates.count(rows, upTo: Estimates.largeCap)
      caps[place] = Estimates.largeCap
    }
  }

  // MARK: Costs, in rows visited

  /// About how many keys a term has; nil for one that cannot lead.
  private func keys(_ place: Int) -> Double? {
    guard terms[place].set != nil, let count = counts[place] else { return nil }
    let isMore = count >= caps[place]
    let keys = Double(max(count, 1)) * terms[place].cost.fanOut * (isMore ? Self.manyMore : 1)
    return min(keys, Double(max(typeCount, 1)))
  }

  /// The part of the type's resources that satisfy a term.
  private func fraction(_ place: Int) -> Double {
    keys(place).map { $0 / Double(max(typeCount, 1)) } ?? 0.5
  }

  /// To test one key for all other terms.
  private func probing(besides lead: Int?) -> Double {
    terms.indices.reduce(0) { $1 == lead ? $0 : $0 + terms[$1].cost.probing }
  }

  /// Rows visited among `count` in order of creation until the page is full. What is about time goes with that order,
  /// so that all matches may lie at its end.
  private func visited(_ count: Double, besides lead: Int?, wanted: Double) -> Double {
    var rows = wanted
    for place in terms.indices where place != lead {
      rows /= fraction(place)
      if terms[place].isChronological { rows += count * (1 - fraction(place)) / 2 }
    }
    return min(count, rows)
  }

  private func cheapest(wanted: Double, mayWalkIndex: Bool, listedMax: Int) -> Lead {
    let all = Double(typeCount)
    let isSorted = !order.keys.isEmpty
    // Sorting asks for every key's values besides.
    let sorting = 1.5 * Double(order.keys.count)
    var best: (lead: Lead, cost: Double)
    if !isSorted {
      best = (.type, visited(all, besides: nil, wanted: wanted) * (probing(besides: nil) + 1))
    } else if orderWalks != nil {
      let rows = terms.indices.reduce(wanted) { $1 == orderBound ? $0 : $0 / fraction($1) }
      let reached = min(orderBound.flatMap { keys($0) } ?? all, rows)
      best = (.order, reached * (1 + probing(besides: orderBound) + sorting))
    } else {
      best = (.type, all * (1 + probing(besides: nil) + sorting))
    }
    for place in terms.indices {
      guard let count = keys(place) else { continue }
      let probing = 1 + self.probing(besides: place)
      let reached = visited(count, besides: place, wanted: wanted)
      let listed = count * terms[place].cost.listing
      let cost: Double
      if isSorted {
        cost = listed + count * (probing + sorting)
      } else if terms[place].walk != nil {
        cost = reached * probing
      } else {
        cost = 0.5 * listed + reached * probing
      }
      if cost < best.cost { best = (.term(place), cost) }
      if !isSorted && mayWalkIndex && terms[place].stretching != nil && listed >= Double(listedMax) {
        let rows = terms.indices.reduce(wanted) { $1 == place ? $0 : $0 / fraction($1) }
        let beginning = terms[place].cost.isListedFirst ? count / terms[place].cost.fanOut : 0
        let cost = beginning + min(count, rows) * (probing + 1) + wanted * terms[place].cost.telling
        // It is sure to find what the walk of all hopes for.
        if cost <= best.cost { best = (.stretches(place), cost) }
      }
    }
    return best.lead
  }

  // MARK: When conditions depend on each other

  /// Costs suppose that conditions do not depend on each other and on the order. Where they do, such as for a code that
  /// went out of use, searched by the newest, what looked short may be the whole index: the work is bounded by what it
  /// costs to test all keys of one term.
  struct Fallback: Equatable {
    let place: Int
    /// When to give up the first choice (`Work.steps`).
    let steps: Int
  }

  /// Steps of the engine for a row visited, about.
  private static let stepsPerRow = 12.0
  /// Nothing is given up before this many steps, a fraction of a millisecond.
  private static let stepsMin = 20_000.0

  /// To test every key of a term, and to sort what is left.
  private func whole(_ place: Int) -> Double? {
    keys(place).map { count in
      count * (1 + terms[place].cost.listing + probing(besides: place) + 1.5 * Double(order.keys.count))
    }
  }

  private func surer() -> Fallback? {
    let sure = terms.indices.compactMap { place in whole(place).map { (place: place, cost: $0) } }
    guard let best = sure.min(by: { $0.cost < $1.cost }) else { return nil }
    let worst: Double =
      switch lead {
      case .term(let place), .stretches(let place): whole(place) ?? 0
      case .order, .type: (orderBound.flatMap { keys($0) } ?? Double(typeCount)) * (1 + probing(besides: nil))
      }
    guard lead != .term(best.place), worst > 2 * best.cost else { return nil }
    return Fallback(place: best.place, steps: Int(max(Self.stepsMin, 2 * best.cost * Self.stepsPerRow)))
  }

  /// The plan that is sure to end.
  func fallenBack(to fallback: Fallback) -> SearchPlan {
    var plan = self
    plan.lead = .term(fallback.place)
    plan.fallback = nil
    return plan
  }

  // MARK: SQL

  /// Statements whose rows (key, then the order's values) are the page, one after the other until it is full.
  func statements(behind position: PagePosition?, limit: Int) -> [SQL] {
    if case .stretches(let place) = lead { return stretches(place, behind: position, limit: limit) }
    if order.keys.isEmpty { return [inOrderOfCreation(behind: position?.key, limit: limit)] }
    switch lead {
    case .stretches: return []
    case .order: return walked(behind: position, limit: limit)
    case .term(let place):
      let source: SQL = terms[place].walk.map { "\($0.table) AS i WHERE \($0.condition)" } ?? distinct(place)
      return [sorted(source, behind: position, limit: limit, except: place)]
    case .type:
      return [
        sorted(
          "\(searched.table) AS i WHERE \(searched.ofType(type, "i."))", behind: position, limit: limit, except: nil)
      ]
    }
  }

  /// Counts all matches.
  var total: SQL {
    switch lead {
    case .term(let place):
      let probes = self.probes("i.key", except: place)
      if let walk = terms[place].walk {
        return "SELECT count(*) FROM \(walk.table) AS i WHERE \(walk.condition)\(probes)"
      }
      return "SELECT count(*) FROM \(distinct(place))\(probes)"
    case .type, .order, .stretches:
      return """
        SELECT count(*) FROM \(searched.table) AS i WHERE \(searched.ofType(type, "i."))\(probes("i.key", except: nil))
        """
    }
  }

  private func distinct(_ place: Int) -> SQL {
    let set = terms[place].set ?? "SELECT key FROM resource WHERE 1 = 0"
    return "(SELECT DISTINCT key FROM (\(set)\(SQL.fence))\(SQL.unnamed)) AS i WHERE 1 = 1"
  }

  private func probes(_ key: SQL, except lead: Int?) -> SQL {
    // What leaves least over is tested first.
    let places = terms.indices.filter { $0 != lead }.sorted { (counts[$0] ?? .max) < (counts[$1] ?? .max) }
    return places.map { " AND \(terms[$0].probe(key))" as SQL }.joined(separator: "")
  }

  private func inOrderOfCreation(behind key: Int64?, limit: Int) -> SQL {
    switch lead {
    case .term(let place):
      if let walk = terms[place].walk {
        let after: SQL = key.map { " AND i.key > \($0)" } ?? ""
        return """
          SELECT i.key FROM \(walk.table) AS i WHERE \(walk.condition)\(after)\(probes("i.key", except: place))
          ORDER BY i.key LIMIT \(limit)
          """
      }
      let set = terms[place].unchecked ?? terms[place].set ?? "SELECT 0 AS key WHERE 1 = 0"
      let isAsked = terms[place].unchecked != nil
      let all: SQL = "1 = 1"
      let there: SQL = "EXISTS (SELECT 1 FROM resource AS c WHERE c.key = r.key AND c.method <> 3 OFFSET 0)"
      let isThere: SQL = isAsked ? " AND r.method <> 3" : ""
      // The plus keeps the planner from walking all keys behind this one instead of the set.
      let after: SQL = key.map { " AND +r.key > \($0)" } ?? ""
      let source = SQL(
        sqlite: "\(searched.table) AS r WHERE r.key IN (\(set))\(isThere)",
        // The list comes first, sorted; the resource is asked where that is needed.
        postgreSQL: "(SELECT DISTINCT key FROM (\(set) OFFSET 0) AS d) AS r WHERE \(isAsked ? there : all)")
      return """
        SELECT r.key FROM \(source)\(after)\
        \(probes("r.key", except: place)) ORDER BY r.key LIMIT \(limit)
        """
    case .type, .order, .stretches:
      let after: SQL = key.map { " AND r.key > \($0)" } ?? ""
      return """
        SELECT r.key FROM \(searched.table) AS r
        WHERE \(searched.ofType(type, "r."))\(after)\(probes("r.key", except: nil)) ORDER BY r.key LIMIT \(limit)
        """
    }
  }

  /// A term's rows in the order of its index, stretch after stretch.
  private func stretches(_ place: Int, behind position: PagePosition?, limit: Int) -> [SQL] {
    let began = position.flatMap { $0.values.dropFirst().first }
    let probes = probes("i.key", except: place)
    return terms[place].stretches.filter { stretch in began.map { stretch.name.compare($0) >= 0 } ?? true }
      .map { stretch in
        var condition = stretch.range.condition
        if stretch.name == began, let position, let value = position.values.last {
          condition += """
             AND \(stretch.column) >= \(value.sql)
            AND (i.\(stretch.column) > \(value.sql) OR i.key > \(position.key))
            """
        }
        let isFirst: SQL = stretch.isFirst.map { " AND \($0)" } ?? ""
        return """
          SELECT i.key AS key, \(terms[place].place) AS s0, \(stretch.name.sql) AS s1, i.\(stretch.column) AS s2
          FROM \(stretch.range.table) AS i WHERE \(condition)\(probes)\(isFirst)
          ORDER BY i.\(stretch.column), i.key LIMIT \(limit)
          """
      }
  }

  /// All rows of a source with the order's values, sorted.
  private func sorted(_ source: SQL, behind position: PagePosition?, limit: Int, except lead: Int?) -> SQL {
    let behind: SQL = position.map { " WHERE \(order.behind($0))" } ?? ""
    return """
      SELECT * FROM (SELECT i.key AS key\(order.columns(of: "i.key")) FROM \(source)\(probes("i.key", except: lead))) \
      AS m\(behind) ORDER BY \(order.orderBy) LIMIT \(limit)
      """
  }

  /// The index in the order of the first key; what has no value comes before or behind all that has one.
  private func walked(behind position: PagePosition?, limit: Int) -> [SQL] {
    parts(behind: position).flatMap { part in
      switch part {
      case .valued(let position): valued(position.map { .behind($0) } ?? .beginning, limit: limit)
      case .missing(let position): [missing(behind: position, limit: limit)]
      }
    }
  }

  /// A part of the order of the first key, and where the page begins in it.
  enum OrderPart {
    case valued(PagePosition?)
    case missing(PagePosition?)
  }

  /// The parts that a page may reach, in order.
  func parts(behind position: PagePosition?) -> [OrderPart] {
    let first = order.keys[0]
    if orderBound != nil { return [.valued(position)] }
    if first.isAlwaysThere {
      // A page may end among contained resources, which do not tell when they were stored: all that do come behind
      // these, or came before.
      guard position?.values.first == SortValue.none else { return [.valued(position)] }
      return first.isDescending ? [] : [.valued(nil)]
    }
    guard let position else {
      return first.isDescending ? [.valued(nil), .missing(nil)] : [.missing(nil), .valued(nil)]
    }
    switch (first.isDescending, position.values.first == SortValue.none) {
    case (false, true): return [.missing(position), .valued(nil)]
    case (false, false): return [.valued(position)]
    case (true, true): return [.missing(position)]
    case (true, false): return [.valued(position), .missing(nil)]
    }
  }

  /// Where reading in the order of the first key begins.
  enum OrderStart {
    case beginning
    case behind(PagePosition)
    case at(SortValue)
    case after(SortValue)
  }

  private func bound(_ walk: SortKey.Walk, _ start: OrderStart) -> SQL {
    let isDescending = order.keys[0].isDescending
    switch start {
    case .beginning: return ""
    case .behind(let position):
      return position.values.first.map { bound(walk, .at($0)) } ?? ""
    case .at(let value): return " AND i.\(walk.column) \(isDescending ? "<=" : ">=" as SQL) \(value.sql)"
    case .after(let value): return " AND i.\(walk.column) \(isDescending ? "<" : ">" as SQL) \(value.sql)"
    }
  }

  /// The first key's values in order, repeated as the index has them; nil where no resource has one.
  func values(from start: OrderStart, limit: Int) -> SQL? {
    let direction: SQL = order.keys[0].isDescending ? "DESC" : "ASC"
    let walks = (orderWalks ?? []).map { walk -> SQL in
      """
      SELECT s0 FROM (SELECT i.\(walk.column) AS s0 FROM \(walk.table) AS i WHERE \(walk.condition)\(bound(walk, start))
                      ORDER BY i.\(walk.column) \(direction) LIMIT \(limit))\(SQL.unnamed)
      """
    }
    guard walks.count > 1 else { return walks.first }
    let all = walks.joined(separator: " UNION ALL ")
    return "SELECT s0 FROM (\(all))\(SQL.unnamed) ORDER BY s0 \(direction) LIMIT \(limit)"
  }

  /// Resources with a value, sorted by all keys; none where no resource has one.
  /// - Parameter end: a value of the first key before which the reading ends.
  func valued(_ start: OrderStart, before end: SortValue? = nil, limit: Int) -> [SQL] {
    let first = order.keys[0]
    var behind: SQL = ""
    if case .behind(let position) = start { behind = " WHERE \(order.behind(position))" }
    let stretches = (orderWalks ?? []).map { walk -> SQL in
      var condition = walk.condition + bound(walk, start)
      if let end { condition += " AND i.\(walk.column) \(first.isDescending ? ">" : "<" as SQL) \(end.sql)" }
      if let isFirst = first.isFirst(walk) { condition += " AND \(isFirst)" }
      return """
        SELECT * FROM (
          SELECT * FROM (SELECT i.key AS key\(order.columns(of: "i.key", first: "i.\(walk.column)"))
                         FROM \(walk.table) AS i WHERE \(condition)\(probes("i.key", except: orderBound))) AS m\(behind)
          ORDER BY \(order.orderByThere) LIMIT \(limit))\(SQL.unnamed)
        """
    }
    if stretches.count < 2 { return stretches }
    let all = stretches.joined(separator: " UNION ALL ")
    return ["SELECT * FROM (\(all))\(SQL.unnamed) ORDER BY \(order.orderByThere) LIMIT \(limit)"]
  }

  private func missing(behind position: PagePosition?, limit: Int) -> SQL {
    let first = order.keys[0]
    let source: SQL =
      first.missing.map { "\($0.table) AS i WHERE \($0.condition)" }
      ?? "\(searched.table) AS i WHERE \(searched.ofType(type, "i.")) AND \(first.isMissing("i.key"))"
    let behind: SQL = position.map { " WHERE \(order.behind($0))" } ?? ""
    return """
      SELECT * FROM (SELECT i.key AS key\(order.columns(of: "i.key", first: "NULL"))
                     FROM \(source)\(probes("i.key", except: nil))) AS m\(behind)
      ORDER BY \(order.orderBy) LIMIT \(limit)
      """
  }

  /// The resources whose first key has a value, or none: its other keys are their order.
  func within(_ value: SortValue, orderWalks walks: [SortKey.Walk]?) -> SearchPlan {
    let first = order.keys[0]
    var sets: [SQL] = []
    if value == .none {
      if let missing = first.missing { sets = [missing.keys] }
    } else {
      sets = (orderWalks ?? []).map { walk in
        let isFirst: SQL = first.isFirst(walk).map { " AND \($0)" } ?? ""
        return """
          SELECT i.key FROM \(walk.table) AS i WHERE \(walk.condition) AND i.\(walk.column) = \(value.sql)\(isFirst)
          """
      }
    }
    let term = SearchTerm("a sort key's value", set: SQL.union(sets)) { key in
      value == .none ? first.isMissing(key) : "\(first.value(of: key)) = \(value.sql)"
    }
    return SearchPlan(
      terms + [term], PageOrder(keys: Array(order.keys.dropFirst())), type: type, searched, orderWalks: walks)
  }
}
