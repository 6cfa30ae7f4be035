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

  init(_ view: StoreView) {
    store = view.store
    reader = view.reader
    restriction = view.restriction
    estimates = Estimates(view.reader)
  }

  var numbers: StoreNumbers { store.numbers }

  /// - Parameter depth: how many resources lie between this criterion and the searched one.
  func term(_ criterion: SearchCriterion, _ type: Schema.TypeID, depth: Int = 0) throws -> SearchTerm {
    switch criterion {
    case .condition(let condition): return try term(condition, type, depth: depth)
    case .chain(let chain): return try term(chain, type, depth: depth)
    case .reverseChain(let chain): return try term(chain, type, depth: depth)
    case .notReferenced(let parameters): return try notReferenced(parameters, type, depth: depth)
    case .types(let types): return types.contains(type) ? .always("_type") : .never("_type")
    case .fullText(let condition): return try term(condition, type)
    case .all(let criteria): return try conjunction(criteria, type, depth: depth)
    case .any(let criteria):
      let terms = try criteria.map { try term($0, type, depth: depth) }
      let sets = terms.compactMap(\.set)
      return SearchTerm(
        terms.map(\.label).joined(separator: " or "), set: sets.count == terms.count ? SQL.union(sets) : nil
      ) { key in SQL.anyOf(terms.map { $0.probe(key) }) }
    case .not(let inner):
      let inner = try term(inner, type, depth: depth)
      return SearchTerm("not \(inner.label)", set: nil) { key in "NOT \(inner.probe(key))" }
    }
  }

  /// All criteria as one term: the smallest set leads, the others are probed.
  func conjunction(_ criteria: [SearchCriterion], _ type: Schema.TypeID, depth: Int) throws -> SearchTerm {
    let terms = try terms(criteria, type, depth: depth)
    if terms.count == 1 { return terms[0] }
    guard let leader = try smallest(terms), let set = terms[leader].set else {
      return SearchTerm(terms.map(\.label).joined(separator: " and "), set: nil) { key in
        SQL.allOf(terms.map { $0.probe(key) })
      }
    }
    let others = terms.enumerated().filter { $0.offset != leader }.map { $0.element.probe("s.key") }
    return SearchTerm(
      terms.map(\.label).joined(separator: " and "),
      set: "SELECT s.key FROM (\(set)) AS s WHERE \(SQL.allOf(others))"
    ) { key in SQL.allOf(terms.map { $0.probe(key) }) }
  }

  /// The criteria's terms; several dates of one parameter are one.
  func terms(_ criteria: [SearchCriterion], _ type: Schema.TypeID, depth: Int = 0) throws -> [SearchTerm] {
    var terms: [SearchTerm] = []
    for group in grouped(criteria, type) {
      if group.count > 1 {
        terms.append(try dates(group, type, depth: depth))
      } else if let condition = group.first {
        terms.append(try term(condition, type, depth: depth))
      }
    }
    for criterion in criteria {
      if case .condition = criterion { continue }
      terms.append(try term(criterion, type, depth: depth))
    }
    return terms
  }

  /// The place of the term with the fewest keys; nil where none can be listed.
  func smallest(_ terms: [SearchTerm]) throws -> Int? {
    let listed = terms.indices.filter { terms[$0].set != nil }
    guard listed.count > 1 else { return listed.first }
    var best: (place: Int, count: Int)?
    for place in listed {
      guard let set = terms[place].set else { continue }
      let count = try estimates.count(set, upTo: best?.count ?? Estimates.cap)
      if best.map({ count < $0.count }) ?? true { best = (place, count) }
    }
    return best?.place
  }

  /// Conditions, those on one date parameter together: `date=ge2024&date=lt2025`.
  private func grouped(_ criteria: [SearchCriterion], _ type: Schema.TypeID) -> [[SearchCondition]] {
    var groups: [[SearchCondition]] = []
    var places: [Int32: Int] = [:]
    for case .condition(let condition) in criteria {
      let own = indexed(condition.parameters, type)
      if condition.kind == .date, condition.modifier == nil, own.count == 1, let number = own.first?.number,
        own.first?.isAnsweredByResource == false
      {
        if let place = places[number] {
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
    parameters.filter { $0.resourceType == type }.flatMap { store.catalog.indexed.indexed($0) }
  }

  // MARK: Dictionaries

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
