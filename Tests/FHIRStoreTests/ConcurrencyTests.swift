import Base
import FHIRModel
import FHIRStore
import JSONCore
import Testing
import TestSupport

/// Writers at the same time: nothing is lost, nothing is torn.
@Suite struct ConcurrencyTests {
  private struct Refusal: Error {}

  @Test func staleBasisIsFoundOut() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(path: folder.file("store"))
    try await fixture.put("Patient", "a", #""multipleBirthInteger":0"#)
    let (update, create, deletion) = try fixture.store.point(within: .none) { view in
      (
        try fixture.change(.put("Patient", "a", #""multipleBirthInteger":1"#), view),
        try fixture.change(.put("Patient", "b", #""multipleBirthInteger":1"#), view),
        try fixture.change(.delete("Patient", "a"), view)
      )
    }
    try await fixture.put("Patient", "a", #""multipleBirthInteger":2"#)
    try await fixture.put("Patient", "b", #""multipleBirthInteger":2"#)
    for change in [update, create, deletion] {
      await #expect(throws: StaleBasis.self) {
        try await fixture.store.writeInside(within: .none) { try $0.apply([change]).count }
      }
    }
    #expect(try fixture.current("Patient", "a")?.version == 2)
    await fixture.close()
    #expect(try StoreFile(folder.file("store")).complaints() == [])
  }

  /// Each writer adds one to the same number: the sum comes out only if no update is lost.
  @Test func countersCount() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(path: folder.file("store"))
    try await fixture.put("Patient", "a", #""multipleBirthInteger":0"#)
    let writers = 16
    let rounds = 20
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<writers {
        group.addTask {
          for _ in 0..<rounds {
            let version: Int64 = try await fixture.store.write(within: .none) { view in
              // One look-up: outside of a transaction a second one may see a later commit.
              let current = try view.current(StoreFixture.type("Patient"), "a")
              let number = try JSONDocument(current?.body?.bytes ?? []).value["multipleBirthInteger"]?.integer ?? 0
              let edit = StoreFixture.Edit.put("Patient", "a", #""multipleBirthInteger":\#(number + 1)"#)
              let change = try fixture.change(edit, current: current, indexed: current.map { try view.indexed($0) })
              return Prepared([change]) { $0.first?.version ?? 0 }
            }
            #expect(version > 1)
          }
        }
      }
      try await group.waitForAll()
    }
    let last = try #require(try fixture.current("Patient", "a"))
    #expect(last.version == Int64(writers * rounds) + 1)
    #expect(try JSONDocument(last.body?.bytes ?? []).value["multipleBirthInteger"]?.integer == writers * rounds)
    await fixture.close()
    #expect(try StoreFile(folder.file("store")).complaints() == [])
  }

  /// Writers with courses of their own, a third of their transactions refused at the end, with the same new systems:
  /// what was acknowledged is there, exactly, and the index agrees.
  @Test func refusedTransactionsLeaveNothing() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("store")
    let seed = UInt64.random(in: 0..<1_000_000)
    let fixture = try await StoreFixture(path: path)
    let courses = try (0..<6).map { try Course(writer: $0, seed: seed, transactions: 60) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for course in courses {
        group.addTask {
          for (number, edits) in course.transactions.enumerated() {
            if number % 3 == 0 {
              try? await fixture.store.writeInside(within: .none) { scope in
                _ = try scope.apply(try edits.map { try fixture.change($0, scope.view) })
                throw Refusal()
              }
            }
            try await fixture.write(edits)
          }
        }
      }
      try await group.waitForAll()
    }
    await fixture.close()
    let file = try StoreFile(path)
    #expect(file.complaints() == [], "seed \(seed)")
    let found = try file.versions()
    for course in courses {
      let own = found.filter { $0.key.contains("/w\(course.writer)-") }
      #expect(own == course.states.last, "seed \(seed), writer \(course.writer)")
    }
    #expect(try file.integer("SELECT count(*) FROM change_log") == found.values.reduce(0) { $0 + $1.count })
  }

  /// The same, one writer, reopened on the way: a reopened store goes on where it was.
  @Test func reopeningChangesNothing() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("store")
    let course = try Course(writer: 0, seed: 7, transactions: 40)
    let tables = [
      "resource", "resource_history", "change_log", "resource_type", "parameter", "system", "setting",
      "parameter_system", "parameter_unit", "index_token", "index_string", "index_reference", "index_date",
      "index_number", "index_quantity", "index_uri", "index_composite", "index_position",
    ]
    for start in stride(from: 0, to: 40, by: 10) {
      let fixture = try await StoreFixture(path: path)
      let seal = fixture.store.seal.hash([1, 2, 3])
      for edits in course.transactions[start..<start + 10] { try await fixture.write(edits) }
      await fixture.close()
      let before = try tables.map { try StoreFile(path).rows("SELECT * FROM \($0)") }
      let again = try await StoreFixture(path: path)
      #expect(again.store.seal.hash([1, 2, 3]) == seal)
      for (id, versions) in course.states[start + 10] {
        let parts = id.split(separator: "/").map(String.init)
        #expect(try again.current(parts[0], parts[1])?.body?.bytes == versions.last ?? nil)
      }
      await again.close()
      #expect(try tables.map { try StoreFile(path).rows("SELECT * FROM \($0)") } == before)
      #expect(try StoreFile(path).complaints() == [])
    }
  }

  /// A store whose dictionaries come from an older release gets what is missing, and keeps the numbers it has.
  @Test func olderDictionariesAreCompleted() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("store")
    await (try await StoreFixture(path: path)).close()
    let known: [[StoreFile.Value]]
    do {
      let file = try StoreFile(path, isWritable: true)
      try file.execute("DELETE FROM parameter WHERE code IN ('gender', 'family') OR type = 'Group'")
      try file.execute("DELETE FROM resource_type WHERE name = 'Group'")
      try file.execute("INSERT INTO parameter VALUES (90000, 'Patient', 'of-a-later-release', 0, 1, 1)")
      try file.execute("INSERT INTO resource_type VALUES (9000, 'LaterType')")
      known = try file.rows("SELECT number, type, code FROM parameter")
    }
    let fixture = try await StoreFixture(path: path)
    try await fixture.write([
      .put("Patient", "a", #""gender":"male","name":[{"family":"Ä"}]"#),
      .put("Group", "g", #""type":"person","actual":true"#),
    ])
    #expect(try await fixture.ids("Patient", "gender=male&family=a") == ["a"])
    #expect(try await fixture.ids("Group", "type=person&actual=true") == ["g"])
    await fixture.close()
    let file = try StoreFile(path)
    let now = try file.rows("SELECT number, type, code FROM parameter")
    #expect(Set(known).isSubset(of: Set(now)))
    #expect(Set(now.map { $0[0] }).count == now.count)
    #expect(Set(now.map { [$0[1], $0[2]] }).count == now.count)
    #expect(file.complaints() == [])
  }
}
