import Base
import FHIRModel

/// `_sort` (FHIR R4 search#sort).
extension SearchQueryParser {
  /// - Returns: the parameter as understood, without the keys that were ignored; nil if none is left.
  func readSort(_ parameter: QueryString.Parameter, _ query: QueryString, _ search: inout SearchQuery) throws(Fault)
    -> QueryString.Parameter?
  {
    let keys = parameter.value.split(separator: ",", omittingEmptySubsequences: false)
    guard !parameter.value.isEmpty else { throw Fault(.invalid, "The '_sort' parameter has no value.") }
    guard search.sort.count + keys.count <= limits.searchSortKeysMax else {
      throw Fault(
        .invalid, "The '_sort' parameter takes at most \(limits.searchSortKeysMax) keys.", code: "too-costly")
    }
    let searched = search.types.isEmpty ? schema.resourceTypes : search.types
    var understood: [Substring] = []
    for key in keys {
      guard let sort = try sortKey(key, query, searched, &search) else { continue }
      understood.append(key)
      // A key named again decides nothing more.
      if search.sort.contains(where: { $0.code == sort.code }) { continue }
      search.sort.append(sort)
    }
    if understood.count == keys.count { return parameter }
    if understood.isEmpty { return nil }
    let value = understood.joined(separator: ",")
    return QueryString.Parameter(raw: "_sort=\(value)", name: parameter.name, value: value)
  }

  /// nil for a key that was ignored.
  private func sortKey(
    _ key: Substring, _ query: QueryString, _ searched: [Schema.TypeID], _ search: inout SearchQuery
  ) throws(Fault) -> SearchSort? {
    let isDescending = key.first == "-"
    let code = String(isDescending ? key.dropFirst() : key)
    if code == SearchSort.score {
      guard query["_text"] != nil || query["_content"] != nil else {
        try ignore("Sorting by '_score' needs '_text' or '_content', whose words are scored.", &search)
        return nil
      }
      return SearchSort(parameters: [], isDescending: isDescending)
    }
    let found = searched.compactMap { parameters.parameter($0, code) }
    // The words are Azure's.
    guard let first = found.first, found.count == searched.count, found.allSatisfy({ $0.kind == first.kind }) else {
      let types = searched.count == schema.resourceTypes.count ? "Resource" : names(searched)
      try ignore(
        "Sort parameter value '\(SearchText.excerpt(code))' is invalid, must be a subset of valid search "
          + "parameters for resource type '\(SearchText.excerpt(types))'.", &search)
      return nil
    }
    // The distance is from where `near` searches.
    let isSortable = first.kind == .special ? code == "near" && query["near"] != nil : first.kind != .composite
    guard isSortable else {
      try ignore("Sorting by the '\(code)' parameter is not supported.", &search)
      return nil
    }
    return SearchSort(parameters: found, isDescending: isDescending)
  }

  private func names(_ types: [Schema.TypeID]) -> String { types.map { schema.name($0) }.joined(separator: ",") }
}
