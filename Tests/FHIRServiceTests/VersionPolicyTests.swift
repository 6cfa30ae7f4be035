import Base
import FHIRModel
import FHIRSearch
import FHIRService
import FHIRStore
import Foundation
import JSONCore
import TestStores
import Testing

/// http://hl7.org/fhir/versioning-policy, for each resource type.
@Suite struct VersionPolicyTests {
  private static func store(_ folder: String, _ schema: Schema = .r4) async throws -> FHIRStore {
    try await FHIRStore(TestStores.open(folder + "/store.sqlite"), schema: schema, clock: .system)
  }

  private static func service(_ policies: String..., in store: FHIRStore) -> FHIRService {
    var configuration = FHIRService.Configuration()
    for policy in policies {
      let isPolicy = configuration.versions.add(policy)
      #expect(isPolicy)
    }
    return FHIRService(
      store, limits: Limits(), clock: .system, ids: IdentifierSource(clock: .system),
      software: FHIRService.Software(name: "Aceso", version: "test"), configuration: configuration)
  }

  private static func withStore(_ schema: Schema = .r4, _ body: (FHIRStore) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aceso-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let store = try await store(folder, schema)
    do {
      try await body(store)
    } catch {
      await store.close()
      throw error
    }
    await store.close()
  }

  private static func patient(_ number: Int, more: String = "") -> String {
    #"{"resourceType":"Patient","id":"p"\#(more),"multipleBirthInteger":\#(number)}"#
  }

