import Base
import FHIRModel
import FHIRStore
import JSONCore

extension FHIRService {
  /// FHIR R4 http#transaction.
  func bundle(_ call: Call, _ decision: Decision) async throws -> Answer {
    guard let resource = call.resource else {
      throw Fault(.invalid, "The request needs a Bundle as its body.", code: "required")
    }
    let value = JSONValue(resource.document, resource.node)
    guard value["resourceType"]?.string == "Bundle", let bundleType = schema.resourceType("Bundle") else {
      throw Fault(.invalid, "Only a Bundle of type batch or transaction can be posted here.", code: "invalid")
    }
    guard let type = value["type"]?.string else {
      throw Fault(
        .methodNotAllowed, "Bundle type is not present. Possible values are: transaction or batch", code: "forbidden")
    }
    guard type == "transaction" || type == "batch" else {
      throw Fault(
        .invalid, "The provided Bundle type is not supported. Possible values are: transaction or batch.",
        code: "invalid")
    }
    call.trail?.begin(type)
    let entries = value["entry"]?.elements ?? []
    guard entries.count <= limits.bundleEntriesMax else {
      throw Fault(
        .tooLarge, "A bundle takes at most \(limits.bundleEntriesMax) entries; this one has \(entries.count).",
        code: "too-costly")
    }
    if type == "batch" { return try await batch(entries, call, decision) }
    try checkStructure(resource, expecting: bundleType)
    return try await transaction(entries, call, decision)
  }

  /// The response in the order of the request.
  func response(_ type: String, _ answers: [(Answer, outcome: [UInt8]?)]) -> Answer {
    var bundle = BundleWriter(type, id: newID(), now: clock.now())
    for (answer, outcome) in answers { bundle.add(response: answer, outcome: outcome) }
    return Answer(200, resource: bundle.finish())
  }

  /// A read of an entry, with what the bundle has written so far.
  func read(_ call: Call, _ view: StoreView) throws -> Answer {
    switch call.interaction {
    case .read(let type, let id): return try read(type, id, call, view)
    case .vread(let type, let id, let version): return try vread(type, id, version, call, view)
    case .search(let type, let query): return try search(type, query, call, view)
    case .compartmentSearch(let compartment, let type, let query):
      return try search(compartment, type, query, call, view)
    case .history(let scope, let query): return try history(scope, query, call, view)
    case .capabilities: return capabilities.answer(base: call.base, security: call.security)
    case .versions: return versions()
    case .fhirPath(let query): return try fhirPath(query, call)
    case .operation(let operation): return try perform(operation, call, view)
    default:
      throw Fault(.internal, "This interaction does not read.")
    }
  }
}
