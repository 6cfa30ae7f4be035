import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Testing

/// The contract of `Database`, on the PostgreSQL engine: what the SQLite engine's tests check, restated.
@Suite(.enabled(if: PostgreSQLServer.isInstalled, "needs PostgreSQL 15 or newer: apt install postgresql"))
struct PostgreSQLContractTests {
  // MARK: Values

  @Test("every kind of value comes back as it went in")
  func values() async throws {
    let long = String(repeating: "ü", count: 10_000)
    let cases: [(String, [UInt8], Double)] = [
      ("", [], 0), ("Grüße \u{1F600} a\u{1}b", [0, 255, 1], -1.25),
      (long, [UInt8](repeating: 7, count: 100_000), 1e300),
    ]
    try await Things.withStore { database, _ in
      for (key, value) in cases.enumerated() {
        let changed = try await database.write {
          try $0.execute(
            Things.insert, [.integer(key), .text(value.0), .blob(value.1), .real(value.2)])
        }
        #expect(changed == 1)
        let row = try database.point { reader in
          try reader.first(Things.byKey, [.integer(key)]) { row in
            #expect(row.columnCount == 4)
            #expect(row.withBytes(1) { $0.count } == value.0.utf8.count)
            #expect(row.isNull(9) && row.integer(9) == 0 && row.text(-1) == "" && row.blob(1 << 40) == [])
            return [row.value(0), .text(row.text(1)), .blob(row.blob(2)), row.value(3)]
          }
        }
        #expect(row == [.integer(Int64(key)), .text(value.0), .blob(value.1), .real(value.2)])
      }
      let empty = try database.point { reader in
        try reader.first(Things.byKey, [0]) { ($0.value(2), $0.isNull(2)) }
      }
      #expect(empty?.0 == .blob([]) && empty?.1 == false)
    }
  }

  @Test("batches write and look up many rows in one call")
  func batches() async throws {
    try await Things.withStore { database, _ in
      let changed = try await database.write { transaction in
        var rows = RowBatch(columns: 4)
        for key in 0..<1_000 { rows.append(.integer(key), .text("name \(key)"), .blob([UInt8(key & 255)]), .null) }
        return try transaction.execute(Things.insert, rows: rows)
      }
      #expect(changed == 1_000)
      var keys = RowBatch(columns: 1)
      for key in [5, 7_000, 999, 5] { keys.append(.integer(key)) }
      let found = try await database.read { [keys] reader in
        var found: [[Int64]] = []
        try reader.query(Things.byKey, rows: keys) { found.append([Int64($0), $1.integer(0)]) }
        return found
      }
      #expect(found == [[0, 5], [2, 999], [3, 5]])
      let empty = try await database.write {
        try $0.execute(Things.insert, rows: RowBatch(columns: 4))
      }
      #expect(empty == 0)
    }
  }

