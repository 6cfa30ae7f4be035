import Base
import NIOCore
import Synchronization

/// One HTTP/1.x connection, or one stream of HTTP/2 in its guise: bytes in, one request at a time to the handler, its
/// answer out.
///
/// Requests sent ahead (pipelining) wait as bytes until the answer before them is written, so answers keep their
/// order; past `waitingBytesMax` of them the socket is not read any more.
final class Connection: ChannelDuplexHandler, @unchecked Sendable {  // confined to its event loop
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = IOData
  typealias OutboundOut = IOData

  enum State {
    /// Waiting for a request or receiving its head.
    case head(RequestHeadParser)
    case body(RequestHead, BodyReader)
    /// The handler has the request, and reads its body if that is streamed.
    case handling(RequestHead)
    /// A producer writes the answer.
    case streaming(Stream)
    /// The answer is written, but the client is slow to take it.
    case draining
    /// The last answer is written, but the client has not taken all of it.
    case finishing
    /// The client has the last answer; what it still sends is dropped until it closes.
    case lingering
    case closed
  }

  /// Bytes of requests sent ahead that are held beside a request being handled.
  static let waitingBytesMax = 16 * 1024
  /// How long a client that was sent its last answer may send nothing and not close. Closing at once would destroy an
  /// answer sent while the client is still sending (RFC 9112 §9.6).
  static let lingerSecondsMax = 2
  /// How long such a client may go on sending.
  static let lingerTotalSecondsMax = 30

  let loop: ConnectionLoop
  var service: Service { loop.service }
  var limits: Limits { loop.service.limits }
  var context: ChannelHandlerContext?
  var state: State
  /// When `deadlineHasPassed` is due.
  var deadline: NIODeadline
  /// Counts requests, so that a late answer finds that it is not wanted any more.
  var number: UInt64 = 0
  var task: Task<Void, Never>?
  var startedAt: UInt64 = 0
  var needsFlush = false
  /// The answer in progress is the last one.
  var closesAfterAnswer = false
  /// Bytes the socket had not taken when last looked at, to tell a slow client from a stuck one.
  var unsentBytes = 0
  var inputHasEnded = false
  /// Bytes of the request's body so far.
  var bodyCount = 0
  /// The streamed body of the request being handled.
  var incoming: IncomingBody?
  /// The rest of a body that nobody reads: the connection ends with the answer.
  var dropsInput = false
  /// When a lingering connection is closed whatever the client does.
  var lingerEnd = NIODeadline.distantFuture

  private let peer: Peer
  /// Set if this is a stream of HTTP/2.
  private let stream: HTTP2Stream?
  /// Whether what is sent is encrypted on its way through this process.
  var isSecure: Bool { peer.isSecure }
  /// Received, but not of the request being handled.
  var pending: ByteBuffer?
  private var bodyBeganAt = NIODeadline.uptimeNanoseconds(0)
  private var isProcessing = false
  private var readIsHeld = false

  /// Who is at the other end.
  struct Peer {
    /// The IP address.
    var address: String
    var isSecure = false
    /// The certificate that it proved to have (DER).
    var certificate: [UInt8]?
  }

  init(loop: ConnectionLoop, peer: Peer, stream: HTTP2Stream? = nil) {
    self.loop = loop
    self.peer = peer
    self.stream = stream
    state = .head(RequestHeadParser(limits: loop.service.limits))
    deadline = .distantFuture
  }

