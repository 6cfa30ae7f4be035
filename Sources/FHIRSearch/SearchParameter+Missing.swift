import FHIRModel

extension SearchParameter {
  /// Strings by which people sort.
  private static let sortedStrings: Set<String> = ["name", "family", "given", "title"]

  /// Whether resources without a value have a row that says so: under parameters that are often sorted by, since the
  /// missing values come first in ascending order and must be found without looking at every resource.
  public var keepsMissing: Bool {
    guard !isAnsweredByResource, definition.expression != nil else { return false }
    return kind == .date || (kind == .string && Self.sortedStrings.contains(code))
  }
}
