import Base
import FHIRStore
import FHIRModel
import FHIRSearch
import JSONCore

/// A write as it was asked, read from its call before the store is looked at.
struct WriteRequest: Sendable {
  enum Target: Sendable {
    /// A new resource; with criteria, only if nothing matches them (FHIR R4 http#ccreate).
    case create(unless: SearchQuery?)
    case update(id: String)
    /// The resource that matches (FHIR R4 http#cond-update).
    case conditionalUpdate(SearchQuery, id: String?)
    case delete(id: String)
  }

  let type: Schema.TypeID
  let target: Target
  let resource: ResourceNode?
  /// The version the client expects.
  let ifMatch: Int64?
  /// The id of what is created, should the store have to choose one: known early, so that a bundle's references to
  /// it can be rewritten.
  let freshID: String
}

extension FHIRService {
  /// Reads a write's call.
  /// - Throws: `.invalid` for what contradicts itself, before anything is looked up.
  func writeRequest(_ call: Call) throws(Fault) -> WriteRequest {
    let ifMatch = try expectedVersion(call.conditions.ifMatch)
    switch call.interaction {
    case .create(let type):
      let resource = try resource(call, type)
      let criteria: SearchQuery?
      if let text = call.conditions.ifNoneExist {
        criteria = try self.criteria(type, QueryString(parsing: text.drop { $0 == "?" }))
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
      let criteria = try criteria(type, query)
      return WriteRequest(
        type: type, target: .conditionalUpdate(criteria, id: idText(resource)), resource: resource, ifMatch: ifMatch,
        freshID: newID())
    case .delete(let type, let id):
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

  /// Criteria of a conditional interaction: every parameter must be understood, and one must select.
  func criteria(_ type: Schema.TypeID, _ query: QueryString) throws(Fault) -> SearchQuery {
    let parser = SearchQueryParser(store.parameters, limits: limits, clock: clock, isStrict: true)
    let criteria = try parser.parse(query, types: [type])
    guard !criteria.conditions.isEmpty else {
      throw Fault(
        .invalid,
        "Conditional operation on \(schema.name(type)) was not attempted because search criteria was not selective "
          + "enough.")
    }
    return criteria
  }

  /// Checks a body against the standard's structure (FHIR R4 json.html).
  func checkStructure(_ resource: ResourceNode, expecting type: Schema.TypeID) throws(Fault) {
    let issues = check.issues(of: resource.document, node: resource.node, expecting: type)
    if !issues.isEmpty { throw Fault(.invalid, issues) }
  }
}
