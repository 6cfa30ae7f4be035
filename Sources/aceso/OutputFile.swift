import Glibc

/// A file, or standard output, written in large pieces.
final class OutputFile {
  private static let bufferBytes = 1 << 20

  private let descriptor: Int32
  private let name: String
  private var buffer: [UInt8] = []

  /// Makes the file, or empties it; `-` is standard output.
  init(_ path: String) throws {
    name = path
    descriptor = path == "-" ? 1 : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw CommandError("cannot create \(path): \(String(cString: strerror(errno)))") }
    buffer.reserveCapacity(Self.bufferBytes)
  }

  func write(_ bytes: some Collection<UInt8>) throws {
    if buffer.count + bytes.count > Self.bufferBytes { try flush() }
    buffer.append(contentsOf: bytes)
  }

  /// Hands everything to the system and closes the file. Without it, what is in the buffer is lost.
  func finish() throws {
    try flush()
    guard descriptor != 1 else { return }
    guard close(descriptor) == 0 else { throw failure }
  }

  private func flush() throws {
    var start = 0
    while start < buffer.count {
      let count = buffer.withUnsafeBytes { bytes in
        Glibc.write(descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure }
      start += count
    }
    buffer.removeAll(keepingCapacity: true)
  }

  private var failure: CommandError {
    CommandError("cannot write \(name == "-" ? "to standard output" : name): \(String(cString: strerror(errno)))")
  }
}
