import JSONCore

/// Values looked at alike, whether they are nodes or made.
extension JMESPathEvaluation {
  enum Kind: String { case null, boolean, number, string, array, object }

  func kind(_ value: JMESPathValue) -> Kind {
    switch value {
    case .node(let node):
      switch document.kind(node) {
      case .null: .null
      case .true, .false: .boolean
      case .number: .number
      case .string: .string
      case .array: .array
      case .object: .object
      }
    case .null: .null
    case .bool: .boolean
    case .number: .number
    case .string: .string
    case .array: .array
    case .object: .object
    }
  }

  func isNull(_ value: JMESPathValue) -> Bool { kind(value) == .null }

  func number(_ value: JMESPathValue) -> JSONNumber? {
    switch value {
    case .node(let node): document.kind(node) == .number ? JSONNumber(lexeme: document.lexeme(node)) : nil
    case .number(let number): number
    default: nil
    }
  }

  func string(_ value: JMESPathValue) -> String? {
    switch value {
    case .node(let node): document.kind(node) == .string ? document.string(node) : nil
    case .string(let text): text
    default: nil
    }
  }

  /// The elements of an array; nil for any other value.
  mutating func elements(_ value: JMESPathValue) throws(JSONQueryError) -> [JMESPathValue]? {
    switch value {
    case .node(let node):
      guard document.kind(node) == .array else { return nil }
      try charge(document.count(node))
      return try bounded(document.elements(node).map { .node($0) })
    case .array(let elements):
      try charge(elements.count)
      return elements
    default: return nil
    }
  }

  /// The members of an object; nil for any other value.
  mutating func members(_ value: JMESPathValue) throws(JSONQueryError) -> [(name: String, value: JMESPathValue)]? {
    switch value {
    case .node(let node):
      guard document.kind(node) == .object else { return nil }
      try charge(document.count(node))
      return document.members(node).map { (document.string($0.key) ?? "", .node($0.value)) }
    case .object(let members):
      try charge(members.count)
      return members
    default: return nil
    }
  }

  /// False are null, false, and what is empty; zero is true.
  func truth(_ value: JMESPathValue) -> Bool {
    switch value {
    case .node(let node):
      switch document.kind(node) {
      case .null, .false: false
      case .true, .number: true
      case .string: !document.lexeme(node).isEmpty
      case .array, .object: document.count(node) > 0
      }
    case .null: false
    case .bool(let value): value
    case .number: true
    case .string(let text): !text.isEmpty
    case .array(let elements): !elements.isEmpty
    case .object(let members): !members.isEmpty
    }
  }

  mutating func compare(
    _ comparator: JMESPathComparator, _ left: JMESPathValue, _ right: JMESPathValue
  ) throws(JSONQueryError) -> JMESPathValue {
    switch comparator {
    case .equal: return .bool(try equal(left, right))
    case .notEqual: return .bool(!(try equal(left, right)))
    default: break
    }
    // Order is of numbers only; anything else is null.
    guard let a = number(left), let b = number(right) else { return .null }
    let order = JSONNumber.compare(a, b)
    switch comparator {
    case .less: return .bool(order < 0)
    case .lessOrEqual: return .bool(order <= 0)
    case .greater: return .bool(order > 0)
    default: return .bool(order >= 0)
    }
  }

  mutating func equal(_ left: JMESPathValue, _ right: JMESPathValue, depth: Int = 0) throws(JSONQueryError) -> Bool {
    try charge()
    guard depth < 1_024 else { throw JSONQueryError(.tooCostly, "the values are nested too deeply", at: 0) }
    let kind = kind(left)
    guard kind == self.kind(right) else { return false }
    switch kind {
    case .null: return true
    case .boolean: return truth(left) == truth(right)
    case .number:
      guard let a = number(left), let b = number(right) else { return false }
      return JSONNumber.compare(a, b) == 0
    case .string:
      guard let a = string(left), let b = string(right) else { return false }
      return a.utf8.elementsEqual(b.utf8)
    case .array:
      guard let a = try elements(left), let b = try elements(right), a.count == b.count else { return false }
      for (x, y) in zip(a, b) where !(try equal(x, y, depth: depth + 1)) { return false }
      return true
    case .object:
      guard let a = try members(left), let b = try members(right), a.count == b.count else { return false }
      let others = Dictionary(b, uniquingKeysWith: { $1 })
      for (name, value) in a {
        guard let other = others[name], try equal(value, other, depth: depth + 1) else { return false }
      }
      return true
    }
  }

  /// The value as compact JSON, charged by its length.
  mutating func json(_ value: JMESPathValue) throws(JSONQueryError) -> String {
    var bytes: [UInt8] = []
    try append(value, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private mutating func append(_ value: JMESPathValue, to bytes: inout [UInt8]) throws(JSONQueryError) {
    try charge()
    switch value {
    case .node(let node):
      document.appendCompact(node, to: &bytes)
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (place, element) in elements.enumerated() {
        if place > 0 { bytes.append(UInt8(ascii: ",")) }
        try append(element, to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (place, member) in members.enumerated() {
        if place > 0 { bytes.append(UInt8(ascii: ",")) }
        try append(.string(member.name), to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        try append(member.value, to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    case .null, .bool, .number, .string:
      var writer = JSONWriter()
      JMESPath.write(value, of: document, to: &writer)
      bytes += writer.bytes
    }
    guard bytes.count <= limits.stringBytesMax else {
      throw JSONQueryError(.tooCostly, "the expression makes too long a text", at: 0)
    }
  }
}
