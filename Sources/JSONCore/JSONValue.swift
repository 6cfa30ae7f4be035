/// A node together with its document: the comfortable form, for code that is not on a hot path.
public struct JSONValue: Sendable {
  public let document: JSONDocument
  public let node: JSONNode

  public init(_ document: JSONDocument, _ node: JSONNode) {
    self.document = document
    self.node = node
  }

  public init(_ document: JSONDocument) { self.init(document, document.root) }

  public var kind: JSONKind { document.kind(node) }
  public var count: Int { document.count(node) }
  public var string: String? { document.string(node) }
  public var integer: Int? { document.integer(node) }
  public var bool: Bool? { document.bool(node) }
  /// The value as compact JSON text.
  public var json: [UInt8] {
    var bytes: [UInt8] = []
    document.appendCompact(node, to: &bytes)
    return bytes
  }

  /// A member of an object, nil if absent.
  public subscript(key: JSONKey) -> JSONValue? { document.member(node, key).map { JSONValue(document, $0) } }

  /// An element of an array, nil past its end.
  public subscript(index: Int) -> JSONValue? {
    var rest = index
    for element in document.elements(node) {
      if rest == 0 { return JSONValue(document, element) }
      rest -= 1
    }
    return nil
  }

  /// An array's elements; none for any other value.
  public var elements: [JSONValue] { document.elements(node).map { JSONValue(document, $0) } }

  /// An object's members with their names decoded; none for any other value.
  public var members: [(name: String, value: JSONValue)] {
    document.members(node).map { (document.string($0.key) ?? "", JSONValue(document, $0.value)) }
  }
}

extension JSONDocument {
  /// The outermost value in its comfortable form.
  public var value: JSONValue { JSONValue(self) }
}
