public import Base
public import FHIRModel

/// Reads a search's parameters (FHIR R4 search.html) for the types searched.
///
/// Unknown parameters are ignored with a warning, or refused where the client asked for strict handling
/// (`Prefer: handling=strict`); values that cannot be read are refused always, and so is what a chain, a filter or an
/// include names in vain: without it, the answer would be another question's.
public struct SearchQueryParser: Sendable {
  let parameters: SearchParameters
  let limits: Limits
  let clock: Clock
  let isStrict: Bool
  let base: String?

  /// - Parameter base: the service's address; see `SearchQuery.base`.
  public init(
    _ parameters: SearchParameters, limits: Limits, clock: Clock, isStrict: Bool = false, base: String? = nil
  ) {
    self.parameters = parameters
    self.limits = limits
    self.clock = clock
    self.isStrict = isStrict
    self.base = base
  }

  var schema: Schema { parameters.schema }

  /// - Parameter types: the types searched; empty for every type, which `_type` may narrow.
  public func parse(_ query: QueryString, types: [Schema.TypeID]) throws(Fault) -> SearchQuery {
    guard query.parameters.count <= limits.searchParametersMax else {
      throw Fault(.invalid, "A search takes at most \(limits.searchParametersMax) parameters.", code: "too-costly")
    }
    var search = SearchQuery(types: types)
    search.base = base
    try readTypes(query, &search)
    var budget = SearchBudget(limits)
    var seen: Set<[String]> = []
    for parameter in query.parameters {
      if try readResultParameter(parameter, query, &search) { continue }
      if try readCriterion(
        parameter, isRepeated: !seen.insert([parameter.name, parameter.value]).inserted, &search, &budget)
      {
        search.understood.append(parameter)
      }
    }
    try checkContained(search)
    return search
  }

  /// Whether the parameter was understood; its criterion is then in `search`, once.
  private func readCriterion(
    _ parameter: QueryString.Parameter, isRepeated: Bool, _ search: inout SearchQuery, _ budget: inout SearchBudget
  ) throws(Fault) -> Bool {
    let name = parameter.name[...]
    let searched = search.types.isEmpty ? schema.resourceTypes : search.types
    if name == "_not-referenced" {
      guard let criterion = try notReferenced(parameter.value) else {
        try ignore("Not referenced requires a resource type and search field separated by a :", &search)
        return false
      }
      if !isRepeated { search.criteria.append(criterion) }
      return true
    }
    guard isKnown(name, searched) else {
      try ignore(unsupported(name, searched), &search)
      return false
    }
    if isRepeated { return true }
    search.criteria.append(try criterion(name, parameter.value, searched, depth: 0, &budget))
    return true
  }

  /// What a parameter with its value demands of a resource of these types.
  /// - Parameter depth: how many references lead there.
  func criterion(
    _ name: Substring, _ value: String, _ types: [Schema.TypeID], depth: Int, _ budget: inout SearchBudget
  ) throws(Fault) -> SearchCriterion {
    if name == "_has" || name.hasPrefix("_has:") {
      return try reverseChain(name, value, types, depth: depth, &budget)
    }
    if let dot = name.firstIndex(of: ".") {
      let rest = name[name.index(after: dot)...]
      return try chain(name[..<dot], to: rest, types, depth: depth, &budget) {
        (target, depth, budget) throws(Fault) in
        [try criterion(rest, value, [target], depth: depth, &budget)]
      }
    }
    return try plain(name, value, types, depth: depth, &budget)
  }

  /// A parameter without a chain.
  private func plain(
    _ name: Substring, _ value: String, _ types: [Schema.TypeID], depth: Int, _ budget: inout SearchBudget
  ) throws(Fault) -> SearchCriterion {
    let (code, suffix) = Self.split(name)
    switch code {
    case "_type": return try typeCriterion(suffix, value, &budget)
    case "_text", "_content":
      try refuse(suffix, code)
      return try fullText(code == "_text" ? .narrative : .content, value, &budget)
    case "_list":
      try refuse(suffix, code)
      return try list(value, depth: depth, &budget)
    case "_filter":
      try refuse(suffix, code)
      return try filter(value, types, depth: depth, &budget)
    default: return try condition(name, value, types, &budget)
    }
  }

  /// These are special: none takes a modifier.
  private func refuse(_ suffix: Substring?, _ code: Substring) throws(Fault) {
    guard let suffix else { return }
    throw Fault(
      .invalid,
      "The modifier ':\(SearchText.excerpt(suffix))' is not supported for the search parameter '\(code)', which "
        + "takes none.",
      code: "not-supported")
  }

  // MARK: Names

  /// `code:suffix`.
  static func split(_ name: Substring) -> (code: Substring, suffix: Substring?) {
    guard let colon = name.firstIndex(of: ":") else { return (name, nil) }
    return (name[..<colon], name[name.index(after: colon)...])
  }

  /// Parameters that a criterion is made of though nothing is indexed for them.
  private static let special: Set<Substring> = ["_has", "_type", "_text", "_content", "_filter"]

  /// The parameters that every search takes beside those of its types, for a capability statement.
  public static func special(_ schema: Schema) -> [(name: String, kind: SearchParameter.Kind)] {
    let list = schema.resourceType("List") == nil ? [] : ["_list"]
    return [("_type", .token)]
      + (["_content", "_filter", "_has"] + list + ["_not-referenced", "_text"]).map { ($0, .string) }
  }

  /// Whether the first step of a parameter's name means something to one of the types at least.
  func isKnown(_ name: Substring, _ types: [Schema.TypeID]) -> Bool {
    let isChain = name.contains(".")
    let code = Self.split(name.prefix { $0 != "." }).code
    if code == "_has" { return true }
    if Self.special.contains(code) { return !isChain }
    if code == "_list" { return !isChain && listItem != nil }
    guard let first = types.lazy.compactMap({ parameters.parameter($0, String(code)) }).first else { return false }
    return first.isSearchable(schema)
  }

  /// The words are Azure's.
  func unsupported(_ name: Substring, _ searched: [Schema.TypeID]) -> String {
    let code = String(Self.split(name.prefix { $0 != "." }).code)
    let isPending = searched.contains { parameters.isPending($0, code) }
    let name = SearchText.excerpt(name)
    let hint = isPending ? " It is defined, but not every resource is indexed for it yet: run $reindex." : ""
    guard searched.count == 1, let type = searched.first else {
      return "The search parameter '\(name)' is not supported." + hint
    }
    return "The search parameter '\(name)' is not supported for resource type '\(schema.name(type))'." + hint
  }

  func ignore(_ text: String, _ search: inout SearchQuery) throws(Fault) {
    if isStrict { throw Fault(.invalid, text, code: "not-supported") }
    search.warnings.append(Fault.Reason(text, code: "not-supported", severity: .warning))
  }
}
