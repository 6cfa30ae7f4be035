import FHIRModel

/// Parameters that say nothing of their own: `combo-code` is `code` and `component-code`, `phonetic` is `name`. What
/// can be derived is not stored: they have no index rows, a search looks into those of their parts.
extension SearchParameters {
  /// The parts of derived parameters, by the parameter's number.
  static func derivedParts(_ parameters: [[SearchParameter]], _ schema: Schema, _ ages: Ages? = nil)
    -> [Int32: [SearchParameter]]
  {
    var parts: [Int32: [SearchParameter]] = [:]
    for ofType in parameters {
      for (place, found) in derived(ofType, schema, ages) { parts[ofType[place].number] = found.map { ofType[$0] } }
    }
    return parts
  }

  /// For each derived parameter of a type, by place, the places of its parts.
  private static func derived(_ parameters: [SearchParameter], _ schema: Schema, _ ages: Ages?) -> [Int: [Int]] {
    guard let type = parameters.first?.resourceType else { return [:] }
    let forms = parameters.map { Form($0, schema.name(type), schema) }
    var sole: [Form.Branch: Int] = [:]
    for (place, form) in forms.enumerated() {
      guard let branches = form?.branches, branches.count == 1, sole[branches[0]] == nil,
        ages?.mayServe(parameters[place].number) ?? true
      else { continue }
      sole[branches[0]] = place
    }
    var derived: [Int: [Int]] = [:]
    for (place, form) in forms.enumerated() {
      guard let form else { continue }
      let parts = form.branches.compactMap { sole[$0] }
      if parts.count == form.branches.count && !parts.contains(place),
        parts.allSatisfy({ ages?.mayServe(parameters[$0].number, parameters[place].number) ?? true })
      {
        derived[place] = parts
      }
    }
    return derived
  }

  /// What a parameter's rows follow from: one entry for each branch of its expression.
  private struct Form {
    struct Branch: Hashable {
      let kind: SearchParameter.Kind
      let expression: String
      let targets: Set<Schema.TypeID>
      /// A composite's parts: kind and path.
      let components: [String]
    }

    let branches: [Branch]

    init?(_ parameter: SearchParameter, _ typeName: String, _ schema: Schema) {
      guard !parameter.isAnsweredByResource, let expression = parameter.definition.expression else { return nil }
      let components = parameter.definition.components.map { component in
        let kind = schema.searchParameter(url: component.definition).map { "\($0.type)" } ?? component.definition
        return "\(kind) \(component.expression)"
      }
      branches = IndexPlan.branches(of: expression, for: typeName).map {
        Branch(
          kind: parameter.kind, expression: $0, targets: Set(parameter.definition.targets), components: components)
      }
    }
  }

  /// When parameters came to a store. What is derived stays so as long as it is there, and so does what is not: its
  /// rows are in the store, or are not.
  public struct Ages: Sendable {
    /// By number, of all parameters.
    private let all: [Int32: Int64]
    /// Those that a service's owner may take away any time: nothing is derived from them.
    private let own: Set<Int32>

    public init(all: [Int32: Int64], own: Set<Int32>) {
      self.all = all
      self.own = own
    }

    func mayServe(_ part: Int32) -> Bool { !own.contains(part) }

    /// Rows of a part that came later are not there for every resource.
    func mayServe(_ part: Int32, _ derived: Int32) -> Bool { all[part] ?? 0 <= all[derived] ?? 0 }
  }

  /// The parameters of a type that are derived from one, which cannot do without it.
  public func derived(from part: SearchParameter) -> [SearchParameter] {
    parameters(part.resourceType).filter { parameter in
      parts[parameter.number]?.contains { $0.number == part.number } ?? false
    }
  }

  /// The parameters whose rows answer for this one: itself, or its parts.
  public func indexed(_ parameter: SearchParameter) -> [SearchParameter] { parts[parameter.number] ?? [parameter] }
}
