import Base
import NIOCore
import Synchronization

/// What the connections of one event loop share: who they are, the time, the `Date` line, the executor of their
/// request tasks.
///
/// Time is told by a tick ten times a second while there are connections: looking at every connection's deadline
/// then is cheaper than a timer per request. So a limit in seconds may be late by one tick, never early.
final class ConnectionLoop: @unchecked Sendable {  // confined to its event loop, which every method asserts in debug
  static let tickMilliseconds: Int64 = 100

  let eventLoop: any EventLoop
  let executor: EventLoopExecutor
  let service: Service
  /// The last tick's reading.
  private(set) var now = NIODeadline.now()
  /// What ends every answer's head: the common fields, `Date`, and the empty line.
  private(set) var headEnd: [UInt8] = []
  /// The same without the common fields.
  private(set) var bareHeadEnd: [UInt8] = []
  private(set) var isStopping = false
  private var dateSecond = Int64.min
  private var connections: [ObjectIdentifier: Connection] = [:]
  private var multiplexed: [ObjectIdentifier: HTTP2Connection] = [:]
  private var ticks: RepeatedTask?

  init(_ eventLoop: any EventLoop, service: Service) {
    self.eventLoop = eventLoop
    self.service = service
    executor = EventLoopExecutor(eventLoop)
  }

  func add(_ connection: Connection) {
    eventLoop.assertInEventLoop()
    connections[ObjectIdentifier(connection)] = connection
    guard ticks == nil else { return }
    tick()
    ticks = eventLoop.scheduleRepeatedTask(
      initialDelay: .milliseconds(Self.tickMilliseconds), delay: .milliseconds(Self.tickMilliseconds)
    ) { _ in self.tick() }
  }

  func remove(_ connection: Connection) {
    eventLoop.assertInEventLoop()
    guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil, connections.isEmpty else { return }
    ticks?.cancel()
    ticks = nil
  }

  func add(_ connection: HTTP2Connection) {
    eventLoop.assertInEventLoop()
    multiplexed[ObjectIdentifier(connection)] = connection
    if isStopping { connection.stop() }
  }

  func remove(_ connection: HTTP2Connection) {
    eventLoop.assertInEventLoop()
    multiplexed[ObjectIdentifier(connection)] = nil
  }

  /// A deadline that is at least this far away.
  func deadline(afterSeconds seconds: Int) -> NIODeadline {
    now + .seconds(Int64(clamping: min(seconds, 1_000_000_000))) + .milliseconds(Self.tickMilliseconds)
  }

  /// Runs a request on this loop, and at once until it waits for something.
  func run(_ operation: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
    eventLoop.assertInEventLoop()
    guard #available(macOS 26, *) else { return Task(executorPreference: executor) { await operation() } }
    return Task.immediate(executorPreference: executor) { await operation() }
  }

  /// No more requests than those being received and handled.
  func stop() {
    eventLoop.assertInEventLoop()
    isStopping = true
    for connection in connections.values { connection.stop() }
    for connection in multiplexed.values { connection.stop() }
  }

  /// Ends whatever is left.
  func abort() {
    eventLoop.assertInEventLoop()
    for connection in connections.values { connection.abort() }
    for connection in multiplexed.values { connection.abort() }
  }

  private func tick() {
    now = .now()
    let date = service.clock.now()
    if date.milliseconds / 1_000 != dateSecond {
      dateSecond = date.milliseconds / 1_000
      bareHeadEnd = service.transportFields + Array("Date: \(date.httpDate)\r\n\r\n".utf8)
      headEnd = service.commonFields + bareHeadEnd
    }
    // Collected first: a connection that ends takes itself off the list.
    let late = connections.values.filter { $0.deadline <= now }
    for connection in late { connection.deadlineHasPassed() }
  }
}

/// Runs request tasks on the connection's own event loop, so that a handler that does not wait answers without
/// a change of threads.
final class EventLoopExecutor: TaskExecutor {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// What every connection of a server shares.
final class Service: Sendable {
  let limits: Limits
  let clock: Clock
  let bodies: BodyBudget
  let handler: @Sendable (HTTPRequest) async -> HTTPResponse
  /// Lines of every answer's head, as they are sent.
  let commonFields: [UInt8]
  /// Lines of every answer's head, whoever made it.
  let transportFields: [UInt8]
  let errorBody: @Sendable (_ status: Int, _ diagnostics: String) -> HTTPResponse
  let streaming: HTTPServer.StreamedBodies?
  let observer: (@Sendable (HTTPExchange) -> Void)?
  let openConnections = Atomic<Int>(0)
  let requestsInFlight = Atomic<Int>(0)

  init(
    limits: Limits, clock: Clock, handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse,
    commonFields: [(name: String, value: String)], strictTransportSeconds: Int, streaming: HTTPServer.StreamedBodies?,
    errorBody: @escaping @Sendable (Int, String) -> HTTPResponse, observer: (@Sendable (HTTPExchange) -> Void)?
  ) {
    self.limits = limits
    self.clock = clock
    self.handler = handler
    self.commonFields = ResponseHead.lines(commonFields)
    transportFields = ResponseHead.lines(
      strictTransportSeconds > 0 ? [("Strict-Transport-Security", "max-age=\(strictTransportSeconds)")] : [])
    self.streaming = streaming
    self.errorBody = errorBody
    self.observer = observer
    bodies = BodyBudget(max: limits.bodyBytesInFlightMax)
  }

  /// Counts a new connection, which counts itself off when it ends; false if there are too many.
  func admit() -> Bool {
    if openConnections.add(1, ordering: .relaxed).newValue <= limits.connectionsMax { return true }
    openConnections.subtract(1, ordering: .relaxed)
    return false
  }
}

/// One finished request, for metrics.
public struct HTTPExchange: Sendable {
  public var method: HTTPMethod?
  public var status: Int
  /// Head and body as received; the body without its chunk framing.
  public var bytesIn: Int
  /// Head and body as handed to the socket.
  public var bytesOut: Int
  /// From the request's last byte, or from the end of its head if its body is streamed, until the answer was handed to
  /// the socket; 0 if the request was refused while it was being received.
  public var nanoseconds: UInt64
}
