/// Why an expression could not be read or evaluated.
public struct JSONQueryError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The text is no expression of the language.
    case syntax
    /// A function that does not exist.
    case unknownFunction
    /// A function with too few or too many arguments.
    case invalidArity
    /// A function or operator does not take a value of this type.
    case invalidType
    /// A value of the right type that cannot be: a step of zero, a division by zero.
    case invalidValue
    /// Several values where one was expected.
    case multipleResults
    /// A limit was reached.
    case tooCostly
  }

  public let code: Code
  /// For the client that sent the expression; it may quote the expression, never data.
  public let message: String
  /// Byte offset in the expression.
  public let offset: Int
  /// 1-based line in the expression.
  public let line: Int
  /// 1-based column in the expression, in bytes.
  public let column: Int

  public init(_ code: Code, _ message: String, at offset: Int, line: Int = 1, column: Int? = nil) {
    self.code = code
    self.message = message
    self.offset = offset
    self.line = line
    self.column = column ?? offset + 1
  }

  /// The same error with line and column counted in its expression.
  func located(in expression: String) -> JSONQueryError {
    var line = 1
    var start = 0
    for (place, byte) in expression.utf8.prefix(offset).enumerated() where byte == 0x0A {
      line += 1
      start = place + 1
    }
    return JSONQueryError(code, message, at: offset, line: line, column: offset - start + 1)
  }

  public var description: String { "JSON query \(code.rawValue) error at byte \(offset)" }
}
