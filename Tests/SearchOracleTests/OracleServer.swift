import Base
import FHIRModel
import FHIRSearch
import FHIRService
import FHIRStore
import JSONCore
import TestStores
import TestSupport
import Testing

/// The real thing: a service over a store in a folder of its own, asked in FHIR's words.
final class OracleServer: Sendable {
  static let base = "http://test.example/fhir"

  private let service: FHIRService
  private let store: FHIRStore
  private let folder: TemporaryFolder

  /// - Parameters:
  ///   - clock: what the server takes for the time.
  ///   - listedMax: searches with fewer matches come in order of creation.
  init(clock: Clock = .system, listedMax: Int = 256) async throws {
    let folder = try TemporaryFolder()
    self.folder = folder
    // Short runs, so that equal sort keys take every way there is.
    store = try await FHIRStore(
      TestStores.open(folder.file("store.sqlite")), schema: .r4, clock: clock, sortRunLength: 3,
      listedMax: listedMax)
    service = FHIRService(
      store, limits: Limits(), clock: clock, ids: IdentifierSource(clock: clock),
      software: FHIRService.Software(name: "Aceso", version: "test"))
  }

  func close() async { await store.close() }

  struct Reply {
    let status: Int
    let body: JSONValue?

    var text: String { body.map { String(decoding: $0.json, as: UTF8.self) } ?? "" }
    var updated: String? { body?["meta"]?["lastUpdated"]?.string }
    var total: Int? { body?["total"]?.integer }
    var next: String? { link("next") }

    func link(_ relation: String) -> String? {
      body?["link"]?.elements.first { $0["relation"]?.string == relation }?["url"]?.string
    }

    /// `Type/id` of the entries of a mode (`match`, `include`), in order.
    func resources(_ mode: String) -> [String] {
      (body?["entry"]?.elements ?? []).compactMap { entry in
        guard entry["search"]?["mode"]?.string == mode, let type = entry["resource"]?["resourceType"]?.string,
          let id = entry["resource"]?["id"]?.string
        else { return nil }
        return "\(type)/\(id)"
      }
    }
  }

  /// Sends one request; `url` is relative to the base, or below it.
  func send(_ method: Route.Method, _ url: String, _ body: [UInt8]? = nil) async throws -> Reply {
    do {
      let relative = url.hasPrefix(Self.base) ? String(url.dropFirst(Self.base.count)) : url
      let parts = relative.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      let query = QueryString(parsing: parts.count == 2 ? parts[1] : "")
      let path = (parts.first ?? "").split(separator: "/").map(String.init)
      var call = Call(try service.route.interaction(method, path, query), base: Self.base)
      call.query = query
      if let body { call.resource = ResourceNode(try JSONDocument(body)) }
      let answer = try await service.perform(call, .everything)
      return Reply(status: answer.status, body: try answer.resource.map { try JSONDocument($0).value })
    } catch let fault as Fault {
      let json = OperationOutcome.json(fault, id: "x")
      return Reply(status: OperationOutcome.status(of: fault), body: try JSONDocument(json).value)
    }
  }
}
