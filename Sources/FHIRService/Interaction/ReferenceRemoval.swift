import Base
import FHIRModel
import FHIRStore
import Identity
import JSONCore

/// `_remove-references=true` of a deletion: whatever refers to the deleted resource loses the reference.
extension FHIRService {
  /// What a Reference shows in the place of one that was removed; as Azure has it.
  static let removedReferenceDisplay = "Referenced resource deleted"

  /// Adds a new version of each resource that refers to what is deleted, in the same transaction.
  ///
  /// They are found by the search index: elements that no search parameter covers are not looked through. In what is
  /// found, every reference to the deleted resources is removed.
  /// - Throws: `.unprocessable` beyond `Limits.referrersMax` of them.
  func removeReferences(
    to deleted: [StoredVersion], _ request: WriteRequest, _ view: StoreView, in step: inout WriteStep
  ) throws {
    guard request.removesReferences, !deleted.isEmpty else { return }
    // Only what the caller may update loses its reference; the rest keeps one that leads nowhere.
    let updating = restriction(.update, request.permit.access)
    let view = view.within(updating)
    let base = request.base
    let addresses = deleted.map { (type: $0.type, id: $0.id) }
    let going = Set(deleted.map(\.key))
    let max = limits.referrersMax
    let keys = try view.referrers(to: addresses, base: base, limit: max + going.count + 1)
    let found = keys.filter { !going.contains($0) }
    guard found.count <= max else {
      throw Fault(
        .unprocessable, "More than \(max) resources refer to what is to be deleted.", code: "too-costly")
    }
    step.guards.append { view in
      try view.within(updating).referrers(to: addresses, base: base, limit: max + going.count + 1) == keys
    }
    let targets = Set(deleted.map { "\($0.typeName)/\($0.id)" })
    for referrer in try view.newest(found) {
      guard let change = try removal(of: targets, base, from: referrer, updating, view) else { continue }
      step.consequences.append(change)
    }
  }

  private func removal(
    of targets: Set<String>, _ base: String, from referrer: StoredVersion, _ updating: Restriction, _ view: StoreView
  ) throws -> Change? {
    guard let old = referrer.body else { return nil }
    var body = old
    // A reference may stand inside another one's identifier or extensions: what is inside is seen in the next round.
    for _ in 0..<limits.jsonDepthMax {
      let resource = ResourceNode(try parse(body.bytes))
      let edits = References.removals(of: targets, base, in: resource, schema)
      if edits.isEmpty { break }
      body = ResourceBody(
        resource.document, resource.node, type: referrer.typeName, id: referrer.id, replacing: edits)
    }
    guard body != old else { return nil }
    let catalog = store.catalog
    let draft = try store.draft(body, rows: rows(body, referrer.type, catalog), for: catalog)
    try check(draft, referrer.type, referrer.id, within: updating)
    return store.change(
      referrer.type, id: referrer.id, method: .put, draft, current: referrer, indexed: try view.indexed(referrer),
      effect: effect(referrer.type))
  }
}

extension References {
  private static let display: JSONKey = "display"
  private static let displaySibling: JSONKey = "_display"
  private static let referenceSibling: JSONKey = "_reference"

  /// The edits that take the outermost references to `targets` out of a resource: `reference` goes, `display` tells so,
  /// and the rest stays.
  fileprivate static func removals(
    of targets: Set<String>, _ base: String, in resource: ResourceNode, _ schema: Schema
  ) -> [JSONEdit] {
    let document = resource.document
    var edits: [JSONEdit] = []
    var open = [resource.node]
    while let node = open.popLast() {
      switch document.kind(node) {
      case .array: open += document.elements(node).reversed()
      case .object:
        if let text = document.member(node, reference).flatMap({ document.string($0) }),
          let address = address(of: text, base, schema), targets.contains(address)
        {
          edits.append(JSONEdit(node, withoutReference(document, node)))
        } else {
          open += document.members(node).map(\.value).reversed()
        }
      default: continue
      }
    }
    return edits
  }

  /// `Type/id` of a reference to a resource here, whatever version it names; nil for others.
  private static func address(of text: String, _ base: String, _ schema: Schema) -> String? {
    let parts = FHIRReference(text, schema: schema)
    let isHere =
      parts.kind == .relative || (parts.kind == .absolute && FHIRReference.text(parts.base, of: text) == base)
    guard isHere, let type = FHIRReference.text(parts.type, of: text), let id = FHIRReference.text(parts.id, of: text)
    else { return nil }
    return "\(type)/\(id)"
  }

  private static func withoutReference(_ document: JSONDocument, _ node: JSONNode) -> [UInt8] {
    var writer = JSONWriter(reserving: 128)
    writer.beginObject()
    for (key, value) in document.members(node) {
      let goes = [reference, referenceSibling, display, displaySibling].contains { document.keyEquals(key, $0) }
      if goes { continue }
      writer.key(document, key)
      writer.value(document, value)
    }
    writer.member("display", FHIRService.removedReferenceDisplay)
    writer.endObject()
    return writer.bytes
  }
}
