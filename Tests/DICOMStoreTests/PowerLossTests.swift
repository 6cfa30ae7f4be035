import Base
import BlobStore
import DICOMCore
import DICOMStore
import DICOMweb
import FaultDisk
import StorageSQLite
import Synchronization
import TestStores
import TestSupport
import Testing

/// The power is cut at a seeded change to the database's disk while instances are stored and deleted. In each of
/// several states that the disk may be in, all that was acknowledged is there, whole, and all tables agree.
@Suite(.serialized, .onSQLite("what its files survive")) struct PowerLossTests {
  static let cuts = 60
  static let statesPerCut = 2

  /// What was acknowledged while the power was on: instances that must be there, and those that must not.
  private struct Promise: Sendable {
    var there: Set<String> = []
    var gone: Set<String> = []
    /// Under way at the cut: either.
    var open: Set<String> = []
  }

  @Test("acknowledged instances survive a power cut, whole, with index and change feed")
  func cutsAnywhere() async throws {
    let seed = UInt64.random(in: 0..<1_000_000)
    var generator = SeededGenerator(seed: seed)
    var complaints: [String] = []
    var acknowledged = 0
    for cut in 0..<Self.cuts {
      let change = Int64.random(in: 40...900, using: &generator)
      let (count, found) = try await Self.run(seed: generator.next(), change: change)
      acknowledged += count
      complaints += found.map { "cut \(cut) at change \(change): \($0)" }
    }
    print("power loss of instances: seed \(seed), \(Self.cuts) cuts, \(acknowledged) acknowledged")
    #expect(complaints.isEmpty, "seed \(seed): \(complaints.prefix(5))")
    #expect(acknowledged > Self.cuts)
  }

  private static func run(seed: UInt64, change: Int64) async throws -> (Int, [String]) {
    let folder = try TemporaryFolder()
    let disk = try FaultDisk()
    let promises = Promises()
    disk.cut(at: change)
    let database = try? SQLiteDatabase(path: folder.file("index"), configuration: disk.configuration())
    if let database, let fixture = try? await StoreFixture(folder.path, database: database) {
      await withTaskGroup(of: Void.self) { group in
        for writer in 0..<3 {
          group.addTask { await write(writer, seed, fixture, disk, promises) }
        }
      }
      disk.cut()
      await fixture.close()
    }
    disk.cut()
    let promise = promises.value
    var complaints: [String] = []
    for state in 0..<UInt64(statesPerCut) {
      let target = try folder.folder("state-\(state)")
      guard disk.materialise(seed: seed &+ state, into: target) else { continue }
      complaints += try await judge(target, promise)
    }
    return (promise.there.count + promise.gone.count, complaints)
  }

  private final class Promises: Sendable {
    private let promise = Mutex(Promise())
    var value: Promise { promise.withLock { $0 } }
    func note(_ body: (inout sending Promise) -> Void) { promise.withLock { body(&$0) } }
  }

  private static func write(
    _ writer: Int, _ seed: UInt64, _ fixture: StoreFixture, _ disk: FaultDisk, _ promises: Promises
  ) async {
    var generator = SeededGenerator(seed: seed &+ UInt64(writer))
    for number in 0..<40 {
      let instances = (0..<Int.random(in: 1...3, using: &generator)).map {
        TestInstance("1.\(writer)", "\(number % 3)", "\(number)\($0)", [(.patientID, .LO, "P\(number)")])
      }
      let names = instances.map { "\($0.study)/\($0.series)/\($0.instance)" }
      promises.note { $0.open.formUnion(names) }
      do {
        _ = try await fixture.store.store(instances.map { try $0.new() })
        guard !disk.isCut else { return }
        promises.note {
          $0.open.subtract(names)
          $0.there.formUnion(names)
        }
        guard number % 4 == 3, let last = instances.last, let name = names.last else { continue }
        promises.note {
          $0.there.remove(name)
          $0.open.insert(name)
        }
        let target = Target(study: UID(last.study), series: UID(last.series), instance: UID(last.instance))
        _ = try await fixture.store.delete(target, partition: DICOMStore.defaultPartition)
        guard !disk.isCut else { return }
        promises.note {
          $0.open.remove(name)
          $0.gone.insert(name)
        }
      } catch {
        return
      }
    }
  }

  private static func judge(_ folder: String, _ promise: Promise) async throws -> [String] {
    do {
      // It opens as a server would open it, and takes writes.
      let database = try SQLiteDatabase(path: folder + "/index")
      let blobs = try FolderBlobStore(path: folder + "/blobs")
      let store = try await DICOMStore(database, blobs: blobs, clock: .system)
      let all = try await store.search(
        DICOMQuery(SearchScope(.instance), conditions: [], matchSet: MatchSet([]), limit: 10_000, offset: 0),
        partition: DICOMStore.defaultPartition)
      let found = Set(all.matches.map { $0.target.short })
      for match in all.matches {
        let stored = try await store.instances(match.target, partition: DICOMStore.defaultPartition)
        guard let stored = stored.first, stored.digest == (try await digest(stored, store)) else {
          return ["torn: \(match.target.short)"]
        }
      }
      _ = try await store.store([try TestInstance("1.99").new()])
      await store.close()
      let complaints = try IndexFile(folder + "/index").complaints()
      let lost = promise.there.subtracting(found).map { "lost: \($0)" }
      let risen = promise.gone.intersection(found).map { "risen: \($0)" }
      let ghosts = found.subtracting(promise.there).subtracting(promise.open).map { "ghost: \($0)" }
      return complaints + lost + risen + ghosts
    } catch {
      return ["does not reopen: \(error)"]
    }
  }

  private static func digest(_ stored: StoredInstance, _ store: DICOMStore) async throws -> UInt64 {
    let content = try await store.content(stored)
    return XXH64.digest(try await content.read(0..<content.count))
  }
}
