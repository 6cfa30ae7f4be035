import FHIRModel

extension SearchParameter {
  /// By which people sort, besides dates; of tokens and references those that nearly every resource has, so that rows
  /// for the others are few.
  private static let sorted: [Kind: Set<String>] = [
    .string: ["name", "family", "given", "title"],
    .token: ["status", "code", "category", "class", "gender", "intent"],
    .reference: ["subject", "patient"],
  ]

  /// Whether a parameter of a type keeps what is missing.
  static func keepsMissing(_ definition: SearchParameterDefinition, _ typeName: String) -> Bool {
    guard let expression = definition.expression, !isAnsweredByResource(definition.code) else { return false }
    guard definition.type == .date || sorted[definition.type]?.contains(definition.code) ?? false else { return false }
    // One type of a choice (`value as dateTime`) is what most resources do not have, and nobody sorts by.
    return !IndexPlan.branches(of: expression, for: typeName).contains { branch in
      [" as ", ".as(", ".ofType("].contains { branch.contains($0) }
    }
  }
}
