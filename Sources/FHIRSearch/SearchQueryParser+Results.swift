import Base
import FHIRModel

/// Parameters that say what is wanted back (FHIR R4 search §2.1.1.9).
extension SearchQueryParser {
  /// Parameters that say how to answer; they have no conditions and no effect here. The shape of the resources
  /// (`_elements`) is the answer's matter.
  private static let answerOnly: Set<String> = ["_format", "_pretty", "_elements", "_type", "_type:not"]

  /// Whether the parameter says what is wanted back; its meaning is then in `search`, and it is among what was
  /// understood.
  func readResultParameter(
    _ parameter: QueryString.Parameter, _ query: QueryString, _ search: inout SearchQuery
  ) throws(Fault) -> Bool {
    switch parameter.name {
    case "_count": try readCount(parameter.value, &search)
    case "_includesCount": try readIncludesCount(parameter.value, &search)
    case "_total": search.total = try choice(parameter, lowercased: true, "'accurate', 'estimate', 'none'")
    case "_summary": search.summary = try choice(parameter, "'true', 'text', 'data', 'count', 'false'")
    case "_contained":
      search.contained = try choice(parameter, "'false', 'true', 'both'")
    case "_containedType":
      search.containedType = try choice(parameter, "'container', 'contained'")
    case "_explain":
      guard parameter.value == "true" || parameter.value == "false" else {
        throw Self.invalid(parameter, "The supported values are: 'true', 'false'.")
      }
      search.wantsExplanation = parameter.value == "true"
    case "_sort":
      if let sort = try readSort(parameter, query, &search) { search.understood.append(sort) }
      return true
    case "_include", "_include:iterate", "_include:recurse", "_revinclude", "_revinclude:iterate",
      "_revinclude:recurse":
      try readInclude(parameter, &search)
    case "ct":
      search.pagingToken = parameter.value
      return true
    case "includesCt":
      search.includesToken = parameter.value
      return true
    default: guard Self.answerOnly.contains(parameter.name) else { return false }
    }
    search.understood.append(parameter)
    return true
  }

  private func choice<Choice: RawRepresentable<String>>(
    _ parameter: QueryString.Parameter, lowercased: Bool = false, _ choices: String
  ) throws(Fault) -> Choice {
    let value = lowercased ? parameter.value.lowercased() : parameter.value
    guard let choice = Choice(rawValue: value) else {
      throw Self.invalid(parameter, "The supported values are: \(choices).")
    }
    return choice
  }

  static func invalid(_ parameter: QueryString.Parameter, _ expected: String) -> Fault {
    Fault(
      .invalid,
      "The '\(parameter.name)' parameter value '\(SearchText.excerpt(parameter.value))' is invalid. \(expected)")
  }

  private func readCount(_ value: String, _ search: inout SearchQuery) throws(Fault) {
    guard let count = Int(value), count >= 0 else {
      throw Fault(
        .invalid,
        "The '_count' parameter value '\(SearchText.excerpt(value))' is invalid; a whole number was expected.")
    }
    search.count = clipped(count, "_count", limits.searchCountMax, &search)
  }

  private func readIncludesCount(_ value: String, _ search: inout SearchQuery) throws(Fault) {
    guard let count = Int(value), count > 0 else {
      throw Fault(
        .invalid,
        "The '_includesCount' parameter value '\(SearchText.excerpt(value))' is invalid; a whole number above zero was "
          + "expected.")
    }
    search.includesCount = clipped(count, "_includesCount", limits.searchIncludesMax, &search)
  }

  private func clipped(_ count: Int, _ name: String, _ most: Int, _ search: inout SearchQuery) -> Int {
    if count > most {
      search.warnings.append(
        Fault.Reason(
          "The '\(name)' parameter value \(count) exceeds limit \(most); the limit is used.", code: "informational",
          severity: .information))
    }
    return min(count, most)
  }
}
