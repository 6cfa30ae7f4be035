/// Reads a mapping by its keys, all of which are known.
struct ConfigurationMapping {
  let node: YAMLNode
  private let members: [String: YAMLNode]

  /// - Parameters:
  ///   - keys: those there are.
  ///   - refused: keys of existing definitions that stand for what is not there, with the reason; they may be empty or
  ///     say that it is off.
  init(_ node: YAMLNode, keys: [String], refused: [String: String] = [:]) throws(ConfigurationError) {
    self.node = node
    guard case .mapping(let list) = node.content else {
      guard node.isNull else { throw ConfigurationError("expected a mapping of keys, not \(node.kind)", at: node) }
      members = [:]
      return
    }
    for member in list where !keys.contains(member.key) {
      guard let reason = refused[member.key] else { throw Self.unknown(member, keys) }
      guard Self.isOff(member.value) else {
        throw ConfigurationError(
          "'\(member.key)' cannot be served: \(reason)", line: member.line, column: member.column)
      }
    }
    members = Dictionary(list.map { ($0.key, $0.value) }) { first, _ in first }
  }

  /// Nothing, an empty list or mapping, `false`, `0`, or one whose members all are that.
  private static func isOff(_ node: YAMLNode) -> Bool {
    switch node.content {
    case .scalar(let text, let isPlain): node.isNull || text.isEmpty || isPlain && (text == "false" || text == "0")
    case .sequence(let nodes): nodes.isEmpty
    case .mapping(let members): members.allSatisfy { isOff($0.value) }
    }
  }

  private static func unknown(_ member: YAMLNode.Member, _ keys: [String]) -> ConfigurationError {
    let nearest = keys.map { (key: $0, distance: distance($0, member.key)) }.min { $0.distance < $1.distance }
    var message = "the key '\(member.key)' is not known"
    if let nearest, nearest.distance <= max(2, member.key.count / 3) {
      message += "; did you mean '\(nearest.key)'?"
    } else {
      message += "; there are \(keys.joined(separator: ", "))"
    }
    return ConfigurationError(message, line: member.line, column: member.column)
  }

  /// Letters to insert, delete, replace or exchange with the next one (optimal string alignment), whatever their case
  /// and without hyphens.
  static func distance(_ a: String, _ b: String) -> Int {
    let a = Array(a.lowercased().utf8.filter { $0 != UInt8(ascii: "-") }.prefix(64))
    let b = Array(b.lowercased().utf8.filter { $0 != UInt8(ascii: "-") }.prefix(64))
    var before: [Int] = []
    var above = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var best = min(above[j + 1] + 1, row[j] + 1, above[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, before[j - 1] + 1) }
        row.append(best)
      }
      (before, above) = (above, row)
    }
    return above[b.count]
  }

  // MARK: Values

  /// nil where the key is missing or has nothing.
  func value(_ key: String) -> YAMLNode? { members[key].flatMap { $0.isNull ? nil : $0 } }

  func string(_ key: String) throws(ConfigurationError) -> String? {
    guard let value = value(key) else { return nil }
    return try Self.string(value, "'\(key)'")
  }

  func required(_ key: String, _ meaning: String) throws(ConfigurationError) -> String {
    guard let text = try string(key), !text.isEmpty else {
      throw ConfigurationError("'\(key)' is missing: \(meaning)", at: node)
    }
    return text
  }

  private static func string(_ value: YAMLNode, _ what: String) throws(ConfigurationError) -> String {
    guard case .scalar(let text, _) = value.content, !value.isNull else {
      throw ConfigurationError("\(what) is a text, not \(value.kind)", at: value)
    }
    return text
  }

  func bool(_ key: String) throws(ConfigurationError) -> Bool? {
    guard let value = value(key) else { return nil }
    guard case .scalar(let text, _) = value.content, text == "true" || text == "false" else {
      throw ConfigurationError("'\(key)' is true or false", at: value)
    }
    return text == "true"
  }

  func integer(_ key: String, _ range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
    guard let value = value(key) else { return nil }
    guard case .scalar(let text, _) = value.content, let number = Int(text), range.contains(number) else {
      let bounds =
        range.upperBound == .max ? "above \(range.lowerBound - 1)" : "from \(range.lowerBound) to \(range.upperBound)"
      throw ConfigurationError("'\(key)' is a whole number \(bounds)", at: value)
    }
    return number
  }

  /// A list of texts; a single text is a list of one.
  func strings(_ key: String) throws(ConfigurationError) -> [String]? {
    guard let value = value(key) else { return nil }
    guard case .sequence(let nodes) = value.content else { return [try Self.string(value, "'\(key)'")] }
    var result: [String] = []
    for node in nodes { result.append(try Self.string(node, "an item of '\(key)'")) }
    return result
  }

  func ranges(_ key: String) throws(ConfigurationError) -> [AddressRange]? {
    guard let value = value(key), let texts = try strings(key) else { return nil }
    var result: [AddressRange] = []
    for text in texts {
      guard let range = AddressRange(text) else {
        throw ConfigurationError("'\(text)' is no IP address or range of addresses as in 10.0.0.0/8", at: value)
      }
      result.append(range)
    }
    return result
  }

  /// A list of mappings.
  func list(_ key: String) throws(ConfigurationError) -> [YAMLNode] {
    guard let value = value(key) else { return [] }
    guard case .sequence(let nodes) = value.content else {
      throw ConfigurationError("'\(key)' is a list, not \(value.kind)", at: value)
    }
    return nodes
  }

  func choice<Choice: RawRepresentable & CaseIterable>(_ key: String) throws(ConfigurationError) -> Choice?
  where Choice.RawValue == String {
    guard let value = value(key) else { return nil }
    guard case .scalar(let text, _) = value.content, let choice = Choice(rawValue: text) else {
      let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw ConfigurationError("'\(key)' is one of \(names)", at: value)
    }
    return choice
  }

  /// A mapping of names to texts.
  func texts(_ key: String) throws(ConfigurationError) -> [String: String]? {
    guard let value = value(key) else { return nil }
    guard case .mapping(let members) = value.content else {
      throw ConfigurationError("'\(key)' is a mapping of names to texts, not \(value.kind)", at: value)
    }
    var result: [String: String] = [:]
    for member in members { result[member.key] = try Self.string(member.value, "'\(member.key)'") }
    return result
  }
}
