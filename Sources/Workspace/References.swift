/// What a declaration leaves to its surroundings, so that no secret stands in it: `${NAME}` is a variable of the
/// environment, `file:PATH` the first line of a file. Only files are read so, never what comes over the network.
public struct References: Sendable {
  private let variable: @Sendable (String) -> String?
  private let file: @Sendable (String) -> String?

  /// - Parameters:
  ///   - variable: a variable's value, nil if there is none.
  ///   - file: the text of a file, nil if it cannot be read.
  public init(
    variable: @escaping @Sendable (String) -> String?, file: @escaping @Sendable (String) -> String?
  ) {
    self.variable = variable
    self.file = file
  }

  /// The tree with all references replaced.
  func resolved(_ node: YAMLNode) throws(ConfigurationError) -> YAMLNode {
    switch node.content {
    case .scalar(let text, let isPlain):
      guard text.hasPrefix("file:") || text.contains("${") else { return node }
      // What a reference stands for is a text or a number, as if it were written here.
      return YAMLNode(.scalar(try resolved(text, node), isPlain: isPlain), line: node.line, column: node.column)
    case .sequence(let nodes):
      var result: [YAMLNode] = []
      for node in nodes { result.append(try resolved(node)) }
      return YAMLNode(.sequence(result), line: node.line, column: node.column)
    case .mapping(let members):
      var result: [YAMLNode.Member] = []
      for var member in members {
        member.value = try resolved(member.value)
        result.append(member)
      }
      return YAMLNode(.mapping(result), line: node.line, column: node.column)
    }
  }

  private func resolved(_ text: String, _ node: YAMLNode) throws(ConfigurationError) -> String {
    if text.hasPrefix("file:") {
      let path = String(text.dropFirst(5))
      guard let content = file(path) else { throw ConfigurationError("cannot read the file '\(path)'", at: node) }
      let line = content.prefix { !$0.isNewline }
      guard !line.isEmpty else { throw ConfigurationError("the first line of '\(path)' is empty", at: node) }
      return String(line)
    }
    var result = ""
    var rest = text[...]
    while let start = rest.firstRange(of: "${") {
      let before = rest[..<start.lowerBound]
      guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
        throw ConfigurationError("'${' without '}'", at: node)
      }
      let name = String(rest[start.upperBound..<end])
      rest = rest[rest.index(after: end)...]
      // $${ stands for itself.
      if before.hasSuffix("$") {
        result += before + "{" + name + "}"
        continue
      }
      guard let value = variable(name) else {
        throw ConfigurationError("the environment has no variable '\(name)'", at: node)
      }
      result += before + value
    }
    return result + rest
  }
}
