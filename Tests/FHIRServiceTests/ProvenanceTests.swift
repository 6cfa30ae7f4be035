import FHIRService
import Foundation
import JSONCore
import Testing

/// The X-Provenance header (FHIR R4 provenance.html#header).
@Suite struct ProvenanceTests {
  private static let provenance =
    #"{"resourceType":"Provenance","recorded":"2026-11-21T08:00:00Z","agent":[{"who":{"display":"an app"}}]}"#

  @Test func writtenWithItsTarget() async throws {
    try await withService { service in
      let created = try await service.send(
        .post, "Patient", #"{"resourceType":"Patient"}"#, provenance: Self.provenance)
      #expect(created.status == 201)
      let id = try #require(created.body?["id"]?.string)
      let found = try await service.send(.get, "Provenance?target=Patient/\(id)")
      #expect(found.ids.count == 1)
      #expect(found.entries[0]["resource"]?["agent"]?[0]?["who"]?["display"]?.string == "an app")
      let updated = try await service.send(
        .put, "Patient/\(id)", #"{"resourceType":"Patient","id":"\#(id)","active":true}"#, provenance: Self.provenance)
      #expect(updated.status == 200)
      #expect(try await service.send(.get, "Provenance?target=Patient/\(id)").ids.count == 2)
    }
  }

  @Test(arguments: ["Jibberish", "{}", #"{"resourceType":"Patient"}"#, #"{"resourceType":"Provenance"}"#])
  func refused(header: String) async throws {
    try await withService { service in
      let reply = try await service.send(.post, "Patient", #"{"resourceType":"Patient"}"#, provenance: header)
      #expect(reply.status == 400)
      #expect(try await service.send(.get, "?_summary=count").body?["total"]?.integer == 0)
    }
  }
}
