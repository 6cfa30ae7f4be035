import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

/// A write as it was asked, read from its call before the store is looked at.
struct WriteRequest: Sendable {
  enum Target: Sendable {
    /// A new resource; with criteria, only if nothing matches them (FHIR R4 http#ccreate).
    case create(unless: SearchQuery?)
    case update(id: String)
    /// The resource that matches (FHIR R4 http#cond-update).
    case conditionalUpdate(SearchQuery, id: String?)
    case patch(id: String, Patch)
    case conditionalPatch(SearchQuery, Patch)
    case delete(id: String)
    /// What matches, as many as the count allows (FHIR R4 http#cdelete); a nil count allows one match.
    case conditionalDelete(SearchQuery, count: Int?)
  }

  /// What of a resource is deleted.
  enum Deletion: Sendable {
    /// It is gone, its versions stay (FHIR R4 http#delete).
    case soft
    /// All versions, for good.
    case hard
    /// The superseded versions, for good.
    case history
  }

  let type: Schema.TypeID
  let target: Target
  let resource: ResourceNode?
  /// The version the client expects.
  let ifMatch: Int64?
  /// What must not stand.
  var ifNoneMatch: NoneMatch?
  /// The id of what is created, should the store have to choose one: known early, so that a bundle's references to
  /// it can be rewritten.
  let freshID: String
  var deletion = Deletion.soft
  /// False where a change of nothing but `meta` needs no version of its own in the history.
  var keepsMetaHistory = true
  /// Whether what refers to a deleted resource loses the reference.
  var removesReferences = false
  /// The service's address, below which an absolute reference is one to a resource here.
  var base = ""
  /// What it may see and change.
  var permit = Permit.everything

  /// Whether it gives a resource that stands another content.
  var isUpdate: Bool {
    switch target {
    case .update, .conditionalUpdate, .patch, .conditionalPatch: true
    case .create, .delete, .conditionalDelete: false
    }
  }
}

extension FHIRService {
  /// Reads a write's call.
  /// - Throws: `.invalid` for what contradicts itself, before anything is looked up.
  func writeRequest(_ call: Call, _ permit: Permit) throws(Fault) -> WriteRequest {
    try checkHeaders(call)
    var request = try plainWriteRequest(call)
    request.permit = permit
    request.base = call.base
    if let header = call.conditions.ifNoneMatch { request.ifNoneMatch = try NoneMatch(header: header) }
    request.keepsMetaHistory = call.query["_meta-history"] != "false"
    if case .purgeHistory = call.interaction { request.deletion = .history }
    if call.query["_hardDelete"] == "true" || call.query["hardDelete"] == "true" { request.deletion = .hard }
    request.removesReferences = try removesReferences(call, request.deletion)
    return request
  }

  private func removesReferences(_ call: Call, _ deletion: WriteRequest.Deletion) throws(Fault) -> Bool {
    guard let text = call.query["_remove-references"] else { return false }
    guard text == "true" || text == "false" else {
      throw Fault(.invalid, "The '_remove-references' parameter must be true or false.", code: "value")
    }
    guard text == "true" else { return false }
    guard deletion != .history else {
      throw Fault(.invalid, "The '_remove-references' parameter is for deletions of resources, not of their history.")
    }
    return true
  }

  private func plainWriteRequest(_ call: Call) throws(Fault) -> WriteRequest {
    let ifMatch = try expectedVersion(call.conditions.ifMatch)
    switch call.interaction {
    case .create(let type):
      let resource = try resource(call, type)
      let criteria: SearchQuery?
      if let text = call.conditions.ifNoneExist {
        criteria = try self.criteria(type, QueryString(parsing: text.drop { $0 == "?" }), base: call.base)
      } else {
        criteria = nil
      }
      return WriteRequest(
        type: type, target: .create(unless: criteria), resource: resource, ifMatch: nil, freshID: newID())
    case .update(let type, let id):
      let resource = try resource(call, type)
      guard let own = idText(resource) else {
        throw Fault(.invalid, "Id must be specified in the resource.", code: "required", at: "\(schema.name(type)).id")
      }
      guard own == id else {
        throw Fault(
          .invalid, "The id in the URL and the id in the resource differ; they must be the same.",
          at: "\(schema.name(type)).id")
      }
      return WriteRequest(type: type, target: .update(id: id), resource: resource, ifMatch: ifMatch, freshID: newID())
    case .conditionalUpdate(let type, let query):
      let resource = try resource(call, type)
      let selecting = QueryString(query.parameters.filter { $0.name != "_meta-history" })
      let criteria = try criteria(type, selecting, base: call.base)
      return WriteRequest(
        type: type, target: .conditionalUpdate(criteria, id: idText(resource)), resource: resource, ifMatch: ifMatch,
        freshID: newID())
    case .patch(let type, let id):
      return WriteRequest(
        type: type, target: .patch(id: id, try patch(call)), resource: nil, ifMatch: ifMatch, freshID: newID())
    case .conditionalPatch(let type, let query):
      let selecting = QueryString(query.parameters.filter { $0.name != "_meta-history" })
      let criteria = try criteria(type, selecting, base: call.base, unselective: .preconditionFailed)
      return WriteRequest(
        type: type, target: .conditionalPatch(criteria, try patch(call)), resource: nil, ifMatch: ifMatch,
        freshID: newID())
    case .conditionalDelete(let type, let query):
      return try conditionalDeleteRequest(type, query, ifMatch, base: call.base)
    case .delete(let type, let id), .purgeHistory(let type, let id):
      return WriteRequest(type: type, target: .delete(id: id), resource: nil, ifMatch: ifMatch, freshID: newID())
    default:
      throw Fault(.internal, "This interaction does not write.")
    }
  }

