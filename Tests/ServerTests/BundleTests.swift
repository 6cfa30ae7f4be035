import JSONCore
import Testing

/// FHIR R4 http#transaction over the wire.
@Suite struct BundleTests {
  private let transaction = #"""
    {"resourceType":"Bundle","type":"transaction","entry":[
      {"fullUrl":"urn:uuid:11111111-1111-4111-8111-111111111111",
       "resource":{"resourceType":"Patient","name":[{"family":"Sato"}]},
       "request":{"method":"POST","url":"Patient"}},
      {"fullUrl":"urn:uuid:22222222-2222-4222-8222-222222222222",
       "resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},
         "subject":{"reference":"urn:uuid:11111111-1111-4111-8111-111111111111"}},
       "request":{"method":"POST","url":"Observation"}}]}
    """#

  @Test func aTransactionRewritesItsReferences() async throws {
    try await LiveServer.run { live in
      let reply = try await live.send("POST", "", transaction)
      #expect(reply.status == 200)
      let bundle = try reply.json()
      #expect(bundle["type"]?.string == "transaction-response")
      let locations = bundle["entry"]?.elements.compactMap { $0["response"]?["location"]?.string } ?? []
      #expect(locations.count == 2)
      let patient = try #require(locations.first?.split(separator: "/").dropLast(2).last)
      let observation = try #require(locations.last?.split(separator: "/").dropLast(2).last)
      let read = try await live.ask("GET", "/Observation/\(observation)").json()
      #expect(read["subject"]?["reference"]?.string == "Patient/\(patient)")
      let found = try await live.ask("GET", "/Observation?subject=Patient/\(patient)").json()
      #expect(found["entry"]?.elements.count == 1)
    }
  }

  @Test func aFailedTransactionLeavesNothing() async throws {
    try await LiveServer.run { live in
      let bad = transaction.replacing(#""status":"final","#, with: "")
      let reply = try await live.send("POST", "", bad)
      #expect(reply.status == 400)
      #expect(try !reply.outcome().diagnostics.isEmpty)
      let count = try await live.ask("GET", "/Patient?_summary=count").json()
      #expect(count["total"]?.integer == 0)
    }
  }

  /// Microsoft's words for a Bundle without type.
  @Test func aBundleNeedsAType() async throws {
    try await LiveServer.run { live in
      let reply = try await live.send("POST", "", #"{"resourceType":"Bundle"}"#)
      #expect(reply.status == 405)
      #expect(reply.header("allow") == "GET, HEAD, POST, OPTIONS")
      #expect(try reply.outcome().code == "forbidden")
      #expect(try await live.send("POST", "", VersionTests.patient).status == 400)
    }
  }
}
