public import JSONCore

extension YAMLNode {
  /// A JSON text as the same tree, for what reads declarations to read it, too.
  /// - Throws: `ConfigurationError` with the place of the first fault.
  public init(json bytes: [UInt8], limits: YAMLLimits = YAMLLimits()) throws(ConfigurationError) {
    guard bytes.count <= limits.bytesMax else {
      throw ConfigurationError("the text is longer than \(limits.bytesMax) bytes", line: 1, column: 1)
    }
    var bounds = JSONLimits()
    bounds.depthMax = limits.depthMax
    bounds.nodesMax = limits.nodesMax
    let document: JSONDocument
    do throws(JSONError) {
      document = try JSONDocument(bytes, limits: bounds)
    } catch {
      throw ConfigurationError(error.message, line: error.line, column: error.column)
    }
    try self.init(document, document.root, depth: 0, limits)
  }

  private init(_ document: JSONDocument, _ node: JSONNode, depth: Int, _ limits: YAMLLimits) throws(ConfigurationError)
  {
    let (line, column) = document.position(ofOffset: document.range(node).lowerBound)
    guard depth <= limits.depthMax else {
      throw ConfigurationError("values are nested more than \(limits.depthMax) deep", line: line, column: column)
    }
    switch document.kind(node) {
    case .object:
      var members: [Member] = []
      var keys: Set<String> = []
      for (key, value) in document.members(node) {
        let place = document.position(ofOffset: document.range(key).lowerBound)
        guard let name = document.string(key), keys.insert(name).inserted else {
          throw ConfigurationError("this key stands here a second time", line: place.line, column: place.column)
        }
        let below = try YAMLNode(document, value, depth: depth + 1, limits)
        members.append(Member(key: name, line: place.line, column: place.column, value: below))
      }
      self.init(.mapping(members), line: line, column: column)
    case .array:
      var nodes: [YAMLNode] = []
      for element in document.elements(node) {
        nodes.append(try YAMLNode(document, element, depth: depth + 1, limits))
      }
      self.init(.sequence(nodes), line: line, column: column)
    case .string: self.init(.scalar(document.string(node) ?? "", isPlain: false), line: line, column: column)
    case .null, .true, .false, .number:
      self.init(
        .scalar(String(decoding: document.lexeme(node), as: UTF8.self), isPlain: true), line: line, column: column)
    }
  }

  /// As JSON: what is written without quotes and is `null`, `true`, `false` or a number of JSON's is that, all else is
  /// text (YAML 1.2 §10.2).
  public func write(to writer: inout JSONWriter) {
    switch content {
    case .scalar(let text, let isPlain):
      if isNull {
        writer.null()
      } else if isPlain, text == "true" || text == "false" {
        writer.bool(text == "true")
      } else if isPlain, Self.isNumber(text) {
        writer.number(lexeme: text)
      } else {
        writer.string(text)
      }
    case .sequence(let nodes):
      writer.beginArray()
      for node in nodes { node.write(to: &writer) }
      writer.endArray()
    case .mapping(let members):
      writer.beginObject()
      for member in members {
        writer.key(member.key)
        member.value.write(to: &writer)
      }
      writer.endObject()
    }
  }

  /// RFC 8259 §6.
  private static func isNumber(_ text: String) -> Bool {
    var rest = Substring(text).utf8
    func digits() -> Int {
      let count = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }.count
      rest = rest.dropFirst(count)
      return count
    }
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    let startsWithZero = rest.first == UInt8(ascii: "0")
    let whole = digits()
    guard whole > 0, !startsWithZero || whole == 1 else { return false }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      guard digits() > 0 else { return false }
    }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
      guard digits() > 0 else { return false }
    }
    return rest.isEmpty
  }

  /// This with a patch applied (RFC 7396, JSON Merge Patch).
  public func merging(_ patch: YAMLNode) -> YAMLNode {
    guard case .mapping(let changes) = patch.content else { return patch }
    var members: [Member] = []
    if case .mapping(let own) = content { members = own }
    for change in changes {
      let place = members.firstIndex { $0.key == change.key }
      if change.value.isNull {
        if let place { members.remove(at: place) }
      } else if let place {
        members[place].value = members[place].value.merging(change.value)
      } else {
        let nothing = YAMLNode(.scalar("", isPlain: true), line: change.line, column: change.column)
        var member = change
        member.value = nothing.merging(change.value)
        members.append(member)
      }
    }
    return YAMLNode(.mapping(members), line: line, column: column)
  }
}
