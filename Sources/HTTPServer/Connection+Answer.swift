import Base
import NIOCore

extension Connection {
  /// A streamed answer on its way.
  final class Stream {
    let isChunked: Bool
    /// What `count` announced and is not written yet.
    var left: Int?
    var bytesOut: Int
    let head: RequestHead
    let status: Int
    private var waiting: [CheckedContinuation<Void, any Error>] = []
    private var isClosed = false

    init(isChunked: Bool, left: Int?, bytesOut: Int, head: RequestHead, status: Int) {
      self.isChunked = isChunked
      self.left = left
      self.bytesOut = bytesOut
      self.head = head
      self.status = status
    }

    /// Resumes once the client has taken more, or throws: a write may just have found that the client is gone.
    func wait(_ continuation: CheckedContinuation<Void, any Error>) {
      if isClosed { continuation.resume(throwing: HTTPStreamClosed()) } else { waiting.append(continuation) }
    }

    func resume() {
      let ready = waiting
      waiting = []
      for continuation in ready { continuation.resume() }
    }

    func close() {
      isClosed = true
      let ready = waiting
      waiting = []
      for continuation in ready { continuation.resume(throwing: HTTPStreamClosed()) }
    }
  }

  typealias Producer = @Sendable (HTTPBodyWriter) async throws -> Void

  /// A body up to this is copied behind its head, which costs less than a second buffer on the way to the socket.
  private static let copiedBytesMax = 16 * 1024

  // MARK: Whole answers

  /// Writes the handler's answer; returns the producer if the body is still to be made.
  func answer(_ response: HTTPResponse, number: UInt64) -> Producer? {
    guard number == self.number, case .handling(let head) = state else { return nil }
    abandonBody(.answered)
    if loop.isStopping { closesAfterAnswer = true }
    if response.header("connection").map({ HTTPResponse.isSame($0, "close") }) == true { closesAfterAnswer = true }
    let framing = framing(response, head)
    if case .untilClose = framing { closesAfterAnswer = true }
    let bytes = writeHead(response, framing, minorVersion: head.minorVersion, withBody: head.method != .head)
    if head.method != .head, case .stream(let count, let producer) = response.body, framing.hasBody {
      state = .streaming(
        Stream(isChunked: framing.isChunked, left: count, bytesOut: bytes, head: head, status: response.status))
      watchProgress()
      process()
      return producer
    }
    observe(head, response.status, bytes, since: startedAt)
    answerIsWritten()
    return nil
  }

  /// Answers a request that never reaches a handler, or whose handler is too late; the connection ends with it,
  /// since what follows on it cannot be trusted to be a request.
  func refuse(_ error: RequestError, _ head: RequestHead? = nil) {
    abandonBody(HTTPBodyError(error))
    number &+= 1
    task = nil
    bodyCount = 0
    closesAfterAnswer = true
    var response = service.errorBody(error.status, error.diagnostics)
    response.status = error.status
    if error.status == 503, response.header("retry-after") == nil { response.headers.append(("Retry-After", "5")) }
    if response.body.count == nil { response.body = .empty }
    let wasHandling = isHandling
    let framing = ResponseHead.Framing.length(response.body.count ?? 0)
    let bytes = writeHead(response, framing, minorVersion: head?.minorVersion ?? 1, withBody: head?.method != .head)
    observe(head, error.status, bytes, since: wasHandling ? startedAt : nil)
    answerIsWritten()
  }

  private var isHandling: Bool {
    if case .handling = state { true } else { false }
  }

  private func framing(_ response: HTTPResponse, _ head: RequestHead) -> ResponseHead.Framing {
    // RFC 9110 §8.6: no Content-Length in 204; §15.4.5: 304 never has a body.
    if response.status == 204 || response.status == 304 { return .none }
    if let count = response.body.count { return .length(count) }
    return head.minorVersion == 1 ? .chunked : .untilClose
  }

  /// Writes the head, and the body unless it is streamed; returns the bytes written.
  private func writeHead(
    _ response: HTTPResponse, _ framing: ResponseHead.Framing, minorVersion: UInt8, withBody: Bool
  ) -> Int {
    guard let context else { return 0 }
    let count = withBody && framing.hasBody ? response.body.count ?? 0 : 0
    var pieces: [ByteBuffer] = []
    var copied = count
    if case .buffers(let buffers) = response.body, count > Self.copiedBytesMax {
      pieces = buffers
      copied = 0
    }
    if case .stream = response.body { copied = 0 }
    var buffer = context.channel.allocator.buffer(capacity: 512 + copied)
    let head = ResponseHead(
      response: response, framing: framing, minorVersion: minorVersion, isKeepAlive: !closesAfterAnswer)
    head.write(to: &buffer, end: response.hasCommonFields ? loop.headEnd : loop.bareHeadEnd)
    if copied > 0 { response.body.write(to: &buffer) }
    var bytes = buffer.readableBytes
    write(buffer)
    for piece in pieces {
      bytes += piece.readableBytes
      write(piece)
    }
    return bytes
  }

