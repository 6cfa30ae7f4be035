import Base
import HTTPServer
import JSONCore
import Workspace

/// What is asked below `/admin`: workspaces and services in the shapes of Azure's management API.
///
/// It is asked with a key; without a key in the configuration only from this machine itself, and by no web page.
public final class Administration: Sendable {
  static let mediaType = "application/json; charset=utf-8"
  /// A body that says more is none.
  static let bodyBytesMax = 1 << 20
  /// A key that is shorter could be guessed.
  public static let keyBytesMin = 32

  private let registry: ServiceRegistry
  private let key: [UInt8]?

  /// - Parameter key: what callers must show as a bearer token; nil: callers of this machine show nothing.
  public init(_ registry: ServiceRegistry, key: String?) {
    self.registry = registry
    self.key = key.map { Array($0.utf8) }
  }

  /// The answer to a request.
  /// - Parameter path: what is behind `/admin`.
  func respond(_ request: HTTPRequest, _ path: [String], trusted: [AddressRange]) async -> HTTPResponse {
    do throws(AdministrationError) {
      try check(request, trusted)
      guard request.body.count <= Self.bodyBytesMax else {
        throw AdministrationError(413, "RequestTooLarge", "The body has more than \(Self.bodyBytesMax) bytes.")
      }
      return try await answer(request, path)
    } catch {
      var response = error.response
      if error.status == 401 { response.headers.append(("WWW-Authenticate", "Bearer")) }
      return response
    }
  }

  // MARK: Who may

  private func check(_ request: HTTPRequest, _ trusted: [AddressRange]) throws(AdministrationError) {
    if let key {
      guard let given = request.header("authorization"), given.lowercased().hasPrefix("bearer "),
        Self.isSame(Array(given.utf8.dropFirst(7)), key)
      else {
        throw AdministrationError(
          401, "AuthenticationFailed", "The administration's key is missing or wrong: Authorization: Bearer KEY.")
      }
      return
    }
    // A proxy on this machine would make everybody a caller of this machine, and a name that leads here would let a web
    // page ask (DNS rebinding).
    let names = ["x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via", "origin"]
    guard let address = IPAddress(request.remoteAddress), address.isLoopback,
      !trusted.contains(where: { $0.contains(address) }), !names.contains(where: { request.header($0) != nil }),
      Self.isLoopback(request.host)
    else {
      throw AdministrationError(
        403, "AuthorizationFailed",
        "Without a key (admin-key-file) the administration is asked from this machine itself, by its own address.")
    }
  }

  private static func isLoopback(_ host: String?) -> Bool {
    guard let host else { return false }
    let name: Substring
    if host.hasPrefix("[") {
      name = host.dropFirst().prefix { $0 != "]" }
    } else {
      name = host.prefix { $0 != ":" }
    }
    return name.lowercased() == "localhost" || IPAddress(String(name))?.isLoopback == true
  }

