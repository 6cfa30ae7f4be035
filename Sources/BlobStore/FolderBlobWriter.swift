import Glibc
import Synchronization

/// A file under a temporary name; removed when it is let go of, unless it is kept.
///
/// It is written past the kernel's cache where the file system can do that: pages of a cache that are new cost several
/// times what the disk takes, and push out what is read often.
final class UnfinishedFile: Sendable {
  let descriptor: Int32
  private let path: String
  private let isKept = Atomic<Bool>(false)

  /// open(2)'s `O_DIRECT`, which Swift's Glibc does not have.
  #if arch(arm64)
    private static let direct: Int32 = 0o200000
  #else
    private static let direct: Int32 = 0o40000
  #endif

  init(path: String) throws(BlobError) {
    self.path = path
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC
    var opened = Glibc.open(path, flags | O_EXCL | Self.direct, 0o600)
    // A file system without direct writes says so when the file is there already.
    if opened < 0 && errno == EINVAL { opened = Glibc.open(path, flags, 0o600) }
    descriptor = opened
    guard descriptor >= 0 else { throw BlobError(system: errno) }
  }

  /// Writes through the cache from now on, at any place and of any length.
  func leaveDirect() {
    let flags = fcntl(descriptor, F_GETFL)
    if flags >= 0 { _ = fcntl(descriptor, F_SETFL, flags & ~Self.direct) }
  }

  private var isDirect: Bool { fcntl(descriptor, F_GETFL) & Self.direct != 0 }

  /// It has another name now.
  func keep() { isKept.store(true, ordering: .relaxed) }

  deinit {
    if descriptor < 0 { return }
    _ = close(descriptor)
    discard()
  }

  /// Takes the name away, once, unless the file is kept.
  func discard() {
    if !isKept.exchange(true, ordering: .relaxed) { _ = unlink(path) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(BlobError) {
    var place = 0
    while place < bytes.count {
      let written = Glibc.write(descriptor, bytes.baseAddress.map { $0 + place }, bytes.count - place)
      if written < 0 {
        let code = errno
        if code == EINTR { continue }
        // Larger blocks are asked for than ours.
        if code == EINVAL && isDirect {
          leaveDirect()
          continue
        }
        throw BlobError(system: code)
      }
      place += written
    }
  }
}

/// Writes a blob of a folder piece by piece.
final class FolderBlobWriter: BlobWriter {
  private struct State {
    /// Nil after the end.
    var file: UnfinishedFile?
    /// Appended and not yet written.
    var pending: [UInt8] = []
    var count = 0
    var hash = XXH64()
  }

  /// So many bytes go to the file at once: a change of thread costs as much as writing some ten kilobytes.
  private static let pieceBytes = 512 * 1024

  private let store: FolderBlobStore
  private let name: BlobName
  private let state: Mutex<State>

  init(_ store: FolderBlobStore, _ name: BlobName, _ file: UnfinishedFile) {
    self.store = store
    self.name = name
    state = Mutex(State(file: file))
  }

  deinit {
    // Closing and removing a large file may take a while: not on the thread that lets go.
    guard let file = state.withLock({ $0.file.take() }) else { return }
    store.threads.submit { file.discard() }
  }

  var count: Int { state.withLock { $0.count } }
  var digest: UInt64 { state.withLock { $0.hash.digest } }

  func append(_ bytes: [UInt8]) async throws {
    let isFull = try state.withLock { state in
      guard state.file != nil else { throw BlobError(.ended) }
      state.count += bytes.count
      bytes.withUnsafeBytes { state.hash.update($0) }
      if state.pending.isEmpty { state.pending = bytes } else { state.pending.append(contentsOf: bytes) }
      return state.pending.count >= Self.pieceBytes
    }
    guard isFull else { return }
    try store.requireWritable()
    try await store.threads.run { [self] in try writePending(isEnd: false) }
  }

  private func writePending(isEnd: Bool) throws {
    let (file, bytes) = state.withLock { state in
      defer { state.pending = [] }
      return (state.file, state.pending)
    }
    guard let file else { throw BlobError(.ended) }
    let rest = try store.buffers.withBuffer { buffer in
      var writer = BlockWriter(file, buffer)
      try bytes.withUnsafeBytes { try writer.append($0) }
      if !isEnd { return try writer.pause() }
      try writer.finish()
      return []
    }
    state.withLock { $0.pending = rest }
  }

  func finish() async throws -> BlobName {
    try await store.threads.run { [self] in
      try writePending(isEnd: true)
      guard let file = state.withLock({ $0.file.take() }) else { throw BlobError(.ended) }
      try store.settle(file.descriptor, name)
      file.keep()
      return name
    }
  }

  func cancel() async {
    guard let file = state.withLock({ $0.file.take() }) else { return }
    // A closed store takes no call: then it goes with its last reference.
    try? await store.threads.run { file.discard() }
  }
}