  @Test func noVersionKeepsTheNewestOnly() async throws {
    try await Self.withStore { store in
      let service = Self.service("no-version", "Observation=versioned", in: store)
      for number in 1...3 {
        let reply = try await service.send(.put, "Patient/p", Self.patient(number))
        #expect(reply.version == Int64(number))
      }
      let patch = #"[{"op":"replace","path":"/multipleBirthInteger","value":9}]"#
      #expect(try await service.send(.patch, "Patient/p", patch).version == 4)
      for version in 1...3 { #expect(try await service.send(.get, "Patient/p/_history/\(version)").status == 404) }
      #expect(try await service.send(.get, "Patient/p/_history/4").status == 200)
      for url in ["Patient/p/_history", "Patient/_history", "_history"] {
        let history = try await service.send(.get, url)
        #expect(history.total == 1, "\(url): \(history.text)")
        #expect(history.entries.count == 1)
      }
      // A deletion supersedes the newest version; so does what comes after it.
      let deletion = try await service.send(.delete, "Patient/p")
      #expect(deletion.status == 204)
      #expect(deletion.version == 5)
      #expect(try await service.send(.get, "Patient/p").status == 410)
      #expect(try await service.send(.get, "Patient/p/_history/4").status == 404)
      #expect(try await service.send(.put, "Patient/p", Self.patient(1)).version == 6)
      #expect(try await service.send(.get, "Patient/p/_history/5").status == 404)
      #expect(try await service.send(.get, "_history").total == 1)
      #expect(try await service.send(.get, "Patient?_id=p").total(of: "entry") == 1)
    }
  }

  @Test func noVersionInBundles() async throws {
    try await Self.withStore { store in
      let service = Self.service("Patient=no-version", in: store)
      for type in ["transaction", "batch", "transaction"] {
        for query in ["Patient/p", "Patient?_id=p"] {
          let json = #"""
            {"resourceType":"Bundle","type":"\#(type)","entry":[
              {"resource":\#(Self.patient(Int.random(in: 1...1_000_000))),"request":{"method":"PUT","url":"\#(query)"}}]}
            """#
          #expect(try await service.send(.post, "", json).status == 200)
        }
      }
      #expect(try await service.send(.get, "Patient/p").version == 6)
      #expect(try await service.send(.get, "_history").total == 1)
      // Another type keeps its versions.
      for text in ["a", "b"] {
        try await service.send(.put, "Basic/b", #"{"resourceType":"Basic","id":"b","code":{"text":"\#(text)"}}"#)
      }
      #expect(try await service.send(.get, "Basic/b/_history").total == 2)
    }
  }

  /// A change of policy removes nothing by itself.
  @Test func historyFromBeforeStays() async throws {
    try await Self.withStore { store in
      let before = Self.service("versioned", in: store)
      for number in 1...2 { try await before.send(.put, "Patient/p", Self.patient(number)) }
      let after = Self.service("no-version", in: store)
      try await after.send(.put, "Patient/p", Self.patient(3))
      #expect(try await after.send(.get, "Patient/p/_history/1").status == 200)
      #expect(try await after.send(.get, "Patient/p/_history/2").status == 404)
      #expect(try await after.send(.get, "Patient/p/_history").total == 2)
    }
  }

  @Test func versionedUpdateDemandsIfMatch() async throws {
    try await Self.withStore { store in
      let service = Self.service("Patient=versioned-update", in: store)
      let first = try await service.send(.put, "Patient/p", Self.patient(1))
      #expect(first.status == 201)
      let refused = try await service.send(.put, "Patient/p", Self.patient(2))
      #expect(refused.status == 400)
      #expect(
        refused.diagnostics == [
          "Resources of type Patient are updated only with an If-Match header that names the version the update was built "
            + "upon."
        ])
      // One that changes nothing is an update as well.
      #expect(try await service.send(.put, "Patient/p", Self.patient(1)).status == 400)
      let patch = #"[{"op":"replace","path":"/multipleBirthInteger","value":9}]"#
      #expect(try await service.send(.patch, "Patient/p", patch).status == 400)
      #expect(try await service.send(.patch, "Patient?_id=p", patch).status == 400)
      #expect(try await service.send(.put, "Patient?_id=p", Self.patient(3)).status == 400)
      let labels = #"{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"t"}]}}]}"#
      #expect(try await service.send(.post, "Patient/p/$meta-add", labels).status == 400)
      #expect(try await service.send(.put, "Patient/p", Self.patient(2), ifMatch: "W/\"2\"").status == 412)
      #expect(try await service.send(.put, "Patient/p", Self.patient(2), ifMatch: "W/\"1\"").version == 2)
      #expect(try await service.send(.patch, "Patient/p", patch, ifMatch: "W/\"2\"").version == 3)
      #expect(try await service.send(.put, "Patient?_id=p", Self.patient(3), ifMatch: "W/\"3\"").version == 4)
      #expect(try await service.send(.post, "Patient/p/$meta-add", labels, ifMatch: "W/\"4\"").version == 5)
      // A new resource, other types and deletions need none.
      #expect(try await service.send(.post, "Patient", Self.patient(1)).status == 201)
      for text in ["a", "b"] {
        let basic = #"{"resourceType":"Basic","id":"b","code":{"text":"\#(text)"}}"#
        #expect(try await service.send(.put, "Basic/b", basic).status < 300)
      }
      #expect(try await service.send(.delete, "Patient/p").status == 204)
    }
  }

  @Test func versionedUpdateInBundles() async throws {
    try await Self.withStore { store in
      let service = Self.service("versioned-update", in: store)
      try await service.send(.put, "Patient/p", Self.patient(1))
      func bundle(_ type: String, _ more: String = "") -> String {
        #"""
        {"resourceType":"Bundle","type":"\#(type)","entry":[
          {"resource":\#(Self.patient(2)),"request":{"method":"PUT","url":"Patient/p"\#(more)}},
          {"resource":{"resourceType":"Patient","active":true},"request":{"method":"POST","url":"Patient"}}]}
        """#
      }
      #expect(try await service.send(.post, "", bundle("transaction")).status == 400)
      #expect(try await service.send(.get, "Patient?active=true").total(of: "entry") == 0)
      let batch = try await service.send(.post, "", bundle("batch"))
      #expect(batch.statuses == ["400", "201"])
      let matching = #","ifMatch":"W/\"1\"""#
      #expect(try await service.send(.post, "", bundle("transaction", matching)).statuses == ["200", "201"])
    }
  }

  /// STU3 http#concurrency had other statuses.
  @Test func statusesOfSTU3() async throws {
    let schema = try #require(Schema.release("3.0"))
    try await Self.withStore(schema) { store in
      let service = Self.service("versioned-update", in: store)
      try await service.send(.put, "Patient/p", Self.patient(1))
      #expect(try await service.send(.put, "Patient/p", Self.patient(2)).status == 412)
      #expect(try await service.send(.put, "Patient/p", Self.patient(2), ifMatch: "W/\"7\"").status == 409)
      #expect(try await service.send(.put, "Patient/p", Self.patient(2), ifMatch: "W/\"1\"").status == 200)
    }
  }

  @Test func capabilityStatement() async throws {
    try await Self.withStore { store in
      let service = Self.service("versioned-update", "Patient=no-version", "Basic=versioned", in: store)
      let statement = try await service.send(.get, "metadata")
      for resource in statement.body?["rest"]?[0]?["resource"]?.elements ?? [] {
        let type = resource["type"]?.string ?? ""
        let expected = ["Patient": "no-version", "Basic": "versioned"][type] ?? "versioned-update"
        #expect(resource["versioning"]?.string == expected, "\(type)")
        #expect(resource["readHistory"]?.bool == (type != "Patient"), "\(type)")
        #expect(resource["updateCreate"]?.bool == true)
      }
    }
  }

  @Test(arguments: [
    "", "none", "versioned-", "Patient", "Patient=", "=versioned", "patient=versioned", "A=B=versioned",
  ])
  func noPolicies(text: String) {
    var policies = VersionPolicies()
    let isPolicy = policies.add(text)
    #expect(!isPolicy)
    #expect(policies == VersionPolicies())
  }

  @Test func unknownTypes() {
    var policies = VersionPolicies()
    for name in ["Pateint", "Patient"] {
      let isPolicy = policies.add("\(name)=versioned")
      #expect(isPolicy)
    }
    #expect(policies.unknownTypes(in: [.r4]) == ["Pateint"])
  }
}

/// What came back of a request to a service that a test made itself.
struct ServiceReply {
  let status: Int
  let answer: Answer?
  let body: JSONValue?

  var version: Int64? { answer?.version }
  var total: Int? { body?["total"]?.integer }
  var text: String { body.map { String(decoding: $0.json, as: UTF8.self) } ?? "" }
  var entries: [JSONValue] { body?["entry"]?.elements ?? [] }
  var statuses: [String] { entries.compactMap { $0["response"]?["status"]?.string } }
  var diagnostics: [String] { (body?["issue"]?.elements ?? []).compactMap { $0["diagnostics"]?.string } }

  func total(of name: String) -> Int { body?[JSONKey(name)]?.count ?? 0 }
}

extension FHIRService {
  /// Sends one request; `url` is relative to the base.
  @discardableResult
  func send(
    _ method: Route.Method, _ url: String, _ body: String? = nil, ifMatch: String? = nil,
    _ change: (inout Call) -> Void = { _ in }
  ) async throws -> ServiceReply {
    do {
      let parts = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      let query = QueryString(parsing: parts.count == 2 ? parts[1] : "")
      let path = parts[0].split(separator: "/").map(String.init)
      var call = Call(try route.interaction(method, path, query), base: TestService.base)
      call.query = query
      call.conditions.ifMatch = ifMatch
      if let body { call.resource = ResourceNode(try JSONDocument(body)) }
      change(&call)
      let answer = try await perform(call, .everything)
      return ServiceReply(
        status: answer.status, answer: answer, body: try answer.resource.map { try JSONDocument($0).value })
    } catch let fault as Fault {
      let json = OperationOutcome.json(fault, id: "x")
      return ServiceReply(status: OperationOutcome.status(of: fault), answer: nil, body: try JSONDocument(json).value)
    }
  }
}
