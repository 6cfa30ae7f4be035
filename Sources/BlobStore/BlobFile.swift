import Glibc

/// An open file that holds a blob and nothing else. Its bytes never change.
public final class BlobFile: Sendable {
  /// Open for reading as long as this lives. Readers share its position: read with `pread`, `mmap`, `sendfile` with
  /// an offset.
  public let descriptor: Int32
  public let path: String
  /// Bytes.
  public let count: Int

  /// Takes over the descriptor.
  public init(descriptor: Int32, path: String, count: Int) {
    self.descriptor = descriptor
    self.path = path
    self.count = count
  }

  deinit { _ = close(descriptor) }
}
