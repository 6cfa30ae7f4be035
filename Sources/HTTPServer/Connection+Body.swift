import Base
import NIOCore

/// Request bodies that the handler reads while they arrive.
extension Connection {
  /// Hands the request to the handler at its head; false if it takes an event to go on.
  func beginStreamedBody(_ head: RequestHead, bytesMax: Int) -> Bool {
    do throws(RequestError) {
      let body = try IncomingBody(head, bytesMax: bytesMax, limits: limits, budget: service.bodies)
      if var buffer = pending {
        pending = nil
        body.receive(&buffer)
        if buffer.readableBytes > 0 { pending = buffer }
      }
      incoming = body
      let length: Int? = if case .length(let count) = head.framing { count } else { nil }
      handle(head, HTTPBody()) { [self] in HTTPBodyStream(count: length, connection: self, number: $0) }
      return true
    } catch {
      refuse(error, head)
      return false
    }
  }

  /// The handler wants to read on.
  func nextPiece(number: UInt64, _ continuation: CheckedContinuation<IncomingBody.Piece, Never>) {
    guard number == self.number, let incoming else { return continuation.resume(returning: .failure(.closed)) }
    guard !incoming.isAwaited else { return continuation.resume(returning: .failure(.readTwice)) }
    if let piece = incoming.take() {
      deadline = loop.deadline(afterSeconds: limits.requestDeadlineSecondsMax)
      continuation.resume(returning: piece)
      return releaseRead()
    }
    // A client that sends a byte now and then ends each wait before its deadline.
    guard !isSlow(incoming, waited: incoming.waited) else {
      incoming.fail(Self.tooSlow)
      return continuation.resume(returning: .failure(Self.tooSlow))
    }
    incoming.wait(continuation, now: loop.now)
    let graceSeconds = limits.bodySecondsMax - Int(incoming.waited.nanoseconds / 1_000_000_000)
    deadline = loop.deadline(afterSeconds: min(limits.idleSecondsMax, max(1, graceSeconds)))
    if incoming.expectsContinue {
      incoming.expectsContinue = false
      if incoming.received == 0 {
        write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
        // Elsewhere the flush comes with the end of what is being processed.
        process()
      }
    }
    if inputHasEnded { feed() }
  }

  /// Gives a waiting handler what there is.
  func feed() {
    guard let incoming, incoming.isAwaited else { return }
    if inputHasEnded { incoming.fail(.ended) }
    guard let piece = incoming.take() else { return }
    deadline = loop.deadline(afterSeconds: limits.requestDeadlineSecondsMax)
    incoming.resume(piece, now: loop.now)
  }

  /// The handler waits, and the client sends nothing or too little.
  func checkRate(_ incoming: IncomingBody) {
    let now = loop.now - incoming.waitBeganAt
    let isSilent = now >= .seconds(Int64(clamping: limits.idleSecondsMax))
    guard isSilent || isSlow(incoming, waited: now + incoming.waited) else {
      deadline = loop.deadline(afterSeconds: 1)
      return
    }
    incoming.fail(Self.tooSlow)
    feed()
  }

  private static let tooSlow = HTTPBodyError(408, "The request body arrives too slowly.")

  private func isSlow(_ incoming: IncomingBody, waited: TimeAmount) -> Bool {
    let least = Double(waited.nanoseconds) / 1e9 * Double(limits.bodyBytesPerSecondMin)
    return waited >= .seconds(Int64(clamping: limits.bodySecondsMax)) && Double(incoming.received) < least
  }

  /// Nobody will read more of the body. What of it is not here yet cannot be told from a next request: then the
  /// connection ends with the answer, and the client's bytes are dropped.
  func abandonBody(_ error: HTTPBodyError) {
    guard let body = incoming else { return }
    incoming = nil
    bodyCount = body.received
    body.resume(.failure(error), now: loop.now)
    guard !body.isComplete else { return }
    closesAfterAnswer = true
    dropsInput = true
    pending = nil
  }
}
