import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import Identity
import JSONCore

/// Where the entries of a transaction end up: from `fullUrl` to `Type/id` (FHIR R4 http#transaction,
/// bundle#references).
struct ReferenceMap: Sendable {
  private var addresses: [String: String] = [:]
  /// What conditional references stand for.
  private(set) var resolved: [String: String] = [:]
  /// The address below which the current entry's relative references lie: its own `fullUrl` without `Type/id`.
  var base: String?

  var isEmpty: Bool { addresses.isEmpty }

  mutating func add(_ fullURL: String, _ address: String) { addresses[fullURL] = address }

  mutating func resolve(_ conditional: String, _ address: String) { resolved[conditional] = address }

  /// The new address of a reference, nil where it stays.
  func address(of text: String) -> String? {
    if let address = addresses[text] { return address }
    guard let base, !text.contains(":") else { return nil }
    return addresses["\(base)/\(text)"]
  }

  /// The base of a RESTful `fullUrl` (`http://example.org/fhir/Patient/1` → `http://example.org/fhir`).
  static func base(of fullURL: String, _ schema: Schema) -> String? {
    let reference = FHIRReference(fullURL, schema: schema)
    guard reference.kind == .absolute else { return nil }
    return FHIRReference.text(reference.base, of: fullURL)
  }
}

/// Finds the references of a resource and what to put in their place.
enum References {
  static let reference: JSONKey = "reference"
  private static let value: JSONKey = "value"

  /// Whether a reference is conditional (`Patient?identifier=…`).
  static func hasConditional(_ resource: ResourceNode) -> Bool { !conditional(in: resource).isEmpty }

  /// The conditional references of a resource, each once.
  static func conditional(in resource: ResourceNode) -> [String] {
    var found: [String] = []
    var seen: Set<String> = []
    visit(resource) { key, node in
      guard resource.document.keyEquals(key, reference), isConditional(resource.document.lexeme(node)),
        let text = resource.document.string(node), seen.insert(text).inserted
      else { return }
      found.append(text)
    }
    return found
  }

  /// A question mark before any colon or hash: `Type?query`, and no absolute URL.
  private static func isConditional(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    for byte in text {
      if byte == UInt8(ascii: "?") { return true }
      if byte == UInt8(ascii: ":") || byte == UInt8(ascii: "#") { return false }
    }
    return false
  }

  /// The edits that rewrite a resource's references.
  ///
  /// `Reference.reference` is rewritten by the map, which has the conditional ones resolved. Of other strings those
  /// equal to an entry's `urn:` address are, since elements of type uri, url, oid and uuid count as well; only `value`,
  /// which is an identifier's text, stays.
  static func edits(in resource: ResourceNode, _ map: ReferenceMap) -> [JSONEdit] {
    var places: [(node: JSONNode, isReference: Bool)] = []
    let document = resource.document
    visit(resource) { key, node in
      if document.keyEquals(key, reference) {
        let text = document.lexeme(node)
        if text.first != UInt8(ascii: "#"), !map.isEmpty || isConditional(text) { places.append((node, true)) }
      } else if !map.isEmpty, document.lexeme(node).starts(with: "urn:".utf8), !document.keyEquals(key, value) {
        places.append((node, false))
      }
    }
    var edits: [JSONEdit] = []
    for place in places {
      guard let text = document.string(place.node) else { continue }
      let isConditional = place.isReference && isConditional(document.lexeme(place.node))
      guard let address = isConditional ? map.resolved[text] : map.address(of: text) else { continue }
      var writer = JSONWriter()
      writer.string(address)
      edits.append(JSONEdit(place.node, writer.bytes))
    }
    return edits
  }

  /// Calls `body` with every string value that is a member or an element of a member's array, in document order.
  private static func visit(_ resource: ResourceNode, _ body: (_ key: JSONNode, _ value: JSONNode) -> Void) {
    let document = resource.document
    var open: [JSONMembers] = [document.members(resource.node)]
    var arrays: [(key: JSONNode, elements: JSONElements)?] = [nil]
    while !open.isEmpty {
      let top = open.count - 1
      if var array = arrays[top] {
        guard let element = array.elements.next() else {
          arrays[top] = nil
          continue
        }
        arrays[top] = array
        descend(array.key, element)
        continue
      }
      guard let (key, value) = open[top].next() else {
        open.removeLast()
        arrays.removeLast()
        continue
      }
      if document.kind(value) == .array {
        arrays[top] = (key, document.elements(value))
      } else {
        descend(key, value)
      }
    }

    func descend(_ key: JSONNode, _ value: JSONNode) {
      switch document.kind(value) {
      case .string: body(key, value)
      case .object:
        open.append(document.members(value))
        arrays.append(nil)
      default: return
      }
    }
  }
}

extension FHIRService {
  /// Looks up the conditional references of a resource that the map does not have yet (FHIR R4 http#trules).
  ///
  /// - Returns: what must still hold when the resource is written: that they are there.
  /// - Throws: `.invalid` for a reference that no resource matches, or several do.
  func resolve(_ resource: ResourceNode?, _ map: inout ReferenceMap, _ permit: Permit, _ view: StoreView) throws
    -> [@Sendable (StoreView) throws -> Bool]
  {
    guard let resource else { return [] }
    let texts = References.conditional(in: resource)
    guard texts.count <= limits.conditionalReferencesMax else {
      throw Fault(
        .invalid, "A resource takes at most \(limits.conditionalReferencesMax) different conditional references.",
        code: "too-costly")
    }
    return try resolve(texts, &map, permit, view)
  }

  func resolve(_ texts: [String], _ map: inout ReferenceMap, _ permit: Permit, _ view: StoreView) throws
    -> [@Sendable (StoreView) throws -> Bool]
  {
    if texts.isEmpty { return [] }
    // A conditional reference is a search, whatever the write may see.
    let searching = restriction(.searchType, permit.access)
    let view = view.within(searching)
    var targets: [(type: Schema.TypeID, id: String)] = []
    for text in texts where map.resolved[text] == nil {
      let target = try target(ofConditional: text, view)
      map.resolve(text, "\(schema.name(target.type))/\(target.id)")
      targets.append(target)
    }
    guard !targets.isEmpty else { return [] }
    return Self.within(
      searching, [{ [targets] view in try targets.allSatisfy { try view.isThere($0.type, $0.id) } }])
  }

  private func target(ofConditional text: String, _ view: StoreView) throws -> (type: Schema.TypeID, id: String) {
    let unresolved = Fault(
      .invalid, "Given conditional reference '\(text)' does not resolve to a resource.", code: "invalid")
    let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let type = schema.resourceType(String(parts[0])) else { throw unresolved }
    let ids = try view.ids(resolved(criteria(type, QueryString(parsing: parts[1])), view), limit: 2)
    guard ids.count == 1 else { throw unresolved }
    return (type, ids[0])
  }
}
