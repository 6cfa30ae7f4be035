import Base
import FHIRModel
import FHIRSearch
import FHIRStore

/// Before a search runs: value sets and hierarchies become lists of codes, and full text is brought up.
extension FHIRService {
  /// The search with `:in`, `:not-in`, `:above` and `:below` of tokens replaced by the codes that they mean
  /// (FHIR R4 search §2.1.1.4.10), as the view's caller sees them.
  func resolved(_ search: SearchQuery, _ view: StoreView) throws -> SearchQuery {
    guard search.criteria.contains(where: { $0.contains { $0.namesCodes } }) else { return search }
    var codes = SearchCodes(Terminology(view.reached, store.parameters, limits: limits))
    var resolved = search
    resolved.criteria = try search.criteria.map { try $0.mapped { try codes.resolved($0) } }
    return resolved
  }

  /// Waits until the full-text index is there, for a search that asks for it.
  func bringUpText(for search: SearchQuery) async throws {
    guard search.criteria.contains(where: \.asksForText) else { return }
    try await store.bringUpText(within: limits.searchTextSecondsMax)
  }

  /// The same for an operation that searches.
  func bringUpText(for call: Call) async throws {
    guard asksForText(call) else { return }
    try await store.bringUpText(within: limits.searchTextSecondsMax)
  }

  /// The same for the searches of a bundle: why those that ask for full text cannot be answered, if so.
  func textFault(for calls: [Call]) async -> Fault? {
    guard calls.contains(where: { asksForText($0) }) else { return nil }
    do {
      try await store.bringUpText(within: limits.searchTextSecondsMax)
      return nil
    } catch {
      return error as? Fault ?? Fault(.unavailable, "The full-text index is not ready.", code: "transient")
    }
  }

  /// Whether a call searches full text; what cannot be read is refused where it is carried out.
  func asksForText(_ call: Call) -> Bool {
    guard let search = try? search(of: call) else { return false }
    return search.criteria.contains(where: \.asksForText)
  }

  private func search(of call: Call) throws -> SearchQuery? {
    switch call.interaction {
    case .search(let type, let query), .compartmentSearch(_, let type, let query): return try parse(type, query, call)
    case .operation(let operation) where operation.code == .includes:
      return try parse(operation.target.type, operation.query, call)
    default: return nil
    }
  }

  /// The full-text index follows the store's changes, so that a transaction cannot see its own in it, nor be sure
  /// that nothing came in between.
  func refuseText(_ search: SearchQuery) throws(Fault) {
    guard search.criteria.contains(where: \.asksForText) else { return }
    throw Fault(
      .invalid,
      "The search parameters '_text' and '_content' are not supported inside a transaction, nor in a conditional "
        + "interaction.", code: "not-supported")
  }

  /// The same for a search within a transaction.
  func refuseText(_ call: Call) throws {
    if let search = try search(of: call) { try refuseText(search) }
  }
}

/// Turns the value sets and hierarchies of one search into codes, within its limit.
private struct SearchCodes {
  let terminology: Terminology
  private var count = 0

  init(_ terminology: Terminology) { self.terminology = terminology }

  mutating func resolved(_ condition: SearchCondition) throws -> SearchCondition {
    guard condition.namesCodes else { return condition }
    var list = CodeList()
    var values: [SearchValue] = []
    for value in condition.values {
      switch value {
      case .uri(let valueSet): list.formUnion(try terminology.codes(ofValueSet: valueSet))
      case .token(let system, let code?):
        switch system {
        case .uri(let uri): list.formUnion(try terminology.branch(condition.direction, code, of: uri))
        // Without a system there is no hierarchy.
        case .none: values.append(value)
        case .any:
          values.append(value)
          list.formUnion(try terminology.branches(condition.direction, code, ofAny: try systems(condition)))
        }
      default: continue
      }
    }
    count += list.count
    let most = terminology.limits.searchCodesMax
    guard count <= most else {
      throw Fault(
        .invalid,
        "The value sets and hierarchies of the search come to more than \(most) codes (at '\(condition.code)').",
        code: "too-costly")
    }
    return SearchCondition(
      parameters: condition.parameters, modifier: condition.modifier == .notIn ? .not : nil,
      values: values + list.searchValues, base: condition.base)
  }

