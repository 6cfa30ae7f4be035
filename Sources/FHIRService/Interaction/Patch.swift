import Base
import FHIRModel
import FHIRPatch
import FHIRSearch
import FHIRStore
import JSONCore

/// A patch as it came: JSON Patch (RFC 6902) or FHIRPath Patch (FHIR R4 fhirpatch.html).
enum Patch: Sendable {
  case json(JSONPatch)
  case fhirPath(FHIRPathPatch)
}

extension FHIRService {
  /// Reads a patch: an array is a JSON Patch, a Parameters resource a FHIRPath Patch, and a Binary holds a JSON Patch,
  /// which is how a bundle carries one.
  func patch(_ call: Call) throws(Fault) -> Patch {
    guard let body = call.resource else {
      throw Fault(.invalid, "The request needs a patch as its body.", code: "required")
    }
    let document = try ownDocument(body)
    let limits = PatchLimits(limits)
    if document.kind(document.root) == .array { return .json(try JSONPatch(parsing: document, limits: limits)) }
    switch document.member(document.root, "resourceType").flatMap({ document.string($0) }) {
    case "Parameters":
      return .fhirPath(try FHIRPathPatch(parsing: document, schema: schema, limits: limits))
    case "Binary":
      let data = document.member(document.root, "data").flatMap { document.string($0) } ?? ""
      guard let bytes = Base64.decode(data) else {
        throw Fault(.invalid, "The Binary's data is not base64.", code: "value", at: "Binary.data")
      }
      return .json(try JSONPatch(parsing: try parse(bytes), limits: limits))
    default:
      throw Fault(
        .invalid, "A patch is a JSON Patch (an array of operations) or a Parameters resource (FHIRPath Patch).",
        code: "structure")
    }
  }

  /// The part of a bundle that is the patch, as a document of its own.
  private func ownDocument(_ body: ResourceNode) throws(Fault) -> JSONDocument {
    if body.node == body.document.root { return body.document }
    var bytes: [UInt8] = []
    body.document.appendCompact(body.node, to: &bytes)
    return try parse(bytes)
  }

  func parse(_ bytes: [UInt8]) throws(Fault) -> JSONDocument {
    do throws(JSONError) {
      return try JSONDocument(bytes, limits: jsonLimits)
    } catch {
      throw Fault(.invalid, error.message, code: "structure")
    }
  }

  /// FHIR R4 http#patch.
  func patch(_ request: WriteRequest, _ id: String, _ patch: Patch, _ view: StoreView) throws -> WriteStep {
    guard let current = try writable(request, id, view) else { throw notFound(request.type, id) }
    guard let body = current.body, let json = current.json else {
      throw Fault(.gone, "Resource type '\(current.typeName)' with id '\(id)' has been deleted.", code: "deleted")
    }
    try checkConditions(of: request, current)
    let before = try parse(json)
    let patched =
      switch patch {
      case .json(let patch): try patch.apply(to: before, schema: schema)
      case .fhirPath(let patch): try patch.apply(to: before, type: request.type, now: clock.now())
      }
    let after = ResourceNode(try parse(patched))
    try check(after, expecting: request.type)
    var map = ReferenceMap()
    let held = try resolve(after, &map, request.permit, view)
    let draft = try draft(after, request.type, id, map)
    try checkStored(draft, request, id, isNew: false)
    if body == draft.body { return WriteStep(result: .unchanged(current, status: 200)) }
    let change = store.change(
      request.type, id: id, method: .patch, draft, current: current, indexed: try view.indexed(current),
      effect: effect(of: draft.body, on: body, id, request))
    return WriteStep(result: .change(change, isCreated: false), guards: held)
  }

  /// FHIR R4 http#patch with criteria: no match is 404, several are 412.
  func conditionalPatch(_ request: WriteRequest, _ criteria: SearchQuery, _ patch: Patch, _ view: StoreView) throws
    -> WriteStep
  {
    guard let id = try match(criteria, request.type, view) else {
      throw Fault(.notFound, "No resource of type \(schema.name(request.type)) matches the criteria.")
    }
    var step = try self.patch(request, id, patch, view)
    step.guards.append(stillMatches(criteria, id))
    return step
  }
}
