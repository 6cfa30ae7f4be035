import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

extension FHIRService {
  /// The canonical form of a resource with its references rewritten, and what it says for search.
  ///
  /// - Parameter map: has the resource's conditional references resolved.
  func draft(
    _ resource: ResourceNode?, _ type: Schema.TypeID, _ id: String, _ map: ReferenceMap
  ) throws -> Draft {
    guard let resource else { throw Fault(.invalid, "The request needs a resource as its body.", code: "required") }
    let body = ResourceBody(
      resource.document, resource.node, type: schema.name(type), id: id,
      replacing: References.edits(in: resource, map))
    let catalog = store.catalog
    return try store.draft(body, rows: rows(body, type, catalog), for: catalog)
  }

  /// What a resource says for search.
  /// - Parameter only: the parameters asked, by number; nil for all.
  func rows(_ body: ResourceBody, _ type: Schema.TypeID, _ catalog: SearchCatalog, only: Set<Int32>? = nil) throws
    -> [IndexRow]
  {
    do {
      let document = try JSONDocument(body.bytes, limits: jsonLimits)
      return try extractor(catalog).rows(of: document, document.root, type, only: only)
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
