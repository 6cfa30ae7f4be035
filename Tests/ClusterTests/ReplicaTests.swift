import FHIRService
import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Testing

/// Searches that a standby answers. Here it is the primary itself: it shows at once what is there.
@Suite(.serialized, .enabled(if: PostgreSQLServer.isInstalled, "needs PostgreSQL 15 or newer: apt install postgresql"))
struct ReplicaTests {
  @Test("a replica that is fresh answers; one that is behind or away does not, and nobody notices")
  func replica() async throws {
    let server = try PostgreSQLServer()
    let node = try await ClusterNode(server.connection("postgres"), replica: server.connection("postgres"))
    try await node.send(.put, "Patient/a", #"{"resourceType":"Patient","id":"a"}"#)
    let isAsked = try await eventually {
      let found = try await node.send(.get, "Patient?_id=a")
      #expect(found.ids == ["a"])
      return node.database.faults.readsOfReplica > 0
    }
    #expect(isAsked)
    // It shows a number that was written long ago, as one that stands still.
    try await node.database.write { transaction in
      _ = try transaction.execute(
        "CREATE FUNCTION still () RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
      _ = try transaction.execute(
        "CREATE TRIGGER still BEFORE UPDATE ON pulse FOR EACH ROW EXECUTE FUNCTION still()")
    }
    let isLeftAlone = try await eventually {
      let before = node.database.faults.readsOfReplica
      let found = try await node.send(.get, "Patient?_id=a")
      #expect(found.ids == ["a"])
      return node.database.faults.readsOfReplica == before
    }
    #expect(isLeftAlone)
    await node.close()
    server.stop()
  }

  @Test("a replica that is not there is done without")
  func absent() async throws {
    let connection = try PostgreSQLServer.shared.get().database()
    let node = try await ClusterNode(connection, replica: "postgresql://aceso@127.0.0.1:1/nowhere")
    try await node.send(.put, "Patient/a", #"{"resourceType":"Patient","id":"a"}"#)
    for _ in 0..<3 {
      let found = try await node.send(.get, "Patient?_id=a")
      #expect(found.ids == ["a"])
    }
    #expect(node.database.faults.readsOfReplica == 0)
    await node.close()
  }
}
