import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

/// Where the entries of a transaction end up: from `fullUrl` to `Type/id` (FHIR R4 http#transaction,
/// bundle#references).
struct ReferenceMap: Sendable {
  private var addresses: [String: String] = [:]
  /// The address below which the current entry's relative references lie: its own `fullUrl` without `Type/id`.
  var base: String?

  var isEmpty: Bool { addresses.isEmpty }

  mutating func add(_ fullURL: String, _ address: String) { addresses[fullURL] = address }

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
  private static let reference: JSONKey = "reference"
  private static let value: JSONKey = "value"

  /// Whether a reference is conditional (`Patient?identifier=…`).
  static func hasConditional(_ resource: ResourceNode) -> Bool {
    var found = false
    visit(resource) { key, node in
      if !found, resource.document.keyEquals(key, reference), isConditional(resource.document.lexeme(node)) {
        found = true
      }
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
  /// `Reference.reference` is rewritten by the map or, where conditional, by `resolve`. Of other strings those equal
  /// to an entry's `urn:` address are, since elements of type uri, url, oid and uuid count as well; only `value`, which
  /// is an identifier's text, stays.
  static func edits(in resource: ResourceNode, _ map: ReferenceMap, resolve: (String) throws -> String?) throws
    -> [JSONEdit]
  {
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
      guard let address = try isConditional ? resolve(text) : map.address(of: text) else { continue }
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
  /// The address a conditional reference stands for (FHIR R4 http#trules).
  func resolveConditional(_ text: String, _ view: StoreView) throws -> String {
    let unresolved = Fault(
      .invalid, "Given conditional reference '\(text)' does not resolve to a resource.", code: "invalid")
    let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let type = schema.resourceType(String(parts[0])) else { throw unresolved }
    let criteria = try criteria(type, QueryString(parsing: parts[1]))
    guard let id = try match(criteria, type, view) else { throw unresolved }
    return "\(parts[0])/\(id)"
  }
}
