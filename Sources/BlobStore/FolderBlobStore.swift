import Glibc
import Synchronization

/// Blobs as files of a folder of the local file system.
///
/// `ab/cdef…` is the blob `abcdef…`: 256 folders, so that none gets too large. A blob is written as
/// `unfinished/abcdef…` and renamed; then the file and the folder it is now in are synced, which a journalling file
/// system does at once. So, whenever a process is killed, each name in the 256 folders is of a whole blob; what a power
/// cut leaves of one that was not acknowledged is found by the sweep. What a killed process left in `unfinished` is
/// removed at the next start. All calls that may wait for the disk run on threads of the store's own.
public final class FolderBlobStore: BlobStore {
  let path: String
  let disk: Disk
  let threads: DiskThreads
  /// As many as there are threads, at most.
  let buffers = BlockBuffer.Pool()
  private let folders: [SharedFolderSync]
  private let lock: Int32
  private let broken = Atomic<Bool>(false)
  private let created = Atomic<Int>(Int.random(in: 0..<256) << blobsInARow.trailingZeroBitCount)
  /// So many blobs, one after the other, go to the same folder, so that those written at a time share its syncs.
  private static let blobsInARow = 256

  /// Calls that wait for a thread; past it `.busy`.
  static let callsWaitingMax = 10_000
  private static let unfinished = "unfinished"
  private static let sharedLeftoverSecondsMin = 24 * 3_600

  /// Opens the store, and makes its folders where there are none (not the folder that `path` is in).
  /// - Parameters:
  ///   - threads: calls that wait for the disk at the same time.
  ///   - isShared: other processes may have the folder open as well, all of them with this set. Then leftovers are
  ///     removed when they are a day old: until then they may be another's work.
  /// - Throws: `.locked` if another process has it, for itself or (unless `isShared`) with others; `.io`, `.full`.
  public convenience init(path: String, threads: Int = 8, isShared: Bool = false) throws {
    try self.init(path: path, threads: threads, isShared: isShared, disk: .system)
  }

  init(path: String, threads: Int, isShared: Bool = false, disk: Disk) throws(BlobError) {
    self.path = path
    self.disk = disk
    try Self.makeFolder(path)
    lock = try Self.takeLock(path + "/lock", isShared: isShared)
    do throws(BlobError) {
      try Self.makeFolders(path, disk)
      try Self.removeLeftovers(path + "/" + Self.unfinished, secondsMin: isShared ? Self.sharedLeftoverSecondsMin : 0)
      self.threads = try DiskThreads(count: threads, waitingMax: Self.callsWaitingMax)
    } catch {
      _ = Glibc.close(lock)
      throw error
    }
    folders = (0..<256).map { SharedFolderSync(path: path + "/" + Self.folderName($0), disk: disk) }
  }

  deinit { _ = Glibc.close(lock) }

  public var isWritable: Bool { !broken.load(ordering: .acquiring) }

  public func close() async {
    await threads.close()
    _ = flock(lock, LOCK_UN)
  }

  // MARK: Places

