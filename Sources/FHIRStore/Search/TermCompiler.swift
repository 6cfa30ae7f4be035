import Base
import FHIRModel
import FHIRSearch
import Storage

/// Turns criteria into terms for one type of resource: SQL over the index tables.
///
/// Every place where a resource comes in, by a chain as well, asks the restriction first.
struct TermCompiler {
  let store: FHIRStore
  let reader: any Reader
  let restriction: Restriction
  /// What the estimates found, so that nothing is counted twice within a search.
  let estimates: Estimates
  private let lists: ListNumbers
  /// Which resources criteria are asked of. Those that a chain leads to are ordinary ones always.
  let searched: SearchedRows

  init(_ view: StoreView, _ searched: SearchedRows = .resources) {
    store = view.store
    reader = view.reader
    restriction = view.restriction
    estimates = Estimates(view.reader, view.store.estimates, listedMax: view.store.listedMax)
    self.searched = searched
    lists = ListNumbers()
  }

  private init(_ other: TermCompiler, _ searched: SearchedRows) {
    store = other.store
    reader = other.reader
    restriction = other.restriction
    estimates = other.estimates
    lists = other.lists
    self.searched = searched
  }

  /// The same for other resources.
  func searching(_ searched: SearchedRows) -> TermCompiler { TermCompiler(self, searched) }

  var numbers: StoreNumbers { store.numbers }

  /// - Parameter depth: how many resources lie between this criterion and the searched one.
  func term(_ criterion: SearchCriterion, _ type: Schema.TypeID, depth: Int = 0) throws -> SearchTerm {
    shallow(try plainTerm(criterion, type, depth: depth), type)
  }

  /// What nests too deep to be tested, or costs too much for each key, as a list made once for a statement.
  private func shallow(_ term: SearchTerm, _ type: Schema.TypeID) -> SearchTerm {
    let isDear = term.cost.probing > SearchTerm.probingMax && term.set != nil
    guard isDear || term.nesting.probe > SearchTerm.Nesting.probeMax else { return term }
    let keys = list(term.set ?? all(type, that: term))
    // IS TRUE keeps PostgreSQL from making a join of it, which would have an order of its own.
    var listed = SearchTerm(term.label, set: term.set) { key in
      SQL(sqlite: "\(key) IN (\(keys))", postgreSQL: "(\(key) IN (\(keys))) IS TRUE")
    }
    listed.stretching = term.stretching
    listed.cost = term.cost
    listed.cost.probing = 2
    listed.nesting.isNestedSet = term.nesting.isNestedSet
    return listed
  }

  /// A set under a name, written once before the statement.
  func list(_ set: SQL) -> SQL { SQL.list(lists.next(), set) }

  /// The term's keys for use inside of another set; the whole type is tested where they cannot be listed.
  func keys(_ term: SearchTerm, _ type: Schema.TypeID) -> SQL {
    guard let set = term.set else {
      let tested = all(type, that: term)
      return term.nesting.probe > 0 ? list(tested) : tested
    }
    return term.nesting.isNestedSet ? list(set) : set
  }

  private func all(_ type: Schema.TypeID, that term: SearchTerm) -> SQL {
    """
    SELECT r.key FROM \(searched.table) AS r
    WHERE \(searched.ofType(numbers.number(type), "r.")) AND \(term.probe("r.key"))
    """
  }

  private func plainTerm(_ criterion: SearchCriterion, _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    switch criterion {
    case .condition(let condition): return try term(condition, type, depth: depth)
    case .chain(let chain): return try term(chain, type, depth: depth)
    case .reverseChain(let chain): return try term(chain, type, depth: depth)
    case .notReferenced(let parameters, let base):
      return try notReferenced(parameters, base: base, type, depth: depth)
    case .types(let types): return types.contains(type) ? .always("_type") : .never("_type")
    case .fullText(let condition): return try term(condition, type)
    case .all(let criteria): return try conjunction(criteria, type, depth: depth)
    case .any(let criteria):
      let terms = try criteria.map { try term($0, type, depth: depth) }
      let sets = terms.compactMap(\.set)
      var either = SearchTerm(
        terms.map(\.label).joined(separator: " or "), set: sets.count == terms.count ? SQL.union(sets) : nil
      ) { key in SQL.anyOf(terms.map { $0.probe(key) }) }
      let counted = terms.compactMap(\.cost.rows)
      either.cost.rows = counted.count == terms.count ? SQL.union(counted) : nil
      either.cost.fanOut = terms.map(\.cost.fanOut).max() ?? 1
      either.cost.listing = terms.map(\.cost.listing).max() ?? 1
      either.cost.probing = terms.reduce(0) { $0 + $1.cost.probing }
      either.nesting.probe = SearchTerm.Nesting.group + (terms.map(\.nesting.probe).max() ?? 0)
      either.nesting.isNestedSet = terms.contains(where: \.nesting.isNestedSet)
      let joins = terms.compactMap(\.joinable)
      if joins.count == terms.count {
        either.paths = { key in joins.flatMap { $0(key) } }
        either.pathCount = terms.reduce(0) { $0 + $1.pathCount }
        either.nesting.paths = terms.map(\.nesting.paths).max() ?? 0
      }
      return either
    case .not(let inner):
      let inner = try term(inner, type, depth: depth)
      var none = SearchTerm("not \(inner.label)", set: nil) { key in "NOT \(inner.probe(key))" }
      none.cost.probing = inner.cost.probing
      none.nesting.probe = SearchTerm.Nesting.not + inner.nesting.probe
      return none
    }
  }

