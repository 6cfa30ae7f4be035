import Base
import FHIRModel
import FHIRSearch
import FHIRService
import FHIRStore
import JSONCore
import Storage
import TestStores
import Testing

/// One server, several FHIR releases: each service has its own tables.
@Suite struct ReleaseTests {
  @Test func aStoreKeepsItsRelease() async throws {
    try await LiveServer.run { live in
      let path = live.folder + "/r5.sqlite"
      let first = try await FHIRStore(TestStores.open(path), schema: .r5, clock: .system)
      await first.close()
      let again = try await FHIRStore(TestStores.open(path), schema: .r5, clock: .system)
      await again.close()
      let database = try TestStores.open(path)
      await #expect(throws: (any Error).self) { try await FHIRStore(database, schema: .r4, clock: .system) }
      await database.close()
    }
  }

  /// What R5 renamed and added is known to an R5 service only.
  @Test func resourcesAreOfTheServicesRelease() async throws {
    try await LiveServer.run { live in
      let store = try await FHIRStore(TestStores.open(live.folder + "/r5.sqlite"), schema: .r5, clock: .system)
      let service = FHIRService(
        store, limits: Limits(), clock: .system, ids: IdentifierSource(clock: .system),
        software: FHIRService.Software(name: "Aceso", version: "test"))
      let type = try #require(Schema.r5.resourceType("Encounter"))
      var call = Call(.create(type), base: "http://x/r5")
      call.resource = ResourceNode(
        try JSONDocument(
          #"{"resourceType":"Encounter","status":"in-progress","class":[{"coding":[{"code":"AMB"}]}],"subjectStatus":{"text":"x"}}"#
        ))
      #expect(try await service.perform(call, .everything).status == 201)
      let search = Call(.search(type, QueryString(parsing: "class=AMB")), base: "http://x/r5")
      let found = try await service.perform(search, .everything)
      #expect(try JSONDocument(found.resource ?? []).value["entry"]?.count == 1)
      let r4 = #"{"resourceType":"Encounter","status":"in-progress","class":{"code":"AMB"}}"#
      #expect(try await live.send("POST", "/Encounter", r4).status == 201)
      call.resource = ResourceNode(try JSONDocument(r4))
      let refused = call
      await #expect(throws: Fault.self) { try await service.perform(refused, .everything) }
      await store.close()
    }
  }
}
