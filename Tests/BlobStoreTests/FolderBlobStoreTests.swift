import FoundationEssentials
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import BlobStore

@Suite struct FolderBlobStoreTests {
  private static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }

  /// Files below the folder, without the lock.
  private static func files(_ path: String) throws -> [String] {
    let folders = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0 != "lock" }
    return try folders.flatMap { folder in
      try FileManager.default.contentsOfDirectory(atPath: path + "/" + folder).map { folder + "/" + $0 }
    }
  }

  private static func store(_ folder: TemporaryFolder) throws -> FolderBlobStore {
    try FolderBlobStore(path: folder.file("blobs"))
  }

  private static func names(_ store: FolderBlobStore, olderThan age: Int = 0) async throws -> Set<BlobName> {
    var names: Set<BlobName> = []
    try await store.names(olderThan: age) { names.insert($0) }
    return names
  }

  @Test("what was put is read again, whole and in ranges", arguments: [0, 1, 4_096, 1_000_003])
  func roundTrip(count: Int) async throws {
    let folder = try TemporaryFolder()
    let store = try Self.store(folder)
    let bytes = Self.bytes(count)
    let (name, digest) = try await store.put([bytes[..<(count / 3)], bytes[(count / 3)...]])
    #expect(digest == XXH64.digest(bytes))
    let blob = try store.open(name)
    #expect(blob.count == count)
    #expect(try await blob.readAll() == bytes)
    #expect(try await blob.read(count / 4..<count / 2) == Array(bytes[count / 4..<count / 2]))
    await #expect(throws: BlobError(.outOfRange)) { try await blob.read(0..<count + 1) }
    let file = try #require(blob.file)
    #expect(file.count == count)
    #expect(try Data(contentsOf: URL(fileURLWithPath: file.path)) == Data(bytes))
    #expect(file.path.hasSuffix("/\(name.text.prefix(2))/\(name.text.dropFirst(2))"))
    await store.close()
    // A later process reads the same.
    let again = try Self.store(folder)
    #expect(try await again.open(name).readAll() == bytes)
    await again.close()
  }

  @Test("a blob written in pieces is the pieces in order, and is seen only when it is finished")
  func pieces() async throws {
    let folder = try TemporaryFolder()
    let store = try Self.store(folder)
    let bytes = Self.bytes(2_500_000, seed: 2)
    let writer = try await store.create()
    var start = 0
    for size in [1, 100_000, 0, 700_001, 3, 1_000_000, 699_995] {
      try await writer.append(Array(bytes[start..<start + size]))
      start += size
    }
    #expect(start == bytes.count)
    #expect(writer.count == bytes.count)
    #expect(try await Self.names(store).isEmpty)
    let name = try await writer.finish()
    #expect(writer.digest == XXH64.digest(bytes))
    #expect(try await store.open(name).readAll() == bytes)
    #expect(try await Self.names(store) == [name])
    await #expect(throws: BlobError(.ended)) { try await writer.append([1]) }
    await #expect(throws: BlobError(.ended)) { try await writer.finish() }
    await writer.cancel()
    #expect(try await store.open(name).readAll() == bytes)
    await store.close()
  }

  @Test("cancelled and forgotten writers leave nothing")
  func cancelled() async throws {
    let folder = try TemporaryFolder()
    let store = try Self.store(folder)
    let writer = try await store.create()
    try await writer.append(Self.bytes(1_000_000))
    #expect(try Self.files(store.path).count == 1)
    await writer.cancel()
    await #expect(throws: BlobError(.ended)) { try await writer.finish() }
    do {
      let forgotten = try await store.create()
      try await forgotten.append([1, 2, 3])
    }
    await store.close()
    #expect(try Self.files(store.path).isEmpty)
  }

  @Test("many at the same time are all kept")
  func concurrent() async throws {
    let folder = try TemporaryFolder()
    let store = try Self.store(folder)
    let names = try await withThrowingTaskGroup(of: (Int, BlobName).self) { group in
      for number in 0..<200 {
        group.addTask { (number, try await store.put([Self.bytes(1_000 + number, seed: UInt64(number))[...]]).name) }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    #expect(Set(names.values).count == 200)
    for (number, name) in names {
      #expect(try await store.open(name).readAll() == Self.bytes(1_000 + number, seed: UInt64(number)))
    }
    await store.close()
  }

  @Test("removing takes blobs away, also twice; who has one open reads on")
  func removal() async throws {
    let folder = try TemporaryFolder()
    let store = try Self.store(folder)
    let first = try await store.put([[1, 2, 3][...]]).name
    let second = try await store.put([[4][...]]).name
    let open = try store.open(first)
    try await store.remove([first, .random()])
    try await store.remove([first])
    #expect(throws: BlobError(.notFound)) { try store.open(first) }
    #expect(try await open.readAll() == [1, 2, 3])
    #expect(try await Self.names(store) == [second])
    await store.close()
  }

  @Test("what a killed process left unfinished is removed at the start, and nothing else")
  func leftovers() async throws {
    let folder = try TemporaryFolder()
    let store = try Self.store(folder)
    let name = try await store.put([[1][...]]).name
    await store.close()
    let left = store.path + "/unfinished/" + BlobName.random().text
    try Data([9, 9]).write(to: URL(fileURLWithPath: left))
    let again = try Self.store(folder)
    #expect(!FileManager.default.fileExists(atPath: left))
    #expect(try await Self.names(again) == [name])
    await again.close()
  }

  @Test("names are given by age; files that are no blobs are not")
  func age() async throws {
    let folder = try TemporaryFolder()
    let store = try Self.store(folder)
    let old = try await store.put([[1][...]]).name
    let new = try await store.put([[2][...]]).name
    let path = try #require(try store.open(old).file?.path)
    let day = 86_400
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -Double(2 * day))], ofItemAtPath: path)
    try Data([3]).write(to: URL(fileURLWithPath: store.path + "/00/not-a-blob"))
    #expect(try await Self.names(store, olderThan: day) == [old])
    #expect(try await Self.names(store, olderThan: 3 * day).isEmpty)
    #expect(try await Self.names(store) == [old, new])
    await store.close()
  }

  @Test(
    "a name is 32 hexadecimal digits: nothing else gets near the file system",
    arguments: [
      "", "..", "../../../../etc/passwd", "/etc/passwd", String(repeating: "a", count: 31),
      String(repeating: "a", count: 33), String(repeating: "A", count: 32), "ab/" + String(repeating: "c", count: 29),
      String(repeating: "a", count: 31) + "\0", String(repeating: "a", count: 31) + "/",
      String(repeating: "a", count: 30) + "..", String(repeating: "é", count: 16),
    ])
  func tricks(text: String) { #expect(BlobName(text) == nil) }

  @Test func randomNames() {
    let names = (0..<1_000).map { _ in BlobName.random() }
    #expect(Set(names).count == 1_000)
    #expect(names.allSatisfy { BlobName($0.text) == $0 })
  }

  @Test("two processes cannot have one store")
  func locked() async throws {
    let folder = try TemporaryFolder()
    let store = try Self.store(folder)
    #expect(throws: BlobError(.locked)) { try Self.store(folder) }
    await store.close()
    await (try Self.store(folder)).close()
    await #expect(throws: BlobError(.closed)) { try await store.put([[1][...]]) }
  }

  @Test("after a failed sync nothing is acknowledged any more", arguments: [true, false])
  func broken(file: Bool) async throws {
    let folder = try TemporaryFolder()
    let holder = Holder()
    let disk = Disk(
      syncFile: { file && holder.isOn ? EIO : Disk.system.syncFile($0) },
      syncFolder: { !file && holder.isOn ? EIO : Disk.system.syncFolder($0) })
    let store = try FolderBlobStore(path: folder.file("blobs"), threads: 2, disk: disk)
    let before = try await store.put([[1][...]]).name
    let writer = try await store.create()
    holder.isOn = true
    await #expect(throws: BlobError(.io, systemCode: EIO)) { try await store.put([[2][...]]) }
    holder.isOn = false
    #expect(!store.isWritable)
    await #expect(throws: BlobError(.broken)) { try await store.put([[3][...]]) }
    await #expect(throws: BlobError(.broken)) { try await store.create() }
    try await writer.append([4])
    await #expect(throws: BlobError(.broken)) { try await writer.finish() }
    #expect(try await store.open(before).readAll() == [1])
    await store.close()
  }

  private final class Holder: Sendable {
    private let value = Mutex(false)
    var isOn: Bool {
      get { value.withLock { $0 } }
      set { value.withLock { $0 = newValue } }
    }
  }

  @Test("folder syncs of many callers are shared, and each caller's comes after it asked")
  func sharedSyncs() async throws {
    let counter = Counter()
    let disk = Disk(
      syncFile: { _ in 0 },
      syncFolder: { _ in
        counter.add()
        usleep(20_000)
        return 0
      })
    let folder = SharedFolderSync(path: "", disk: disk)
    let threads = try DiskThreads(count: 16, waitingMax: 100)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<16 { group.addTask { _ = try? await threads.run { folder.sync() } } }
    }
    #expect(counter.value >= 1 && counter.value <= 8, "\(counter.value) syncs for 16 callers")
    #expect(folder.sync() == 0)
    await threads.close()
  }

  private final class Counter: Sendable {
    private let count = Mutex(0)
    func add() { count.withLock { $0 += 1 } }
    var value: Int { count.withLock { $0 } }
  }
}
