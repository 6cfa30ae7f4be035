/// Why a text is not the JSON we accept (RFC 8259, with unique member names), and where.
///
/// The message is for the sender of the text; it quotes no content beyond a member name's place.
public struct JSONError: Error, Sendable, Equatable {
  public enum Code: String, Sendable {
    case empty, unexpectedEnd, unexpectedCharacter, invalidNumber, invalidLiteral, invalidEscape, controlCharacter
    case invalidUTF8, duplicateKey, trailingContent, tooDeep, tooManyNodes, tooLarge
  }

  public let code: Code
  /// 1-based line, counted by line feeds.
  public let line: Int
  /// 1-based column in bytes.
  public let column: Int
  /// 0-based byte offset.
  public let offset: Int

  public init(code: Code, line: Int, column: Int, offset: Int) {
    self.code = code
    self.line = line
    self.column = column
    self.offset = offset
  }

  /// What is wrong, for the sender.
  public var message: String {
    let what: String
    switch code {
    case .empty: what = "The text is empty; a JSON value was expected"
    case .unexpectedEnd: what = "The JSON text ends before its value is complete"
    case .unexpectedCharacter: what = "Unexpected character in JSON"
    case .invalidNumber: what = "Invalid JSON number"
    case .invalidLiteral: what = "Invalid JSON literal; true, false or null was expected"
    case .invalidEscape: what = "Invalid escape sequence in a JSON string"
    case .controlCharacter: what = "Control character in a JSON string; it must be escaped"
    case .invalidUTF8: what = "Invalid UTF-8"
    case .duplicateKey: what = "A JSON object has the same member name twice"
    case .trailingContent: what = "Content after the end of the JSON value"
    case .tooDeep: what = "The JSON is nested too deeply"
    case .tooManyNodes: what = "The JSON has too many values"
    case .tooLarge: what = "The JSON text is too large"
    }
    return "\(what) (line \(line), column \(column))."
  }
}

extension JSONError: CustomStringConvertible {
  public var description: String { "JSONError(\(code.rawValue), line \(line), column \(column))" }
}

/// What a JSON text may cost.
public struct JSONLimits: Sendable, Equatable {
  /// Nested arrays and objects.
  public var depthMax = 128
  /// Values and member names together.
  public var nodesMax = 8_000_000

  public init() {}
}
