import Base
import FHIRModel

/// What follows the colon of a parameter's name (FHIR R4 search §2.1.1.5): a modifier, or the type of a reference.
struct SearchModifier {
  var modifier: SearchCondition.Modifier?
  /// `subject:Patient`.
  var targetType: String?

  init() {}

  /// - Throws: for a modifier that this kind of parameter does not have. A modifier changes what matches: ignoring it
  ///   would answer another question.
  init(_ suffix: Substring?, _ parameter: SearchParameter, _ schema: Schema) throws(Fault) {
    guard let suffix else { return }
    let name = String(suffix)
    let allowed = Self.allowed(parameter)
    if let known = allowed.first(where: { $0.rawValue == name }) {
      modifier = known
      return
    }
    if parameter.kind == .reference, schema.resourceType(name) != nil {
      targetType = name
      return
    }
    var list = allowed.map { ":\($0.rawValue)" }
    if parameter.kind == .reference { list.append("a resource type (:Patient)") }
    let names = list.count > 1 ? list.dropLast().joined(separator: ", ") + " or " + list[list.count - 1] : list[0]
    throw Fault(
      .invalid,
      "The modifier ':\(SearchText.excerpt(name))' is not supported for the search parameter '\(parameter.code)' "
        + "of type \(parameter.kind.rawValue), which takes \(names).", code: "not-supported")
  }

  private static func allowed(_ parameter: SearchParameter) -> [SearchCondition.Modifier] {
    if parameter.isAnsweredByResource { return parameter.kind == .token ? [.not, .missing] : [.missing] }
    return byKind[parameter.kind] ?? [.missing]
  }

  /// FHIR R4 search §2.1.1.5; `:missing` is for all.
  private static let byKind: [SearchParameter.Kind: [SearchCondition.Modifier]] = [
    .string: [.exact, .contains, .text, .missing],
    .token: [.text, .not, .in, .notIn, .above, .below, .ofType, .missing],
    .reference: [.identifier, .above, .below, .missing],
    .uri: [.above, .below, .missing],
  ]
}
