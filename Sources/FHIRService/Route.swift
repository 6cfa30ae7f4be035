public import Base
public import FHIRModel
public import FHIRSearch
import FHIRStore

/// Finds the interaction that a method and a path below the service's base ask for (FHIR R4 http.html#summary).
/// Requests and bundle entries are routed alike.
public struct Route: Sendable {
  public enum Method: String, Sendable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case head = "HEAD"
  }

  let schema: Schema

  public init(_ schema: Schema) { self.schema = schema }

  /// - Parameters:
  ///   - path: the segments below the base, decoded.
  ///   - form: the parameters of a form body, for `_search`.
  /// - Throws: `.notFound` for a path that is no route, `.methodNotAllowed` for a route with other methods.
  public func interaction(_ method: Method, _ path: [String], _ query: QueryString, form: QueryString? = nil)
    throws(Fault) -> Interaction
  {
    guard let first = path.first else { return try root(method, query) }
    switch (first, path.count) {
    case ("metadata", 1): return try only(.get, method, .capabilities)
    case ("$versions", 1): return try only(.get, method, .versions)
    case ("$fhirpath", 1):
      guard method == .get || method == .post else { throw notAllowed(method) }
      return .fhirPath(query)
    case ("_history", 1): return try only(.get, method, .history(.system, query))
    case ("_search", 1): return try only(.post, method, .search(nil, merged(query, form)))
    case ("_operations", 3) where path[1] == "reindex":
      guard let found = try operation("$reindex", .job(id: try id(path[2])), method, query) else { break }
      return found
    default: break
    }
    if path.count == 1, let operation = try operation(first, .system, method, query) { return operation }
    guard let type = schema.resourceType(first) else { throw unknown(path) }
    return try typed(type, method, path, query, form)
  }

  private func root(_ method: Method, _ query: QueryString) throws(Fault) -> Interaction {
    switch method {
    case .get, .head: return .search(nil, query)
    case .post: return .bundle
    default: throw notAllowed(method)
    }
  }

  private func typed(
    _ type: Schema.TypeID, _ method: Method, _ path: [String], _ query: QueryString, _ form: QueryString?
  ) throws(Fault) -> Interaction {
    switch path.count {
    case 1:
      switch method {
      case .get, .head: return .search(type, query)
      case .post: return .create(type)
      case .put: return .conditionalUpdate(type, query)
      case .delete: return .conditionalDelete(type, query)
      case .patch: return .conditionalPatch(type, query)
      }
    case 2:
      switch path[1] {
      case "_search": return try only(.post, method, .search(type, merged(query, form)))
      case "_history": return try only(.get, method, .history(.type(type), query))
      default:
        if let operation = try operation(path[1], .type(type), method, query) { return operation }
        return try instance(type, method, path[1])
      }
    case 3 where path[2] == "$purge-history":
      return try only(.delete, method, .purgeHistory(type, id: try id(path[1])))
    case 3 where path[2] == "_history":
      return try only(.get, method, .history(.instance(type, id: try id(path[1])), query))
    case 4 where path[2] == "_history":
      return try only(.get, method, .vread(type, id: try id(path[1]), version: path[3]))
    case 3 where path[2] == "_search" && path[1].hasPrefix("$"):
      guard method == .post else { throw notAllowed(method) }
      guard let found = try operation(path[1], .type(type), .get, merged(query, form)) else { break }
      return found
    case 3 where path[2].hasPrefix("$"):
      guard let found = try operation(path[2], .instance(type, id: try id(path[1])), method, query) else { break }
      return found
    case 5 where path[2] == "_history" && path[4].hasPrefix("$"):
      let version = Operation.Target.version(type, id: try id(path[1]), version: path[3])
      guard let found = try operation(path[4], version, method, query) else { break }
      return found
    case 3: return try compartment(type, method, path, query)
    case 4 where path[3] == "_search":
      guard method == .post else { throw notAllowed(method) }
      return try compartment(type, .get, path, merged(query, form))
    default: break
    }
    throw unknown(path)
  }

  /// `Patient/1/Observation` or `Patient/1/*` (FHIR R4 search §2.1.1.2).
  private func compartment(_ type: Schema.TypeID, _ method: Method, _ path: [String], _ query: QueryString)
    throws(Fault) -> Interaction
  {
    guard schema.compartment(schema.name(type)) != nil else { throw unknown(path) }
    let member = schema.resourceType(path[2])
    guard member != nil || path[2] == "*" else { throw unknown(path) }
    return try only(.get, method, .compartmentSearch(Compartment(type, id: try id(path[1])), member, query))
  }

  /// `$name` on a target; nil if it is no operation there.
  private func operation(_ name: String, _ target: Operation.Target, _ method: Method, _ query: QueryString)
    throws(Fault) -> Interaction?
  {
    guard name.hasPrefix("$"), let code = Operation.Code(rawValue: String(name.dropFirst())),
      let definition = OperationDefinition.find(code, target.level, type: target.type.map { schema.name($0) }),
      let methods = definition.levels[target.level]
    else { return nil }
    guard methods.contains(method == .head ? .get : method) else { throw notAllowed(method) }
    return .operation(
      Operation(code: code, target: target, query: query, method: method == .head ? .get : method))
  }

  private func instance(_ type: Schema.TypeID, _ method: Method, _ text: String) throws(Fault) -> Interaction {
    if text.hasPrefix("$") || text.hasPrefix("_") { throw unknown([schema.name(type), text]) }
    let id = try id(text)
    switch method {
    case .get, .head: return .read(type, id: id)
    case .put: return .update(type, id: id)
    case .delete: return .delete(type, id: id)
    case .patch: return .patch(type, id: id)
    case .post: throw notAllowed(method)
    }
  }

  private func id(_ text: String) throws(Fault) -> String {
    guard PrimitiveCheck.isLogicalID(text) else {
      throw Fault(
        .invalid, "The id in the URL is not a FHIR id: 1 to 64 letters, digits, hyphens and dots.", code: "value")
    }
    return text
  }

  private func only(_ allowed: Method, _ method: Method, _ interaction: Interaction) throws(Fault) -> Interaction {
    if method == allowed || (method == .head && allowed == .get) { return interaction }
    throw notAllowed(method)
  }

  private func merged(_ query: QueryString, _ form: QueryString?) -> QueryString {
    QueryString(query.parameters + (form?.parameters ?? []))
  }

  private func unknown(_ path: [String]) -> Fault {
    Fault(.notFound, "The route for \"/\(path.joined(separator: "/"))\" was not found.")
  }

  private func notAllowed(_ method: Method) -> Fault {
    Fault(.methodNotAllowed, "The method \(method.rawValue) is not offered here.")
  }
}
