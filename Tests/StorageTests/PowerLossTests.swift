import Storage
import StorageSQLite
import Synchronization
import Testing
import FaultDisk
import TestSupport

/// The power is cut at a seeded change to the disk, from the very first one on; then each of several states the disk
/// may be in is opened, and every acknowledged transaction must be there, whole (the method: CFaultVFS).
@Suite(.serialized) struct PowerLossTests {
  static let cuts = 200
  static let statesPerCut = 3

  @Test("what was acknowledged survives a power cut, whole")
  func cutsAnywhere() async throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    var generator = SeededGenerator(seed: seed)
    var acknowledged = 0
    var complaints: [String] = []
    for cut in 0..<PowerLossTests.cuts {
      // A third of the cuts fall into the file's first moments: creation, migration, the first log.
      let change = Int64.random(in: 1...(cut % 3 == 0 ? 60 : 1_500), using: &generator)
      let result = try await PowerLossTests.run(seed: generator.next(), change: change) { $0.durability = .full }
      acknowledged += result.acknowledged
      complaints += result.complaints.map { "cut \(cut) at change \(change): \($0)" }
    }
    print(
      "power loss: seed \(seed), \(PowerLossTests.cuts) cuts, \(PowerLossTests.statesPerCut) states each,",
      "\(acknowledged) transactions acknowledged, \(complaints.count) complaints")
    #expect(complaints.isEmpty, "seed \(seed)")
    #expect(acknowledged > PowerLossTests.cuts)
  }

  @Test("canary: without syncs the same test finds losses", arguments: [SQLiteConfiguration.Durability.normal, .off])
  func canary(durability: SQLiteConfiguration.Durability) async throws {
    var complaints: [String] = []
    for seed in 0..<12 {
      let result = try await PowerLossTests.run(seed: UInt64(seed), change: 700) {
        $0.durability = durability
        $0.checkpointPages = 10_000
      }
      complaints += result.complaints
    }
    #expect(complaints.contains { $0.hasPrefix("lost") })
  }

  private static func run(
    seed: UInt64, change: Int64, _ configure: (inout SQLiteConfiguration) -> Void
  ) async throws -> (acknowledged: Int, complaints: [String]) {
    let folder = try TemporaryFolder()
    let disk = try FaultDisk()
    let ledger = Ledger(seed: seed)
    var configuration = disk.configuration()
    configure(&configuration)
    disk.cut(at: change)
    let database = await ledger.run(
      path: folder.file("store"), configuration: configuration, writers: 4, transactions: 200, isCut: { disk.isCut })
    disk.cut()
    await database?.close()
    var complaints: [String] = []
    for state in 0..<UInt64(statesPerCut) {
      let target = try folder.folder("state-\(state)")
      guard disk.materialise(seed: seed &+ state, into: target) else {
        complaints.append("the state could not be written")
        continue
      }
      // Our own way of opening must bring it up as well, and leave it as it was.
      if state == 0 { complaints += await reopen(target + "/store") }
      complaints += ledger.complaints(path: target + "/store")
    }
    return (ledger.outcome.withLock { $0.acknowledgedCount }, complaints)
  }

  private static func reopen(_ path: String) async -> [String] {
    do {
      let database = try SQLiteDatabase(path: path)
      try await database.migrate(Ledger.migrations)
      try await database.write { _ = try $0.execute("UPDATE slot SET number = number WHERE writer = 0") }
      await database.close()
      return []
    } catch {
      return ["does not reopen: \(error)"]
    }
  }
}
