/// What an expression may cost. Every limit can be reached by a hostile expression, so each has its own error.
public struct FHIRPathLimits: Sendable, Equatable {
  /// UTF-8 bytes of an expression.
  public var expressionBytesMax = 16 * 1024
  /// Height of the syntax tree: nesting of parentheses and arguments, and operators or steps in a row.
  public var expressionDepthMax = 192
  /// Evaluation steps: operators evaluated, items made, items compared.
  public var stepsMax = 5_000_000
  /// Items of one collection.
  public var itemsMax = 200_000
  /// UTF-8 bytes of one string an expression makes.
  public var stringBytesMax = 1 << 20
  /// Instructions of one compiled pattern of `matches` and its kin.
  public var patternInstructionsMax = 4_096

  public init() {}
}
