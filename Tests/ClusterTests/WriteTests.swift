import FHIRService
import FHIRStore
import JSONCore
import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Testing

/// Two nodes that write at the same time behave as one.
@Suite(.serialized, .enabled(if: PostgreSQLServer.isInstalled, "needs PostgreSQL 15 or newer: apt install postgresql"))
struct WriteTests {
  private static let clients = 32

  @Test("2 nodes with 32 clients each: every write has a key and a position of its own, and none is lost")
  func numbers() async throws {
    try await withTwoNodes { one, other, _ in
      let writes = 8
      let ids = try await withThrowingTaskGroup(of: [String].self) { group in
        for client in 0..<2 * Self.clients {
          let node = client % 2 == 0 ? one : other
          group.addTask {
            var ids: [String] = []
            for number in 0..<writes {
              // Systems that both nodes meet for the first time, at the same time.
              let reply = try await node.send(
                .post, "Observation",
                """
                {"resourceType":"Observation","status":"final",
                 "code":{"coding":[{"system":"urn:s\(number)-\(client / 8)","code":"c\(client)"}]},
                 "valueQuantity":{"value":\(number),"unit":"u\(client % 5)"}}
                """)
              #expect(reply.status == 201, "\(reply.text)")
              ids.append(reply.id)
            }
            return ids
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      let total = Int64(2 * Self.clients * writes)
      #expect(Int64(Set(ids).count) == total)
      let counts = try one.database.point { reader in
        try reader.first(
          """
          SELECT (SELECT count(*) FROM resource), (SELECT count(DISTINCT key) FROM resource),
            (SELECT count(*) FROM change_log), (SELECT max(position) FROM change_log),
            (SELECT live FROM resource_count), (SELECT count(*) - count(DISTINCT uri) FROM system),
            (SELECT count(*) FROM resource AS r WHERE NOT EXISTS (SELECT 1 FROM index_token AS t WHERE t.key = r.key))
          """
        ) { row in (0..<7).map { row.integer($0) } }
      }
      #expect(counts == [total, total, total, total, total, 0, 0])
      // Those of one node that wait for the other's commit share the next.
      for node in [one, other] { #expect(node.database.statistics.jobsPerCommitMax > 4) }
      // What the one wrote is found by the other, by systems that it did not know.
      for client in [0, 1, 62, 63] {
        for node in [one, other] {
          let reply = try await node.send(.get, "Observation?code=c\(client)&_count=50")
          #expect(reply.ids.count == writes)
          let named = try await node.send(.get, "Observation?code=urn:s3-\(client / 8)%7Cc\(client)")
          #expect(named.ids.count == 1)
        }
      }
    }
  }

  @Test("If-Match is respected: of 64 clients on 2 nodes each counts up, and no count is lost")
  func updates() async throws {
    try await withTwoNodes { one, other, _ in
      let counts = 4
      func counter(_ value: Int) -> String {
        #"{"resourceType":"Basic","id":"counter","code":{"text":"\#(value)"}}"#
      }
      let made = try await one.send(.put, "Basic/counter", counter(0))
      #expect(made.status == 201)
      let refused = try await withThrowingTaskGroup(of: Int.self) { group in
        for client in 0..<2 * Self.clients {
          let node = client % 2 == 0 ? one : other
          group.addTask {
            var (done, refused) = (0, 0)
            while done < counts {
              let now = try await node.send(.get, "Basic/counter")
              let value = Int(now.body?["code"]?["text"]?.string ?? "") ?? -1
              let reply = try await node.send(
                .put, "Basic/counter", counter(value + 1), ifMatch: "W/\"\(now.version)\"")
              #expect([200, 412].contains(reply.status), "\(reply.text)")
              if reply.status == 200 { done += 1 } else { refused += 1 }
            }
            return refused
          }
        }
        return try await group.reduce(0, +)
      }
      let total = 2 * Self.clients * counts
      for node in [one, other] {
        let now = try await node.send(.get, "Basic/counter")
        #expect(now.body?["code"]?["text"]?.string == "\(total)")
        #expect(now.version == total + 1)
      }
      #expect(refused > 0)
    }
  }

  @Test("of 64 updates on 2 nodes that name the same version exactly one is carried out, each time")
  func oneWinner() async throws {
    try await withTwoNodes { one, other, _ in
      try await one.send(.put, "Basic/prize", #"{"resourceType":"Basic","id":"prize","code":{"text":"0"}}"#)
      for version in 1...6 {
        let winners = try await withThrowingTaskGroup(of: Int?.self) { group in
          for client in 0..<2 * Self.clients {
            let node = client % 2 == 0 ? one : other
            group.addTask {
              let reply = try await node.send(
                .put, "Basic/prize", #"{"resourceType":"Basic","id":"prize","code":{"text":"\#(version)-\#(client)"}}"#,
                ifMatch: "W/\"\(version)\"")
              #expect([200, 412].contains(reply.status), "\(reply.text)")
              return reply.status == 200 ? client : nil
            }
          }
          return try await group.reduce(into: []) { $0 += [$1].compactMap { $0 } }
        }
        #expect(winners.count == 1)
        for node in [one, other] {
          let now = try await node.send(.get, "Basic/prize")
          #expect(now.version == version + 1)
          #expect(now.body?["code"]?["text"]?.string == winners.first.map { "\(version)-\($0)" })
        }
      }
    }
  }

  @Test("conditional creates raced by 64 clients on 2 nodes make one resource each time", arguments: [false, true])
  func conditionalCreates(isSystemNamed: Bool) async throws {
    try await withTwoNodes { one, other, _ in
      for round in 0..<6 {
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
          for client in 0..<2 * Self.clients {
            let node = client % 2 == 0 ? one : other
            group.addTask {
              let system = isSystemNamed ? "urn:race:\(round)%7C" : ""
              let reply = try await node.send(
                .post, "Patient",
                #"{"resourceType":"Patient","identifier":[{"system":"urn:race:\#(round)","value":"v\#(round)"}]}"#,
                ifNoneExist: "identifier=\(system)v\(round)")
              #expect([200, 201].contains(reply.status), "\(reply.text)")
              return reply.status
            }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.filter { $0 == 201 }.count == 1)
        for node in [one, other] {
          let found = try await node.send(.get, "Patient?identifier=v\(round)")
          #expect(found.ids.count == 1)
        }
      }
    }
  }

  @Test("who follows the change log while two nodes write meets every position once, in order")
  func changeLog() async throws {
    try await withTwoNodes { one, other, _ in
      let writes = 25
      async let followed: [Int64] = {
        var positions: [Int64] = []
        while positions.count < 16 * writes {
          let last = positions.last ?? 0
          positions += try await one.database.read { reader in
            try reader.all("SELECT position FROM change_log WHERE position > \(last) ORDER BY position") {
              $0.integer(0)
            }
          }
        }
        return positions
      }()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for client in 0..<16 {
          let node = client % 2 == 0 ? one : other
          group.addTask {
            for number in 0..<writes {
              try await node.send(.post, "Basic", #"{"resourceType":"Basic","code":{"text":"\#(number)"}}"#)
            }
          }
        }
        try await group.waitForAll()
      }
      let positions = try await followed
      #expect(positions == Array(1...Int64(16 * writes)))
    }
  }

  @Test("services in schemas of one database know nothing of each other")
  func schemas() async throws {
    let connection = try PostgreSQLServer.shared.get().database()
    let one = try await ClusterNode(connection, schema: "aceso_default_one")
    let other = try await ClusterNode(connection, schema: "aceso_default_other")
    try await one.send(.put, "Patient/a", #"{"resourceType":"Patient","id":"a"}"#)
    let status = try await other.send(.get, "Patient/a").status
    #expect(status == 404)
    let positions = try other.database.point { try $0.first("SELECT count(*) FROM change_log") { $0.integer(0) } }
    #expect(positions == 0)
    #expect(throws: StorageError.self) {
      var configuration = PostgreSQLConfiguration(connection: connection)
      configuration.schema = "no\"name"
      _ = try PostgreSQLDatabase(configuration)
    }
    await one.close()
    await other.close()
  }
}