  /// All criteria as one term: the smallest set leads, the others are probed.
  func conjunction(_ criteria: [SearchCriterion], _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    let terms = try terms(criteria, type, depth: depth)
    if terms.count == 1 {
      var only = terms[0]
      only.dateParameter = nil
      return only
    }
    let label = terms.map(\.label).joined(separator: " and ")
    let probing = terms.reduce(0) { $0 + $1.cost.probing }
    guard let leader = try smallest(terms), terms[leader].set != nil else {
      var all = SearchTerm(label, set: nil) { key in SQL.allOf(terms.map { $0.probe(key) }) }
      all.cost.probing = probing
      joined(&all, terms)
      return all
    }
    let set = keys(terms[leader], type)
    let others = terms.enumerated().filter { $0.offset != leader }.map { $0.element.probe("s.key") }
    var both = SearchTerm(
      label, set: "SELECT s.key FROM (\(set)) AS s WHERE \(SQL.allOf(others))"
    ) { key in SQL.allOf(terms.map { $0.probe(key) }) }
    // As large as its smallest part, at most.
    both.cost = terms[leader].cost
    both.cost.probing = probing
    both.cost.listing += both.cost.probing - terms[leader].cost.probing
    both.nesting.isNestedSet = true
    joined(&both, terms)
    return both
  }

  /// Of several conditions on one resource one may go on to others; the rest is tested beside it.
  private func joined(_ all: inout SearchTerm, _ terms: [SearchTerm]) {
    all.nesting.probe = SearchTerm.Nesting.group + (terms.map(\.nesting.probe).max() ?? 0)
    let joins = terms.indices.filter { terms[$0].joinable != nil }
    guard let place = joins.max(by: { terms[$0].nesting.probe < terms[$1].nesting.probe }),
      let paths = terms[place].joinable
    else { return }
    let others = terms.indices.filter { $0 != place }.map { terms[$0] }
    all.pathCount = terms[place].pathCount
    all.nesting.paths = max(
      terms[place].nesting.paths,
      SearchTerm.Nesting.join + SearchTerm.Nesting.group + (others.map(\.nesting.probe).max() ?? 0))
    all.paths = { key in
      let tests = SQL.allOf(others.map { $0.probe(key) })
      return paths(key).map { ProbePath(tables: $0.tables, condition: "\(tests) AND \($0.condition)") }
    }
  }

  /// The criteria's terms; several dates or quantities of one parameter are one.
  /// - Parameter pairing: whether two conditions may become one term.
  func terms(_ criteria: [SearchCriterion], _ type: Schema.TypeID, depth: Int = 0, pairing: Bool = true) throws
    -> [SearchTerm]
  {
    var terms: [SearchTerm] = []
    var groups = grouped(criteria, type).enumerated().map { (place: $0.offset, conditions: $0.element) }
    let groupCount = groups.count
    if let pair = try pairing ? takePair(from: &groups, type, depth: depth) : nil { terms.append(pair) }
    for (place, conditions) in groups {
      var found =
        switch (conditions.count, conditions[0].kind) {
        case (1, _): try term(conditions[0], type, depth: depth)
        case (_, .date): try dates(conditions, type, depth: depth)
        default: try quantities(conditions, type, depth: depth)
        }
      found.place = place
      if conditions[0].kind == .date, conditions[0].modifier == nil {
        let own = indexed(conditions[0].parameters, type)
        found.dateParameter = own.count == 1 ? own[0].number : nil
      }
      terms.append(found)
    }
    for (place, criterion) in criteria.enumerated() {
      if case .condition = criterion { continue }
      var found = try term(criterion, type, depth: depth)
      found.place = groupCount + place
      terms.append(found)
    }
    return terms
  }

