import FHIRModel
import FHIRSearch
import JSONCore

/// What a resource says in words, for full-text search (FHIR R4 search §2.1.1.5.7): its narratives, and all other text.
///
/// Text is what the standard types as string, markdown or code; ids, URLs, dates, base64 and the text of references
/// are none. It is folded as strings are for search by prefix, so that both find the same spellings.
struct ResourceText: Equatable {
  /// The text of every `Narrative`.
  let narrative: String
  /// All other text.
  let content: String

  /// Bytes of one resource's text; what is behind them is not found.
  static let bytesMax = 1 << 20

  init(_ document: JSONDocument, _ schema: Schema) {
    var walk = TextWalk(document, schema)
    walk.resource(document.root, depth: 0)
    narrative = TextFolding.fold(String(decoding: walk.narrative, as: UTF8.self))
    content = TextFolding.fold(String(decoding: walk.content, as: UTF8.self))
  }
}

/// One walk over one resource, led by the standard's types.
private struct TextWalk {
  let document: JSONDocument
  let schema: Schema
  let reference: Schema.TypeID?
  let element: Schema.TypeID?
  var narrative: [UInt8] = []
  var content: [UInt8] = []
  private var scratch: [UInt8] = []

  /// Deeper than this no resource is stored.
  private static let depthMax = 256
  private static let resourceType: JSONKey = "resourceType"
  private static let referenceKey: JSONKey = "reference"

  init(_ document: JSONDocument, _ schema: Schema) {
    self.document = document
    self.schema = schema
    reference = schema.type("Reference")
    element = schema.type("Element")
  }

  private var isFull: Bool { narrative.count + content.count >= ResourceText.bytesMax }

  mutating func resource(_ node: JSONNode, depth: Int) {
    guard let name = document.member(node, Self.resourceType), document.kind(name) == .string,
      let type = schema.resourceType(utf8: document.lexeme(name))
    else { return }
    members(of: node, type, depth: depth)
  }

  private mutating func members(of node: JSONNode, _ type: Schema.TypeID, depth: Int) {
    guard depth < Self.depthMax else { return }
    for (key, value) in document.members(node) where !isFull {
      // The text of a reference is an address.
      if type == reference, document.keyEquals(key, Self.referenceKey) { continue }
      let name = document.lexeme(key)
      let isSibling = name.first == UInt8(ascii: "_")
      guard let found = schema.element(type, key: isSibling ? UnsafeBufferPointer(rebasing: name.dropFirst()) : name)
      else { continue }
      // Beside a primitive's value stands an element with its extensions (FHIR R4 json#primitive).
      self.value(value, isSibling ? element ?? found.type : found.type, depth: depth + 1)
    }
  }

  private mutating func value(_ node: JSONNode, _ type: Schema.TypeID, depth: Int) {
    switch document.kind(node) {
    case .array: for item in document.elements(node) { value(item, type, depth: depth) }
    case .object:
      // A contained resource, or an entry's.
      if schema.kind(type) == .resource { resource(node, depth: depth) } else { members(of: node, type, depth: depth) }
    case .string: text(node, schema.primitive(type))
    default: return
    }
  }

  private mutating func text(_ node: JSONNode, _ type: Primitive?) {
    switch type {
    case .string, .markdown, .code:
      append(node, to: &content)
      content.append(UInt8(ascii: "\n"))
    case .xhtml:
      scratch.removeAll(keepingCapacity: true)
      append(node, to: &scratch)
      NarrativeText.append(scratch, to: &narrative)
      narrative.append(UInt8(ascii: "\n"))
    default: return
    }
  }

  private func append(_ node: JSONNode, to bytes: inout [UInt8]) {
    let room = ResourceText.bytesMax - narrative.count - content.count
    guard document.lexeme(node).count > room else { return document.appendString(node, to: &bytes) }
    // A text past the limit is cut; the character that is cut through is no word's.
    var whole: [UInt8] = []
    document.appendString(node, to: &whole)
    bytes += whole.prefix(max(room, 0))
  }
}
