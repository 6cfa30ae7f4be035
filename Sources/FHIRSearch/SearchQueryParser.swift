public import Base
public import FHIRModel

/// Reads a search's parameters (FHIR R4 search.html) for the types searched.
///
/// Unknown parameters are ignored with a warning, or refused where the client asked for strict handling
/// (`Prefer: handling=strict`); values that cannot be read are refused always.
public struct SearchQueryParser: Sendable {
  let parameters: SearchParameters
  let limits: Limits
  let clock: Clock
  let isStrict: Bool

  /// Parameters that say how to answer; they have no conditions and no effect here.
  private static let answerOnly: Set<String> = ["_format", "_pretty"]

  public init(_ parameters: SearchParameters, limits: Limits, clock: Clock, isStrict: Bool = false) {
    self.parameters = parameters
    self.limits = limits
    self.clock = clock
    self.isStrict = isStrict
  }

  private var schema: Schema { parameters.schema }

  /// - Parameter types: the types searched; empty for every type, which `_type` may narrow.
  public func parse(_ query: QueryString, types: [Schema.TypeID]) throws(Fault) -> SearchQuery {
    guard query.parameters.count <= limits.searchParametersMax else {
      throw Fault(.invalid, "A search takes at most \(limits.searchParametersMax) parameters.", code: "too-costly")
    }
    var search = SearchQuery(types: types)
    if types.isEmpty { try readTypes(query, &search) }
    for parameter in query.parameters {
      if try readResultParameter(parameter, &search) {
        if parameter.name != "ct" { search.understood.append(parameter) }
        continue
      }
      if let condition = try condition(parameter, &search) {
        search.conditions.append(condition)
        let values = search.conditions.reduce(0) { $0 + $1.values.count }
        guard values <= limits.searchValuesMax else {
          throw Fault(.invalid, "A search takes at most \(limits.searchValuesMax) values in all.", code: "too-costly")
        }
        search.understood.append(parameter)
      }
    }
    return search
  }

  // MARK: Result parameters

