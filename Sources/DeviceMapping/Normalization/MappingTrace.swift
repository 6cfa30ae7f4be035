/// What a message does to a mapping, template by template, for who writes mappings.
public struct MappingTrace: Sendable {
  /// One expression on one match.
  public struct Value: Sendable, Equatable {
    /// `deviceIdExpression`, or a value's name.
    public let name: String
    public let expression: String
    public let language: String
    /// 1-based place of the expression in the mapping's text.
    public let line: Int
    public let column: Int
    /// What it gave, nil for nothing.
    public let result: String?
    public let failure: MappingFailure?
  }

  /// One match of a template's `typeMatchExpression`.
  public struct Match: Sendable {
    /// The matched token as JSON.
    public let token: String
    public let values: [Value]
    public let measurement: Measurement?
    public let failure: MappingFailure?
  }

  public struct Template: Sendable {
    /// Its place in the collection, from 0.
    public let index: Int
    public let templateType: String
    public let typeName: String
    public let matches: [Match]
    /// Why the match itself could not be made.
    public let failure: MappingFailure?

    public var isMatched: Bool { !matches.isEmpty }
  }

  public let templates: [Template]

  public var measurements: [Measurement] { templates.flatMap { $0.matches.compactMap(\.measurement) } }
  public var failures: [MappingFailure] {
    templates.flatMap { template in [template.failure].compactMap(\.self) + template.matches.compactMap(\.failure) }
  }
}