  /// The body's resource, of the type that the address names.
  private func resource(_ call: Call, _ type: Schema.TypeID) throws(Fault) -> ResourceNode {
    guard let resource = call.resource else {
      throw Fault(.invalid, "The request needs a resource of type \(schema.name(type)) as its body.", code: "required")
    }
    guard let named = resource.document.member(resource.node, "resourceType"),
      resource.document.kind(named) == .string
    else {
      throw Fault(.invalid, "The body is no resource: it has no 'resourceType'.", code: "structure")
    }
    guard schema.type(utf8: resource.document.lexeme(named)) == type else {
      throw Fault(.invalid, "Resource type in the URL must match resourceType in the resource.", code: "invalid")
    }
    return resource
  }

  private func idText(_ resource: ResourceNode) -> String? {
    resource.document.member(resource.node, "id").flatMap { resource.document.string($0) }
  }

  /// The version of an `If-Match` header, nil without one.
  func expectedVersion(_ header: String?) throws(Fault) -> Int64? {
    guard let header else { return nil }
    guard let tag = EntityTag(header) else {
      throw Fault(.invalid, "The If-Match header must be a weak entity tag with a version, such as W/\"1\".")
    }
    return tag.version
  }

  /// Parameters of a conditional deletion that say how to delete.
  private static let deletionParameters: Set<String> = ["_count", "_hardDelete", "hardDelete", "_remove-references"]

  private func conditionalDeleteRequest(
    _ type: Schema.TypeID, _ query: QueryString, _ ifMatch: Int64?, base: String
  ) throws(Fault) -> WriteRequest {
    let selecting = query.parameters.filter { !Self.deletionParameters.contains($0.name) }
    let criteria = try criteria(type, QueryString(selecting), base: base, unselective: .preconditionFailed)
    var count: Int?
    if let text = query["_count"] {
      guard let number = Int(text), (1...limits.conditionalDeletionsMax).contains(number) else {
        throw Fault(
          .invalid,
          "The '_count' of a conditional deletion must be a number from 1 to \(limits.conditionalDeletionsMax).")
      }
      count = number
      guard ifMatch == nil else {
        throw Fault(.invalid, "If-Match names the version of one resource; it cannot stand beside '_count'.")
      }
    }
    return WriteRequest(
      type: type, target: .conditionalDelete(criteria, count: count), resource: nil, ifMatch: ifMatch, freshID: newID())
  }

  /// Criteria of a conditional interaction: every parameter must be understood, and one must select.
  /// - Parameter base: the service's address; see `SearchQuery.base`.
  func criteria(
    _ type: Schema.TypeID, _ query: QueryString, base: String? = nil, unselective: Fault.Category = .invalid
  ) throws(Fault) -> SearchQuery {
    // A parameter without a value selects nothing.
    let given = QueryString(query.parameters.filter { !$0.value.isEmpty })
    let fault = Fault(
      unselective,
      "Conditional operation on \(schema.name(type)) was not attempted because search criteria was not selective "
        + "enough.", code: "invalid")
    guard given.parameters.contains(where: { isKnown($0.name, type) }) else { throw fault }
    let parser = SearchQueryParser(store.parameters, limits: limits, clock: clock, isStrict: true, base: base)
    let criteria = try parser.parse(given, types: [type])
    guard !criteria.criteria.isEmpty else { throw fault }
    try refuseText(criteria)
    guard criteria.contained == .false else {
      throw Fault(
        .invalid,
        "Contained resources cannot be what a conditional interaction is about: '_contained="
          + "\(criteria.contained.rawValue)' is not supported here.", code: "not-supported")
    }
    return criteria
  }

  /// Whether a parameter's name begins with one that the type can be searched by; what follows a colon or a full stop
  /// is the parser's.
  private func isKnown(_ name: String, _ type: Schema.TypeID) -> Bool {
    let code = String(name.prefix { $0 != ":" && $0 != "." })
    return code == "_has" || store.parameters.parameter(type, code) != nil
  }

  /// Checks a resource to be written: the standard's structure, and if that is sound, the standard's own rules.
  func check(_ resource: ResourceNode, expecting type: Schema.TypeID) throws(Fault) {
    try checkStructure(resource, expecting: type)
    let broken = try invariants.violations(
      of: resource, type: type, writeInvariants, path: schema.name(type), clock: clock)
    if !broken.isEmpty { throw Fault(.invalid, broken) }
  }

  /// Checks a body against the standard's structure (FHIR R4 json.html).
  func checkStructure(_ resource: ResourceNode, expecting type: Schema.TypeID) throws(Fault) {
    let issues = check.issues(of: resource.document, node: resource.node, expecting: type)
    let flaws = searchParameterFlaws(resource, type)
    if !issues.isEmpty || !flaws.isEmpty { throw Fault(.invalid, issues + flaws) }
  }
}
