import Base
import FHIRModel

/// `_filter` (FHIR R4 search_filter.html): its names looked up, its operators as conditions.
///
/// Where the standard's table has no comparison for an operator and a kind of parameter, the filter is refused.
/// `ne` of what is not ordered means: there is a value, and none that is equal.
extension SearchQueryParser {
  func filter(
    _ text: String, _ types: [Schema.TypeID], depth: Int, _ budget: inout SearchBudget
  ) throws(Fault) -> SearchCriterion {
    var parser = try FilterParser(text, limits: limits)
    return try criterion(try parser.read(), types, depth: depth, &budget)
  }

  /// No deeper than the parser let the expression become.
  private func criterion(
    _ expression: FilterExpression, _ types: [Schema.TypeID], depth: Int, _ budget: inout SearchBudget
  ) throws(Fault) -> SearchCriterion {
    switch expression {
    case .all(let parts): return .all(try criteria(parts, types, depth: depth, &budget))
    case .any(let parts): return .any(try criteria(parts, types, depth: depth, &budget))
    case .not(let inner): return .not(try criterion(inner, types, depth: depth, &budget))
    case .test(let test):
      do {
        return try criterion(test, step: 0, types, depth: depth, &budget)
      } catch {
        throw Self.located(error, test)
      }
    }
  }

  private func criteria(
    _ parts: [FilterExpression], _ types: [Schema.TypeID], depth: Int, _ budget: inout SearchBudget
  ) throws(Fault) -> [SearchCriterion] {
    var criteria: [SearchCriterion] = []
    for part in parts { criteria.append(try criterion(part, types, depth: depth, &budget)) }
    return criteria
  }

  /// The fault with the place of the test it is about.
  private static func located(_ fault: Fault, _ test: FilterTest) -> Fault {
    guard let reason = fault.reasons.first, !reason.diagnostics.hasPrefix("The '_filter' parameter is invalid") else {
      return fault
    }
    var text = reason.diagnostics
    if text.hasSuffix(".") { text.removeLast() }
    var located = FilterParser.fault(at: test.position, text)
    located.reasons[0].code = reason.code
    return located
  }

  /// The rest of a test's path, from a step on.
  private func criterion(
    _ test: FilterTest, step: Int, _ types: [Schema.TypeID], depth: Int, _ budget: inout SearchBudget
  ) throws(Fault) -> SearchCriterion {
    guard test.steps.indices.contains(step) else { return try comparison(test, types, &budget) }
    switch test.steps[step] {
    case .reference(let head, let inner):
      return try chain(head, to: test.name(from: step + 1), types, depth: depth, &budget) {
        (target, depth, budget) throws(Fault) in
        var criteria: [SearchCriterion] = []
        if let inner { criteria.append(try criterion(inner, [target], depth: depth, &budget)) }
        criteria.append(try criterion(test, step: step + 1, [target], depth: depth, &budget))
        return criteria
      }
    case .reverse(let type, let reference):
      return try reverseChain(type, reference, of: "_has", types, depth: depth, &budget) {
        (source, depth, budget) throws(Fault) in
        [try criterion(test, step: step + 1, [source], depth: depth, &budget)]
      }
    }
  }

  // MARK: Comparisons

  private func comparison(_ test: FilterTest, _ types: [Schema.TypeID], _ budget: inout SearchBudget) throws(Fault)
    -> SearchCriterion
  {
    let (code, suffix) = Self.split(test.parameter)
    if let suffix {
      throw Fault(.invalid, "the modifier ':\(suffix)' has no place in a filter, which has operators instead")
    }
    if code == "_type" { return try typeComparison(test, &budget) }
    let found = try common(code, code, types)
    try budget.spend(values: 1)
    if test.operation == .pr {
      guard test.value == "true" || test.value == "false" else {
        throw Fault(.invalid, "The value of 'pr' must be 'true' or 'false'.")
      }
      return presence(found, test.value == "true")
    }
    let form = form(found[0], SearchModifier())
    guard !test.value.isEmpty else { throw Fault(.invalid, "The search parameter '\(code)' has no value.") }
    guard let criterion = try comparison(test, found, form) else {
      throw Fault(
        .invalid,
        "The operator '\(test.operation.rawValue)' does not fit the search parameter '\(code)' of type "
          + "\(form.kind.rawValue).", code: "not-supported")
    }
    return criterion
  }

  private func typeComparison(_ test: FilterTest, _ budget: inout SearchBudget) throws(Fault) -> SearchCriterion {
    switch test.operation {
    case .eq: return try typeCriterion(nil, test.value, &budget)
    case .ne: return try typeCriterion("not", test.value, &budget)
    default:
      throw Fault(
        .invalid, "The operator '\(test.operation.rawValue)' does not fit the search parameter '_type'.",
        code: "not-supported")
    }
  }

