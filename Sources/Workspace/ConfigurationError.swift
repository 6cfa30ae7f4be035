/// What is wrong with a declaration, and where.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// nil for what did not come from a file.
  public var file: String?
  /// 1-based.
  public let line: Int
  /// 1-based, in characters.
  public let column: Int
  /// For whoever wrote it; it may quote them.
  public let message: String

  public init(_ message: String, line: Int, column: Int, file: String? = nil) {
    self.message = message
    self.line = line
    self.column = column
    self.file = file
  }

  init(_ message: String, at node: YAMLNode) { self.init(message, line: node.line, column: node.column) }

  public var description: String {
    file.map { "\($0):\(line):\(column): \(message)" } ?? "line \(line), column \(column): \(message)"
  }
}
