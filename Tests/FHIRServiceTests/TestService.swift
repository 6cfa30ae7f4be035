import Base
import FHIRModel
import FHIRSearch
import FHIRService
import FHIRStore
import Foundation
import JSONCore
import Storage
import Synchronization
import TestStores
import Testing

/// A service over a real store in a folder of its own, asked in FHIR's own words.
final class TestService: Sendable {
  let service: FHIRService
  let store: FHIRStore
  let database: any Database
  let folder: String
  static let base = "http://test.example/fhir"

  /// - Parameter folder: of a store that was closed; nil for a fresh one.
  init(
    limits: Limits = Limits(), clock: Clock = .system, folder: String? = nil,
    extractionVersion: Int = IndexExtractor.version
  ) async throws {
    self.folder =
      folder ?? FileManager.default.temporaryDirectory.appendingPathComponent("aceso-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
    database = try TestStores.open(self.folder + "/store.sqlite")
    store = try await FHIRStore(database, schema: .r4, clock: clock, extractionVersion: extractionVersion)
    service = FHIRService(
      store, limits: limits, clock: clock, ids: IdentifierSource(clock: clock),
      software: FHIRService.Software(name: "Aceso", version: "test"))
  }

  func close() async {
    await service.stop()
    await store.close()
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// What came back: the answer of a success, the status and outcome of a fault.
  struct Reply {
    let status: Int
    let answer: Answer?
    let body: JSONValue?

    var text: String { body.map { String(decoding: $0.json, as: UTF8.self) } ?? "" }
    var entries: [JSONValue] { body?["entry"]?.elements ?? [] }
    /// Ids of the matches, in order.
    var ids: [String] {
      entries.filter { $0["search"]?["mode"]?.string != "outcome" }.compactMap { $0["resource"]?["id"]?.string }
    }
    var diagnostics: [String] { (body?["issue"]?.elements ?? []).compactMap { $0["diagnostics"]?.string } }
    func link(_ relation: String) -> String? {
      body?["link"]?.elements.first { $0["relation"]?.string == relation }?["url"]?.string
    }
  }

  /// Sends one request. `url` is relative to the base.
  @discardableResult
  func send(
    _ method: Route.Method, _ url: String, _ body: String? = nil, ifMatch: String? = nil, ifNoneMatch: String? = nil,
    ifNoneExist: String? = nil, prefer: String? = nil, provenance: String? = nil
  ) async throws -> Reply {
    do {
      let relative = url.hasPrefix(Self.base) ? String(url.dropFirst(Self.base.count)) : url
      let parts = relative.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      let query = QueryString(parsing: parts.count == 2 ? parts[1] : "")
      let path = parts[0].split(separator: "/").map { String($0).removingPercentEncoding ?? String($0) }
      var call = Call(try service.route.interaction(method, path, query), base: Self.base)
      call.query = query
      call.provenance = provenance
      call.conditions.ifMatch = ifMatch
      call.conditions.ifNoneMatch = ifNoneMatch
      call.conditions.ifNoneExist = ifNoneExist
      if let prefer { call.preference = try Preference(header: prefer) }
      if let body { call.resource = ResourceNode(try JSONDocument(body)) }
      let answer = try await service.perform(call, .everything)
      return Reply(status: answer.status, answer: answer, body: try answer.resource.map { try JSONDocument($0).value })
    } catch let fault as Fault {
      let json = OperationOutcome.json(fault, id: "x")
      return Reply(status: OperationOutcome.status(of: fault), answer: nil, body: try JSONDocument(json).value)
    }
  }

  /// Creates a resource and returns its id.
  func create(_ type: String, _ json: String) async throws -> String {
    let reply = try await send(.post, type, json)
    #expect(reply.status == 201, "\(reply.text)")
    return try #require(reply.body?["id"]?.string)
  }
}

/// Runs a test with a fresh service and closes it.
func withService<R>(limits: Limits = Limits(), _ body: (TestService) async throws -> R) async throws -> R {
  let service = try await TestService(limits: limits)
  do {
    let result = try await body(service)
    await service.close()
    return result
  } catch {
    await service.close()
    throw error
  }
}