  /// What comes after an answer: the next request, waiting for a slow client, or the end.
  private func answerIsWritten() {
    task = nil
    if closesAfterAnswer {
      finishAndClose()
    } else if context?.channel.isWritable == true {
      becomeIdle()
    } else {
      state = .draining
      watchProgress()
    }
    process()
  }

  func becomeIdle() {
    state = .head(RequestHeadParser(limits: limits))
    deadline = loop.deadline(afterSeconds: limits.idleSecondsMax)
    if loop.isStopping { finishAndClose() }
  }

  /// Lets the client read to the end, then closes.
  func finishAndClose() {
    state = .finishing
    pending = nil
    watchProgress()
    guard let context else { return }
    needsFlush = false
    let isWritten = context.eventLoop.makePromise(of: Void.self)
    isWritten.futureResult.whenComplete { [self] _ in lastAnswerIsTaken() }
    context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: isWritten)
  }

  private func lastAnswerIsTaken() {
    guard case .finishing = state, let context else { return }
    if inputHasEnded { return close() }
    state = .lingering
    deadline = loop.deadline(afterSeconds: Self.lingerSecondsMax)
    lingerEnd = loop.deadline(afterSeconds: Self.lingerTotalSecondsMax)
    context.close(mode: .output, promise: nil)
  }

  func write(_ buffer: ByteBuffer) {
    needsFlush = true
    context?.write(wrapOutboundOut(.byteBuffer(buffer)), promise: nil)
  }

  private func write(_ file: HTTPFile, _ range: Range<Int>) {
    guard let context else { return }
    needsFlush = true
    // One handle for each write: NIO lets a handle be used in one place at a time only.
    let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: file.descriptor)
    let region = FileRegion(fileHandle: handle, readerIndex: range.lowerBound, endIndex: range.upperBound)
    let isWritten = context.eventLoop.makePromise(of: Void.self)
    // The descriptor is the file's, which is held here until it is not needed any more.
    isWritten.futureResult.whenComplete { _ in
      _ = try? handle.takeDescriptorOwnership()
      withExtendedLifetime(file) {}
    }
    context.write(wrapOutboundOut(.fileRegion(region)), promise: isWritten)
  }

  /// From now on the client or the producer has `idleSecondsMax` to make progress.
  func watchProgress() { deadline = loop.deadline(afterSeconds: limits.idleSecondsMax) }

  private func observe(_ head: RequestHead?, _ status: Int, _ bytesOut: Int, since: UInt64?) {
    guard let observer = service.observer else { return }
    observer(
      HTTPExchange(
        method: head?.method, status: status, bytesIn: (head?.byteCount ?? 0) + bodyCount, bytesOut: bytesOut,
        nanoseconds: since.map { monotonicNanoseconds() &- $0 } ?? 0))
  }

  // MARK: Streamed answers

  /// What a producer writes.
  enum Piece {
    case bytes(ByteBuffer)
    case file(HTTPFile, Range<Int>)

    var count: Int {
      switch self {
      case .bytes(let buffer): buffer.readableBytes
      case .file(_, let range): range.count
      }
    }
  }

  func writePiece(_ piece: Piece, number: UInt64, _ continuation: CheckedContinuation<Void, any Error>) {
    guard number == self.number, case .streaming(let stream) = state, let context else {
      return continuation.resume(throwing: HTTPStreamClosed())
    }
    let count = piece.count
    // An empty chunk would end the body (RFC 9112 §7.1).
    guard count > 0 else { return continuation.resume() }
    if let left = stream.left {
      guard count <= left else { return continuation.resume(throwing: HTTPStreamClosed()) }
      stream.left = left - count
    }
    if stream.isChunked { write(ByteBuffer(string: String(count, radix: 16) + "\r\n")) }
    switch piece {
    case .bytes(let buffer): write(buffer)
    case .file(let file, let range): write(file, range)
    }
    if stream.isChunked { write(ByteBuffer(staticString: "\r\n")) }
    stream.bytesOut += count
    watchProgress()
    process()
    if context.channel.isWritable { continuation.resume() } else { stream.wait(continuation) }
  }

  func endStream(number: UInt64, isComplete: Bool) {
    loop.eventLoop.preconditionInEventLoop()
    guard number == self.number, case .streaming(let stream) = state else { return }
    guard isComplete, stream.left ?? 0 == 0 else { return close() }
    if stream.isChunked { write(ByteBuffer(staticString: "0\r\n\r\n")) }
    observe(stream.head, stream.status, stream.bytesOut, since: startedAt)
    answerIsWritten()
  }
}

extension ResponseHead.Framing {
  fileprivate var hasBody: Bool {
    if case .none = self { false } else { true }
  }

  fileprivate var isChunked: Bool {
    if case .chunked = self { true } else { false }
  }
}

extension HTTPResponse.Body {
  fileprivate func write(to buffer: inout ByteBuffer) {
    switch self {
    case .empty, .stream: break
    case .bytes(let bytes): buffer.writeBytes(bytes)
    case .parts(let parts): for part in parts { buffer.writeBytes(part) }
    case .buffers(let buffers): for part in buffers { buffer.writeImmutableBuffer(part) }
    }
  }
}
