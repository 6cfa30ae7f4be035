import Base
import FHIRStore
import Storage
import StorageSQLite
import Synchronization
import TestStores
import Testing
import FaultDisk
import TestSupport

/// The power is cut at a seeded change to the disk, from the very first one on, while writers carry out transactions
/// of resources. Then each of several states the disk may be in is judged: every acknowledged version is there with
/// its bytes, no transaction by half, and the index says what the bodies say.
@Suite(.serialized, .onSQLite("what its files survive")) struct PowerLossTests {
  static let cuts = 200
  static let statesPerCut = 2
  static let writers = 3

  @Test("acknowledged resources survive a power cut, whole, with their index")
  func cutsAnywhere() async throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    var generator = SeededGenerator(seed: seed)
    var sum = Result()
    for cut in 0..<Self.cuts {
      // A quarter of the cuts fall into the store's first moments: creation, schema, dictionaries, seal.
      let change = Int64.random(in: 1...(cut % 4 == 0 ? 250 : 1_600), using: &generator)
      let result = try await Self.run(seed: generator.next(), change: change) { $0.durability = .full }
      sum.acknowledged += result.acknowledged
      sum.unopened += result.unopened
      sum.complaints += result.complaints.map { "cut \(cut) at change \(change): \($0)" }
    }
    print(
      "power loss of resources: seed \(seed), \(Self.cuts) cuts (\(sum.unopened) before the store was open),",
      "\(Self.statesPerCut) states each, \(sum.acknowledged) transactions acknowledged, \(sum.complaints.count) complaints"
    )
    #expect(sum.complaints.isEmpty, "seed \(seed): \(sum.complaints.prefix(5))")
    #expect(sum.acknowledged > Self.cuts)
    #expect(sum.unopened > 0)
  }

  @Test("canary: without syncs the same test finds losses", arguments: [SQLiteConfiguration.Durability.normal, .off])
  func canary(durability: SQLiteConfiguration.Durability) async throws {
    var complaints: [String] = []
    for seed in 0..<8 {
      complaints += try await Self.run(seed: UInt64(seed), change: 900) {
        $0.durability = durability
        $0.checkpointPages = 10_000
      }.complaints
    }
    #expect(complaints.contains { $0.hasPrefix("lost") })
  }

  struct Result {
    var acknowledged = 0
    var unopened = 0
    var complaints: [String] = []
  }

  /// For each writer how many transactions were acknowledged while the power was on, and how many may be there.
  private struct Promise: Sendable {
    var isOpen = false
    var acknowledged = Array(repeating: 0, count: PowerLossTests.writers)
    var possible = Array(repeating: 0, count: PowerLossTests.writers)
  }

  private final class Promises: Sendable {
    let value = Mutex(Promise())
    func note(_ body: (inout sending Promise) -> Void) { value.withLock { body(&$0) } }
  }

  private static func run(
    seed: UInt64, change: Int64, _ configure: (inout SQLiteConfiguration) -> Void
  ) async throws -> Result {
    let folder = try TemporaryFolder()
    let disk = try FaultDisk()
    let courses = try (0..<writers).map { try Course(writer: $0, seed: seed, transactions: 60) }
    var configuration = disk.configuration()
    configure(&configuration)
    disk.cut(at: change)
    let promises = Promises()
    let database = try? SQLiteDatabase(path: folder.file("store"), configuration: configuration)
    if let database, let fixture = try? await StoreFixture(database) {
      if !disk.isCut { promises.note { $0.isOpen = true } }
      await withTaskGroup(of: Void.self) { group in
        for course in courses {
          group.addTask { await write(course, fixture, disk, promises) }
        }
      }
    }
    disk.cut()
    await database?.close()
    let promised = promises.value.withLock { $0 }
    var result = Result()
    result.acknowledged = promised.acknowledged.reduce(0, +)
    result.unopened = promised.isOpen ? 0 : 1
    for state in 0..<UInt64(statesPerCut) {
      let target = try folder.folder("state-\(state)")
      guard disk.materialise(seed: seed &+ state, into: target) else {
        result.complaints.append("the state could not be written")
        continue
      }
      result.complaints += await judge(target + "/store", promised, courses)
    }
    return result
  }

  private static func write(
    _ course: Course, _ fixture: StoreFixture, _ disk: FaultDisk, _ promises: Promises
  ) async {
    for (number, edits) in course.transactions.enumerated() {
      promises.note { $0.possible[course.writer] = number + 1 }
      do {
        try await fixture.write(edits)
      } catch {
        // Refused for certain, unless it is said that nobody knows.
        if (error as? Fault)?.category != .outcomeUnknown { promises.note { $0.possible[course.writer] = number } }
        return
      }
      // Asked after the acknowledgement: what came a moment after the cut is not counted as promised.
      guard !disk.isCut else { return }
      promises.note { $0.acknowledged[course.writer] = number + 1 }
    }
  }

  /// Opens the state as a server would, then looks at the file from outside.
  private static func judge(_ path: String, _ promise: Promise, _ courses: [Course]) async -> [String] {
    do {
      let fixture = try await StoreFixture(path: path)
      // It takes writes again, and finds them.
      try await fixture.put("Patient", "after", #""identifier":[{"system":"urn:after","value":"\#(path)"}]"#)
      guard try await fixture.ids("Patient", "identifier=urn:after|") == ["after"] else {
        await fixture.close()
        return ["does not find what was written after the cut"]
      }
      await fixture.close()
      let file = try StoreFile(path)
      let complaints = file.complaints()
      if !complaints.isEmpty { return complaints }
      let found = try file.versions().filter { $0.key != "Patient/after" }
      return courses.compactMap { complaint($0, found, promise) }
    } catch {
      return ["does not reopen: \(error)"]
    }
  }

  /// A writer's resources must be as they were after some number of whole transactions, no less than acknowledged.
  private static func complaint(_ course: Course, _ found: [String: [[UInt8]?]], _ promise: Promise) -> String? {
    let own = found.filter { $0.key.contains("/w\(course.writer)-") }
    let least = promise.acknowledged[course.writer]
    let most = promise.possible[course.writer]
    guard let number = course.states.firstIndex(of: own) else {
      return "torn: writer \(course.writer) is in no state it ever was (acknowledged \(least))"
    }
    if number < least { return "lost: writer \(course.writer) has \(number) transactions, acknowledged \(least)" }
    if number > most { return "ghost: writer \(course.writer) has \(number) transactions of \(most) possible" }
    return nil
  }
}
