import FHIRService
import FHIRStore
import JSONCore
import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Synchronization
import Testing

/// What a node remembers, and what one node at a time does.
@Suite(.serialized, .enabled(if: PostgreSQLServer.isInstalled, "needs PostgreSQL 15 or newer: apt install postgresql"))
struct NoticeTests {
  private static func parameter(_ code: String) -> String {
    """
    {"resourceType":"SearchParameter","id":"\(code)","url":"http://example.org/\(code)","name":"\(code)",
     "status":"active","description":"A colour.","code":"\(code)","base":["Patient"],"type":"token",
     "expression":"Patient.extension('http://example.org/\(code)').value"}
    """
  }

  private static func patient(_ id: String, _ code: String) -> String {
    """
    {"resourceType":"Patient","id":"\(id)","extension":[{"url":"http://example.org/\(code)","valueCode":"red"}]}
    """
  }

  /// Ids that a search finds; nil where it is refused.
  private static func found(_ node: ClusterNode, _ query: String) async throws -> [String]? {
    let reply = try await node.send(.get, "Patient?\(query)&_total=none")
    return reply.status == 200 ? reply.ids : nil
  }

  @Test("a search parameter that one node takes in is known to the other, which indexes and answers by it")
  func catalog() async throws {
    try await withTwoNodes { one, other, _ in
      try await one.send(.put, "Patient/before", Self.patient("before", "shade"))
      let made = try await one.send(.put, "SearchParameter/shade", Self.parameter("shade"))
      #expect(made.status == 201, "\(made.text)")
      // At once, whatever the other node has heard: a write is checked in its transaction.
      try await other.send(.put, "Patient/after", Self.patient("after", "shade"))
      let job = try await other.send(.post, "$reindex", #"{"resourceType":"Parameters"}"#)
      #expect(job.status == 201, "\(job.text)")
      // Made by the other node, done by whichever looks first.
      one.service.start()
      for node in [one, other] {
        let isKnown = try await eventually {
          try await Self.found(node, "shade=red").map { Set($0) } == ["before", "after"]
        }
        #expect(isKnown)
      }
    }
  }

  @Test("what is announced while the connection that hears it is lost is not missed")
  func lost() async throws {
    try await withTwoNodes { one, other, connection in
      one.service.start()
      let server = try PostgreSQLServer.shared.get()
      let name = connection.split(separator: "?").first?.split(separator: "/").last ?? ""
      for round in 0..<5 {
        let code = "tone\(round)"
        async let ended: String = server.sql(
          "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '\(name)' AND query LIKE '%lease%'"
        )
        let made = try await one.send(.put, "SearchParameter/\(code)", Self.parameter(code))
        #expect([201, 503].contains(made.status), "\(made.text)")
        _ = try await ended
        if made.status == 503 { try await one.send(.put, "SearchParameter/\(code)", Self.parameter(code)) }
        try await one.send(.post, "$reindex", #"{"resourceType":"Parameters"}"#)
        let isKnown = try await eventually { try await Self.found(other, "\(code)=red") == [] }
        #expect(isKnown)
        let isDone = try await eventually { try await one.store.activeReindex() == nil }
        #expect(isDone)
      }
    }
  }

  @Test("announcements reach the other processes when they are committed, and no others")
  func announcements() async throws {
    try await withTwoNodes { one, other, _ in
      let heard = Mutex<[Notice]>([])
      let own = Mutex<[Notice]>([])
      other.database.listen { notice in heard.withLock { $0.append(notice) } }
      one.database.listen { notice in own.withLock { $0.append(notice) } }
      struct Refusal: Error {}
      await #expect(throws: Refusal.self) {
        try await one.database.write { transaction in
          try transaction.announce("taken back")
          throw Refusal()
        }
      }
      try await one.database.write { try $0.announce("a topic") }
      let isHeard = try await eventually { heard.withLock { $0.contains(.announced("a topic")) } }
      #expect(isHeard)
      #expect(heard.withLock { $0 } == [.announced("a topic")])
      #expect(own.withLock { $0.isEmpty })
    }
  }

  @Test("a page's token of one node is the other's as well")
  func paging() async throws {
    try await withTwoNodes { one, other, _ in
      for number in 0..<7 {
        try await one.send(.put, "Patient/p\(number)", #"{"resourceType":"Patient","id":"p\#(number)"}"#)
      }
      var seen: [String] = []
      var page: String? = "Patient?_count=2"
      var node = one
      while let address = page {
        let reply = try await node.send(.get, address)
        #expect(reply.status == 200, "\(reply.text)")
        seen += reply.ids
        page = reply.next
        node = node === one ? other : one
      }
      #expect(seen == (0..<7).map { "p\($0)" })
    }
  }

  @Test("full text: the node that does not make the index finds what was acknowledged, too")
  func text() async throws {
    try await withTwoNodes { one, other, _ in
      for (round, node) in [one, other, one, other].enumerated() {
        try await node.send(
          .post, "Patient", #"{"resourceType":"Patient","name":[{"family":"Lindwurm","given":["g\#(round)"]}]}"#)
        for asked in [other, one] {
          let reply = try await asked.send(.get, "Patient?_content=lindwurm")
          #expect(reply.status == 200 && reply.ids.count == round + 1, "\(reply.text)")
        }
      }
    }
  }

  @Test("one node at a time has a lease: another has it when it is released, or the holder is gone")
  func leases() async throws {
    let connection = try PostgreSQLServer.shared.get().database()
    let one = try await ClusterNode(connection, leaseSeconds: 3)
    let other = try await ClusterNode(connection, leaseSeconds: 3)
    let third = try await ClusterNode(connection, leaseSeconds: 3)
    #expect(await one.database.lease("work"))
    #expect(await one.database.lease("work"))
    #expect(await !other.database.lease("work"))
    #expect(await other.database.lease("other work"))
    await one.database.release("work")
    #expect(await other.database.lease("work"))
    // Kept while the holder lives.
    try await Task.sleep(for: .seconds(4))
    #expect(await !one.database.lease("work"))
    #expect(await other.database.lease("work"))
    // A holder that goes in order leaves it at once.
    await other.close()
    #expect(await one.database.lease("work"))
    // One that is gone without a word: its row stays, and is not renewed.
    try await third.database.write { transaction in
      _ = try transaction.execute(
        "UPDATE lease SET node = \("gone"), until = now() + interval '2 s' WHERE work = \("work")")
    }
    #expect(await !third.database.lease("work"))
    let isTaken = try await eventually { await third.database.lease("work") }
    #expect(isTaken)
    // And who thought that it was theirs finds out by its next heartbeat.
    let isLost = try await eventually { await !one.database.lease("work") }
    #expect(isLost)
    await one.close()
    await third.close()
  }

  @Test("while the database is away reads and writes are refused at once or soon; then all goes on")
  func away() async throws {
    let server = try PostgreSQLServer()
    let node = try await ClusterNode(server.connection("postgres"))
    let made = try await node.send(.put, "Patient/a", #"{"resourceType":"Patient","id":"a"}"#)
    #expect(made.status == 201 && node.service.isReachable)
    server.stop("QUIT")
    let isNoticed = try await eventually { !node.service.isReachable }
    #expect(isNoticed)
    let begun = ContinuousClock.now
    let read = try await node.send(.get, "Patient/a")
    #expect(read.status == 503 && ContinuousClock.now - begun < .milliseconds(200))
    let written = try await node.send(.put, "Patient/b", #"{"resourceType":"Patient","id":"b"}"#)
    #expect(written.status == 503)
    try server.start()
    let isBack = try await eventually { node.service.isReachable }
    #expect(isBack)
    let again = try await node.send(.get, "Patient/a")
    let next = try await node.send(.put, "Patient/b", #"{"resourceType":"Patient","id":"b"}"#)
    #expect(again.status == 200 && next.status == 201)
    await node.close()
    server.stop()
  }

  @Test("tables that grow are looked at by ANALYZE within a heartbeat or two, long before autovacuum comes")
  func statistics() async throws {
    try await withTwoNodes { node, _, _ in
      let entries = (0..<500).map { number in
        #"""
        {"resource":{"resourceType":"Observation","status":"final","subject":{"reference":"Patient/p\#(number % 9)"},
         "performer":[{"reference":"Practitioner/a"},{"reference":"Practitioner/b"}],
         "code":{"coding":[{"system":"urn:s","code":"c\#(number % 5)"}]}},
         "request":{"method":"POST","url":"Observation"}}
        """#
      }
      for _ in 0..<2 {
        let reply = try await node.send(
          .post, "",
          #"{"resourceType":"Bundle","type":"transaction","entry":[\#(entries.joined(separator: ","))]}"#)
        #expect(reply.status == 200, "\(reply.text)")
      }
      let isSeen = try await eventually {
        try node.database.point { reader in
          try reader.first("SELECT 1 FROM pg_stats WHERE tablename = 'index_reference' AND n_distinct <> 0") { _ in true
          }
        } ?? false
      }
      #expect(isSeen)
    }
  }

  @Test("an address is shown without its password")
  func address() throws {
    let shown = try PostgreSQLConfiguration.address(
      of: "postgresql://clerk:secret@one:5432,two:5433/records?sslmode=verify-full&password=other")
    #expect(shown == "postgresql://clerk@one:5432,two:5433/records")
  }
}
