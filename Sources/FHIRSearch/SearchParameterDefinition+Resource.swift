public import FHIRModel
public import JSONCore

extension SearchParameterDefinition {
  /// Reads a SearchParameter resource (FHIR R4 searchparameter.html).
  /// - Returns: nil where something is missing that a search needs, or names a type or kind that there is not.
  public init?(_ resource: JSONValue, _ schema: Schema) {
    guard let code = resource["code"]?.string, let url = resource["url"]?.string,
      let type = resource["type"]?.string.flatMap({ Kind(rawValue: $0) }),
      let expression = resource["expression"]?.string, let bases = resource["base"]?.elements, !bases.isEmpty
    else { return nil }
    let base = bases.compactMap { $0.string.flatMap { schema.type($0) } }
    guard base.count == bases.count, base.allSatisfy({ schema.kind($0) == .resource }) else { return nil }
    self.init(
      code: code, url: url, name: resource["name"]?.string ?? code, type: type, base: base, expression: expression,
      targets: (resource["target"]?.elements ?? []).compactMap { $0.string.flatMap { schema.resourceType($0) } },
      components: (resource["component"]?.elements ?? []).compactMap { Component($0) },
      comparators: (resource["comparator"]?.elements ?? []).compactMap { $0.string },
      modifiers: (resource["modifier"]?.elements ?? []).compactMap { $0.string },
      multipleOr: resource["multipleOr"]?.bool, multipleAnd: resource["multipleAnd"]?.bool,
      description: Self.line(resource["description"]?.string ?? ""))
  }

  private static func line(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  /// The concrete resource types it is for.
  public func resourceTypes(_ schema: Schema) -> [Schema.TypeID] {
    schema.resourceTypes.filter { type in base.contains { schema.isSubtype(type, of: $0) } }
  }

  /// Whether it says the same as another about a resource, so that what is indexed for one serves the other.
  public func indexesLike(_ other: SearchParameterDefinition) -> Bool {
    type == other.type && code == other.code && expression == other.expression && components == other.components
      && (targets.count == 1 ? targets : []) == (other.targets.count == 1 ? other.targets : [])
  }

  /// Whether another definition under the same code may stand beside it on a resource type: both are of one kind, and
  /// what one selects there is all or a part of what the other does.
  public func agrees(with other: SearchParameterDefinition, on type: Schema.TypeID, _ schema: Schema) -> Bool {
    guard self.type == other.type, components == other.components else { return false }
    let own = Self.paths(expression ?? "", type, schema)
    let others = Self.paths(other.expression ?? "", type, schema)
    return own.isSubset(of: others) || others.isSubset(of: own)
  }

  /// The branches of an expression without the type they start at.
  private static func paths(_ expression: String, _ type: Schema.TypeID, _ schema: Schema) -> Set<String> {
    let branches = IndexPlan.branches(of: expression, for: schema.name(type))
    return Set(
      branches.map { branch in
        let bare = branch.filter { $0 != " " && $0 != "(" && $0 != ")" }
        for root in [schema.name(type), "Resource", "DomainResource"] where bare.hasPrefix(root + ".") {
          return String(bare.dropFirst(root.count + 1))
        }
        return bare
      })
  }
}

extension SearchParameterDefinition.Component {
  init?(_ component: JSONValue) {
    // STU3 has a Reference where later releases have a canonical.
    let definition = component["definition"]
    guard let url = definition?.string ?? definition?["reference"]?.string,
      let expression = component["expression"]?.string
    else { return nil }
    self.init(definition: url, expression: expression)
  }
}
