import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Testing

/// What is PostgreSQL's own in the contract of `Database`.
@Suite(.enabled(if: PostgreSQLServer.isInstalled, "needs PostgreSQL 15 or newer: apt install postgresql"))
struct PostgreSQLDatabaseTests {
  // MARK: Values

  @Test("a parameter may be null in one row and any kind in the next")
  func mixedNulls() async throws {
    try await Things.withStore { database, _ in
      var rows = RowBatch(columns: 4)
      rows.append(1, nil, nil, nil)
      rows.append(2, "two", .blob([2]), 2.5)
      rows.append(3, nil, .blob([]), 7)
      rows.append(4, "four", nil, 4.5)
      for _ in 0..<2 {
        let changed = try await database.write { [rows] transaction in
          try transaction.execute("DELETE FROM thing")
          return try transaction.execute(Things.insert, rows: rows)
        }
        #expect(changed == 4)
        let found = try database.point { reader in
          try reader.all("SELECT key, name, body, size FROM thing ORDER BY key") { row in (0..<4).map(row.value) }
        }
        #expect(
          found == [
            [1, nil, nil, nil], [2, "two", .blob([2]), 2.5], [3, nil, .blob([]), 7.0], [4, "four", nil, 4.5],
          ])
      }
    }
  }

  @Test("many rows go in as they are, those that are there already excepted", arguments: [3, 4, 500])
  func manyRows(count: Int) async throws {
    let insert = Statement(
      "INSERT INTO thing (key, name, body, size) VALUES (? + 0, ?, coalesce(?, NULL), ?) ON CONFLICT DO NOTHING")
    try await Things.withStore { database, _ in
      var rows = RowBatch(columns: 4)
      for key in 0..<count {
        let isOdd = key % 2 == 1
        rows.append(.integer(key), isOdd ? .text("Grüße, {\"\(key)\"} NULL") : nil, .blob([0, UInt8(key & 255)]), nil)
      }
      let changed = try await database.write { [rows] in try $0.execute(insert, rows: rows) }
      #expect(changed == count)
      rows.append(.integer(count), "", .blob([]), 1.5)
      let again = try await database.write { [rows] in try $0.execute(insert, rows: rows) }
      #expect(again == 1)
      let found = try database.point { reader in
        try reader.all("SELECT key, name, body, size FROM thing ORDER BY key") { row in (0..<4).map(row.value) }
      }
      #expect(found == (0...count).map { Array(rows[$0]) })
      // The error of one row is the batch's, and the next batch finds the statement in order.
      var twice = RowBatch(columns: 4)
      for key in [9_000, 9_001, 9_002, 9_000, 9_003] { twice.append(.integer(key), nil, nil, nil) }
      let code = await StorageError.code { [twice] in
        try await database.write { try $0.execute(Things.insert, rows: twice) }
      }
      #expect(code == .constraint)
      try Things.expectCount(database, Int64(count + 1))
    }
  }

  @Test("what the server computes reads as the contract's kinds")
  func computed() async throws {
    try await Things.withStore { database, _ in
      let row = try database.point { reader in
        try reader.first(
          """
          SELECT 7::int, 8::smallint, true, sum(x), 12.5::numeric, -0.00001234::numeric, 0::numeric, NULL, 1.5::real,
            'a'::varchar, 123456789012345678901234567890::numeric
          FROM (VALUES (9000000000000000000::bigint), (-1)) AS v (x)
          """
        ) { row in (0..<row.columnCount).map(row.value) }
      }
      #expect(
        row == [
          7, 8, 1, .integer(8_999_999_999_999_999_999), 12.5, -0.00001234, 0, nil, 1.5, "a",
          .real(1.2345678901234568e29),
        ])
    }
  }

  @Test("U+0000, which PostgreSQL cannot keep, is U+FFFD in what is stored and in what is searched")
  func zeroCharacter() async throws {
    try await Things.withStore { database, _ in
      try await Things.put(database, 1, "a\0b")
      try await database.write { transaction in
        var rows = RowBatch(columns: 4)
        for key in 2..<10 { rows.append(.integer(key), .text("\0\(key)"), .null, .null) }
        try transaction.execute(Things.insert, rows: rows)
      }
      for (name, key) in [("a\0b", 1), ("\02", 2), ("a\u{FFFD}b", 1)] {
        let found = try database.point { try $0.first("SELECT key FROM thing WHERE name = \(name)") { $0.integer(0) } }
        #expect(found == Int64(key))
      }
      let ab = try database.point { try $0.first("SELECT key FROM thing WHERE name = 'ab'") { $0.integer(0) } }
      #expect(ab == nil)
    }
  }

  // MARK: Errors

  @Test("mistakes in SQL are told apart from broken constraints")
  func errors() async throws {
    try await Things.withStore { database, _ in
      func code(_ sql: SQL) async -> StorageError? {
        do {
          _ = try await database.write { try $0.execute(sql) }
          return nil
        } catch { return error as? StorageError }
      }
      for wrong in [
        "SELEC 1", "SELECT 1; SELECT 2", "", "SELECT ?", "COMMIT", " rollback", "SELECT nothing FROM thing",
      ] as [SQL] {
        #expect(await code(wrong)?.code == .misuse, "\(wrong.text)")
      }
      #expect(await code("SELECT 1;  ") == nil)
      #expect(await code("SELECT '?', \"name\" /* ? */ FROM thing -- ?") == nil)
      try await Things.put(database, 1, "a")
      let unique = await code("INSERT INTO thing (key, name) VALUES (2, 'a')")
      #expect(unique?.code == .constraint && unique?.isUniqueViolation == true)
      let null = await code("INSERT INTO thing (key) VALUES (NULL)")
      #expect(null?.code == .constraint && null?.isUniqueViolation == false)
      let error = #expect(throws: StorageError.self) {
        try database.point { try $0.first("INSERT INTO thing (key) VALUES (9) RETURNING key") { $0.integer(0) } }
      }
      #expect(error?.code == .readOnly)
      try Things.expectCount(database, 1)
    }
  }

  @Test("a job that keeps an error to itself does not commit what came before it")
  func swallowedError() async throws {
    try await Things.withStore { database, _ in
      await withTaskGroup(of: Bool.self) { group in
        for key in 0..<30 {
          group.addTask {
            do {
              try await database.write { transaction in
                try transaction.execute(Things.insert, [.integer(key), nil, nil, nil])
                if key % 10 == 3 { _ = try? transaction.execute(Things.insert, [.integer(key), nil, nil, nil]) }
              }
              return true
            } catch {
              #expect((error as? StorageError)?.code == .constraint)
              return false
            }
          }
        }
        let succeeded = await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        #expect(succeeded == 27)
      }
      try Things.expectCount(database, 27)
    }
  }

  // MARK: Work

  @Test("what takes longer than it may is given up, and the snapshot goes on")
  func attempt() async throws {
    try await Things.withStore { database, _ in
      try await Things.put(database, 1)
      let steps = 20_000_000 / 20
      let count = try await database.read { reader in
        #expect(try reader.attempt(steps: steps) { try reader.first(Things.endless) { $0.integer(0) } } == nil)
        #expect(try reader.attempt(steps: steps * 100) { try Things.count(reader) } == 1)
        let inner = try reader.attempt(steps: steps) {
          try reader.attempt(steps: steps * 100) { try reader.first(Things.endless) { $0.integer(0) } }
        }
        #expect(inner == .some(nil))
        let fault: (any Error)? = #expect(throws: StorageError.self) {
          try reader.attempt(steps: steps * 100) { try reader.first("SELECT nothing") { $0.integer(0) } }
        }
        #expect((fault as? StorageError)?.code == .misuse)
        return try Things.count(reader)
      }
      #expect(count == 1)
      let work = try await database.read { reader in
        let (_, work) = try reader.measuring { try reader.first("SELECT pg_sleep(0.02)") { $0.isNull(0) } }
        #expect(try reader.measuring {}.work == Work())
        return work
      }
      #expect(work.steps >= 20_000_000 / 20)
    }
  }

  @Test("a statement of a write is given up in time, and takes its job's writes back")
  func writeTimeout() async throws {
    try await Things.withStore({ $0.writeMillisecondsMax = 200 }) { database, _ in
      let code = await StorageError.code {
        try await database.write { transaction in
          try transaction.execute(Things.insert, [1, nil, nil, nil])
          return try transaction.first(Things.endless) { $0.integer(0) }
        }
      }
      #expect(code == .deadlineExceeded)
      #expect(database.faults.cancelled == 1)
      try await Things.put(database, 2)
      try Things.expectCount(database, 1)
    }
  }

  // MARK: Many nodes

  @Test("64 writers on two nodes lose no update", arguments: [true, false])
  func writers(isExclusive: Bool) async throws {
    let isolation = isExclusive ? PostgreSQLConfiguration.Isolation.exclusive : .serializable
    try await Things.withStore({ $0.isolation = isolation }) { first, connection in
      let second = try Things.open(connection) {
        $0.isolation = isolation
        $0.writerThreads = 2
      }
      for key in 0..<4 { try await Things.put(first, key, size: 0) }
      let acknowledged = await withTaskGroup(of: Int.self) { group in
        for writer in 0..<64 {
          group.addTask {
            let node = writer % 2 == 0 ? first : second
            var count = 0
            for round in 0..<4 {
              let key = SQLValue.integer((writer + round) % 4)
              do {
                try await node.write { transaction in
                  // Read, then write what follows from it: lost as soon as two see the same.
                  let size = try transaction.first(Things.size, [key]) { $0.real(0) } ?? 0
                  try transaction.execute("UPDATE thing SET size = \(size + 1) WHERE key = \(key)")
                }
                count += 1
              } catch {
                #expect((error as? StorageError)?.code == .busy)
              }
            }
            return count
          }
        }
        return await group.reduce(0, +)
      }
      let sum = try first.point { try $0.first("SELECT sum(size) FROM thing") { $0.real(0) } }
      #expect(sum == Double(acknowledged))
      #expect(acknowledged > (isExclusive ? 255 : 200))
      #expect((first.faults.serializationFailures + second.faults.serializationFailures == 0) == isExclusive)
      await second.close()
    }
  }

  @Test("of two jobs that wait for each other one is run again, and both succeed")
  func deadlock() async throws {
    try await Things.withStore { first, connection in
      let second = try Things.open(connection) { $0.isolation = .readCommitted }
      let third = try Things.open(connection) { $0.isolation = .readCommitted }
      for key in 1...2 { try await Things.put(first, key, size: 0) }
      let (one, other) = (Gate(), Gate())
      async let left: Void = second.write { transaction in
        try transaction.execute(Things.update, [1])
        one.open()
        other.hold()
        try transaction.execute(Things.update, [2])
      }
      async let right: Void = third.write { transaction in
        try transaction.execute(Things.update, [2])
        other.open()
        one.hold()
        try transaction.execute(Things.update, [1])
      }
      _ = try await (left, right)
      #expect(second.faults.deadlocks + third.faults.deadlocks == 1)
      let sizes = try [1, 2].map { try Things.size(first, $0) }
      #expect(sizes == [2, 2])
      await second.close()
      await third.close()
    }
  }

  @Test("a lock that another holds is waited for so long, then the job is told to come again")
  func lockTimeout() async throws {
    try await Things.withStore { first, connection in
      let second = try Things.open(connection) { $0.lockMillisecondsMax = 100 }
      try await Things.put(first, 1, size: 0)
      let began = Gate()
      let mayEnd = Gate()
      async let holding: Void = first.write { transaction in
        try transaction.execute(Things.update, [1])
        began.open()
        mayEnd.hold()
      }
      try await began.passed()
      let code = await StorageError.code { try await second.write { try $0.execute(Things.update, [1]) } }
      #expect(code == .busy)
      mayEnd.open()
      try await holding
      await second.close()
    }
  }

  @Test("nodes that migrate at the same time run each migration once")
  func migrateTogether() async throws {
    let connection = try PostgreSQLServer.shared.get().database()
    let nodes = try (0..<4).map { _ in try Things.open(connection) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for node in nodes { group.addTask { try await node.migrate(Things.migrations) } }
      try await group.waitForAll()
    }
    #expect(try nodes[0].point { try $0.all("SELECT version FROM migration") { $0.integer(0) } } == [1])
    for node in nodes { await node.close() }
  }

  @Test("migrations run once, in order, each whole or not at all")
  func migrations() async throws {
    try await Things.withStore { database, _ in
      let second = Migration(2, "colour", "ALTER TABLE thing ADD COLUMN colour TEXT; CREATE TABLE other (x text)")
      let broken = Migration(3, "broken", "CREATE TABLE half (x text); CREATE TABLE half (x text);")
      let list = Things.migrations + [second]
      await #expect(throws: StorageError.self) { try await database.migrate(list + [broken]) }
      let tables = try database.point {
        try $0.all("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1") { $0.text(0) }
      }
      #expect(tables == ["lease", "migration", "other", "outcome", "pulse", "thing"])
      try await database.migrate(list)
      let recorded = try database.point { try $0.all("SELECT name FROM migration ORDER BY version") { $0.text(0) } }
      #expect(recorded == ["things", "colour"])
      for wrong in [Things.migrations, [Migration(1, "else", "SELECT 1"), second], [second]] {
        #expect(await StorageError.code { try await database.migrate(wrong) } == .misuse)
      }
    }
  }

  // MARK: Life

  @Test("closing finishes what waits, and refuses what comes")
  func close() async throws {
    try await Things.withStore { database, connection in
      await withTaskGroup(of: StorageError.Code?.self) { group in
        for key in 0..<50 { group.addTask { await StorageError.code { try await Things.put(database, key) } } }
        await database.close()
        for await code in group { #expect(code == nil || code == .closed) }
      }
      #expect(await StorageError.code { try await Things.put(database, 100) } == .closed)
      #expect(await StorageError.code { try await database.read { try Things.count($0) } } == .closed)
      #expect(await StorageError.code { try Things.counted(database) } == .closed)
      #expect(await StorageError.code { try await database.migrate(Things.migrations) } == .closed)
      #expect(!database.isWritable)
      let again = try Things.open(connection)
      try Things.expectCount(again, Int64(database.statistics.jobs))
      await again.close()
    }
  }

  @Test("what cannot be connected to is told at once, without a password in the words")
  func unreachable() throws {
    let server = try PostgreSQLServer.shared.get()
    func failure(_ configuration: PostgreSQLConfiguration) -> StorageError? {
      #expect(throws: StorageError.self) { try PostgreSQLDatabase(configuration) }
    }
    let nowhere = failure(PostgreSQLConfiguration(connection: "host=/nonexistent password=secret"))
    #expect(nowhere?.code == .busy && nowhere?.detail.contains("secret") == false)
    #expect(failure(PostgreSQLConfiguration(connection: server.connection("missing")))?.code == .busy)
    let unreadable = failure(PostgreSQLConfiguration(connection: "postgresql://a:secret@[/"))
    #expect(unreadable?.code == .misuse && unreadable?.detail.contains("secret") == false)
    var configuration = PostgreSQLConfiguration(connection: server.connection())
    configuration.passwordFile = "/nonexistent/password"
    #expect(failure(configuration)?.code == .misuse)
    configuration.passwordFile = nil
    configuration.passwordVariable = "ACESO_NO_SUCH_VARIABLE"
    #expect(failure(configuration)?.code == .misuse)
  }
}