  private static func folderName(_ number: Int) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: [digits[number >> 4 & 15], digits[number & 15]], as: UTF8.self)
  }

  func path(_ name: BlobName) -> String { "\(path)/\(name.text.prefix(2))/\(name.text.dropFirst(2))" }

  func unfinishedPath(_ name: BlobName) -> String { "\(path)/\(Self.unfinished)/\(name.text)" }

  // MARK: Start

  private static func makeFolder(_ path: String) throws(BlobError) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw BlobError(system: errno) }
  }

  private static func makeFolders(_ path: String, _ disk: Disk) throws(BlobError) {
    for number in 0..<256 { try makeFolder(path + "/" + folderName(number)) }
    try makeFolder(path + "/" + unfinished)
    for folder in [path, path + "/.."] {
      let code = disk.syncFolder(folder)
      guard code == 0 else { throw BlobError(system: code) }
    }
  }

  /// Held until the process ends, however it ends.
  private static func takeLock(_ path: String, isShared: Bool) throws(BlobError) -> Int32 {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw BlobError(system: errno) }
    guard flock(descriptor, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else {
      let code = errno
      _ = Glibc.close(descriptor)
      throw code == EWOULDBLOCK ? BlobError(.locked) : BlobError(system: code)
    }
    return descriptor
  }

  private static func removeLeftovers(_ folder: String, secondsMin: Int) throws(BlobError) {
    let latest = time(nil) - secondsMin
    for name in try FolderEntries.names(folder) {
      if secondsMin > 0 {
        var facts = stat()
        guard stat(folder + "/" + name, &facts) == 0, facts.st_mtim.tv_sec < latest else { continue }
      }
      guard unlink(folder + "/" + name) == 0 || errno == ENOENT else { throw BlobError(system: errno) }
    }
  }

  // MARK: Syncs

  /// - Throws: `.broken`.
  func requireWritable() throws(BlobError) {
    guard isWritable else { throw BlobError(.broken) }
  }

  /// A new blob's name.
  private func nextName() -> BlobName {
    let number = created.wrappingAdd(1, ordering: .relaxed).oldValue / Self.blobsInARow
    return .random(in: UInt8(truncatingIfNeeded: number))
  }

  /// Puts a written file on the disk under its name. The kernel may call pages clean that a failed sync did not write,
  /// so a later one that succeeds proves nothing: after one failure no blob is acknowledged any more.
  func settle(_ descriptor: Int32, _ name: BlobName) throws(BlobError) {
    try requireWritable()
    guard rename(unfinishedPath(name), path(name)) == 0 else { throw BlobError(system: errno) }
    try require(disk.syncFile(descriptor))
    try require(folders[Self.number(name)].sync())
    // Another's failure meanwhile may concern the same journal.
    try requireWritable()
  }

  private func require(_ code: Int32) throws(BlobError) {
    if code == 0 { return }
    broken.store(true, ordering: .releasing)
    throw BlobError(system: code)
  }

  private static func number(_ name: BlobName) -> Int { Int(name.text.prefix(2), radix: 16) ?? 0 }

  // MARK: Blobs

  public func create() async throws -> any BlobWriter {
    try requireWritable()
    let name = nextName()
    let place = unfinishedPath(name)
    let file = try await threads.run { try UnfinishedFile(path: place) }
    return FolderBlobWriter(self, name, file)
  }

  public func put(_ parts: [ArraySlice<UInt8>]) async throws -> (name: BlobName, digest: UInt64) {
    try requireWritable()
    return try await threads.run { [self] in
      let name = nextName()
      let file = try UnfinishedFile(path: unfinishedPath(name))
      var hash = XXH64()
      try buffers.withBuffer { buffer in
        var writer = BlockWriter(file, buffer)
        for part in parts {
          try part.withUnsafeBytes { bytes in
            hash.update(bytes)
            try writer.append(bytes)
          }
        }
        try writer.finish()
      }
      try settle(file.descriptor, name)
      file.keep()
      return (name, hash.digest)
    }
  }

  public func open(_ name: BlobName) throws -> any Blob {
    let place = path(name)
    let descriptor = Glibc.open(place, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw errno == ENOENT ? BlobError(.notFound) : BlobError(system: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      _ = Glibc.close(descriptor)
      throw BlobError(system: code)
    }
    return FolderBlob(BlobFile(descriptor: descriptor, path: place, count: Int(status.st_size)), threads)
  }

  public func remove(_ names: [BlobName]) async throws {
    if names.isEmpty { return }
    let places = names.map { path($0) }
    // Not synced: a blob that a power cut brings back has no row, and is found by the next sweep.
    try await threads.run {
      for place in places {
        guard unlink(place) == 0 || errno == ENOENT else { throw BlobError(system: errno) }
      }
    }
  }

  public func names(olderThan age: Int, _ each: (BlobName) throws -> Void) async throws {
    for number in 0..<256 {
      let prefix = Self.folderName(number)
      let folder = path + "/" + prefix
      let found = try await threads.run {
        let latest = time(nil) - age
        return try FolderEntries.names(folder).compactMap { entry -> BlobName? in
          var status = stat()
          guard let name = BlobName(prefix + entry), lstat(folder + "/" + entry, &status) == 0 else { return nil }
          return status.st_mtim.tv_sec < latest || age <= 0 ? name : nil
        }
      }
      for name in found { try each(name) }
    }
  }
}

/// A folder's entries.
enum FolderEntries {
  static func names(_ path: String) throws(BlobError) -> [String] {
    guard let folder = opendir(path) else { throw BlobError(system: errno) }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}

extension BlobError {
  init(system code: Int32) { self.init(code == ENOSPC || code == EDQUOT ? .full : .io, systemCode: code) }
}