  @Test("the same statement may be used again inside its own result")
  func nested() async throws {
    try await Things.withStore { database, _ in
      for key in 0..<3 { try await Things.put(database, key, "\(key)") }
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
    try await Things.withStore({ $0.dynamicStatementsMax = 3 }) { database, _ in
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

  @Test("an error of the caller's own comes out as it is, and takes the writes back")
  func callersError() async throws {
    try await Things.withStore { database, _ in
      await #expect(throws: Refusal.self) {
        try await database.write { transaction in
          try transaction.execute(Things.insert, [1, "a", nil, nil])
          throw Refusal()
        }
      }
      let count = try Things.counted(database)
      #expect(count == 0)
      await #expect(throws: Refusal.self) { try await database.read { _ in throw Refusal() } }
    }
  }

  // MARK: Group commit

  @Test("a job that fails in a group takes back its own rows only, and commits are shared")
  func groups() async throws {
    try await Things.withStore { database, _ in
      let before = database.statistics
      let failed = await withTaskGroup(of: Int?.self) { group in
        for key in 0..<400 {
          group.addTask {
            do {
              try await database.write { transaction in
                try transaction.execute(Things.insert, [.integer(key), .text("\(key)"), nil, nil])
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

  // MARK: Snapshots

  @Test("a read sees one state whatever is committed meanwhile; a point sees the newest")
  func snapshots() async throws {
    try await Things.withStore { database, _ in
      try await Things.put(database, 1)
      let began = Gate()
      let mayEnd = Gate()
      async let counts = database.read { reader in
        let first = try Things.count(reader)
        began.open()
        mayEnd.hold()
        return [first, try Things.count(reader)]
      }
      try await began.passed()
      try await Things.put(database, 2)
      try Things.expectCount(database, 2)
      mayEnd.open()
      #expect(try await counts == [1, 1])
      try await Things.expectReadCount(database, 2)
    }
  }

  @Test("points from many threads beside writes see whole transactions")
  func pointsBesideWrites() async throws {
    try await Things.withStore { database, _ in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          for round in 0..<100 {
            try await database.write { transaction in
              for key in 0..<3 {
                try transaction.execute(Things.insert, [.integer(round * 3 + key), nil, nil, nil])
              }
            }
          }
        }
        for _ in 0..<4 {
          group.addTask {
            var last: Int64 = 0
            while last < 300 {
              let seen = try database.point { try Things.count($0) }
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

  @Test("a cancelled read stops inside its statement, and its thread serves on")
  func cancellation() async throws {
    try await Things.withStore({ $0.readerThreads = 1 }) { database, _ in
      let began = Gate()
      let running = Task {
        try await database.read { reader in
          began.open()
          return try reader.first(Things.endless) { $0.integer(0) }
        }
      }
      try await began.passed()
      let waiting = Task { try await database.read { try Things.count($0) } }
      try await Task.sleep(for: .milliseconds(20))
      waiting.cancel()
      #expect(await StorageError.code { try await waiting.value } == .interrupted)
      running.cancel()
      #expect(await StorageError.code { try await running.value } == .interrupted)
      try await Things.expectReadCount(database, 0)
    }
  }

  @Test("a read past its deadline is given up, running or waiting")
  func deadlines() async throws {
    try await Things.withStore({ $0.readerThreads = 1 }) { database, _ in
      let deadline = ContinuousClock.now.advanced(by: .milliseconds(50))
      async let running = StorageError.code {
        try await database.read(deadline: deadline) { try $0.first(Things.endless) { $0.integer(0) } }
      }
      async let waiting = StorageError.code {
        try await database.read(deadline: deadline) { try $0.first(Things.endless) { $0.integer(0) } }
      }
      #expect(await [running, waiting] == [.deadlineExceeded, .deadlineExceeded])
      let later = ContinuousClock.now.advanced(by: .seconds(5))
      let count = try await database.read(deadline: later) { try Things.count($0) }
      #expect(count == 0)
    }
  }

  @Test("reads and writes past the queue's bound are refused, the one at the bound is not")
  func queueBounds() async throws {
    try await Things.withStore({
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
      let queued = Task { try await Things.put(database, 1) }
      try await Task.sleep(for: .milliseconds(20))
      #expect(await StorageError.code { try await Things.put(database, 2) } == .busy)
      mayCommit.open()
      try await job
      try await queued.value
      try Things.expectCount(database, 1)
    }
  }

  @Test("a write whose task is cancelled before it begins is withdrawn")
  func withdrawnWrite() async throws {
    try await Things.withStore { database, _ in
      let writing = Gate()
      let mayCommit = Gate()
      async let job = database.write { _ in
        writing.open()
        mayCommit.hold()
      }
      try await writing.passed()
      let queued = Task { try await Things.put(database, 1) }
      try await Task.sleep(for: .milliseconds(20))
      queued.cancel()
      mayCommit.open()
      try await job
      #expect(await StorageError.code { try await queued.value } == .interrupted)
      try Things.expectCount(database, 0)
    }
  }

  @Test("points past the bound are refused, also when nested")
  func pointBound() async throws {
    try await Things.withStore({ $0.pointConnectionsMax = 2 }) { database, _ in
      try database.point { _ in
        try database.point { _ in
          let error = #expect(throws: StorageError.self) { _ = try database.point { try Things.count($0) } }
          #expect(error?.code == .busy)
        }
      }
      try Things.expectCount(database, 0)
    }
  }

}