  private func presence(_ found: [SearchParameter], _ isPresent: Bool) -> SearchCriterion {
    .condition(SearchCondition(parameters: found, modifier: .missing, values: [.missing(!isPresent)]))
  }

  /// nil where the operator does not fit.
  private func comparison(_ test: FilterTest, _ found: [SearchParameter], _ form: SearchValue.Form) throws(Fault)
    -> SearchCriterion?
  {
    switch form.kind {
    case .string:
      guard let modifier = Self.stringModifier(test.operation) else { return nil }
      let value = try SearchValue.string(test.value, form, modifier)
      return condition(found, modifier, value, isNegated: test.operation == .ne)
    case .token: return try token(test, found, form)
    case .reference:
      guard [.re, .eq, .ne].contains(test.operation) else { return nil }
      return condition(found, nil, try SearchValue.reference(test.value, form), isNegated: test.operation == .ne)
    case .uri:
      guard [.eq, .ne].contains(test.operation) else { return nil }
      return condition(found, nil, try SearchValue.uri(test.value, form), isNegated: test.operation == .ne)
    case .composite, .special:
      // A distance is within or it is not; there is nothing to be unequal to.
      guard test.operation == .eq || (test.operation == .ne && form.kind == .composite) else { return nil }
      return condition(found, nil, try SearchValue(test.value, form), isNegated: test.operation == .ne)
    case .date, .number, .quantity: return try ordered(test, found, form)
    }
  }

  private func condition(
    _ found: [SearchParameter], _ modifier: SearchCondition.Modifier?, _ value: SearchValue, isNegated: Bool = false
  ) -> SearchCriterion {
    let criterion = SearchCriterion.condition(
      SearchCondition(parameters: found, modifier: modifier, values: [value], base: base))
    return isNegated ? .all([presence(found, true), .not(criterion)]) : criterion
  }

  /// The modifier is nil for `sw`: that is how strings compare anyway.
  private static func stringModifier(_ operation: FilterOperator) -> SearchCondition.Modifier?? {
    switch operation {
    case .eq, .ne: .some(.equals)
    case .co: .some(.contains)
    case .sw: .some(nil)
    case .ew: .some(.endsWith)
    case .gt: .some(.greater)
    case .ge: .some(.greaterOrEqual)
    case .lt: .some(.less)
    case .le: .some(.lessOrEqual)
    default: nil
    }
  }

  private func token(_ test: FilterTest, _ found: [SearchParameter], _ form: SearchValue.Form) throws(Fault)
    -> SearchCriterion?
  {
    switch test.operation {
    case .in: return condition(found, .in, .uri(test.value))
    case .ni: return condition(found, .notIn, .uri(test.value))
    case .eq, .ne, .ss, .sb:
      let isHierarchical = test.operation == .ss || test.operation == .sb
      if isHierarchical && found[0].isAnsweredByResource { return nil }
      let value = Self.named(try SearchValue.token(test.value, form, needsCode: isHierarchical))
      // What the value subsumes is below it.
      let modifier: SearchCondition.Modifier? =
        isHierarchical ? (test.operation == .ss ? .below : .above) : nil
      return condition(found, modifier, value, isNegated: test.operation == .ne)
    default: return nil
    }
  }

  private func ordered(_ test: FilterTest, _ found: [SearchParameter], _ form: SearchValue.Form) throws(Fault)
    -> SearchCriterion?
  {
    func value(_ comparator: SearchComparator) throws(Fault) -> SearchValue {
      Self.named(try SearchValue.ordered(test.value, comparator, form, whole: test.value))
    }
    if let comparator = SearchComparator(rawValue: test.operation.rawValue) {
      return condition(found, nil, try value(comparator))
    }
    switch (test.operation, try value(.eq)) {
    case (.po, .date(_, let low, let high)): return condition(found, nil, .date(.ap, low: low, high: high))
    case (.co, .date(_, let low, let high)) where found[0].isAnsweredByResource:
      // One moment begins no later than the value and ends no earlier.
      return .all([
        condition(found, nil, .date(.lt, low: low &+ 1, high: high &+ 1)),
        condition(found, nil, .date(.gt, low: low &- 1, high: high &- 1)),
      ])
    case (.co, .date), (.co, .number): return condition(found, .covers, try value(.eq))
    default: return nil
    }
  }

  /// Code systems that a filter may call by these names.
  private static let systems = [
    "loinc": "http://loinc.org", "snomed": "http://snomed.info/sct",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm", "ucum": "http://unitsofmeasure.org",
  ]

  private static func named(_ value: SearchValue) -> SearchValue {
    switch value {
    case .token(.uri(let system), let code): .token(system: .uri(systems[system] ?? system), code: code)
    case .quantity(let comparator, let amount, let system?, let code):
      .quantity(comparator, amount, system: systems[system] ?? system, code: code)
    default: value
    }
  }
}
