import FHIRModel

extension SearchParameter {
  /// Strings by which people sort.
  private static let sortedStrings: Set<String> = ["name", "family", "given", "title"]

  /// Whether a parameter of a type keeps what is missing.
  static func keepsMissing(_ definition: SearchParameterDefinition, _ typeName: String) -> Bool {
    guard let expression = definition.expression, !isAnsweredByResource(definition.code) else { return false }
    switch definition.type {
    case .date: break
    case .string where sortedStrings.contains(definition.code): break
    default: return false
    }
    // One type of a choice (`value as dateTime`) is what most resources do not have, and nobody sorts by.
    return !IndexPlan.branches(of: expression, for: typeName).contains { branch in
      [" as ", ".as(", ".ofType("].contains { branch.contains($0) }
    }
  }
}