  /// More systems than this in use under a parameter are not gone through.
  private static let systemsMax = 100

  private func systems(_ condition: SearchCondition) throws -> [String] {
    let systems = try terminology.view.systems(under: condition.parameters, max: Self.systemsMax)
    guard systems.count <= Self.systemsMax else {
      throw Fault(
        .invalid,
        "Codes of more than \(Self.systemsMax) systems are in use under '\(condition.code)'; name the code's system.",
        code: "too-costly")
    }
    return systems
  }
}

extension CodeList {
  /// As alternatives of a token search, always in the same order.
  var searchValues: [SearchValue] {
    systems.sorted { $0.key < $1.key }.flatMap { system, codes -> [SearchValue] in
      let own: SearchValue.TokenSystem = system.isEmpty ? .none : .uri(system)
      switch codes {
      case .all: return [.token(system: own, code: nil)]
      case .some(let codes): return codes.sorted().map { .token(system: own, code: $0) }
      }
    }
  }
}

extension SearchCondition {
  /// Whether its values stand for codes that terminology resources list.
  fileprivate var namesCodes: Bool {
    guard kind == .token else { return false }
    switch modifier {
    case .in, .notIn, .above, .below: return true
    default: return false
    }
  }

  fileprivate var direction: Terminology.Direction { modifier == .above ? .above : .below }
}

/// Criteria are as deep as the parser lets them be (`Limits.searchChainDepthMax`, `searchExpressionDepthMax`).
extension SearchCriterion {
  fileprivate var asksForText: Bool {
    switch self {
    case .fullText: true
    case .condition, .notReferenced, .types: false
    case .chain(let chain): chain.targets.contains { $0.criteria.contains(where: \.asksForText) }
    case .reverseChain(let chain): chain.criteria.contains(where: \.asksForText)
    case .all(let criteria), .any(let criteria): criteria.contains(where: \.asksForText)
    case .not(let criterion): criterion.asksForText
    }
  }

  fileprivate func contains(_ test: (SearchCondition) -> Bool) -> Bool {
    switch self {
    case .condition(let condition): test(condition)
    case .fullText, .notReferenced, .types: false
    case .chain(let chain): chain.targets.contains { $0.criteria.contains { $0.contains(test) } }
    case .reverseChain(let chain): chain.criteria.contains { $0.contains(test) }
    case .all(let criteria), .any(let criteria): criteria.contains { $0.contains(test) }
    case .not(let criterion): criterion.contains(test)
    }
  }

  /// The criterion with every condition replaced.
  fileprivate func mapped(_ replace: (SearchCondition) throws -> SearchCondition) rethrows -> SearchCriterion {
    switch self {
    case .condition(let condition): return .condition(try replace(condition))
    case .fullText, .notReferenced, .types: return self
    case .chain(let chain):
      let targets = try chain.targets.map { target in
        SearchChain.Target(type: target.type, criteria: try target.criteria.map { try $0.mapped(replace) })
      }
      return .chain(SearchChain(parameters: chain.parameters, targets: targets, base: chain.base))
    case .reverseChain(let chain):
      return .reverseChain(
        SearchReverseChain(
          parameter: chain.parameter, criteria: try chain.criteria.map { try $0.mapped(replace) }, base: chain.base))
    case .all(let criteria): return .all(try criteria.map { try $0.mapped(replace) })
    case .any(let criteria): return .any(try criteria.map { try $0.mapped(replace) })
    case .not(let criterion): return .not(try criterion.mapped(replace))
    }
  }
}
