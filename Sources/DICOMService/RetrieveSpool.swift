import Base
import BlobStore
import Glibc

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
