internal import FHIRModel
internal import JSONCore

/// Finds what a reference refers to within its own document (R4 references.html#contained, bundle.html#references).
struct ReferenceLookup {
  let schema: Schema
  let document: JSONDocument

  struct Resource {
    let node: JSONNode
    let type: Schema.TypeID
  }

  private enum Key {
    static let reference: JSONKey = "reference"
    static let type: JSONKey = "type"
    static let contained: JSONKey = "contained"
    static let entry: JSONKey = "entry"
    static let resource: JSONKey = "resource"
    static let fullUrl: JSONKey = "fullUrl"
    static let id: JSONKey = "id"
    static let resourceType: JSONKey = "resourceType"
  }

  /// The steps of one look-up: the entries or contained resources that may be looked at.
  var cost: Int {
    let lists = [Key.entry, Key.contained].compactMap { document.member(document.root, $0) }
    return lists.reduce(1) { $0 + document.count($1) / 4 }
  }

  /// The reference's text: of a Reference its `reference`, of a uri or canonical itself.
  func text(of node: JSONNode) -> JSONNode? {
    switch document.kind(node) {
    case .string: node
    case .object: document.member(node, Key.reference).flatMap { document.kind($0) == .string ? $0 : nil }
    default: nil
    }
  }

  /// The type of resource that a reference refers to, as far as the document tells: by the resource itself if it is
  /// contained, else by the reference's text, by `Reference.type`, or by the Bundle's entry.
  func targetType(of node: JSONNode) -> Schema.TypeID? {
    if let text = text(of: node) {
      let reference = FHIRReference(document.lexeme(text), schema: schema)
      if reference.kind == .contained { return resource(text, reference)?.type }
      if let type = reference.typeID { return type }
      if let found = resource(text, reference) { return found.type }
    }
    guard document.kind(node) == .object, let type = document.member(node, Key.type), document.kind(type) == .string
    else { return nil }
    return schema.resourceType(utf8: document.lexeme(type))
  }

  /// The resource that a reference's text refers to: contained, or in the same Bundle.
  func resource(_ text: JSONNode) -> Resource? { resource(text, FHIRReference(document.lexeme(text), schema: schema)) }

  private func resource(_ text: JSONNode, _ reference: FHIRReference) -> Resource? {
    if reference.kind == .contained { return contained(text, reference) }
    guard schema.resourceType(of: document.root, in: document) == schema.type("Bundle") else { return nil }
    return entry(text, reference)
  }

  // MARK: - Contained resources

  private func contained(_ text: JSONNode, _ reference: FHIRReference) -> Resource? {
    let bytes = document.lexeme(text)
    let around = resources(around: text)
    guard let id = FHIRReference.slice(reference.id, of: bytes), !id.isEmpty else {
      // "#" is the container itself.
      guard around.count > 1, let inner = around.last else { return around.last }
      let outer = around[around.count - 2]
      return holds(outer.node, inner.node) ? outer : inner
    }
    for container in around.reversed() {
      guard let list = document.member(container.node, Key.contained) else { continue }
      for candidate in document.elements(list) where hasText(candidate, Key.id, id) {
        return schema.resourceType(of: candidate, in: document).map { Resource(node: candidate, type: $0) }
      }
    }
    return nil
  }

  /// Whether the one contains the other as `contained`.
  func holds(_ container: JSONNode, _ resource: JSONNode) -> Bool {
    guard let list = document.member(container, Key.contained) else { return false }
    return document.elements(list).contains(resource)
  }

  private func hasText(_ object: JSONNode, _ key: JSONKey, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let value = document.member(object, key), document.kind(value) == .string else { return false }
    return document.lexeme(value).elementsEqual(text)
  }

  /// The resources that contain a place, from the outermost. The way down is found by the tape's order: a child that
  /// holds the place is the last one that begins before it.
  func resources(around target: JSONNode) -> [Resource] {
    var result: [Resource] = []
    var current = document.root
    while true {
      if let type = schema.resourceType(of: current, in: document) {
        result.append(Resource(node: current, type: type))
      }
      var next: JSONNode?
      switch document.kind(current) {
      case .object:
        for (_, value) in document.members(current) {
          if value.index > target.index { break }
          next = value
        }
      case .array:
        for value in document.elements(current) {
          if value.index > target.index { break }
          next = value
        }
      default: break
      }
      guard current.index < target.index, let next else { return result }
      current = next
    }
  }

  // MARK: - Bundles

  private func entry(_ text: JSONNode, _ reference: FHIRReference) -> Resource? {
    guard let entries = document.member(document.root, Key.entry) else { return nil }
    var wanted = document.lexeme(text)
    // A version-specific reference names the entry by what stands before the version.
    if let version = reference.version, reference.kind == .relative || reference.kind == .absolute {
      wanted = UnsafeBufferPointer(rebasing: wanted.prefix(max(0, version.lowerBound - "/_history/".utf8.count)))
    }
    for entry in document.elements(entries) {
      guard let url = document.member(entry, Key.fullUrl), document.kind(url) == .string,
        let resource = document.member(entry, Key.resource)
      else { continue }
      let name = document.lexeme(url)
      let isMatch = name.elementsEqual(wanted) || (reference.kind == .relative && isTail(wanted, of: name))
      if isMatch, let type = schema.resourceType(of: resource, in: document) {
        return Resource(node: resource, type: type)
      }
    }
    return nil
  }

  private func isTail(_ text: UnsafeBufferPointer<UInt8>, of url: UnsafeBufferPointer<UInt8>) -> Bool {
    url.count > text.count && url[url.count - text.count - 1] == UInt8(ascii: "/")
      && url.suffix(text.count).elementsEqual(text)
  }
}
