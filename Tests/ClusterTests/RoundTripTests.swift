import FHIRService
import JSONCore
import PostgreSQLServer
import StoragePostgreSQL
import Testing

/// How often a request goes to the database and back: what a write takes where that is far away.
@Suite(.serialized, .enabled(if: PostgreSQLServer.isInstalled, "needs PostgreSQL 15 or newer: apt install postgresql"))
struct RoundTripTests {
  private struct Trips: Equatable {
    var reads: Int
    var writes: Int
  }

  private static func entry(_ number: Int, _ method: String, id: String? = nil, value: Int = 0) -> String {
    let system = "http://example.org/system-\(number % 7)"
    let (name, url) = id.map { (#""id":"\#($0)","#, "Observation/\($0)") } ?? ("", "Observation")
    return """
      {"fullUrl":"urn:uuid:00000000-0000-4000-8000-\(100_000_000_000 + number)",
       "resource":{"resourceType":"Observation",\(name)"status":"final","code":{"coding":[{"system":"\(system)",
         "code":"c\(number % 13)"}],"text":"\(value)"},"effectiveDateTime":"2020-01-\(10 + number % 20)",
         "identifier":[{"system":"\(system)","value":"i\(number)-\(value)"}],
         "valueQuantity":{"value":\(number + value),"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}},
       "request":{"method":"\(method)","url":"\(url)"}}
      """
  }

  private static func bundle(_ entries: [String]) -> String {
    #"{"resourceType":"Bundle","type":"transaction","entry":[\#(entries.joined(separator: ","))]}"#
  }

  /// The fewest of some tries: now and then a node also does something of its own.
  private static func trips(_ node: ClusterNode, _ send: (Int) async throws -> ClusterNode.Reply) async throws -> Trips
  {
    var fewest = Trips(reads: .max, writes: .max)
    for round in 0..<4 {
      let before = node.database.faults
      let reply = try await send(round)
      #expect((200...204).contains(reply.status), "\(reply.text)")
      let after = node.database.faults
      fewest.reads = min(fewest.reads, after.roundTripsOfReads - before.roundTripsOfReads)
      fewest.writes = min(fewest.writes, after.roundTripsOfWrites - before.roundTripsOfWrites)
    }
    return fewest
  }

  @Test("a transaction of 100 entries takes two round trips, and one or two more to look at what stands")
  func transactions() async throws {
    try await withTwoNodes { node, _, _ in
      let created = try await Self.trips(node) { _ in
        try await node.send(.post, "", Self.bundle((0..<100).map { Self.entry($0, "POST") }))
      }
      #expect(created == Trips(reads: 0, writes: 2))
      let put = try await Self.trips(node) { round in
        let entries = (0..<100).map { Self.entry($0, "PUT", id: "new-\(round)-\($0)") }
        return try await node.send(.post, "", Self.bundle(entries))
      }
      #expect(put == Trips(reads: 1, writes: 2))
      let updated = try await Self.trips(node) { round in
        let entries = (0..<100).map { Self.entry($0, "PUT", id: "new-0-\($0)", value: round + 1) }
        return try await node.send(.post, "", Self.bundle(entries))
      }
      #expect(updated == Trips(reads: 2, writes: 2))
      let now = try await node.send(.get, "Observation/new-0-99")
      #expect(now.version == 5 && now.body?["code"]?["text"]?.string == "4")
      let found = try await node.send(.get, "Observation?identifier=i99-4&_count=50")
      #expect(found.ids == ["new-0-99"])
      let gone = try await node.send(.get, "Observation?identifier=i99-3&_count=50")
      #expect(gone.ids.isEmpty)
    }
  }

  @Test("a create takes two round trips, an update and a deletion four")
  func single() async throws {
    try await withTwoNodes { node, other, _ in
      func patient(_ round: Int) -> String {
        #"""
        {"resourceType":"Patient","id":"a","name":[{"family":"F\#(round)"}],
         "identifier":[{"system":"urn:s","value":"\#(round)"}]}
        """#
      }
      let created = try await Self.trips(node) { try await node.send(.post, "Patient", patient($0)) }
      #expect(created == Trips(reads: 0, writes: 2))
      try await node.send(.put, "Patient/a", patient(100))
      // On the node that knows the systems already, and on the other.
      for (index, node) in [node, other].enumerated() {
        let updated = try await Self.trips(node) { try await node.send(.put, "Patient/a", patient(10 * index + $0)) }
        #expect(updated == Trips(reads: 2, writes: 2))
      }
      for round in 0..<4 {
        let body = #"{"resourceType":"Patient","id":"d\#(round)","active":true}"#
        try await node.send(.put, "Patient/d\(round)", body)
      }
      let deleted = try await Self.trips(node) { try await node.send(.delete, "Patient/d\($0)") }
      #expect(deleted == Trips(reads: 2, writes: 2))
      let read = try await Self.trips(node) { _ in try await node.send(.get, "Patient/a") }
      #expect(read == Trips(reads: 1, writes: 0))
    }
  }
}
