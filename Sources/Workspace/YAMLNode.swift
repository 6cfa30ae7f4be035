/// A value of a YAML or JSON text, and where it stands.
public struct YAMLNode: Sendable {
  public enum Content: Sendable {
    /// `isPlain`: written without quotes, so that it may be a number, `true`, `false` or nothing at all.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLNode])
    /// In the order of the text; no key stands there twice.
    case mapping([Member])
  }

  public struct Member: Sendable {
    public var key: String
    /// Where the key stands.
    public var line: Int
    public var column: Int
    public var value: YAMLNode
  }

  public var content: Content
  /// 1-based.
  public var line: Int
  /// 1-based.
  public var column: Int
  /// Nodes of the whole tree below, this one included.
  let size: Int
  /// Floors of the tree, this one included.
  let height: Int

  init(_ content: Content, line: Int, column: Int) {
    self.content = content
    self.line = line
    self.column = column
    switch content {
    case .scalar: (size, height) = (1, 1)
    case .sequence(let nodes): (size, height) = Self.measure(nodes)
    case .mapping(let members): (size, height) = Self.measure(members.map(\.value))
    }
  }

  private static func measure(_ nodes: [YAMLNode]) -> (size: Int, height: Int) {
    (nodes.reduce(1) { $0 + $1.size }, 1 + (nodes.map(\.height).max() ?? 0))
  }

  /// Nothing: `null`, `~` or no value at all (YAML 1.2 §10.3.2).
  public var isNull: Bool {
    guard case .scalar(let text, isPlain: true) = content else { return false }
    return text.isEmpty || text == "~" || text == "null"
  }

  /// A mapping's value; nil also where this is no mapping.
  public subscript(key: String) -> YAMLNode? {
    guard case .mapping(let members) = content else { return nil }
    return members.first { $0.key == key }?.value
  }

  /// What it is, for a message.
  var kind: String {
    switch content {
    case .scalar: isNull ? "nothing" : "a single value"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}
