import Base
import BlobStore
import Glibc
import Synchronization

/// Bytes that are made before they are sent: few in memory, many in a file without a name, so that neither their number
/// nor a slow client takes memory.
struct RetrieveSpool {
  private let limits: RetrieveLimits
  private var bytes: [UInt8] = []
  private var file: OpenFile?
  private(set) var count = 0

  private final class OpenFile {
    let descriptor: Int32
    var isHandedOver = false

    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { if !isHandedOver { _ = close(descriptor) } }
  }

  init(_ limits: RetrieveLimits) { self.limits = limits }

  /// - Throws: `.notAcceptable` past `transcodedBytesMax`; `.unavailable` if the disk takes no more.
  mutating func append(_ piece: UnsafeRawBufferPointer) throws(Fault) {
    guard piece.count <= limits.transcodedBytesMax - count else {
      throw Fault(.notAcceptable, "The instance is too large to be transcoded.")
    }
    count += piece.count
    bytes.append(contentsOf: piece)
    if bytes.count > limits.spoolMemoryBytesMax { try flush() }
  }

  private mutating func flush() throws(Fault) {
    let file = if let file { file } else { try open() }
    self.file = file
    let isWritten = bytes.withUnsafeBytes { all in
      var done = 0
      while done < all.count {
        let count = write(file.descriptor, all.baseAddress.map { $0 + done }, all.count - done)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        done += count
      }
      return true
    }
    guard isWritten else { throw Self.full }
    bytes.removeAll(keepingCapacity: true)
  }

  private func open() throws(Fault) -> OpenFile {
    var template = Array((limits.spoolFolder + "/aceso-XXXXXX").utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw Self.full }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    // Without its name it is gone with the last who has it open, however the process ends.
    unlink(template)
    return OpenFile(descriptor)
  }

  private static var full: Fault { Fault(.unavailable, "The server has no room to transcode the instance.") }

  /// All of it.
  mutating func finish() throws(Fault) -> RetrieveRun {
    guard file != nil else { return .bytes(bytes) }
    try flush()
    guard let file else { return .bytes([]) }
    file.isHandedOver = true
    return .file(BlobFile(descriptor: file.descriptor, path: "", count: count), 0..<count)
  }
}

/// A spool for all parts of an answer, which are made one after the other.
final class SharedSpool: Sendable {
  private struct State {
    var spool: RetrieveSpool
    var places: [Range<Int>] = []
  }

  private let state: Mutex<State>

  init(_ limits: RetrieveLimits) { state = Mutex(State(spool: RetrieveSpool(limits))) }

  /// Adds a part, which `write` makes; of one that fails nothing is sent.
  func add(_ write: (_ append: (UnsafeRawBufferPointer) throws(Fault) -> Void) throws(Fault) -> Void) throws(Fault) {
    try state.withLock { state throws(Fault) in
      let start = state.spool.count
      try write { piece throws(Fault) in try state.spool.append(piece) }
      state.places.append(start..<state.spool.count)
    }
  }

  func add(_ bytes: [UInt8]) throws(Fault) {
    try add { append throws(Fault) in
      try bytes.withUnsafeBytes { piece in Result { () throws(Fault) in try append(piece) } }.get()
    }
  }

  /// Bytes that were added.
  var count: Int { state.withLock { $0.spool.count } }

  /// All of them.
  func finishWhole() throws(Fault) -> RetrieveRun {
    try state.withLock { state throws(Fault) in try state.spool.finish() }
  }

  /// The parts, in the order in which they were added.
  func finish() throws(Fault) -> [RetrieveRun] {
    try state.withLock { state throws(Fault) in
      let whole = try state.spool.finish()
      return state.places.map { whole.cut($0) }
    }
  }
}
