/// Why an expression could not be read or evaluated.
public struct FHIRPathError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The text is no FHIRPath.
    case syntax
    /// The text is FHIRPath, but names something that cannot be: an unknown function, type or element.
    case semantic
    /// The expression cannot be evaluated on this input, such as a comparison of a number with a string.
    case execution
    /// A limit was reached.
    case tooCostly
    /// The expression needs something this evaluation was not given, such as terminology.
    case unsupported
  }

  public let code: Code
  /// For the client that sent the expression; it may quote the expression, never data.
  public let message: String
  /// Byte offset in the expression.
  public let offset: Int

  public init(_ code: Code, _ message: String, at offset: Int) {
    self.code = code
    self.message = message
    self.offset = offset
  }

  public var description: String { "FHIRPath \(code.rawValue) error at byte \(offset)" }
}
