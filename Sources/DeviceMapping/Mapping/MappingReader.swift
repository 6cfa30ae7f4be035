import JSONCore

/// Reads a mapping as existing services do: names of members in any case, texts for numbers and booleans where they
/// say the same; and gathers what is wrong instead of stopping at the first fault.
struct MappingReader {
  let document: JSONDocument
  private(set) var problems: [MappingProblem] = []
  /// The template at hand.
  var template: Int?
  var typeName: String?

  init(_ document: JSONDocument) { self.document = document }

  // MARK: - Problems

  func position(_ node: JSONNode) -> (line: Int, column: Int) {
    document.position(ofOffset: document.range(node).lowerBound)
  }

  mutating func report(
    _ message: String, at node: JSONNode, _ field: String? = nil, severity: MappingProblem.Severity = .error
  ) {
    let (line, column) = position(node)
    problems.append(
      MappingProblem(
        severity, message, line: line, column: column, template: template, typeName: typeName, field: field))
  }

  /// The offset inside a string's content is near the place of an expression's fault, exact if nothing is escaped.
  mutating func report(_ message: String, in node: JSONNode, offset: Int, _ field: String) {
    let start = document.range(node).lowerBound + 1
    let (line, column) = document.position(ofOffset: start + (document.hasEscapes(node) ? 0 : offset))
    problems.append(
      MappingProblem(
        .error, message, line: line, column: column, template: template, typeName: typeName, field: field))
  }

  // MARK: - Members

  /// The member of this name, in this case before any other.
  func member(_ object: JSONNode, _ name: String) -> JSONNode? {
    if let exact = document.member(object, JSONKey(name)) { return exact }
    let wanted = name.lowercased()
    for (key, value) in document.members(object) where document.string(key)?.lowercased() == wanted { return value }
    return nil
  }

  /// The member of this name unless it is null or absent, which is a problem if it is required.
  mutating func value(_ object: JSONNode, _ name: String, _ field: String, isRequired: Bool = false) -> JSONNode? {
    guard let value = member(object, name) else {
      if isRequired { report("Required property '\(field)' not found in JSON.", at: object, field) }
      return nil
    }
    guard document.kind(value) != .null else {
      if isRequired { report("Required property '\(field)' is null.", at: value, field) }
      return nil
    }
    return value
  }

  mutating func text(_ object: JSONNode, _ name: String, _ field: String, isRequired: Bool = false) -> String? {
    guard let node = value(object, name, field, isRequired: isRequired) else { return nil }
    switch document.kind(node) {
    case .string: return document.string(node)
    case .number, .true, .false: return String(decoding: document.lexeme(node), as: UTF8.self)
    default:
      report("Property '\(field)' must be a text.", at: node, field)
      return nil
    }
  }

  mutating func bool(_ object: JSONNode, _ name: String, _ field: String) -> Bool {
    guard let node = value(object, name, field) else { return false }
    switch document.kind(node) {
    case .true: return true
    case .false: return false
    case .string where document.string(node)?.lowercased() == "true": return true
    case .string where document.string(node)?.lowercased() == "false": return false
    case .number: return document.integer(node) != 0
    default:
      report("Property '\(field)' must be true or false.", at: node, field)
      return false
    }
  }

  mutating func array(_ object: JSONNode, _ name: String, _ field: String, isRequired: Bool = false) -> [JSONNode]? {
    guard let node = value(object, name, field, isRequired: isRequired) else { return nil }
    guard document.kind(node) == .array else {
      report("Property '\(field)' must be an array.", at: node, field)
      return nil
    }
    return Array(document.elements(node))
  }

  mutating func isObject(_ node: JSONNode, _ field: String) -> Bool {
    if document.kind(node) == .object { return true }
    report("Property '\(field)' must be an object.", at: node, field)
    return false
  }

  /// Existing services refuse members they do not know: a misspelt one would be without effect.
  mutating func checkMembers(_ object: JSONNode, _ known: [String], _ prefix: String = "") {
    for (key, _) in document.members(object) {
      let name = document.string(key) ?? ""
      if !known.contains(where: { $0.lowercased() == name.lowercased() }) {
        report("There is no property '\(prefix + name)' here.", at: key, prefix + name)
      }
    }
  }

  // MARK: - Collections

  /// The templates of a collection: each one's type, its content and its whole.
  mutating func templates(
    _ collection: String, max: Int
  ) -> [(type: String, content: JSONNode?, container: JSONNode)] {
    let root = document.root
    guard document.kind(root) == .object else {
      report("A mapping is an object with templateType and template.", at: root)
      return []
    }
    let type = text(root, "templateType", "templateType") ?? ""
    guard MappingReader.isType(type, collection) else {
      let node = member(root, "templateType") ?? root
      report("Expected templateType '\(collection)', found '\(type)'.", at: node, "templateType")
      return []
    }
    guard let template = member(root, "template"), document.kind(template) == .array else {
      report("Expected an array as the template of '\(collection)'.", at: member(root, "template") ?? root, "template")
      return []
    }
    guard document.count(template) <= max else {
      report("The mapping has more than \(max) templates.", at: template, "template")
      return []
    }
    var templates: [(type: String, content: JSONNode?, container: JSONNode)] = []
    for (place, container) in document.elements(template).enumerated() {
      self.template = place
      guard isObject(container, "template[\(place)]") else { continue }
      templates.append(
        (text(container, "templateType", "templateType") ?? "", member(container, "template"), container))
    }
    self.template = nil
    return templates
  }

  /// Whether a type is this one: in any case, with or without "Template" behind it.
  static func isType(_ type: String, _ name: String, takesSuffix: Bool = true) -> Bool {
    let (type, name) = (type.lowercased(), name.lowercased())
    return type == name || takesSuffix && type == name + "template"
  }
}

extension MappingReader {
  /// Without the mark that some editors put before UTF-8.
  static func parse(_ bytes: [UInt8]) throws(MappingError) -> JSONDocument {
    let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    do {
      return try JSONDocument(content)
    } catch {
      throw MappingError([MappingProblem(.error, error.message, line: error.line, column: error.column)])
    }
  }
}
