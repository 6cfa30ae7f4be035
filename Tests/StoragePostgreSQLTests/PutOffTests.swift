import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Testing

/// Statements that are put off until somebody needs to know, and what becomes of their errors.
@Suite(.enabled(if: PostgreSQLServer.isInstalled, "needs PostgreSQL 15 or newer: apt install postgresql"))
struct PutOffTests {
  private static func row(_ key: Int, _ name: String? = nil) -> [SQLValue] {
    [.integer(key), .optional(name), .null, .real(0)]
  }

  @Test("what is put off travels with the commit: a read and any number of writes are two round trips")
  func trips() async throws {
    try await Things.withStore { database, _ in
      for round in 0..<3 {
        let before = database.faults.roundTripsOfWrites
        try await database.write { transaction in
          let count = try Things.count(transaction)
          var rows = RowBatch(columns: 4)
          for row in 0..<50 { rows.append(contentsOf: Self.row(round * 100 + row)) }
          try transaction.send(Things.insert, rows: rows)
          for row in 0..<50 { try transaction.send(Things.update, [.integer(round * 100 + row)]) }
          #expect(count == Int64(round * 50))
        }
        #expect(database.faults.roundTripsOfWrites - before == 2)
      }
      let sum = try database.point { try $0.first("SELECT sum(size) FROM thing") { $0.real(0) } }
      #expect(sum == 150)
    }
  }

  @Test("a later statement of the transaction sees what was put off")
  func seen() async throws {
    try await Things.withStore { database, _ in
      let counts = try await database.write { transaction in
        try transaction.send(Things.insert, Self.row(1))
        let one = try Things.count(transaction)
        try transaction.send(Things.insert, Self.row(2))
        let changed = try transaction.execute("UPDATE thing SET size = 5")
        try transaction.send(Things.insert, Self.row(3))
        let (attempted, _) = try transaction.measuring {
          try transaction.attempt(steps: 1_000_000_000) { try Things.count(transaction) }
        }
        return [one, Int64(changed), attempted]
      }
      #expect(counts == [1, 2, 3])
      try Things.expectCount(database, 3)
    }
  }

  @Test("an error of what was put off comes out typed, and nothing of the transaction remains")
  func errors() async throws {
    try await Things.withStore { database, _ in
      try await Things.put(database, 1, "one")
      let twice = await #expect(throws: StorageError.self) {
        try await database.write { transaction in
          _ = try Things.count(transaction)
          try transaction.send(Things.insert, Self.row(2))
          try transaction.send(Things.insert, Self.row(3, "one"))
        }
      }
      #expect(twice?.code == .constraint && twice?.isUniqueViolation == true)
      // Nothing was asked before, so it comes before the commit.
      let alone = await StorageError.code { try await database.write { try $0.send(Things.insert, Self.row(1)) } }
      #expect(alone == .constraint)
      let seen = await StorageError.code {
        try await database.write { transaction in
          try transaction.send(Things.insert, Self.row(1))
          return try Things.count(transaction)
        }
      }
      #expect(seen == .constraint)
      let wrong = await StorageError.code { try await database.write { try $0.send(Things.insert, [1]) } }
      #expect(wrong == .misuse)
      try Things.expectCount(database, 1)
      try await Things.put(database, 2)
    }
  }

  @Test("of jobs that share a commit those fail whose put-off statement does, and no others")
  func groups() async throws {
    try await Things.withStore { database, _ in
      try await Things.put(database, -1, "taken")
      let asks = [false, true]
      for asksFirst in asks {
        let base = asksFirst ? 1_000 : 0
        let failed = await withTaskGroup(of: Int?.self) { group in
          for key in 0..<300 {
            group.addTask {
              let code = await StorageError.code {
                try await database.write { transaction in
                  if asksFirst { _ = try Things.count(transaction) }
                  try transaction.send(Things.insert, Self.row(base + key, key % 60 == 7 ? "taken" : nil))
                  if key % 60 == 9 { throw Refusal() }
                }
              }
              if code != nil { #expect(code == (key % 60 == 7 ? .constraint : .other)) }
              return code == nil ? nil : key
            }
          }
          return await group.reduce(into: Set<Int>()) { if let key = $1 { $0.insert(key) } }
        }
        #expect(failed == Set((0..<300).filter { [7, 9].contains($0 % 60) }))
        let stored = try database.point { reader in
          try reader.all("SELECT key FROM thing WHERE key BETWEEN \(base) AND \(base + 999)") {
            Int($0.integer(0)) - base
          }
        }
        #expect(Set(stored) == Set(0..<300).subtracting(failed) && stored.count == 300 - failed.count)
      }
      #expect(database.statistics.jobsPerCommitMax > 1)
    }
  }

  @Test("independent questions are one round trip, their rows in order")
  func questions() async throws {
    try await Things.withStore { database, _ in
      for key in 0..<5 { try await Things.put(database, key, "n\(key)", size: Double(key)) }
      var keys = RowBatch(columns: 1)
      for key in [4, 9, 0] { keys.append(.integer(key)) }
      let before = database.faults.roundTripsOfReads
      let found = try database.point { reader in
        var found: [[Int64]] = []
        try reader.query([Question(Things.count), Question(Things.byKey, rows: keys), Question(Things.size, 3)]) {
          found.append([Int64($0), Int64($1), $2.integer(0)])
        }
        return found
      }
      #expect(found == [[0, 0, 5], [1, 0, 4], [1, 2, 0], [2, 0, 3]])
      #expect(database.faults.roundTripsOfReads - before == 1)
      let none = try database.point { reader in
        var rows = 0
        try reader.query([]) { _, _, _ in rows += 1 }
        try reader.query([Question(Things.byKey, rows: RowBatch(columns: 1))]) { _, _, _ in rows += 1 }
        return rows
      }
      #expect(none == 0)
    }
  }
}
