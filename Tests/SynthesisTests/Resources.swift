import JSONCore
import Testing

/// The resources of a bundle or of NDJSON lines, by what references call them.
struct Resources {
  struct Resource {
    let type: String
    let document: JSONDocument
    let node: JSONNode
  }

  var all: [String: Resource] = [:]

  init(bundle bytes: [UInt8]) throws {
    let document = try JSONDocument(bytes)
    for entry in document.list("entry") {
      let node = try #require(document.member(entry, "resource"))
      let type = try #require(document.text("resourceType", in: node))
      let name = try #require(document.text("fullUrl", in: entry))
      all[name] = Resource(type: type, document: document, node: node)
    }
  }

  init(lines bytes: [UInt8]) throws {
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let document = try JSONDocument(Array(line))
      let type = try #require(document.text("resourceType"))
      let id = try #require(document.text("id"))
      let old = all.updateValue(Resource(type: type, document: document, node: document.root), forKey: "\(type)/\(id)")
      #expect(old == nil)
    }
  }

  func of(_ type: String) -> [Resource] { all.values.filter { $0.type == type } }

  /// Every `reference` with the type of the resource it is in.
  var references: [(reference: String, source: String)] {
    all.values.flatMap { resource in
      resource.texts(key: "reference").map { ($0, resource.type) }
    }
  }
}

extension Resources.Resource {
  /// Every string in the resource below members of this name, at any depth.
  func texts(key: JSONKey) -> [String] {
    var found: [String] = []
    visit { document, name, value in
      if document.keyEquals(name, key), let text = document.string(value) { found.append(text) }
    }
    return found
  }

  /// Every member at any depth.
  func visit(_ body: (JSONDocument, _ name: JSONNode, _ value: JSONNode) -> Void) {
    var open = [node]
    while let next = open.popLast() {
      switch document.kind(next) {
      case .object:
        for (name, value) in document.members(next) {
          body(document, name, value)
          open.append(value)
        }
      case .array: open.append(contentsOf: document.elements(next))
      default: break
      }
    }
  }

  func text(_ path: JSONKey...) -> String? {
    value(path).flatMap { document.string($0) }
  }

  func number(_ path: JSONKey...) -> Double? {
    value(path).flatMap { Double(String(decoding: document.lexeme($0), as: UTF8.self)) }
  }

  func has(_ name: JSONKey) -> Bool { document.member(node, name) != nil }

  /// The first coding's code of a CodeableConcept.
  func code(_ name: JSONKey = "code") -> String? {
    value([name, "coding"]).flatMap { document.string($0, "code") }
  }

  /// The value at a path; of arrays the first element.
  func value(_ path: [JSONKey]) -> JSONNode? {
    var place = node
    for name in path {
      guard let next = document.member(place, name) else { return nil }
      place = document.kind(next) == .array ? Array(document.elements(next)).first ?? next : next
    }
    return place
  }
}

extension JSONDocument {
  func text(_ name: JSONKey, in object: JSONNode? = nil) -> String? { string(object ?? root, name) }

  func string(_ object: JSONNode, _ name: JSONKey) -> String? { member(object, name).flatMap { string($0) } }

  func list(_ name: JSONKey, in object: JSONNode? = nil) -> [JSONNode] {
    member(object ?? root, name).map { Array(elements($0)) } ?? []
  }
}