  private func readTypes(_ query: QueryString, _ search: inout SearchQuery) throws(Fault) {
    let lists = query.parameters.filter { $0.name == "_type" }
    if lists.isEmpty { return }
    var unknown: [String] = []
    for (place, list) in lists.enumerated() {
      let names = list.value.split(separator: ",").map(String.init)
      guard !names.isEmpty else { throw Fault(.invalid, "The '_type' parameter has no value.") }
      unknown += names.filter { schema.resourceType($0) == nil }
      let types = names.compactMap { schema.resourceType($0) }
      // Repeated lists must all hold.
      let found = place == 0 ? types : search.types.filter { types.contains($0) }
      search.types = found.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
    search.matchesNothing = search.types.isEmpty
    guard !unknown.isEmpty else { return }
    let quoted = unknown.map { "'\($0)'" }.joined(separator: ",")
    let text = "The '_type' parameter contains unknown resource(s): \(quoted)"
    if isStrict { throw Fault(.invalid, text, code: "not-supported") }
    search.warnings.append(Fault.Reason(text, code: "not-supported", severity: .warning))
  }

  /// Whether the parameter says what is wanted back; its meaning is then in `search`.
  private func readResultParameter(_ parameter: QueryString.Parameter, _ search: inout SearchQuery) throws(Fault)
    -> Bool
  {
    switch parameter.name {
    case "_type": return true
    case "_count": try readCount(parameter.value, &search)
    case "_total":
      guard let total = SearchQuery.Total(rawValue: parameter.value.lowercased()) else {
        throw Fault(
          .invalid,
          "The '_total' parameter value '\(parameter.value)' is invalid. The supported values are: 'accurate', "
            + "'estimate', 'none'.")
      }
      search.total = total
    case "_summary":
      guard let summary = SearchQuery.Summary(rawValue: parameter.value) else {
        throw Fault(
          .invalid,
          "The '_summary' parameter value '\(parameter.value)' is invalid. The supported values are: 'true', "
            + "'text', 'data', 'count', 'false'.")
      }
      search.summary = summary
    // The shape of the resources is the answer's matter.
    case "_elements": return true
    case "ct": search.pagingToken = parameter.value
    default: return Self.answerOnly.contains(parameter.name)
    }
    return true
  }

  private func readCount(_ value: String, _ search: inout SearchQuery) throws(Fault) {
    guard let count = Int(value), count >= 0 else {
      throw Fault(.invalid, "The '_count' parameter value '\(value)' is invalid; a whole number was expected.")
    }
    search.count = min(count, limits.searchCountMax)
    if count > limits.searchCountMax {
      search.warnings.append(
        Fault.Reason(
          "The '_count' parameter value \(count) exceeds limit \(limits.searchCountMax); the limit is used.",
          code: "informational", severity: .information))
    }
  }

  private func ignore(_ name: String, _ text: String, _ search: inout SearchQuery) throws(Fault) {
    if isStrict { throw Fault(.invalid, text, code: "not-supported") }
    search.warnings.append(Fault.Reason(text, code: "not-supported", severity: .warning))
  }

  // MARK: Conditions

  private func condition(_ parameter: QueryString.Parameter, _ search: inout SearchQuery) throws(Fault)
    -> SearchCondition?
  {
    var code = parameter.name
    var suffix: String?
    if let colon = parameter.name.firstIndex(of: ":") {
      code = String(parameter.name[..<colon])
      suffix = String(parameter.name[parameter.name.index(after: colon)...])
    }
    let searched = search.types.isEmpty ? schema.resourceTypes : search.types
    let found = searched.compactMap { parameters.parameter($0, code) }
    guard let first = found.first, first.isSearchable else {
      try ignore(code, unsupported(parameter.name, searched), &search)
      return nil
    }
    guard found.count == searched.count, found.allSatisfy({ $0.kind == first.kind }) else {
      throw Fault(
        .invalid, "The search parameter '\(code)' is not common to all searched resource types.", code: "not-supported")
    }
    let (modifier, targetType, isKnown) = modifier(suffix, first.kind)
    guard isKnown else {
      let text = "The modifier ':\(suffix ?? "")' is not supported for the search parameter '\(code)'."
      // A modifier changes what matches: ignoring it would answer another question (FHIR R4 search §2.1.1.5).
      throw Fault(.invalid, text, code: "not-supported")
    }
    let values = try values(parameter.value, first, modifier, targetType)
    return SearchCondition(parameters: found, modifier: modifier, values: values)
  }

  private func unsupported(_ name: String, _ searched: [Schema.TypeID]) -> String {
    guard searched.count == 1, let type = searched.first else {
      return "The search parameter '\(name)' is not supported."
    }
    return "The search parameter '\(name)' is not supported for resource type '\(schema.name(type))'."
  }

  private func modifier(_ suffix: String?, _ kind: SearchParameter.Kind) -> (
    SearchCondition.Modifier?, targetType: String?, isKnown: Bool
  ) {
    guard let suffix else { return (nil, nil, true) }
    switch (suffix, kind) {
    case ("missing", _): return (.missing, nil, true)
    case ("exact", .string): return (.exact, nil, true)
    case ("contains", .string): return (.contains, nil, true)
    case ("not", .token): return (.not, nil, true)
    case (_, .reference) where schema.resourceType(suffix) != nil: return (nil, suffix, true)
    default: return (nil, nil, false)
    }
  }

  private func values(
    _ text: String, _ parameter: SearchParameter, _ modifier: SearchCondition.Modifier?, _ targetType: String?
  ) throws(Fault) -> [SearchValue] {
    if modifier == .missing {
      guard text == "true" || text == "false" else {
        throw Fault(.invalid, "The value of '\(parameter.code):missing' must be 'true' or 'false'.")
      }
      return [.missing(text == "true")]
    }
    let pieces = SearchText.split(text, at: UInt8(ascii: ","))
    guard pieces.count <= limits.searchValuesMax else {
      throw Fault(
        .invalid, "The search parameter '\(parameter.code)' takes at most \(limits.searchValuesMax) values.",
        code: "too-costly")
    }
    var values: [SearchValue] = []
    for piece in pieces where !piece.isEmpty {
      let value = try SearchValue(piece, parameter, targetType: targetType, schema: schema, now: clock.now())
      if !values.contains(value) { values.append(value) }
    }
    guard !values.isEmpty else { throw Fault(.invalid, "The search parameter '\(parameter.code)' has no value.") }
    return values
  }
}
