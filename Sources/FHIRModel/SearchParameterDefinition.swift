/// A search parameter of the release (resource SearchParameter), as published but for the repairs listed in
/// docs/internals/tables.md.
public struct SearchParameterDefinition: Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case composite, date, number, quantity, reference, special, string, token, uri
  }

  public struct Component: Sendable, Equatable {
    /// The component's definition: another parameter's canonical URL.
    public let definition: String
    /// FHIRPath, from each item of the composite parameter's own expression.
    public let expression: String

    public init(definition: String, expression: String) {
      self.definition = definition
      self.expression = expression
    }
  }

  /// The name in a URL: "birthdate", "_id".
  public let code: String
  /// The canonical URL.
  public let url: String
  public let name: String
  public let type: Kind
  /// The resource types it is for; Resource or DomainResource for those of all.
  public let base: [Schema.TypeID]
  /// FHIRPath that selects the values; nil for those without, such as `_content`. Alternatives for several types are
  /// joined by "|", each beginning with its type's name.
  public let expression: String?
  /// For references: the resource types of targets; empty for any.
  public let targets: [Schema.TypeID]
  public internal(set) var components: [Component]
  /// Prefixes the definition lists ("eq", "gt", …); empty if it lists none.
  public let comparators: [String]
  /// Modifiers the definition lists; empty if it lists none.
  public let modifiers: [String]
  /// Whether several values may be joined by a comma; nil if the definition does not say.
  public let multipleOr: Bool?
  /// Whether the parameter may be repeated; nil if the definition does not say.
  public let multipleAnd: Bool?
  /// How the expression is meant: "normal", "phonetic", "nearby", "distance", "other"; nil if the definition does not
  /// say.
  public let usage: String?
  /// The description, as one line.
  public let description: String

  /// A definition from elsewhere, such as a SearchParameter resource of the service.
  public init(
    code: String, url: String, name: String, type: Kind, base: [Schema.TypeID], expression: String?,
    targets: [Schema.TypeID] = [], components: [Component] = [], comparators: [String] = [], modifiers: [String] = [],
    multipleOr: Bool? = nil, multipleAnd: Bool? = nil, usage: String? = nil, description: String = ""
  ) {
    self.code = code
    self.url = url
    self.name = name
    self.type = type
    self.base = base
    self.expression = expression
    self.targets = targets
    self.components = components
    self.comparators = comparators
    self.modifiers = modifiers
    self.multipleOr = multipleOr
    self.multipleAnd = multipleAnd
    self.usage = usage
    self.description = description
  }
}

extension Schema {
  /// The search parameter with that canonical URL.
  public func searchParameter(url: String) -> SearchParameterDefinition? {
    searchParameterByURL[url].map { searchParameters[$0] }
  }

  /// The search parameters for resources of that type: its own and those of Resource and DomainResource, sorted by URL.
  /// For building an index of parameters; it looks at all.
  public func searchParameters(for type: TypeID) -> [SearchParameterDefinition] {
    searchParameters.filter { parameter in parameter.base.contains { isSubtype(type, of: $0) } }
  }
}
