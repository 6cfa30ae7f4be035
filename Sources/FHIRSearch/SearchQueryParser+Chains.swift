import Base
import FHIRModel

/// References followed, forwards (FHIR R4 search#chaining) and backwards (search#has).
extension SearchQueryParser {
  /// What a chain's targets must satisfy: read anew for each type it may lead to.
  typealias Rest = (_ target: Schema.TypeID, _ depth: Int, _ budget: inout SearchBudget) throws(Fault) ->
    [SearchCriterion]

  /// `subject:Patient.…`, `subject.…`.
  /// - Parameters:
  ///   - head: what stands before the point.
  ///   - next: what stands behind it, from its first step on.
  func chain(
    _ head: Substring, to next: Substring, _ types: [Schema.TypeID], depth: Int, _ budget: inout SearchBudget,
    rest: Rest
  ) throws(Fault) -> SearchCriterion {
    let depth = try deeper(depth, head)
    let (code, typeName) = Self.split(head)
    let found = try references(code, code, types)
    var targets = try chainTargets(found, code, typeName)
    // Without a type, the chain leads to those targets that have the rest of it.
    if typeName == nil {
      targets = targets.filter { isKnown(next, [$0]) }
      guard !targets.isEmpty else {
        throw Fault(
          .invalid,
          "The search parameter '\(SearchText.excerpt(next))' is not supported for any resource type that "
            + "'\(code)' may refer to.", code: "not-supported")
      }
    }
    var read: [SearchChain.Target] = []
    var refusal: Fault?
    for target in targets {
      do throws(Fault) {
        try budget.spendTarget()
        read.append(SearchChain.Target(type: target, criteria: try rest(target, depth, &budget)))
      } catch {
        if error.isTooCostly { throw error }
        refusal = refusal ?? error
      }
    }
    if read.isEmpty, let refusal { throw refusal }
    return .chain(SearchChain(parameters: found, targets: read, base: base))
  }

  /// The reference parameter as each of the types has it; never empty.
  private func references(_ code: Substring, _ name: Substring, _ types: [Schema.TypeID]) throws(Fault)
    -> [SearchParameter]
  {
    let found = try common(code, name, types)
    guard found[0].kind == .reference else {
      throw Fault(
        .invalid,
        "The search parameter '\(code)' is of type \(found[0].kind.rawValue), not a reference, and cannot be chained.")
    }
    return found
  }

  private func chainTargets(_ found: [SearchParameter], _ code: Substring, _ typeName: Substring?) throws(Fault)
    -> [Schema.TypeID]
  {
    let targets = targets(found)
    guard let typeName else { return targets }
    guard let type = schema.resourceType(String(typeName)) else {
      throw Fault(
        .invalid, "Resource type '\(SearchText.excerpt(typeName))' is not supported.", code: "not-supported")
    }
    guard targets.contains(type) else {
      throw Fault(
        .invalid, "The search parameter '\(code)' does not refer to resources of type '\(typeName)'.",
        code: "not-supported")
    }
    return [type]
  }

  /// The types that a reference parameter may lead to.
  func targets(_ found: [SearchParameter]) -> [Schema.TypeID] {
    var targets: [Schema.TypeID] = []
    var seen: Set<Schema.TypeID> = []
    for parameter in found {
      let own = parameter.definition.targets
      if own.isEmpty { return schema.resourceTypes }
      targets += own.filter { seen.insert($0).inserted }
    }
    return targets
  }

  // MARK: Reverse

  /// `_has:Observation:patient:…`.
  func reverseChain(
    _ name: Substring, _ value: String, _ types: [Schema.TypeID], depth: Int, _ budget: inout SearchBudget
  ) throws(Fault) -> SearchCriterion {
    let parts = name.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, parts.allSatisfy({ !$0.isEmpty }) else {
      throw Fault(
        .invalid,
        "The parameter '\(SearchText.excerpt(name))' is invalid; expected _has:[type]:[reference "
          + "parameter]:[parameter]."
      )
    }
    return try reverseChain(parts[1], parts[2], of: name, types, depth: depth, &budget) {
      (target, depth, budget) throws(Fault) in
      [try criterion(parts[3], value, [target], depth: depth, &budget)]
    }
  }

