#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
import NIOCore

/// A file that answers are sent from. Its bytes must not change as long as this lives.
public final class HTTPFile: Sendable {
  /// What is handed to the socket at once, so that other connections of the event loop have their turn.
  static let pieceBytesMax = 1024 * 1024
  /// The same where it is read into memory first.
  static let encryptedPieceBytesMax = 128 * 1024

  let descriptor: Int32
  /// Its length in bytes.
  let count: Int
  /// Keeps the descriptor open.
  private let owner: any AnyObject & Sendable

  /// - Parameters:
  ///   - descriptor: a regular file, open for reading.
  ///   - owner: whoever closes it; lives as long as this does.
  public init(descriptor: Int32, owner: any AnyObject & Sendable) {
    self.descriptor = descriptor
    self.owner = owner
    var status = stat()
    count = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Bytes of the file: at least one, as many as come at once.
  /// - Throws: `HTTPStreamClosed` if the file cannot be read, or ends before.
  func read(_ range: Range<Int>) throws(HTTPStreamClosed) -> ByteBuffer {
    var buffer = ByteBufferAllocator().buffer(capacity: range.count)
    let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: range.count) { bytes in
      while true {
        let count = pread(descriptor, bytes.baseAddress, range.count, off_t(range.lowerBound))
        if count < 0, errno == EINTR { continue }
        return max(count, 0)
      }
    }
    guard count > 0 else { throw HTTPStreamClosed() }
    return buffer
  }
}
