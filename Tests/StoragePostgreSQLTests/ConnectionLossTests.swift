import FoundationEssentials
import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Synchronization
import TestSupport
import Testing

/// The server goes away and comes back.
@Suite(.serialized, .enabled(if: PostgreSQLServer.isInstalled, "needs PostgreSQL 15 or newer: apt install postgresql"))
struct ConnectionLossTests {
  @Test("connections that the server ended are made anew: reads and writes go on")
  func terminated() async throws {
    try await Things.withStore { database, connection in
      try await Things.put(database, 1)
      let name = Things.name(connection)
      for round in 0..<3 {
        let server = try PostgreSQLServer.shared.get()
        try server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(name)'")
        try Things.expectCount(database, Int64(round + 1))
        try await Things.expectReadCount(database, Int64(round + 1))
        // The loss may show at COMMIT only if it came between: here it shows at the first statement.
        try await Things.put(database, round + 2)
      }
      #expect(database.faults.connectionsLost >= 3 && database.faults.reconnections >= 3)
    }
  }

  private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
  }

  @Test("killed while clients write: every acknowledged write is there, none twice, no other error than these")
  func killed() async throws {
    let server = try PostgreSQLServer()
    let database = try Things.open(server.database()) { $0.reconnectMillisecondsMax = 300 }
    try await database.migrate(Things.migrations)
    let isOver = Flag()
    struct Outcome {
      var acknowledged: Set<Int64> = []
      var unknown: Set<Int64> = []
      var refused = 0
    }
    let outcome = try await withThrowingTaskGroup(of: Outcome.self) { group in
      for writer in 0..<8 {
        group.addTask {
          var outcome = Outcome()
          var number = 0
          while !isOver.isSet {
            let key = writer * 1_000_000 + number
            number += 1
            do {
              try await Things.put(database, key)
              outcome.acknowledged.insert(Int64(key))
            } catch {
              let code = (error as? StorageError)?.code
              #expect(code == .busy || code == .outcomeUnknown)
              if code == .outcomeUnknown { outcome.unknown.insert(Int64(key)) } else { outcome.refused += 1 }
              try await Task.sleep(for: .milliseconds(5))
            }
          }
          return outcome
        }
      }
      for round in 0..<3 {
        try await Task.sleep(for: .milliseconds(400))
        server.stop("QUIT")
        // Once for longer than the writer is patient.
        try await Task.sleep(for: .milliseconds(round == 1 ? 900 : 1))
        try server.start()
      }
      try await Task.sleep(for: .milliseconds(400))
      isOver.set()
      return try await group.reduce(into: Outcome()) {
        $0.acknowledged.formUnion($1.acknowledged)
        $0.unknown.formUnion($1.unknown)
        $0.refused += $1.refused
      }
    }
    let stored = Set(try database.point { try $0.all("SELECT key FROM thing") { $0.integer(0) } })
    #expect(outcome.acknowledged.count > 50)
    #expect(outcome.acknowledged.isSubset(of: stored))
    #expect(stored.subtracting(outcome.acknowledged).isSubset(of: outcome.unknown))
    #expect(database.isWritable && database.faults.connectionsLost > 0 && outcome.refused > 0)
    await database.close()
    server.stop()
  }

  @Test("a read whose connection goes inside its snapshot is told to come again, not continued on another")
  func readLost() async throws {
    try await Things.withStore { database, connection in
      let name = Things.name(connection)
      let code = await StorageError.code {
        try await database.read { reader in
          let first = try Things.count(reader)
          try PostgreSQLServer.shared.get().sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(name)'")
          return try Things.count(reader) + first
        }
      }
      #expect(code == .busy)
      try await Things.expectReadCount(database, 0)
    }
  }

  @Test("passwords come from a file or the environment, read anew for each connection")
  func passwords() async throws {
    let server = try PostgreSQLServer()
    try server.sql("CREATE ROLE clerk LOGIN PASSWORD 'se cret'''")
    let rules = "local all aceso trust\nlocal all clerk scram-sha-256\n"
    try Data(rules.utf8).write(to: URL(fileURLWithPath: server.folder + "/data/pg_hba.conf"))
    try server.sql("SELECT pg_reload_conf()")
    let folder = try TemporaryFolder()
    let path = folder.file("password")
    var configuration = PostgreSQLConfiguration(connection: "host=\(server.folder) user=clerk dbname=postgres")
    configuration.passwordFile = path
    try Data("wrong\n".utf8).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: StorageError.self) { try PostgreSQLDatabase(configuration) }
    #expect(error?.code == .busy)
    try Data("se cret'\r\nnot this\n".utf8).write(to: URL(fileURLWithPath: path))
    let database = try PostgreSQLDatabase(configuration)
    #expect(try database.point { try $0.first("SELECT current_user") { $0.text(0) } } == "clerk")
    await database.close()
    server.stop()
  }
}
