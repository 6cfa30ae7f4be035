import Base
import DICOMCore
import DICOMStore
import DICOMweb
import JSONCore
import TestSupport
import Testing

@Suite struct ChangeFeedTests {
  private static let partition = DICOMStore.defaultPartition

  private static func target(_ instance: String) -> Target {
    Target(study: "1.2", series: "1.2.1", instance: UID("1.2.1." + instance))
  }

  @Test("create, delete, create: replaced, replaced, current")
  func states() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    #expect(try await fixture.store.latestChange(withMetadata: true) == nil)
    try await fixture.store(TestInstance("1.2", "1", "1", [(.patientComments, .LT, "first")]))
    let created = try #require(try await fixture.store.latestChange(withMetadata: true))
    #expect(created.sequence == 1)
    #expect(created.action == .create)
    #expect(created.state == .current)
    #expect(created.partition == "Microsoft.Default")
    #expect(created.studyUID == "1.2" && created.seriesUID == "1.2.1" && created.instanceUID == "1.2.1.1")
    #expect(created.timestamp == fixture.now)
    #expect(try JSONDocument(try #require(created.metadata)).texts(.patientComments) == ["first"])

    _ = try await fixture.store.delete(Self.target("1"), partition: Self.partition)
    var entries = try await fixture.store.changes(after: 0, limit: 10, withMetadata: true)
    #expect(entries.map(\.action) == [.create, .delete])
    #expect(entries.map(\.state) == [.deleted, .deleted])
    #expect(entries.allSatisfy { $0.metadata == nil })

    try await fixture.store(TestInstance("1.2", "1", "1", [(.patientComments, .LT, "second")]))
    entries = try await fixture.store.changes(after: 0, limit: 10, withMetadata: true)
    #expect(entries.map(\.action) == [.create, .delete, .create])
    #expect(entries.map(\.state) == [.replaced, .replaced, .current])
    // Each has the metadata of what is there now.
    for entry in entries {
      #expect(try JSONDocument(try #require(entry.metadata)).texts(.patientComments) == ["second"])
    }
    #expect(try await fixture.store.changes(after: 0, limit: 10, withMetadata: false).allSatisfy { $0.metadata == nil })
    await fixture.close()
  }

  @Test("v1: a window of sequence numbers")
  func windows() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    for number in 1...12 { try await fixture.store(TestInstance("1.2", "1", "\(number)")) }
    func sequences(_ after: Int64, _ limit: Int) async throws -> [Int64] {
      try await fixture.store.changes(after: after, limit: limit, withMetadata: false).map(\.sequence)
    }
    #expect(try await sequences(0, 10) == Array(1...10))
    #expect(try await sequences(10, 10) == [11, 12])
    #expect(try await sequences(12, 10) == [])
    #expect(try await sequences(.max, 10) == [])
    #expect(try await sequences(3, 1) == [4])
    await fixture.close()
  }

  @Test("v2: a half-open span of time, in order, with pages")
  func spans() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    var times: [Instant] = []
    for number in 1...3 {
      times.append(fixture.now)
      try await fixture.store(TestInstance("1.2", "1", "\(number)"))
      fixture.pass(milliseconds: 1_000)
    }
    func sequences(_ from: Instant?, _ to: Instant?, _ offset: Int = 0, _ limit: Int = 100) async throws -> [Int64] {
      try await fixture.store.changes(from: from, to: to, offset: offset, limit: limit, withMetadata: false)
        .map(\.sequence)
    }
    #expect(try await sequences(nil, nil) == [1, 2, 3])
    #expect(try await sequences(times[0], times[2]) == [1, 2])
    #expect(try await sequences(times[1], nil) == [2, 3])
    #expect(try await sequences(nil, times[2].advanced(byMilliseconds: 1)) == [1, 2, 3])
    #expect(try await sequences(nil, nil, 1, 1) == [2])
    #expect(try await sequences(nil, nil, 3, 1) == [])
    #expect(try await sequences(times[2].advanced(byMilliseconds: 1), nil) == [])
    // A clock that goes back makes no entry that a follower of the feed has passed.
    fixture.pass(milliseconds: -10_000)
    try await fixture.store(TestInstance("1.2", "1", "4"))
    #expect(try await sequences(times[2], nil) == [3, 4])
    await fixture.close()
  }

  @Test("whoever follows the feed by time while others write sees each change once")
  func following() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    let count = 120
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for number in 0..<count / 4 {
            try await fixture.store(TestInstance("1.\(writer)", "1", "\(number)"))
            fixture.pass(milliseconds: 1)
          }
        }
      }
      group.addTask {
        var seen: [Int64] = []
        var from: Instant?
        while seen.count < count {
          // Up to now: what is under way has come by then.
          let to = fixture.now
          if let from, to <= from {
            try await Task.sleep(for: .milliseconds(1))
            fixture.pass(milliseconds: 1)
            continue
          }
          seen += try await fixture.store.changes(from: from, to: to, offset: 0, limit: 1_000, withMetadata: false)
            .map(\.sequence)
          from = to
        }
        #expect(seen == Array(1...Int64(count)))
      }
      try await group.waitForAll()
    }
    await fixture.close()
  }
}
