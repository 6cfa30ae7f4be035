import Glibc
import Synchronization

/// A file under a temporary name; removed when it is let go of, unless it is kept.
final class UnfinishedFile: Sendable {
  let descriptor: Int32
  private let path: String
  private let isKept = Atomic<Bool>(false)

  init(path: String) throws(BlobError) {
    self.path = path
    descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw BlobError(system: errno) }
  }

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
        if errno == EINTR { continue }
        throw BlobError(system: errno)
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
    try await store.threads.run { [self] in try writePending() }
  }

  private func writePending() throws {
    let (file, bytes) = state.withLock { state in
      defer { state.pending = [] }
      return (state.file, state.pending)
    }
    guard let file else { throw BlobError(.ended) }
    try bytes.withUnsafeBytes { bytes in try file.write(bytes) }
  }

  func finish() async throws -> BlobName {
    try await store.threads.run { [self] in
      try writePending()
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
