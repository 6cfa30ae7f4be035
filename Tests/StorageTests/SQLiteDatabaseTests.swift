import CSQLite
import Storage
import StorageSQLite
import Testing
import TestSupport

/// The contract of `Database`, on the SQLite engine.
@Suite struct SQLiteDatabaseTests {
  private static let migrations = [
    Migration(1, "things", "CREATE TABLE thing (key INTEGER PRIMARY KEY, name TEXT UNIQUE, body BLOB, size REAL);")
  ]
  private static let insert = Statement("INSERT INTO thing (key, name, body, size) VALUES (?, ?, ?, ?)")
  private static let byKey = Statement("SELECT key, name, body, size FROM thing WHERE key = ?")
  private static let count = Statement("SELECT count(*) FROM thing")

  private struct Refusal: Error {}

  private func withStore(
    _ configure: (inout SQLiteConfiguration) -> Void = { _ in },
    _ body: (SQLiteDatabase, String) async throws -> Void
  ) async throws {
    let folder = try TemporaryFolder()
    var configuration = SQLiteConfiguration()
    configure(&configuration)
    let database = try SQLiteDatabase(path: folder.file("store"), configuration: configuration)
    try await database.migrate(SQLiteDatabaseTests.migrations)
    try await body(database, folder.file("store"))
    await database.close()
  }

  private func put(_ database: SQLiteDatabase, _ key: Int, _ name: String? = nil) async throws {
    try await database.write {
      _ = try $0.execute(SQLiteDatabaseTests.insert, [.integer(key), .optional(name), .null, .null])
    }
  }

  private func count(_ reader: any Reader) throws -> Int64 {
    try reader.first(SQLiteDatabaseTests.count) { $0.integer(0) } ?? -1
  }

  private func counted(_ database: SQLiteDatabase) throws -> Int64 { try database.point { try count($0) } }

  private func countedByReader(_ database: SQLiteDatabase) async throws -> Int64 {
    try await database.read { try self.count($0) }
  }

  // MARK: Work

