import Base

extension SearchQueryParser {
  /// The words of contained resources are their container's, and what they are contained for is to be referred to: what
  /// asks for such cannot be asked of them.
  func checkContained(_ search: SearchQuery) throws(Fault) {
    guard search.contained != .false,
      let name = search.criteria.lazy.compactMap(\.nameForContainersOnly).first
    else { return }
    throw Fault(
      .invalid,
      "Contained resources cannot be searched by \(name): '_contained=\(search.contained.rawValue)' is not "
        + "supported here.", code: "not-supported")
  }
}

/// Criteria are as deep as the parser lets them be (`Limits.searchExpressionDepthMax`).
extension SearchCriterion {
  /// The name of what a contained resource cannot be asked for; nil where there is none.
  fileprivate var nameForContainersOnly: String? {
    switch self {
    case .condition, .chain, .reverseChain, .types: nil
    case .notReferenced: "'_not-referenced'"
    case .fullText: "'_text' or '_content'"
    case .all(let criteria), .any(let criteria): criteria.lazy.compactMap(\.nameForContainersOnly).first
    case .not(let criterion): criterion.nameForContainersOnly
    }
  }
}