  /// Takes out conditions of which a composite has the few that satisfy two at once.
  private func takePair(
    from groups: inout [(place: Int, conditions: [SearchCondition])], _ type: Schema.TypeID, depth: Int
  ) throws -> SearchTerm? {
    guard
      let second = groups.firstIndex(where: { $0.conditions[0].kind == .quantity && $0.conditions[0].modifier == nil })
    else { return nil }
    for (first, group) in groups.enumerated() where group.conditions.count == 1 && group.conditions[0].kind == .token {
      guard var pair = try pair(group.conditions[0], groups[second].conditions, type, depth: depth), let set = pair.set,
        try estimates.count(set, upTo: Estimates.cap) < Estimates.cap
      else { continue }
      pair.place = group.place
      for place in [first, second].sorted(by: >) { groups.remove(at: place) }
      return pair
    }
    return nil
  }

  /// The place of the term with the fewest keys; nil where none can be listed.
  func smallest(_ terms: [SearchTerm]) throws -> Int? {
    let listed = terms.indices.filter { terms[$0].set != nil }
    guard listed.count > 1 else { return listed.first }
    for cap in Estimates.caps.dropLast() {
      var best: (place: Int, cost: Double)?
      for place in listed {
        let cost = terms[place].cost
        guard let rows = cost.rows else { continue }
        let keys = Double(try estimates.count(rows, upTo: cap)) * cost.fanOut * cost.listing
        if best.map({ keys < $0.cost }) ?? true { best = (place, keys) }
      }
      if let best, best.cost < Double(cap) || cap == Estimates.cap { return best.place }
    }
    return listed.first
  }

  /// Conditions, those on one date or quantity parameter together: `date=ge2024&date=lt2025`.
  private func grouped(_ criteria: [SearchCriterion], _ type: Schema.TypeID) -> [[SearchCondition]] {
    var groups: [[SearchCondition]] = []
    var places: [Int32: Int] = [:]
    for case .condition(let condition) in criteria {
      let own = indexed(condition.parameters, type)
      if condition.kind == .date || condition.kind == .quantity, condition.modifier == nil, own.count == 1,
        let number = own.first?.number,
        own.first?.isAnsweredByResource == false
      {
        if let place = places[number], groups[place][0].hasSameUnit(as: condition) {
          groups[place].append(condition)
          continue
        }
        places[number] = groups.count
      }
      groups.append([condition])
    }
    return groups
  }

  func alias(_ depth: Int) throws -> ProbeAlias {
    guard let alias = ProbeAlias.at(depth) else {
      throw Fault(.invalid, "The search is nested more than \(ProbeAlias.depthMax) deep.", code: "too-costly")
    }
    return alias
  }

  /// Parameters as one type has them, those without rows of their own replaced by their parts.
  func indexed(_ parameters: [SearchParameter], _ type: Schema.TypeID) -> [SearchParameter] {
    parameters.filter { $0.resourceType == type }.flatMap { rows(of: $0) }
  }

  /// The parameters that rows of the searched resources stand under.
  func rows(of parameter: SearchParameter) -> [SearchParameter] {
    let indexed = store.catalog.indexed.indexed(parameter)
    return searched == .contained ? indexed.map { $0.contained() } : indexed
  }

  /// The index rows of a parameter.
  func values(of parameter: SearchParameter) -> SQL { numbers.rows(of: parameter, store.schema) }

  /// Numbers for the lists of a search's statements.
  private final class ListNumbers {
    private var count = 0

    func next() -> Int {
      count += 1
      return count
    }
  }

  // MARK: Dictionaries

  /// The classes of the dates or numbers under a parameter: `parameter_system` has them in the place of systems.
  func dateClasses(_ parameter: SearchParameter) throws -> [DateClass] {
    let there = Set(try systems(parameter.number))
    return DateClass.all.filter { there.contains($0.rawValue) }
  }

  func numberClasses(_ parameter: SearchParameter) throws -> [NumberClass] {
    try systems(parameter.number).map { NumberClass(rawValue: $0) }
  }

  private static let systemNumber = Statement("SELECT number FROM system WHERE uri = ?")
  private static let parameterSystems = Statement("SELECT system FROM parameter_system WHERE parameter = ?")

  /// The number of a system the query names, nil where the store has no such.
  func systemNumber(_ uri: String) throws -> Int64? {
    if let known = numbers.system(uri) { return known }
    return try reader.first(Self.systemNumber, [.text(uri)]) { $0.integer(0) }
  }

  /// The systems that occur under a parameter.
  func systems(_ parameter: Int32) throws -> [Int64] {
    try reader.all(Self.parameterSystems, [.integer(Int64(parameter))]) { $0.integer(0) }.sorted()
  }
}