  /// In the same time whatever they are.
  private static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    var difference: UInt8 = a.count == b.count ? 0 : 1
    for place in b.indices { difference |= b[place] ^ (a.isEmpty ? 0 : a[place % a.count]) }
    return difference == 0
  }

  // MARK: Routes

  private func answer(_ request: HTTPRequest, _ path: [String]) async throws(AdministrationError) -> HTTPResponse {
    switch path.count {
    case 1 where path[0] == "workspaces":
      try allow(request, [.get])
      let all = await registry.workspaces
      return list { writer in for workspace in all { workspace.write(to: &writer, isShown: true) } }
    case 1 where path[0] == "checkNameAvailability":
      try allow(request, [.post])
      return try await availability(request)
    case 2 where path[0] == "workspaces": return try await workspace(request, path[1])
    case 3...4 where path[0] == "workspaces":
      guard let kind = ServiceDefinition.Kind(rawValue: path[2]) else { break }
      if path.count == 4 { return try await service(request, kind, path[3], path[1]) }
      try allow(request, [.get])
      let services = try await registry.workspace(path[1]).services.filter { $0.kind == kind }
      return list { writer in for service in services { service.write(to: &writer, shownIn: path[1]) } }
    default: break
    }
    throw .notFound("/" + path.joined(separator: "/"))
  }

  private func allow(_ request: HTTPRequest, _ methods: [HTTPMethod]) throws(AdministrationError) {
    guard !methods.contains(where: { $0.name == request.method.name }) else { return }
    let names = methods.map(\.name).joined(separator: ", ")
    throw AdministrationError(405, "MethodNotAllowed", "This resource takes \(names).")
  }

  private func workspace(_ request: HTTPRequest, _ name: String) async throws(AdministrationError) -> HTTPResponse {
    try allow(request, [.get, .put, .patch, .delete])
    switch request.method {
    case .get: return Self.answer(200, try await registry.workspace(name))
    case .delete: return HTTPResponse(status: try await registry.deleteWorkspace(name) ? 200 : 204)
    default:
      var node = try Self.node(request)
      if request.method.name == "PATCH" {
        var present = try await registry.workspace(name)
        present.services = []
        node = try Self.node { present.write(to: &$0, isShown: false) }.merging(node)
      }
      let wanted: Workspace
      do throws(ConfigurationError) { wanted = try Workspace(node, name: name) } catch {
        throw AdministrationError(error)
      }
      guard wanted.services.isEmpty else {
        throw AdministrationError(
          400, "InvalidRequestContent", "Services are made at their own addresses, below the workspace's.")
      }
      let outcome = try await registry.put(wanted)
      return Self.answer(outcome == .created ? 201 : 200, try await registry.workspace(name))
    }
  }

  private func service(
    _ request: HTTPRequest, _ kind: ServiceDefinition.Kind, _ name: String, _ workspace: String
  ) async throws(AdministrationError) -> HTTPResponse {
    try allow(request, [.get, .put, .patch, .delete])
    switch request.method {
    case .get: return Self.answer(200, try await registry.service(kind, name, in: workspace), workspace)
    case .delete:
      return HTTPResponse(status: try await registry.deleteService(kind, name, in: workspace) ? 200 : 204)
    default:
      var node = try Self.node(request)
      if request.method.name == "PATCH" {
        let present = try await registry.service(kind, name, in: workspace)
        node = try Self.node { present.write(to: &$0, shownIn: nil) }.merging(node)
      }
      let wanted: ServiceDefinition
      do throws(ConfigurationError) {
        wanted = try ServiceDefinition(node, kind: kind, workspace: workspace, name: name)
      } catch {
        throw AdministrationError(error)
      }
      let outcome = try await registry.put(wanted, in: workspace)
      return Self.answer(
        outcome == .created ? 201 : 200, try await registry.service(kind, name, in: workspace), workspace)
    }
  }

  /// `checkNameAvailability`: `{ "name", "type" }`; a service's name is `{workspace}/{service}`.
  private func availability(_ request: HTTPRequest) async throws(AdministrationError) -> HTTPResponse {
    let node = try Self.node(request)
    guard case .scalar(let name, _)? = node["name"]?.content, case .scalar(let type, _)? = node["type"]?.content else {
      throw AdministrationError(400, "InvalidRequestContent", "The body has a name and a type.")
    }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let isOfWorkspace = type.lowercased() == Workspace.resourceType.lowercased()
    let isName =
      isOfWorkspace
      ? ServiceName.isWorkspace(name)
      : parts.count == 2 && ServiceName.isWorkspace(parts[0]) && ServiceName.isService(parts[1])
    let isTaken = await registry.workspaces.contains { workspace in
      isOfWorkspace
        ? workspace.name == name : workspace.services.contains { "\(workspace.name)/\($0.name)" == name }
    }
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("nameAvailable", isName && !isTaken)
    if !isName || isTaken {
      writer.member("reason", isName ? "AlreadyExists" : "Invalid")
      writer.member("message", isName ? "The name is taken." : "That can be no name.")
    }
    writer.endObject()
    return Self.answer(200, writer.bytes)
  }

  // MARK: Bodies

  private static func node(_ request: HTTPRequest) throws(AdministrationError) -> YAMLNode {
    guard let type = request.header("content-type"), MediaType(type).name == "application/json" else {
      throw AdministrationError(415, "UnsupportedMediaType", "The body is application/json.")
    }
    do throws(ConfigurationError) {
      return try YAMLNode(json: request.body.bytes)
    } catch {
      throw AdministrationError(error)
    }
  }

  /// What is there, as a body would say it.
  private static func node(_ write: (inout JSONWriter) -> Void) throws(AdministrationError) -> YAMLNode {
    var writer = JSONWriter()
    write(&writer)
    do throws(ConfigurationError) {
      return try YAMLNode(json: writer.bytes)
    } catch {
      throw AdministrationError(error)
    }
  }

  private func list(_ write: (inout JSONWriter) -> Void) -> HTTPResponse {
    var writer = JSONWriter(reserving: 1_024)
    writer.beginObject()
    writer.key("value")
    writer.beginArray()
    write(&writer)
    writer.endArray()
    writer.endObject()
    return Self.answer(200, writer.bytes)
  }

  private static func answer(_ status: Int, _ workspace: Workspace) -> HTTPResponse {
    var writer = JSONWriter(reserving: 512)
    workspace.write(to: &writer, isShown: true)
    return answer(status, writer.bytes)
  }

  private static func answer(_ status: Int, _ service: ServiceDefinition, _ workspace: String) -> HTTPResponse {
    var writer = JSONWriter(reserving: 512)
    service.write(to: &writer, shownIn: workspace)
    return answer(status, writer.bytes)
  }

  private static func answer(_ status: Int, _ body: [UInt8]) -> HTTPResponse {
    HTTPResponse(
      status: status, headers: [("Content-Type", mediaType), ("Cache-Control", "no-store")], body: .bytes(body))
  }
}
