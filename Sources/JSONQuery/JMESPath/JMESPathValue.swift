public import JSONCore

/// A value during an evaluation: a node of the document, or something an expression made.
public indirect enum JMESPathValue: Sendable {
  /// A value of the document, not copied.
  case node(JSONNode)
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JMESPathValue])
  /// Members in order, with unique names.
  case object([(name: String, value: JMESPathValue)])

  /// The value of a node on its own, without its document.
  init(copying document: JSONDocument, _ node: JSONNode) {
    switch document.kind(node) {
    case .null: self = .null
    case .true: self = .bool(true)
    case .false: self = .bool(false)
    case .number: self = JSONNumber(lexeme: document.lexeme(node)).map { .number($0) } ?? .null
    case .string: self = .string(document.string(node) ?? "")
    case .array: self = .array(document.elements(node).map { JMESPathValue(copying: document, $0) })
    case .object:
      self = .object(
        document.members(node).map { (document.string($0.key) ?? "", JMESPathValue(copying: document, $0.value)) })
    }
  }
}

/// What an expression selects.
public enum JMESPathSelection: Sendable {
  /// One value, `null` if there is none.
  case value(JMESPathValue)
  /// The elements of a projection, each a value of its own.
  case projection([JMESPathValue])
}
