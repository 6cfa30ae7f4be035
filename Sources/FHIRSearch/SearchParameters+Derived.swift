import FHIRModel

/// Parameters that say nothing of their own: `combo-code` is `code` and `component-code`, `phonetic` is `name`,
/// `patient` is `subject` where that is a patient. What can be derived is not stored: they have no index rows, a search
/// looks into those of their parts.
extension SearchParameters {
  /// The parts of derived parameters, by the parameter's number.
  static func derivedParts(_ parameters: [[SearchParameter]], _ schema: Schema, _ ages: Ages? = nil)
    -> [Int32: [SearchParameter]]
  {
    var parts: [Int32: [SearchParameter]] = [:]
    for ofType in parameters {
      for (place, found) in derived(ofType, schema, ages) {
        parts[ofType[place].number] = found.map { part in
          guard let target = part.target else { return ofType[part.place] }
          return ofType[part.place].referring(to: target)
        }
      }
    }
    return parts
  }

  /// A parameter by its place among those of its type; with a target, its references to that.
  private struct Part {
    let place: Int
    var target: Schema.TypeID?
  }

  /// For each derived parameter of a type, by place, its parts.
  private static func derived(_ parameters: [SearchParameter], _ schema: Schema, _ ages: Ages?) -> [Int: [Part]] {
    guard let type = parameters.first?.resourceType else { return [:] }
    let forms = parameters.map { Form($0, schema.name(type), schema) }
    func branches(_ place: Int) -> Set<Form.Branch> { forms[place]?.branches ?? [] }
    let serving = parameters.indices.filter { forms[$0] != nil && ages?.mayServe(parameters[$0].number) ?? true }
    var derived: [Int: [Part]] = [:]
    // From the simplest on: whether a parameter can be a part is known before it is asked.
    for place in parameters.indices.sorted(by: { (branches($0).count, $0) < (branches($1).count, $1) }) {
      let candidates = serving.filter { candidate in
        candidate != place && derived[candidate] == nil
          && ages?.mayServe(parameters[candidate].number, parameters[place].number) ?? true
          && (branches(candidate).count, candidate) < (branches(place).count, place)
      }
      var rest = branches(place)
      var parts: [Part] = []
      for candidate in candidates.reversed().sorted(by: { branches($0).count > branches($1).count })
      where branches(candidate).isSubset(of: rest) {
        rest.subtract(branches(candidate))
        parts.append(Part(place: candidate))
      }
      for branch in rest {
        guard let (element, target) = branch.referring(schema),
          let whole = serving.first(where: { candidate in
            branches(candidate).count == 1 && branches(candidate).first?.isReference(element) ?? false
              && ages?.mayServe(parameters[candidate].number, parameters[place].number) ?? true
          })
        else { continue }
        rest.remove(branch)
        parts.append(Part(place: whole, target: target))
      }
      if rest.isEmpty && !parts.isEmpty { derived[place] = parts.sorted { $0.place < $1.place } }
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

      /// `Observation.subject.where(resolve() is Patient)`: the element and the type.
      func referring(_ schema: Schema) -> (element: String, target: Schema.TypeID)? {
        guard kind == .reference, expression.hasSuffix(")") else { return nil }
        let element = expression.components(before: ".where(resolve() is ")
        guard element != expression else { return nil }
        let type = expression.dropFirst(element.count + ".where(resolve() is ".count).dropLast()
        return schema.resourceType(String(type)).map { (element, $0) }
      }

      /// Whether it is the references of an element, all of them.
      func isReference(_ element: String) -> Bool { kind == .reference && expression == element }
    }

    let branches: Set<Branch>

    init?(_ parameter: SearchParameter, _ typeName: String, _ schema: Schema) {
      guard !parameter.isAnsweredByResource, let expression = parameter.definition.expression else { return nil }
      let components = parameter.definition.components.map { component in
        let kind = schema.searchParameter(url: component.definition).map { "\($0.type)" } ?? component.definition
        return "\(kind) \(component.expression)"
      }
      branches = Set(
        IndexPlan.branches(of: expression, for: typeName).map {
          Branch(
            kind: parameter.kind, expression: $0, targets: Set(parameter.definition.targets), components: components)
        })
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
