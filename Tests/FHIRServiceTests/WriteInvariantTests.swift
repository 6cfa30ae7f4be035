import Base
import FHIRModel
import FHIRService
import FHIRStore
import Foundation
import JSONCore
import TestStores
import Testing

/// The standard's own rules (ElementDefinition.constraint) on writes.
@Suite struct WriteInvariantTests {
  /// The issues as "code expression key".
  private static func issues(_ body: JSONValue?) -> [String] {
    (body?["issue"]?.elements ?? []).map { issue in
      let key = (issue["diagnostics"]?.string ?? "").split(separator: " ").dropFirst(2).first ?? ""
      return "\(issue["code"]?.string ?? "") \(issue["expression"]?[0]?.string ?? "") \(key)"
    }
  }

  /// All that is wrong is told at once, each with its place and the rule's key.
  private static let broken: [(type: String, json: String, issues: [String])] = [
    (
      "Patient",
      """
      {"resourceType":"Patient","contact":[{"name":{"text":"a"}},{"gender":"male"},{"gender":"female"}],
       "telecom":[{"value":"1"},{"value":"1","system":"phone"}],
       "name":[{"period":{"start":"2020-02","end":"2020-01"}}]}
      """,
      [
        "invariant Patient.contact[1] pat-1", "invariant Patient.contact[2] pat-1",
        "invariant Patient.telecom[0] cpt-2",
        "invariant Patient.name[0].period per-1",
      ]
    ),
    (
      "Observation",
      """
      {"resourceType":"Observation","status":"final","code":{"text":"a"},"valueQuantity":{"value":1,"code":"kg"},
       "dataAbsentReason":{"text":"b"}}
      """, ["invariant Observation obs-6", "invariant Observation.value qty-3"]
    ),
    ("Organization", #"{"resourceType":"Organization","active":true}"#, ["invariant Organization org-1"]),
    (
      "Basic",
      """
      {"resourceType":"Basic","code":{"text":"x"},"contained":[{"resourceType":"Organization","id":"c"}],
       "subject":{"reference":"#c"},
       "extension":[{"url":"urn:e","valuePeriod":{"start":"2021","end":"2020"}}]}
      """, ["invariant Basic.contained[0] org-1", "invariant Basic.extension[0].value per-1"]
    ),
  ]

  @Test(arguments: broken.indices) func refused(place: Int) async throws {
    let (type, json, expected) = Self.broken[place]
    try await withService { service in
      let created = try await service.send(.post, type, json)
      #expect(created.status == 400)
      #expect(Set(Self.issues(created.body)) == Set(expected), "\(created.text)")
      #expect(created.diagnostics.allSatisfy { $0.hasPrefix("The rule ") })
      let put = json.replacingOccurrences(
        of: #""resourceType":"\#(type)""#, with: #""resourceType":"\#(type)","id":"i""#)
      #expect(try await service.send(.put, "\(type)/i", put).status == 400)
      #expect(try await service.send(.put, "\(type)?_id=i", put).status == 400)
      func bundle(_ type: String, _ url: String) -> String {
        #"""
        {"resourceType":"Bundle","type":"\#(type)","entry":[
          {"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},
          {"resource":\#(json),"request":{"method":"POST","url":"\#(url)"}}]}
        """#
      }
      let transaction = try await service.send(.post, "", bundle("transaction", type))
      #expect(transaction.status == 400)
      let inside = expected.map {
        $0.replacingOccurrences(of: "invariant \(type)", with: "invariant Bundle.entry[1].resource")
      }
      #expect(Set(Self.issues(transaction.body)) == Set(inside), "\(transaction.text)")
      let batch = try await service.send(.post, "", bundle("batch", type))
      #expect(batch.entries.map { $0["response"]?["status"]?.string } == ["201", "400"])
      #expect(try await service.send(.get, "?_summary=count").body?["total"]?.integer == 1)
    }
  }

  @Test func patchesAreHeldToThemToo() async throws {
    try await withService { service in
      let id = try await service.create("Organization", #"{"resourceType":"Organization","name":"x"}"#)
      let patch = #"[{"op":"remove","path":"/name"},{"op":"add","path":"/active","value":true}]"#
      let reply = try await service.send(.patch, "Organization/\(id)", patch)
      #expect(reply.status == 400)
      #expect(Self.issues(reply.body) == ["invariant Organization org-1"])
    }
  }

  /// Recommendations, and requirements that look beyond their element, refuse nothing unless all are asked for.
  @Test func theRestIsSwitchable() async throws {
    // dom-3 and ref-1 are requirements about the whole resource; dom-6 and org-3 …: recommendations.
    let unreferenced = """
      {"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"x"}]}
      """
    let dangling = ##"{"resourceType":"Patient","managingOrganization":{"reference":"#none"}}"##
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aceso-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let store = try await FHIRStore(TestStores.open(folder + "/store.sqlite"), schema: .r4, clock: .system)
    for (invariants, status) in [(WriteInvariants.cheap, 201), (.all, 400)] {
      var configuration = FHIRService.Configuration()
      configuration.invariants = invariants
      let service = FHIRService(
        store, limits: Limits(), clock: .system, ids: IdentifierSource(clock: .system),
        software: FHIRService.Software(name: "Aceso", version: "test"), configuration: configuration)
      for (json, key) in [(unreferenced, "dom-3"), (dangling, "ref-1")] {
        let reply = try await service.send(.post, "Patient", json)
        #expect(reply.status == status, "\(invariants) \(key): \(reply.text)")
        if status == 400 { #expect(Self.issues(reply.body).contains { $0.hasSuffix(key) }, "\(reply.text)") }
      }
      #expect(try await service.send(.post, "Patient", #"{"resourceType":"Patient"}"#).status == 201)
    }
    await store.close()
  }

  /// A primitive that is there by its extensions alone counts as there.
  @Test func primitivesWithoutValues() async throws {
    try await withService { service in
      let absent = """
        {"resourceType":"Organization","_name":{"extension":[
          {"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}}
        """
      let system = """
        {"resourceType":"Patient","telecom":[{"value":"1","_system":{"extension":[
          {"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}}]}
        """
      for (type, json) in [("Organization", absent), ("Patient", system)] {
        let reply = try await service.send(.post, type, json)
        #expect(reply.status == 201, "\(reply.text)")
      }
    }
  }

  /// What is large or deep is checked in bounded time.
  @Test(.timeLimit(.minutes(5))) func largeResources() async throws {
    try await withService { service in
      let contacts = Array(repeating: #"{"gender":"male"}"#, count: 20_000).joined(separator: ",")
      let many = try await service.send(.post, "Patient", #"{"resourceType":"Patient","contact":[\#(contacts)]}"#)
      #expect(many.status == 400)
      #expect(many.diagnostics.count == 50)
      let periods = Array(repeating: #"{"period":{"start":"2020","end":"2021"}}"#, count: 50_000).joined(separator: ",")
      let start = ContinuousClock.now
      let sound = try await service.send(.post, "Patient", #"{"resourceType":"Patient","name":[\#(periods)]}"#)
      #expect(sound.status == 201)
      #expect(ContinuousClock.now - start < .seconds(20))
    }
  }
}