  @Test("what a statement visits is work, whether or not it gives a row")
  func work() async throws {
    try await withStore { database, _ in
      for key in 1...200 { try await put(database, key, "name \(key)") }
      try await database.read { reader in
        let seek = try reader.measuring { try reader.first(Self.byKey, [.integer(7)]) { $0.integer(0) } }
        #expect(seek.result == 7)
        #expect((1...50).contains(seek.work.steps))
        // Again: what the prepared statement did before does not count.
        #expect(
          try reader.measuring { try reader.first(Self.byKey, [.integer(8)]) { $0.integer(0) } }.work == seek.work)
        let scan: SQL = "SELECT key FROM thing WHERE body = \(1)"
        let none = try reader.measuring { try reader.all(scan) { $0.integer(0) } }
        #expect(none.result.isEmpty)
        #expect(none.work.steps > 200)
        // An outer measure holds the inner one.
        let both = try reader.measuring {
          _ = try reader.measuring { try reader.all(scan) { $0.integer(0) } }
          _ = try reader.all(scan) { $0.integer(0) }
        }
        #expect(both.work.steps >= 2 * none.work.steps - 10)
        #expect(try reader.measuring {}.work == Work())
      }
    }
  }

  @Test("what is more work than it may be is given up, and the snapshot goes on")
  func attempt() async throws {
    try await withStore { database, _ in
      for key in 1...400 { try await put(database, key, "name \(key)") }
      try await database.read { reader in
        let pairs: SQL = "SELECT count(*) FROM thing AS a CROSS JOIN thing AS b WHERE a.key < b.key"
        let count = { try reader.first(pairs) { $0.integer(0) } ?? -1 }
        let all = try count()
        #expect(all > 10_000)
        #expect(try reader.attempt(steps: 20_000, count) == nil)
        #expect(try reader.attempt(steps: 100_000_000, count) == all)
        // The outer bound holds for all that is attempted inside.
        let inner = try reader.attempt(steps: 20_000) { try reader.attempt(steps: 100_000_000, count) }
        #expect(inner == .some(nil))
        #expect(try count() == all)
        let fault: (any Error)? = #expect(throws: StorageError.self) {
          try reader.attempt(steps: 20_000) { try reader.first("SELECT nothing") { $0.integer(0) } }
        }
        #expect((fault as? StorageError)?.code == .misuse)
      }
    }
  }

  // MARK: Values

  @Test("every kind of value comes back as it went in")
  func values() async throws {
    let long = String(repeating: "ü", count: 10_000)
    let cases: [(String, [UInt8], Double)] = [
      ("", [], 0), ("Grüße \u{1F600} a\0b", [0, 255, 1], -1.25), (long, [UInt8](repeating: 7, count: 100_000), 1e300),
    ]
    try await withStore { database, _ in
      for (key, value) in cases.enumerated() {
        let changed = try await database.write {
          try $0.execute(
            SQLiteDatabaseTests.insert, [.integer(key), .text(value.0), .blob(value.1), .real(value.2)])
        }
        #expect(changed == 1)
        let row = try database.point { reader in
          try reader.first(SQLiteDatabaseTests.byKey, [.integer(key)]) { row in
            #expect(row.columnCount == 4)
            #expect(row.withBytes(1) { $0.count } == value.0.utf8.count)
            #expect(row.isNull(9) && row.integer(9) == 0 && row.text(-1) == "" && row.blob(1 << 40) == row.blob(0))
            return [row.value(0), .text(row.text(1)), .blob(row.blob(2)), row.value(3)]
          }
        }
        #expect(row == [.integer(Int64(key)), .text(value.0), .blob(value.1), .real(value.2)])
      }
      let empty = try database.point { reader in
        try reader.first(SQLiteDatabaseTests.byKey, [0]) { ($0.value(2), $0.isNull(2)) }
      }
      #expect(empty?.0 == .blob([]) && empty?.1 == false)
    }
  }

  @Test("many large parameters in one statement", arguments: [1, 16, 17, 40])
  func largeParameters(count: Int) async throws {
    try await withStore { database, _ in
      let texts = (0..<count).map { String(repeating: "x", count: 1_000 + $0) }
      let total = try database.point { reader in
        let pieces: [SQL] = texts.map { "\($0)" }
        let sql: SQL = "SELECT length(\(pieces.joined(separator: " || ")))"
        return try reader.first(sql) { $0.integer(0) }
      }
      #expect(total == Int64(texts.reduce(0) { $0 + $1.utf8.count }))
    }
  }

  @Test("batches write and look up many rows in one call")
  func batches() async throws {
    try await withStore { database, _ in
      let changed = try await database.write { transaction in
        var rows = RowBatch(columns: 4)
        for key in 0..<1_000 { rows.append(.integer(key), .text("name \(key)"), .blob([UInt8(key & 255)]), .null) }
        return try transaction.execute(SQLiteDatabaseTests.insert, rows: rows)
      }
      #expect(changed == 1_000)
      var keys = RowBatch(columns: 1)
      for key in [5, 7_000, 999, 5] { keys.append(.integer(key)) }
      let found = try await database.read { [keys] reader in
        var found: [[Int64]] = []
        try reader.query(SQLiteDatabaseTests.byKey, rows: keys) { found.append([Int64($0), $1.integer(0)]) }
        return found
      }
      #expect(found == [[0, 5], [2, 999], [3, 5]])
      let empty = try await database.write {
        try $0.execute(SQLiteDatabaseTests.insert, rows: RowBatch(columns: 4))
      }
      #expect(empty == 0)
    }
  }

  @Test("the same statement may be used again inside its own result")
  func nested() async throws {
    try await withStore { database, _ in
      for key in 0..<3 { try await put(database, key, "\(key)") }
      let all = Statement("SELECT key FROM thing ORDER BY key")
      let dynamic: SQL = "SELECT key FROM thing WHERE key >= \(0) ORDER BY key"
      let pairs = try await database.read { reader in
        var pairs = 0
        for _ in 0..<2 {
          try reader.query(all, []) { _ in
            try reader.query(all, []) { _ in
              pairs += 1
              return true
            }
            return true
          }
          try reader.query(dynamic) { _ in
            pairs += try reader.all(dynamic) { $0.integer(0) }.count
            return true
          }
        }
        return pairs
      }
      #expect(pairs == 36)
    }
  }

  @Test("dynamic SQL past the cache's bound goes on working")
  func dynamicStatements() async throws {
    try await withStore({ $0.dynamicStatementsMax = 3 }) { database, _ in
      for round in 0..<3 {
        for length in 1...8 {
          let numbers = (0..<length).map { $0 + round }
          let terms: [SQL] = numbers.map { "\($0)" }
          let sql: SQL = "SELECT \(terms.joined(separator: " + "))"
          let expected: Int = numbers.reduce(0, +)
          let found = try database.point { reader in try reader.first(sql) { $0.integer(0) } }
          #expect(found == Int64(expected))
        }
      }
    }
  }

  // MARK: Errors

  @Test("mistakes in SQL are told apart from broken constraints")
  func errors() async throws {
    try await withStore { database, _ in
      func code(_ sql: SQL) async -> StorageError? {
        do {
          _ = try await database.write { try $0.execute(sql) }
          return nil
        } catch { return error as? StorageError }
      }
      #expect(await code("SELEC 1")?.code == .misuse)
      #expect(await code("SELECT 1; SELECT 2")?.code == .misuse)
      #expect(await code("")?.code == .misuse)
      #expect(await code("SELECT 1;  ") == nil)
      #expect(await code("SELECT ?")?.code == .misuse)
      #expect(await code("COMMIT")?.code == .misuse)
      try await put(database, 1, "a")
      let unique = await code("INSERT INTO thing (key, name) VALUES (2, 'a')")
      #expect(unique?.code == .constraint && unique?.isUniqueViolation == true)
      let primary = await code("INSERT INTO thing (key, name) VALUES (1, 'b')")
      #expect(primary?.code == .constraint && primary?.isUniqueViolation == true)
      #expect(throws: StorageError.self) {
        try database.point { try $0.first("INSERT INTO thing (key) VALUES (9) RETURNING key") { $0.integer(0) } }
      }
      #expect(try counted(database) == 1)
    }
  }

  @Test("an error of the caller's own comes out as it is, and takes the writes back")
  func callersError() async throws {
    try await withStore { database, _ in
      await #expect(throws: Refusal.self) {
        try await database.write { transaction in
          try transaction.execute(SQLiteDatabaseTests.insert, [1, "a", nil, nil])
          throw Refusal()
        }
      }
      let count = try counted(database)
      #expect(count == 0)
      await #expect(throws: Refusal.self) { try await database.read { _ in throw Refusal() } }
    }
  }

  // MARK: Group commit

  @Test("a job that fails in a group takes back its own rows only, and commits are shared")
  func groups() async throws {
    try await withStore { database, _ in
      let before = database.statistics
      let failed = await withTaskGroup(of: Int?.self) { group in
        for key in 0..<400 {
          group.addTask {
            do {
              try await database.write { transaction in
                try transaction.execute(SQLiteDatabaseTests.insert, [.integer(key), .text("\(key)"), nil, nil])
                if key % 5 == 0 { throw Refusal() }
              }
              return nil
            } catch { return key }
          }
        }
        return await group.reduce(into: Set<Int>()) { if let key = $1 { $0.insert(key) } }
      }
      #expect(failed == Set(stride(from: 0, to: 400, by: 5)))
      let keys = try await database.read { try $0.all("SELECT key FROM thing ORDER BY key") { $0.integer(0) } }
      let expected: [Int64] = (0..<400).filter { $0 % 5 != 0 }
      #expect(keys == expected)
      let after = database.statistics
      #expect(after.jobs - before.jobs == 320)
      #expect(after.jobsFailed - before.jobsFailed == 80)
      #expect(after.jobsPerCommitMax > 1 && after.commits - before.commits < 320)
    }
  }

  @Test("a job after whose error SQLite rolled back everything takes no other job with it")
  func automaticRollback() async throws {
    try await withStore { database, _ in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for key in 0..<60 {
          group.addTask {
            do {
              try await database.write { transaction in
                try transaction.execute(SQLiteDatabaseTests.insert, [.integer(key), nil, nil, nil])
                // ON CONFLICT ROLLBACK ends the whole transaction, as a full disk may.
                if key % 10 == 3 { try transaction.execute("INSERT OR ROLLBACK INTO thing (key) VALUES (\(key))") }
              }
              return true
            } catch { return false }
          }
        }
        let succeeded = try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        #expect(succeeded == 54)
      }
      #expect(try counted(database) == 54)
    }
  }

  // MARK: Snapshots

  @Test("a read sees one state whatever is committed meanwhile; a point sees the newest")
  func snapshots() async throws {
    try await withStore { database, _ in
      try await put(database, 1)
      let began = Gate()
      let mayEnd = Gate()
      async let counts = database.read { reader in
        let first = try self.count(reader)
        began.open()
        mayEnd.hold()
        return [first, try self.count(reader)]
      }
      try await began.passed()
      try await put(database, 2)
      #expect(try counted(database) == 2)
      mayEnd.open()
      #expect(try await counts == [1, 1])
      #expect(try await countedByReader(database) == 2)
    }
  }

  @Test("points from many threads beside writes see whole transactions")
  func pointsBesideWrites() async throws {
    try await withStore { database, _ in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          for round in 0..<100 {
            try await database.write { transaction in
              for key in 0..<3 {
                try transaction.execute(SQLiteDatabaseTests.insert, [.integer(round * 3 + key), nil, nil, nil])
              }
            }
          }
        }
        for _ in 0..<4 {
          group.addTask {
            var last: Int64 = 0
            while last < 300 {
              let seen = try database.point { try self.count($0) }
              #expect(seen % 3 == 0 && seen >= last)
              last = seen
              await Task.yield()
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  // MARK: Limits

  private static let endless: SQL = """
    WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c
    """

  @Test("a cancelled read stops inside its statement, and its thread serves on")
  func cancellation() async throws {
    try await withStore({ $0.readerThreads = 1 }) { database, _ in
      let began = Gate()
      let running = Task {
        try await database.read { reader in
          began.open()
          return try reader.first(SQLiteDatabaseTests.endless) { $0.integer(0) }
        }
      }
      try await began.passed()
      let waiting = Task { try await database.read { try self.count($0) } }
      try await Task.sleep(for: .milliseconds(20))
      waiting.cancel()
      #expect(await StorageError.code { try await waiting.value } == .interrupted)
      running.cancel()
      #expect(await StorageError.code { try await running.value } == .interrupted)
      #expect(try await countedByReader(database) == 0)
    }
  }

  @Test("a read past its deadline is given up, running or waiting")
  func deadlines() async throws {
    try await withStore({ $0.readerThreads = 1 }) { database, _ in
      let deadline = ContinuousClock.now.advanced(by: .milliseconds(50))
      async let running = StorageError.code {
        try await database.read(deadline: deadline) { try $0.first(SQLiteDatabaseTests.endless) { $0.integer(0) } }
      }
      async let waiting = StorageError.code {
        try await database.read(deadline: deadline) { try $0.first(SQLiteDatabaseTests.endless) { $0.integer(0) } }
      }
      #expect(await [running, waiting] == [.deadlineExceeded, .deadlineExceeded])
      let later = ContinuousClock.now.advanced(by: .seconds(5))
      let count = try await database.read(deadline: later) { try self.count($0) }
      #expect(count == 0)
    }
  }

  @Test("reads and writes past the queue's bound are refused, the one at the bound is not")
  func queueBounds() async throws {
    try await withStore({
      $0.readerThreads = 1
      $0.readsWaitingMax = 1
      $0.writesWaitingMax = 1
    }) { database, _ in
      let began = Gate()
      let mayEnd = Gate()
      async let first = database.read { _ in
        began.open()
        mayEnd.hold()
        return 1
      }
      try await began.passed()
      let second = Task { try await database.read { _ in 2 } }
      try await Task.sleep(for: .milliseconds(20))
      #expect(await StorageError.code { try await database.read { _ in 3 } } == .busy)
      mayEnd.open()
      #expect(try await [first, second.value] == [1, 2])
      #expect(database.statistics.readsRefused == 1)

      let writing = Gate()
      let mayCommit = Gate()
      async let job = database.write { _ in
        writing.open()
        mayCommit.hold()
      }
      try await writing.passed()
      let queued = Task { try await put(database, 1) }
      try await Task.sleep(for: .milliseconds(20))
      #expect(await StorageError.code { try await put(database, 2) } == .busy)
      mayCommit.open()
      try await job
      try await queued.value
      #expect(try counted(database) == 1)
    }
  }

  @Test("a write whose task is cancelled before it begins is withdrawn")
  func withdrawnWrite() async throws {
    try await withStore { database, _ in
      let writing = Gate()
      let mayCommit = Gate()
      async let job = database.write { _ in
        writing.open()
        mayCommit.hold()
      }
      try await writing.passed()
      let queued = Task { try await put(database, 1) }
      try await Task.sleep(for: .milliseconds(20))
      queued.cancel()
      mayCommit.open()
      try await job
      #expect(await StorageError.code { try await queued.value } == .interrupted)
      #expect(try counted(database) == 0)
    }
  }

  @Test("points past the bound are refused, also when nested")
  func pointBound() async throws {
    try await withStore({ $0.pointConnectionsMax = 2 }) { database, _ in
      try database.point { _ in
        try database.point { _ in
          let error = #expect(throws: StorageError.self) { _ = try database.point { try self.count($0) } }
          #expect(error?.code == .busy)
        }
      }
      #expect(try counted(database) == 0)
    }
  }

  @Test("the log is copied into the file by the writer, and does not grow without end")
  func checkpoints() async throws {
    try await withStore({ $0.checkpointPages = 20 }) { database, path in
      for key in 0..<200 {
        try await database.write {
          _ = try $0.execute(
            SQLiteDatabaseTests.insert, [.integer(key), nil, .blob([UInt8](repeating: 1, count: 9_000)), nil])
        }
      }
      #expect(database.statistics.checkpoints >= 10)
      #expect(try FileSize.of(path + "-wal") < 100 * 4_120)
      #expect(try counted(database) == 200)
    }
  }

  // MARK: Life

  @Test("a second opening of the same store is refused with a clear error")
  func lock() async throws {
    try await withStore { _, path in
      let error = #expect(throws: StorageError.self) { try SQLiteDatabase(path: path) }
      #expect(error?.code == .locked)
    }
  }

  @Test("closing finishes what waits, refuses what comes, and leaves one file without a log")
  func close() async throws {
    let folder = try TemporaryFolder()
    let database = try SQLiteDatabase(path: folder.file("store"))
    try await database.migrate(SQLiteDatabaseTests.migrations)
    await withTaskGroup(of: StorageError.Code?.self) { group in
      for key in 0..<50 { group.addTask { await StorageError.code { try await self.put(database, key) } } }
      await database.close()
      for await code in group { #expect(code == nil || code == .closed) }
    }
    #expect(await StorageError.code { try await self.put(database, 100) } == .closed)
    #expect(await StorageError.code { try await database.read { try self.count($0) } } == .closed)
    #expect(await StorageError.code { try database.point { try self.count($0) } } == .closed)
    await database.close()
    #expect(throws: FileSize.Missing.self) { try FileSize.of(folder.file("store-wal")) }
    let again = try SQLiteDatabase(path: folder.file("store"))
    #expect(try counted(again) == Int64(database.statistics.jobs))
    await again.close()
  }

  @Test("a store let go of without closing keeps what was acknowledged and can be opened again")
  func letGo() async throws {
    let folder = try TemporaryFolder()
    do {
      let database = try SQLiteDatabase(path: folder.file("store"))
      try await database.migrate(SQLiteDatabaseTests.migrations)
      try await put(database, 1)
    }
    var reopened: SQLiteDatabase?
    for _ in 0..<200 where reopened == nil {
      reopened = try? SQLiteDatabase(path: folder.file("store"))
      if reopened == nil { try await Task.sleep(for: .milliseconds(10)) }
    }
    let count = try reopened.map(counted)
    #expect(count == 1)
    await reopened?.close()
  }

  @Test("a file that is no database is refused and left as it is")
  func foreignFile() async throws {
    let folder = try TemporaryFolder()
    try FileSize.write([UInt8](repeating: 65, count: 5_000), to: folder.file("store"))
    let error = #expect(throws: StorageError.self) { try SQLiteDatabase(path: folder.file("store")) }
    #expect(error?.code == .corrupt)
    #expect(try FileSize.of(folder.file("store")) == 5_000)
    #expect(throws: StorageError.self) { try SQLiteDatabase(path: folder.file("missing/store")) }
  }

  // MARK: Migrations

  @Test("migrations run once, in order, each whole or not at all")
  func migrations() async throws {
    try await withStore { database, _ in
      let second = Migration(2, "colour", "ALTER TABLE thing ADD COLUMN colour TEXT; CREATE TABLE other (x);")
      let broken = Migration(3, "broken", "CREATE TABLE half (x); CREATE TABLE half (x);")
      let list = SQLiteDatabaseTests.migrations + [second]
      await #expect(throws: StorageError.self) { try await database.migrate(list + [broken]) }
      let tables = try database.point {
        try $0.all("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") { $0.text(0) }
      }
      #expect(tables == ["migration", "other", "thing"])
      try await database.migrate(list)
      #expect(database.isWritable)
      let recorded = try database.point { try $0.all("SELECT name FROM migration ORDER BY version") { $0.text(0) } }
      #expect(recorded == ["things", "colour"])
      // A program older than the store, one with another history, and one with a gap.
      for wrong in [SQLiteDatabaseTests.migrations, [Migration(1, "else", "SELECT 1"), second], [second]] {
        #expect(await StorageError.code { try await database.migrate(wrong) } == .misuse)
      }
    }
  }
}

extension StorageError {
  /// The code of what `body` throws; nil when it does not.
  static func code(_ body: () async throws -> some Any) async -> Code? {
    do {
      _ = try await body()
      return nil
    } catch {
      return (error as? StorageError)?.code ?? .other
    }
  }
}
