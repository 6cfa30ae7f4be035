import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

extension FHIRService {
  /// The canonical form of a resource with its references rewritten, and what it says for search.
  ///
  /// - Parameter view: where conditional references are looked up; without one there are none.
  func draft(
    _ resource: ResourceNode?, _ type: Schema.TypeID, _ id: String, _ map: ReferenceMap, _ view: StoreView?
  ) throws -> Draft {
    guard let resource else { throw Fault(.invalid, "The request needs a resource as its body.", code: "required") }
    var resolved: [String: String] = [:]
    let edits = try References.edits(in: resource, map) { text in
      guard let view else { return nil }
      if let known = resolved[text] { return known }
      guard resolved.count < limits.conditionalReferencesMax else {
        throw Fault(
          .invalid, "A resource takes at most \(limits.conditionalReferencesMax) different conditional references.",
          code: "too-costly")
      }
      let address = try self.resolveConditional(text, view)
      resolved[text] = address
      return address
    }
    let body = ResourceBody(
      resource.document, resource.node, type: schema.name(type), id: id, replacing: edits)
    return try store.draft(body, rows: rows(body, type))
  }

  func rows(_ body: ResourceBody, _ type: Schema.TypeID) throws -> [IndexRow] {
    do {
      let document = try JSONDocument(body.bytes, limits: jsonLimits)
      return try extractor.rows(of: document, document.root, type)
    } catch let error as JSONError {
      throw Fault(.internal, error.message)
    }
  }

  /// What a resource's JSON may cost. A stored body was within the limits when it came; the canonical form is no
  /// deeper.
  var jsonLimits: JSONLimits {
    var limits = JSONLimits()
    limits.depthMax = self.limits.jsonDepthMax
    limits.nodesMax = self.limits.jsonNodesMax
    return limits
  }
}
