import Base
import FHIRModel
import FHIRStore
import Identity
import JSONCore

extension FHIRService {
  /// The Provenance of an `X-Provenance` header (FHIR R4 provenance.html#header): written with the resource it tells
  /// of, which becomes its target, in the same transaction.
  ///
  /// - Throws: `.invalid` for a header that is no Provenance.
  func provenance(_ call: Call) throws(Fault) -> ResourceNode? {
    guard let header = call.provenance else { return nil }
    let document: JSONDocument
    do throws(JSONError) {
      document = try JSONDocument(header, limits: jsonLimits)
    } catch {
      throw Fault(.invalid, "The X-Provenance header is no JSON: \(error.message)", code: "structure")
    }
    guard let type = document.member(document.root, "resourceType"), document.stringEquals(type, "Provenance") else {
      throw Fault(.invalid, "The X-Provenance header is no Provenance resource.", code: "structure")
    }
    let provenance = ResourceNode(document)
    // Checked as it will be stored: the target is ours to give.
    let complete = try targeted(provenance, "Resource/id")
    guard let provenanceType = schema.resourceType("Provenance") else { return nil }
    try check(complete, expecting: provenanceType)
    return provenance
  }

  /// The change that writes a Provenance about another change.
  func change(_ provenance: ResourceNode, about change: Change, _ permit: Permit) throws -> Change? {
    guard let type = schema.resourceType("Provenance") else { return nil }
    let complete = try targeted(provenance, "\(schema.name(change.type))/\(change.id)")
    let id = newID()
    let draft = try draft(complete, type, id, ReferenceMap())
    try check(draft, type, id, within: restriction(.create, permit.access))
    return store.change(type, id: id, method: .post, draft, current: nil, isNew: true)
  }

  private func targeted(_ provenance: ResourceNode, _ reference: String) throws(Fault) -> ResourceNode {
    let document = provenance.document
    var writer = JSONWriter(reserving: document.byteCount + 64)
    writer.beginObject()
    for (key, value) in document.members(provenance.node) where !document.keyEquals(key, "target") {
      writer.key(document, key)
      writer.value(document, value)
    }
    writer.key("target")
    writer.beginArray()
    writer.beginObject()
    writer.member("reference", reference)
    writer.endObject()
    writer.endArray()
    writer.endObject()
    do throws(JSONError) {
      return ResourceNode(try JSONDocument(writer.bytes, limits: jsonLimits))
    } catch {
      throw Fault(.invalid, "The X-Provenance header is no JSON: \(error.message)", code: "structure")
    }
  }
}
