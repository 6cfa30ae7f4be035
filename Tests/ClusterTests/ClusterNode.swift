import Base
import FHIRModel
import FHIRSearch
import FHIRService
import FHIRStore
import JSONCore
import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Testing

/// One of several servers of a FHIR service: all that a process has of it but the socket.
final class ClusterNode: Sendable {
  static let base = "http://test.example/fhir"

  let database: PostgreSQLDatabase
  let store: FHIRStore
  let service: FHIRService

  init(_ connection: String, schema: String = "aceso_default_fhir", leaseSeconds: Int = 10, replica: String? = nil)
    async throws
  {
    var configuration = PostgreSQLConfiguration(connection: connection)
    configuration.schema = schema
    configuration.replica = replica
    configuration.replicaSecondsMax = 3
    configuration.leaseSeconds = leaseSeconds
    configuration.heartbeatMilliseconds = 500
    configuration.pointConnectionsMax = 40
    database = try PostgreSQLDatabase(configuration)
    store = try await FHIRStore(database, schema: .r4, clock: .system)
    service = FHIRService(
      store, limits: Limits(), clock: .system, ids: IdentifierSource(clock: .system),
      software: FHIRService.Software(name: "Aceso", version: "test"))
  }

  func close() async {
    await service.stop()
    await store.close()
  }

  struct Reply {
    let status: Int
    let body: JSONValue?

    var id: String { body?["id"]?.string ?? "" }
    var version: Int { Int(body?["meta"]?["versionId"]?.string ?? "") ?? 0 }
    var ids: [String] { (body?["entry"]?.elements ?? []).compactMap { $0["resource"]?["id"]?.string } }
    var text: String { body.map { String(decoding: $0.json, as: UTF8.self) } ?? "" }
    var next: String? {
      body?["link"]?.elements.first { $0["relation"]?.string == "next" }?["url"]?.string
    }
  }

  /// Sends one request; `url` is relative to the base.
  @discardableResult
  func send(
    _ method: Route.Method, _ url: String, _ body: String? = nil, ifMatch: String? = nil, ifNoneExist: String? = nil
  ) async throws -> Reply {
    do {
      let relative = url.hasPrefix(Self.base) ? String(url.dropFirst(Self.base.count)) : url
      let parts = relative.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      let query = QueryString(parsing: parts.count == 2 ? parts[1] : "")
      let path = parts[0].split(separator: "/").map(String.init)
      var call = Call(try service.route.interaction(method, path, query), base: Self.base)
      call.query = query
      call.conditions.ifMatch = ifMatch
      call.conditions.ifNoneExist = ifNoneExist
      if let body { call.resource = ResourceNode(try JSONDocument(body)) }
      let answer = try await service.perform(call, .everything)
      return Reply(status: answer.status, body: try answer.resource.map { try JSONDocument($0).value })
    } catch let fault as Fault {
      let json = OperationOutcome.json(fault, id: "x")
      return Reply(status: OperationOutcome.status(of: fault), body: try JSONDocument(json).value)
    }
  }
}

/// Two nodes on a database of their own.
func withTwoNodes(
  leaseSeconds: Int = 10, _ body: (ClusterNode, ClusterNode, String) async throws -> Void
) async throws {
  let connection = try PostgreSQLServer.shared.get().database()
  // Both open an empty database at the same time.
  async let one = ClusterNode(connection, leaseSeconds: leaseSeconds)
  async let other = ClusterNode(connection, leaseSeconds: leaseSeconds)
  let (first, second) = try await (one, other)
  do {
    try await body(first, second, connection)
  } catch {
    await first.close()
    await second.close()
    throw error
  }
  await first.close()
  await second.close()
}

/// Asks until it is so.
func eventually(
  within limit: Duration = .seconds(10), _ isSo: () async throws -> Bool
) async throws -> Bool {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if try await isSo() { return true }
    try await Task.sleep(for: .milliseconds(20))
  }
  return false
}
