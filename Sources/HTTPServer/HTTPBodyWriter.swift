public import NIOCore

/// Takes the pieces of a streamed answer.
public struct HTTPBodyWriter: Sendable {
  let connection: Connection
  let number: UInt64

  /// Sends a piece, and waits while the client is slower than the producer. Throws `HTTPStreamClosed` once the
  /// answer cannot be finished: the client is gone, a deadline passed, or more came than `count` announced.
  public func write(_ bytes: [UInt8]) async throws {
    try await write(ByteBuffer(bytes: bytes))
  }

  /// Sends a piece without copying it.
  public func write(_ buffer: ByteBuffer) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      let loop = connection.loop.eventLoop
      if loop.inEventLoop {
        connection.writePiece(buffer, number: number, continuation)
      } else {
        loop.execute { connection.writePiece(buffer, number: number, continuation) }
      }
    }
  }
}

/// A streamed answer cannot be continued.
public struct HTTPStreamClosed: Error, Sendable {}
