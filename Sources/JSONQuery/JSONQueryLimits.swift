/// What an expression may cost. Every limit can be reached by a hostile expression, so each ends in a typed error.
public struct JSONQueryLimits: Sendable, Equatable {
  /// UTF-8 bytes of an expression.
  public var expressionBytesMax = 16 * 1024
  /// Height of the syntax tree: nesting of parentheses and arguments, and operators or steps in a row.
  public var expressionDepthMax = 192
  /// Evaluation steps: nodes visited, values made, values compared.
  public var stepsMax = 2_000_000
  /// Values of one result, and elements of one array an expression makes.
  public var resultsMax = 100_000
  /// UTF-8 bytes of one string an expression makes.
  public var stringBytesMax = 1 << 20
  /// Instructions of one compiled pattern of `=~`.
  public var patternInstructionsMax = 4_096

  public init() {}
}
