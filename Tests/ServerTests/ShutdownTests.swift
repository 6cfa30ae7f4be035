import Base
import FHIRModel
import FHIRSearch
import FHIRService
import FHIRStore
import Server
import Synthesis
import JSONCore
import TestStores
import Testing

@Suite struct ShutdownTests {
  /// What was accepted is finished, acknowledged and kept; then nobody is let in.
  @Test func aStoppingServerFinishesWhatItAccepted() async throws {
    try await LiveServer.run(syncs: true) { live in
      let bundles = (0..<4).map { PatientSynthesis(seed: 5).bundle(patient: $0) }
      let replies = try await withThrowingTaskGroup(of: Reply.self) { group in
        for bundle in bundles {
          group.addTask { try await live.send("POST", "", String(decoding: bundle, as: UTF8.self)) }
        }
        // Wait until the server works on all of them, then ask it to stop.
        var waits = 0
        while waits < 1_000, !isInFlight(try await live.askRoot("GET", "/metrics").text, atLeast: 2) { waits += 1 }
        await live.server.shutdown()
        return try await group.reduce(into: [Reply]()) { $0.append($1) }
      }
      #expect(replies.count == 4)
      #expect(replies.allSatisfy { $0.status == 200 })
      await #expect(throws: WireError.self) { try await live.ask("GET", "/Patient") }
      await live.store.close()
      let again = try await FHIRStore(TestStores.open(live.folder + "/store.sqlite"), schema: .r4, clock: .system)
      let service = FHIRService(
        again, limits: Limits(), clock: .system, ids: IdentifierSource(clock: .system),
        software: FHIRService.Software(name: "Aceso", version: "1"))
      let query = QueryString(parsing: "_summary=count")
      let patient = try #require(service.schema.resourceType("Patient"))
      let answer = try await service.perform(Call(.search(patient, query), base: live.base), .everything)
      #expect(String(decoding: answer.resource ?? [], as: UTF8.self).contains("\"total\":4"))
      await again.close()
    }
  }

  private func isInFlight(_ metrics: String, atLeast count: Int) -> Bool {
    let line = metrics.split(separator: "\n").first { $0.hasPrefix("aceso_http_requests_in_flight ") }
    return line?.split(separator: " ").last.flatMap { Int($0) }.map { $0 > count } ?? false
  }
}
