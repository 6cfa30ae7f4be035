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
  public func write(_ buffer: ByteBuffer) async throws { try await write(.bytes(buffer)) }

  /// Sends bytes of a file without their passing through this process.
  /// - Throws: `HTTPStreamClosed`, also if the file does not have so many bytes.
  public func write(_ file: HTTPFile, _ range: Range<Int>) async throws {
    guard range.lowerBound >= 0, range.upperBound <= file.count else { throw HTTPStreamClosed() }
    var start = range.lowerBound
    // What is encrypted has to pass through.
    while connection.isSecure, start < range.upperBound {
      let piece = try file.read(start..<min(range.upperBound, start + HTTPFile.encryptedPieceBytesMax))
      try await write(piece)
      start += piece.readableBytes
    }
    while start < range.upperBound {
      let end = min(range.upperBound, start + HTTPFile.pieceBytesMax)
      try await write(.file(file, start..<end))
      start = end
    }
  }

  private func write(_ piece: Connection.Piece) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      let loop = connection.loop.eventLoop
      if loop.inEventLoop {
        connection.writePiece(piece, number: number, continuation)
      } else {
        loop.execute { connection.writePiece(piece, number: number, continuation) }
      }
    }
  }
}

/// A streamed answer cannot be continued.
public struct HTTPStreamClosed: Error, Sendable {}
