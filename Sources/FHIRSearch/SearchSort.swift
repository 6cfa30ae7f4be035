public import FHIRModel

/// One key of `_sort` (FHIR R4 search#sort).
///
/// Resources without a value come first ascending and last descending. Of several values the lowest counts ascending,
/// the highest descending; of a period its beginning.
public struct SearchSort: Sendable {
  /// The parameter as each searched type has it; empty for `_score`.
  public let parameters: [SearchParameter]
  public let isDescending: Bool

  /// How well the words of `_text` and `_content` match, which no parameter has.
  public var isByScore: Bool { parameters.isEmpty }
  public var code: String { parameters.first?.code ?? Self.score }
  public var kind: SearchParameter.Kind { parameters.first?.kind ?? .special }

  static let score = "_score"

  public init(parameters: [SearchParameter], isDescending: Bool) {
    self.parameters = parameters
    self.isDescending = isDescending
  }
}