  func reverseChain(
    _ typeName: Substring, _ code: Substring, of name: Substring, _ types: [Schema.TypeID], depth: Int,
    _ budget: inout SearchBudget, rest: Rest
  ) throws(Fault) -> SearchCriterion {
    let depth = try deeper(depth, name)
    guard let source = schema.resourceType(String(typeName)) else {
      throw Fault(
        .invalid, "Resource type '\(SearchText.excerpt(typeName))' is not supported.", code: "not-supported")
    }
    let reference = try references(code, code, [source])
    let targets = Set(targets(reference))
    guard types.contains(where: targets.contains) else {
      let searched = types.map { "'\(schema.name($0))'" }.joined(separator: ", ")
      throw Fault(
        .invalid,
        "The search parameter '\(code)' of '\(typeName)' does not refer to resources of type "
          + "\(SearchText.excerpt(searched)).", code: "not-supported")
    }
    try budget.spendTarget()
    return .reverseChain(
      SearchReverseChain(parameter: reference[0], criteria: try rest(source, depth, &budget), base: base))
  }

  private func deeper(_ depth: Int, _ name: Substring) throws(Fault) -> Int {
    guard depth < limits.searchChainDepthMax else {
      throw Fault(
        .invalid,
        "The search parameter '\(SearchText.excerpt(name))' is chained more than \(limits.searchChainDepthMax) deep.",
        code: "too-costly")
    }
    return depth + 1
  }

  // MARK: Lists

  var listItem: SearchParameter? { schema.resourceType("List").flatMap { parameters.parameter($0, "item") } }

  /// `_list=42`: what the list holds (FHIR R4 search §2.1.1.4.6). Functional lists (`$current-allergies`) are not kept.
  func list(_ value: String, depth: Int, _ budget: inout SearchBudget) throws(Fault) -> SearchCriterion {
    _ = try deeper(depth, "_list")
    guard let item = listItem, let id = parameters.parameter(item.resourceType, "_id") else {
      throw Fault(.invalid, "The search parameter '_list' is not supported.", code: "not-supported")
    }
    let ids = value.split(separator: ",").map(String.init)
    if let wrong = ids.first(where: { !Self.isLogicalID($0) }) ?? (ids.isEmpty ? value : nil) {
      throw Fault(
        .invalid,
        "The value '\(SearchText.excerpt(wrong))' of the search parameter '_list' is invalid; expected the "
          + "id of a List."
      )
    }
    try budget.spend(values: ids.count)
    let values = ids.map { SearchValue.token(system: .any, code: $0) }
    let condition = SearchCondition(parameters: [id], modifier: nil, values: values)
    return .reverseChain(SearchReverseChain(parameter: item, criteria: [.condition(condition)], base: base))
  }

  /// FHIR R4 datatypes#id.
  private static func isLogicalID(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "-")
          || byte == UInt8(ascii: ".")
      }
  }

  /// `_not-referenced=Observation:subject`, `Observation:*`, `*:*`.
  /// - Returns: nil for what has not this form.
  func notReferenced(_ value: String) throws(Fault) -> SearchCriterion? {
    let parts = value.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), parts[0] != "*" || parts[1] == "*" else { return nil }
    var types = schema.resourceTypes
    if parts[0] != "*" {
      guard let type = schema.resourceType(String(parts[0])) else {
        throw Fault(
          .invalid, "Resource type '\(SearchText.excerpt(parts[0]))' is not supported.", code: "not-supported")
      }
      types = [type]
    }
    if parts[1] != "*" { return .notReferenced(try references(parts[1], parts[1], types), base: base) }
    return .notReferenced(
      types.flatMap { parameters.parameters($0).filter { $0.kind == .reference } }, base: base)
  }
}