  // MARK: Channel events

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    loop.add(self)
    deadline = loop.deadline(afterSeconds: limits.idleSecondsMax)
  }

  func channelActive(context: ChannelHandlerContext) {
    if loop.isStopping { close() }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    end()
    loop.remove(self)
    self.context = nil
    service.openConnections.subtract(1, ordering: .relaxed)
  }

  func channelInactive(context: ChannelHandlerContext) { end() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var buffer = unwrapInboundIn(data)
    switch state {
    case .lingering:
      deadline = min(loop.deadline(afterSeconds: Self.lingerSecondsMax), lingerEnd)
      return
    case .finishing, .closed: return
    default: if dropsInput { return }
    }
    incoming?.receive(&buffer)
    guard buffer.readableBytes > 0 else { return }
    if pending == nil { pending = buffer } else { pending?.writeBuffer(&buffer) }
    process()
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    feed()
    context.fireChannelReadComplete()
  }

  func read(context: ChannelHandlerContext) {
    if mayRead { context.read() } else { readIsHeld = true }
  }

  private var mayRead: Bool {
    guard isBusy else { return true }
    return pendingCount <= Self.waitingBytesMax && incoming.map { $0.held < IncomingBody.windowBytes } ?? true
  }

  /// Reads again if that was put off and there is room now.
  func releaseRead() {
    guard readIsHeld, mayRead else { return }
    readIsHeld = false
    context?.read()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    guard context.channel.isWritable else { return }
    switch state {
    case .draining:
      becomeIdle()
      process()
    case .streaming(let stream): stream.resume()
    default: break
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .some(.inputClosed) = event as? ChannelEvent { inputEnded() }
    context.fireUserInboundEventTriggered(event)
  }

  /// The client sends no more. It may still read: what it asked for is answered (RFC 9112 §9.6).
  private func inputEnded() {
    inputHasEnded = true
    switch state {
    case .head, .body: finishAndClose()
    case .lingering: close()
    case .handling: feed()
    case .streaming, .draining, .finishing, .closed: break
    }
  }

  private var pendingCount: Int { pending?.readableBytes ?? 0 }

  private var isBusy: Bool {
    switch state {
    case .handling, .streaming, .draining: true
    case .head, .body, .finishing, .lingering, .closed: false
    }
  }

  // MARK: Receiving

  /// Goes as far as the bytes at hand and the answers allow; never calls itself.
  func process() {
    guard !isProcessing else { return }
    isProcessing = true
    while step() {}
    isProcessing = false
    if pending?.readableBytes == 0 { pending = nil }
    if needsFlush {
      needsFlush = false
      context?.flush()
    }
    releaseRead()
  }

  /// False if it takes an event to go on.
  private func step() -> Bool {
    switch state {
    case .head(let parser): receiveHead(parser)
    case .body(let head, let reader): receiveBody(head, reader)
    case .handling, .streaming, .draining, .finishing, .lingering, .closed: false
    }
  }

  private func receiveHead(_ parser: RequestHeadParser) -> Bool {
    guard let buffer = pending, buffer.readableBytes > 0 else {
      // All that was sent ahead is answered, and no more will come.
      if inputHasEnded { finishAndClose() }
      return false
    }
    var parser = parser
    let hadBegun = parser.hasBegun
    switch buffer.withUnsafeReadableBytes({ parser.parse($0) }) {
    case .incomplete:
      state = .head(parser)
      if inputHasEnded { finishAndClose() }
      if !hadBegun { deadline = loop.deadline(afterSeconds: limits.headerSecondsMax) }
      return false
    case .refused(let error):
      refuse(error)
      return false
    case .head(let head):
      pending?.moveReaderIndex(forwardBy: head.byteCount)
      return begin(head)
    }
  }

  private func begin(_ head: RequestHead) -> Bool {
    guard head.framing != .none else {
      handle(head, HTTPBody())
      return true
    }
    if let bytesMax = service.streaming?(head.method, head.target, head.headers) {
      return beginStreamedBody(head, bytesMax: bytesMax)
    }
    do throws(RequestError) {
      let allocator = context?.channel.allocator ?? ByteBufferAllocator()
      let reader = try BodyReader(head.framing, limits: limits, budget: service.bodies, allocator: allocator)
      state = .body(head, reader)
      bodyBeganAt = loop.now
      deadline = loop.deadline(afterSeconds: limits.bodySecondsMax)
      if head.expectsContinue, pendingCount == 0 { write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")) }
      return true
    } catch {
      refuse(error, head)
      return false
    }
  }

  private func receiveBody(_ head: RequestHead, _ reader: BodyReader) -> Bool {
    guard var buffer = pending else { return false }
    pending = nil
    do throws(RequestError) {
      let isComplete = try reader.read(&buffer)
      pending = buffer
      guard isComplete else {
        if inputHasEnded { finishAndClose() }
        return false
      }
      handle(head, reader.body)
      return true
    } catch {
      refuse(error, head)
      return false
    }
  }

  /// - Parameter stream: of a streamed body; `body` is empty then.
  func handle(_ head: RequestHead, _ body: HTTPBody, stream: ((UInt64) -> HTTPBodyStream)? = nil) {
    number &+= 1
    state = .handling(head)
    bodyCount = body.count
    closesAfterAnswer = !head.isKeepAlive || loop.isStopping
    deadline = loop.deadline(afterSeconds: limits.requestDeadlineSecondsMax)
    if service.observer != nil { startedAt = monotonicNanoseconds() }
    service.requestsInFlight.add(1, ordering: .relaxed)
    let number = number
    let request = HTTPRequest(head: head, body: body, stream: stream?(number), peer: peer)
    let running = loop.run { [self] in
      let response = await service.handler(request)
      loop.eventLoop.preconditionInEventLoop()
      if let producer = answer(response, number: number) {
        do {
          try await producer(HTTPBodyWriter(connection: self, number: number))
          endStream(number: number, isComplete: true)
        } catch {
          endStream(number: number, isComplete: false)
        }
      }
      service.requestsInFlight.subtract(1, ordering: .relaxed)
    }
    // Most are finished by now.
    switch state {
    case .handling, .streaming: task = running
    default: break
    }
  }

  // MARK: Time

  func deadlineHasPassed() {
    switch state {
    case .head(let parser):
      if parser.hasBegun {
        refuse(RequestError(408, "The request head took longer than \(limits.headerSecondsMax) seconds."))
      } else {
        close()
      }
    case .body(let head, let reader): checkBodyRate(head, reader)
    case .handling(let head):
      if let incoming, incoming.isAwaited {
        checkRate(incoming)
        break
      }
      task?.cancel()
      let seconds = limits.requestDeadlineSecondsMax
      refuse(RequestError(503, "The request took longer than \(seconds) seconds and was given up."), head)
    case .streaming, .draining, .finishing: checkProgress()
    case .lingering: close()
    case .closed: deadline = .distantFuture
    }
    process()
  }

  private func checkBodyRate(_ head: RequestHead, _ reader: BodyReader) {
    let seconds = Double((loop.now - bodyBeganAt).nanoseconds) / 1e9
    guard Double(reader.count) < seconds * Double(limits.bodyBytesPerSecondMin) else {
      deadline = loop.deadline(afterSeconds: 1)
      return
    }
    refuse(RequestError(408, "The request body arrives too slowly."), head)
  }

  private func checkProgress() {
    let unsent = unsentNow
    guard unsent != unsentBytes, unsent > 0 else {
      // Nothing taken by the client, or nothing made by the producer, for the whole time.
      return close()
    }
    unsentBytes = unsent
    watchProgress()
  }

  private var unsentNow: Int {
    if let stream { return stream.unsentBytes }
    return (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }

  // MARK: The end

  /// No more requests after those being received and handled.
  func stop() {
    switch state {
    case .head(let parser) where !parser.hasBegun:
      if unsentNow == 0 { close() } else { finishAndClose() }
    case .handling, .streaming: closesAfterAnswer = true
    case .head, .body, .draining, .finishing, .lingering, .closed: break
    }
  }

  /// Ends at once.
  func abort() {
    task?.cancel()
    close()
  }

  func close() {
    guard let context else { return }
    end()
    context.close(mode: .all, promise: nil)
  }

  /// Tells everybody who waits that nothing more will happen.
  private func end() {
    if case .streaming(let stream) = state { stream.close() }
    abandonBody(.closed)
    state = .closed
    deadline = .distantFuture
    pending = nil
    task?.cancel()
    task = nil
  }
}
