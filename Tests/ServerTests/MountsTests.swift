import Base
import Server
import Synchronization
import Testing
import Workspace

/// Services come and go while others are asked, and no request is lost or goes astray.
@Suite struct MountsTests {
  private final class Load: Sendable {
    let isOver = Atomic(false)
    let answered = Atomic(0)
  }

  /// Clients of two services that stay hear nothing of others that are made, changed and taken away; clients of those
  /// are answered by them, or told that there is nothing.
  @Test func servicesComeAndGoUnderLoad() async throws {
    try await LiveRegistry.run(fixed: LiveRegistry.declared) { live async throws in
      #expect(try await live.admin("PUT", "/workspaces/busy", "{}").status == 201)
      let stays = try await live.create("/file/fhir/Patient", AdministrationTests.patient).id()
      let load = Load()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<3 {
          group.addTask {
            while !load.isOver.load(ordering: .relaxed) {
              let reply = try await live.ask("GET", "/file/fhir/Patient/\(stays)")
              #expect(reply.status == 200)
              load.answered.add(1, ordering: .relaxed)
            }
          }
        }
        for client in 0..<3 {
          group.addTask {
            while !load.isOver.load(ordering: .relaxed) {
              let reply = try await live.create("/busy/s\(client)/Patient", AdministrationTests.patient)
              // Whatever was acknowledged was stored; nothing breaks in the middle.
              #expect(reply.status == 201 || reply.status == 404, "\(reply.status) \(reply.text)")
            }
          }
        }
        for round in 0..<8 {
          for name in 0..<3 {
            let path = "/workspaces/busy/fhirservices/s\(name)"
            var made = try await live.admin("PUT", path, "{}")
            // The one before may still be answering.
            for _ in 0..<500 where made.status == 409 { made = try await live.admin("PUT", path, "{}") }
            #expect(made.status == 201, "\(made.text)")
            let changed = try await live.admin("PATCH", path, #"{"tags":{"round":"\#(round)"}}"#)
            #expect(changed.status == 200)
          }
          for name in 0..<3 {
            #expect(try await live.admin("DELETE", "/workspaces/busy/fhirservices/s\(name)").status == 200)
          }
        }
        load.isOver.store(true, ordering: .relaxed)
        try await group.waitForAll()
      }
      #expect(load.answered.load(ordering: .relaxed) > 10)
      // Every store that was opened for them is closed again.
      for _ in 0..<1_000 where live.host.open.count.withLock({ $0 }) > 1 { try await Task.sleep(for: .milliseconds(5)) }
      #expect(live.host.open.count.withLock { $0 } == 1)
      #expect(live.mounts.all.map(\.entrance.path) == ["/file/fhir"])
    }
  }

  /// A request that a service began is answered by it, however long that takes; then its store is closed.
  @Test func aServiceThatIsTakenAwayFinishesItsRequests() async throws {
    try await LiveRegistry.run { live async throws in
      _ = try await live.admin("PUT", "/workspaces/w", "{}")
      _ = try await live.admin("PUT", "/workspaces/w/fhirservices/s", "{}")
      let bundle = """
        {"resourceType":"Bundle","type":"batch","entry":[\(Array(repeating: #"{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}"#, count: 400).joined(separator: ","))]}
        """
      async let slow = live.create("/w/s/", bundle)
      while !(try await live.ask("GET", "/metrics").text.contains("aceso_http_requests_in_flight 2")) {}
      #expect(try await live.admin("DELETE", "/workspaces/w/fhirservices/s").status == 200)
      #expect(try await live.ask("GET", "/w/s/metadata").status == 404)
      let reply = try await slow
      #expect(reply.status == 200)
      #expect(!reply.text.contains("\"status\":\"5"))
      for _ in 0..<1_000 where live.host.open.count.withLock({ $0 }) > 0 { try await Task.sleep(for: .milliseconds(5)) }
      #expect(live.host.open.count.withLock { $0 } == 0)
    }
  }
}
