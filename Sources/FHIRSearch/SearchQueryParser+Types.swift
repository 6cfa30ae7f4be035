import Base
import FHIRModel

/// `_type` (FHIR R4 search §2.1.1.2).
extension SearchQueryParser {
  /// Narrows the searched types by all lists of types; repeated lists must all hold.
  func readTypes(_ query: QueryString, _ search: inout SearchQuery) throws(Fault) {
    let lists = query.parameters.filter { $0.name == "_type" || $0.name == "_type:not" }
    if lists.isEmpty { return }
    var found = search.types.isEmpty ? nil : search.types
    var unknown: [String] = []
    for list in lists {
      let (types, others) = try typeList(list.value)
      unknown += others.filter { !unknown.contains($0) }
      if list.name == "_type:not" {
        found = (found ?? schema.resourceTypes).filter { !types.contains($0) }
      } else {
        found = found.map { $0.filter(types.contains) } ?? types
      }
    }
    search.matchesNothing = found?.isEmpty ?? false
    // An empty list would mean every type: what is left of the query is read as it was addressed.
    if !search.matchesNothing { search.types = found ?? [] }
    if !unknown.isEmpty { try ignore(Self.unknownTypes(unknown), &search) }
  }

  /// `_type` at the end of a chain.
  func typeCriterion(_ suffix: Substring?, _ value: String, _ budget: inout SearchBudget) throws(Fault)
    -> SearchCriterion
  {
    guard suffix == nil || suffix == "not" else {
      throw Fault(
        .invalid,
        "The modifier ':\(SearchText.excerpt(suffix ?? ""))' is not supported for the search parameter '_type', "
          + "which takes :not.",
        code: "not-supported")
    }
    let (types, unknown) = try typeList(value)
    guard unknown.isEmpty else { throw Fault(.invalid, Self.unknownTypes(unknown), code: "not-supported") }
    try budget.spend(values: types.count)
    return suffix == nil ? .types(types) : .not(.types(types))
  }

  private func typeList(_ value: String) throws(Fault) -> (types: [Schema.TypeID], unknown: [String]) {
    let names = value.split(separator: ",").map(String.init)
    guard !names.isEmpty else { throw Fault(.invalid, "The '_type' parameter has no value.") }
    guard names.count <= limits.searchValuesMax else {
      throw Fault(
        .invalid, "The search parameter '_type' takes at most \(limits.searchValuesMax) values.", code: "too-costly")
    }
    var types: [Schema.TypeID] = []
    for type in names.compactMap({ schema.resourceType($0) }) where !types.contains(type) { types.append(type) }
    return (types, names.filter { schema.resourceType($0) == nil })
  }

  /// The words are Azure's.
  private static func unknownTypes(_ names: [String]) -> String {
    let quoted = names.map { "'\(SearchText.excerpt($0))'" }.joined(separator: ",")
    return "The '_type' parameter contains unknown resource(s): \(quoted)"
  }
}
