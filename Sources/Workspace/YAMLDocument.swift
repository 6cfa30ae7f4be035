import CYAML

/// How much a declaration may be.
public struct YAMLLimits: Sendable {
  public var bytesMax = 1 << 20
  /// Floors of nested lists and mappings.
  public var depthMax = 32
  /// Values, those counted again that an alias stands for: what a few lines of aliases can come to is bounded.
  public var nodesMax = 50_000

  public init() {}
}

/// A YAML text with one document, as a tree that knows its lines (YAML 1.1 as libyaml reads it).
///
/// It is stricter than YAML: no key stands twice in a mapping, keys are single values, there are no tags but YAML's
/// own, and whatever a value is taken for is the reader's to say; so `no` is a text where a text is wanted.
public struct YAMLDocument: Sendable {
  public let root: YAMLNode

  /// - Throws: `ConfigurationError` for the first thing that is wrong.
  public init(_ text: String, limits: YAMLLimits = YAMLLimits()) throws(ConfigurationError) {
    let bytes = Array(text.utf8)
    guard bytes.count <= limits.bytesMax else {
      throw ConfigurationError("the text is longer than \(limits.bytesMax) bytes", line: 1, column: 1)
    }
    let result = bytes.withUnsafeBufferPointer { buffer in
      Result { () throws(ConfigurationError) in try Self.parse(buffer, limits) }
    }
    root = try result.get()
  }

  private static func parse(_ bytes: UnsafeBufferPointer<UInt8>, _ limits: YAMLLimits) throws(ConfigurationError)
    -> YAMLNode
  {
    // The parser keeps its own address.
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    defer { parser.deallocate() }
    guard yaml_parser_initialize(parser) == 1 else {
      throw ConfigurationError("there is no memory to read it", line: 1, column: 1)
    }
    defer { yaml_parser_delete(parser) }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    var builder = YAMLTreeBuilder(limits)
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(parser, &event) == 1 else { throw failure(parser.pointee) }
      defer { yaml_event_delete(&event) }
      if event.type == YAML_STREAM_END_EVENT { break }
      try builder.take(event)
    }
    return builder.root ?? YAMLNode(.scalar("", isPlain: true), line: 1, column: 1)
  }

  private static func failure(_ parser: yaml_parser_t) -> ConfigurationError {
    let problem = parser.problem.map { String(cString: $0) } ?? "it is no YAML"
    if parser.error == YAML_READER_ERROR {
      return ConfigurationError("\(problem) (byte \(parser.problem_offset))", line: 1, column: 1)
    }
    let context = parser.context.map { " \(String(cString: $0))" } ?? ""
    return ConfigurationError(
      "\(problem)\(context)", line: Int(parser.problem_mark.line) + 1, column: Int(parser.problem_mark.column) + 1)
  }
}

/// Puts a tree together from a parser's events, without recursion.
private struct YAMLTreeBuilder {
  /// A list or mapping that is not ended.
  private struct Open {
    var line: Int
    var column: Int
    var anchor: String?
    var isMapping: Bool
    var elements: [YAMLNode] = []
    var members: [YAMLNode.Member] = []
    var keys: Set<String> = []
    var key: YAMLNode?
  }

  private(set) var root: YAMLNode?
  private let limits: YAMLLimits
  private var open: [Open] = []
  private var anchors: [String: YAMLNode] = [:]
  private var count = 0

  init(_ limits: YAMLLimits) { self.limits = limits }

  mutating func take(_ event: yaml_event_t) throws(ConfigurationError) {
    let (line, column) = (Int(event.start_mark.line) + 1, Int(event.start_mark.column) + 1)
    switch event.type {
    case YAML_DOCUMENT_START_EVENT:
      guard root == nil else { throw ConfigurationError("a second document begins", line: line, column: column) }
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      try check(tag: scalar.tag, line, column)
      let text = String(
        decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE && scalar.tag == nil
      try add(YAMLNode(.scalar(text, isPlain: isPlain), line: line, column: column), anchor: Self.text(scalar.anchor))
    case YAML_ALIAS_EVENT:
      let name = Self.text(event.data.alias.anchor) ?? ""
      guard var node = anchors[name] else {
        throw ConfigurationError("no value before this is named '&\(name)'", line: line, column: column)
      }
      (node.line, node.column) = (line, column)
      try add(node, anchor: nil)
    case YAML_SEQUENCE_START_EVENT:
      let start = event.data.sequence_start
      try check(tag: start.tag, line, column)
      try begin(Open(line: line, column: column, anchor: Self.text(start.anchor), isMapping: false))
    case YAML_MAPPING_START_EVENT:
      let start = event.data.mapping_start
      try check(tag: start.tag, line, column)
      try begin(Open(line: line, column: column, anchor: Self.text(start.anchor), isMapping: true))
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
      guard let done = open.popLast() else { return }
      let content: YAMLNode.Content = done.isMapping ? .mapping(done.members) : .sequence(done.elements)
      try add(YAMLNode(content, line: done.line, column: done.column), anchor: done.anchor, isCounted: true)
    default: break
    }
  }

  private mutating func begin(_ container: Open) throws(ConfigurationError) {
    guard open.count < limits.depthMax else {
      throw ConfigurationError(
        "lists and mappings are nested more than \(limits.depthMax) deep", line: container.line,
        column: container.column)
    }
    try countUp(1, container.line, container.column)
    open.append(container)
  }

  private mutating func add(_ node: YAMLNode, anchor: String?, isCounted: Bool = false) throws(ConfigurationError) {
    if !isCounted { try countUp(node.size, node.line, node.column) }
    guard open.count + node.height <= limits.depthMax + 1 else {
      throw ConfigurationError("lists and mappings are nested more than \(limits.depthMax) deep", at: node)
    }
    if let anchor { anchors[anchor] = node }
    guard let place = open.indices.last else {
      root = node
      return
    }
    guard open[place].isMapping else { return open[place].elements.append(node) }
    guard let key = open[place].key else { return try take(key: node, at: place) }
    guard case .scalar(let name, _) = key.content else { return }
    open[place].members.append(YAMLNode.Member(key: name, line: key.line, column: key.column, value: node))
    open[place].key = nil
  }

  private mutating func take(key: YAMLNode, at place: Int) throws(ConfigurationError) {
    guard case .scalar(let name, _) = key.content else {
      throw ConfigurationError("a key is a single value, not \(key.kind)", at: key)
    }
    guard open[place].keys.insert(name).inserted else {
      throw ConfigurationError("the key '\(name)' stands here a second time", at: key)
    }
    open[place].key = key
  }

  private mutating func countUp(_ more: Int, _ line: Int, _ column: Int) throws(ConfigurationError) {
    count += more
    guard count <= limits.nodesMax else {
      throw ConfigurationError(
        "there are more than \(limits.nodesMax) values, those counted that aliases stand for", line: line,
        column: column)
    }
  }

  /// YAML 1.2 §10.1: what a tag of one's own means is anybody's guess.
  private func check(tag: UnsafeMutablePointer<yaml_char_t>?, _ line: Int, _ column: Int) throws(ConfigurationError) {
    guard let tag = Self.text(tag),
      !["tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"].contains(tag)
    else { return }
    throw ConfigurationError("tags such as '\(tag)' mean nothing here", line: line, column: column)
  }

  private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: $0) }
  }
}
