import CSQLite
import Storage
import StorageSQLite
import Synchronization
import Testing
import FaultDisk
import TestSupport

/// The k-th write or sync fails, for every k the workload reaches. No acknowledgement may be lost, and after a failed
/// sync there is none any more.
@Suite(.serialized) struct InjectedFaultTests {
  private static let ioError = SQLITE_IOERR | 3 << 8
  private static let syncError = SQLITE_IOERR | 4 << 8

  private struct Result {
    var acknowledged = 0
    var isOpen = false
    var isWritable = false
    var wasReached = false
    var laterCode: StorageError.Code?
    var complaints: [String] = []
  }

  private static func run(_ kind: FaultDisk.Kind, at k: Int64, code: Int32) async throws -> Result {
    let folder = try TemporaryFolder()
    let disk = try FaultDisk()
    let ledger = Ledger(seed: UInt64(k))
    disk.fail(kind, at: k, code: code)
    var result = Result()
    let database = await ledger.run(
      path: folder.file("store"), configuration: disk.configuration(), writers: 3, transactions: 25, isCut: { false })
    result.isOpen = database != nil
    if let database {
      result.isWritable = database.isWritable
      do {
        try await database.write { _ = try $0.execute("CREATE TABLE IF NOT EXISTS later (x)") }
      } catch {
        result.laterCode = (error as? StorageError)?.code
      }
    }
    result.wasReached = disk.count(kind) >= k
    // The power goes too: what the failed call left in the kernel's memory must not have been counted on.
    disk.cut()
    await database?.close()
    for state in 0..<UInt64(2) {
      let target = try folder.folder("state-\(state)")
      _ = disk.materialise(seed: UInt64(k) &+ state, into: target)
      result.complaints += ledger.complaints(path: target + "/store")
    }
    result.acknowledged = ledger.outcome.withLock { $0.acknowledgedCount }
    return result
  }

  @Test("after a failed sync nothing more is acknowledged, and nothing acknowledged is lost")
  func syncs() async throws {
    var reached = 0
    for k in Int64(1)...60 {
      let result = try await InjectedFaultTests.run(.sync, at: k, code: InjectedFaultTests.syncError)
      #expect(result.complaints.isEmpty, "sync \(k)")
      guard result.wasReached else { continue }
      reached += 1
      #expect(!result.isOpen || !result.isWritable, "sync \(k)")
      #expect(!result.isOpen || result.laterCode == .broken, "sync \(k)")
    }
    #expect(reached >= 30)
  }

  @Test("a failed write loses nothing that was acknowledged")
  func writes() async throws {
    var reached = 0
    for k in stride(from: Int64(1), through: 600, by: 7) {
      let result = try await InjectedFaultTests.run(.write, at: k, code: InjectedFaultTests.ioError)
      #expect(result.complaints.isEmpty, "write \(k)")
      reached += result.wasReached ? 1 : 0
    }
    #expect(reached >= 40)
  }

  @Test("a full disk takes nothing back and writing goes on later")
  func fullDisk() async throws {
    var reached = 0
    for k in stride(from: Int64(1), through: 600, by: 7) {
      let result = try await InjectedFaultTests.run(.write, at: k, code: SQLITE_FULL)
      #expect(result.complaints.isEmpty, "write \(k)")
      guard result.wasReached, result.isOpen else { continue }
      reached += 1
      #expect(result.isWritable && result.laterCode == nil, "write \(k): \(String(describing: result.laterCode))")
    }
    #expect(reached >= 40)
  }

  @Test("the callers of a commit whose sync failed hear that its outcome is unknown, the later ones that it is over")
  func unknownOutcome() async throws {
    let folder = try TemporaryFolder()
    let disk = try FaultDisk()
    let database = try SQLiteDatabase(path: folder.file("store"), configuration: disk.configuration())
    try await database.migrate([Migration(1, "t", "CREATE TABLE t (x INTEGER)")])
    try await database.write { _ = try $0.execute("INSERT INTO t VALUES (1)") }
    disk.fail(.sync, at: 1, code: InjectedFaultTests.syncError)
    let unknown = await #expect(throws: StorageError.self) {
      try await database.write { _ = try $0.execute("INSERT INTO t VALUES (2)") }
    }
    #expect(unknown?.code == .outcomeUnknown)
    #expect(!database.isWritable)
    let broken = await #expect(throws: StorageError.self) {
      try await database.write { _ = try $0.execute("INSERT INTO t VALUES (3)") }
    }
    #expect(broken?.code == .broken)
    // Reading goes on, from what was committed.
    #expect(try database.point { try $0.all("SELECT x FROM t") { $0.integer(0) } } == [1])
    await database.close()
  }

  @Test("a commit on a full disk fails cleanly and the next one works")
  func fullCommit() async throws {
    let folder = try TemporaryFolder()
    let disk = try FaultDisk()
    let database = try SQLiteDatabase(path: folder.file("store"), configuration: disk.configuration())
    try await database.migrate([Migration(1, "t", "CREATE TABLE t (x INTEGER)")])
    disk.fail(.write, at: 1, code: SQLITE_FULL)
    let full = await #expect(throws: StorageError.self) {
      try await database.write { _ = try $0.execute("INSERT INTO t VALUES (1)") }
    }
    #expect(full?.code == .full)
    try await database.write { _ = try $0.execute("INSERT INTO t VALUES (2)") }
    #expect(try database.point { try $0.all("SELECT x FROM t") { $0.integer(0) } } == [2])
    await database.close()
  }
}
