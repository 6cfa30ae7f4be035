import NIOCore
import Synchronization

/// A request body that is read while it arrives. The socket is not read faster than this is asked, so a body of any
/// length takes little memory.
///
/// The client is given time while the handler waits for it: `Limits.bodySecondsMax` and `bodyBytesPerSecondMin` in
/// all, `Limits.idleSecondsMax` for each piece. The handler has `Limits.requestDeadlineSecondsMax` for each piece, and
/// for its answer after the last one. Once it answers, the body is at its end: what was not read closes the
/// connection behind the answer.
public final class HTTPBodyStream: Sendable {
  /// The body's length in bytes as announced; nil if it is not known beforehand.
  public let count: Int?
  private let connection: Connection
  private let number: UInt64
  private let taken = Atomic<Int>(0)

  /// Bytes that were read so far.
  public var received: Int { taken.load(ordering: .relaxed) }

  init(count: Int?, connection: Connection, number: UInt64) {
    self.count = count
    self.connection = connection
    self.number = number
  }

  /// The next bytes, as many as are there; nil at the end of the body. One caller at a time.
  /// - Throws: `HTTPBodyError`, and the same again when asked again.
  public func next() async throws(HTTPBodyError) -> [UInt8]? {
    guard let buffers = try await nextBuffers() else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(buffers.reduce(0) { $0 + $1.readableBytes })
    for buffer in buffers { buffer.withUnsafeReadableBytes { bytes.append(contentsOf: $0) } }
    taken.add(bytes.count, ordering: .relaxed)
    return bytes
  }

  private func nextBuffers() async throws(HTTPBodyError) -> [ByteBuffer]? {
    let (connection, number) = (connection, number)
    let piece = await withCheckedContinuation { (continuation: CheckedContinuation<IncomingBody.Piece, Never>) in
      let loop = connection.loop.eventLoop
      if loop.inEventLoop {
        connection.nextPiece(number: number, continuation)
      } else {
        loop.execute { connection.nextPiece(number: number, continuation) }
      }
    }
    return try piece.get()
  }
}

/// Why a streamed body could not be read to its end: the status and the sentence that the client should be answered.
public struct HTTPBodyError: Error, Sendable, Equatable {
  /// 400: malformed, or the client stopped sending; 408: too slow; 413: too long; 503: the server gave up.
  public var status: Int
  public var diagnostics: String

  public init(_ status: Int, _ diagnostics: String) {
    self.status = status
    self.diagnostics = diagnostics
  }

  init(_ error: RequestError) { self.init(error.status, error.diagnostics) }

  /// The connection is closed.
  static let closed = HTTPBodyError(400, "The connection was closed before the end of the request body.")
  static let ended = HTTPBodyError(400, "The request body ends before its announced length.")
  /// Nobody may read on behind the answer.
  static let answered = HTTPBodyError(500, "The request is answered already.")
  static let readTwice = HTTPBodyError(500, "The request body is read in two places.")
}
