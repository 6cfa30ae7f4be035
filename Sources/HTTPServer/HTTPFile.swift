#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that answers are sent from. Its bytes must not change as long as this lives.
public final class HTTPFile: Sendable {
  /// What is handed to the socket at once, so that other connections of the event loop have their turn.
  static let pieceBytesMax = 1024 * 1024

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
}
