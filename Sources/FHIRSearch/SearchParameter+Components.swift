public import FHIRModel

extension SearchParameter {
  /// A composite's components; nil where one is unknown, special, or a composite itself.
  static func components(
    of definition: SearchParameterDefinition, _ find: (String) -> SearchParameterDefinition?
  ) -> [SearchParameterDefinition]? {
    var found: [SearchParameterDefinition] = []
    for component in definition.components {
      guard let part = find(component.definition), part.type != .composite, part.type != .special else { return nil }
      found.append(part)
    }
    return found.count >= 2 ? found : nil
  }

  /// Whether a search can ask for it: all but composites of unknown parts, and special parameters other than `near`.
  public func isSearchable(_ schema: Schema) -> Bool {
    switch kind {
    case .composite: components != nil
    case .special: code == "near"
    default: true
    }
  }
}
