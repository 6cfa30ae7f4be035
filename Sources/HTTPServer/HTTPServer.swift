public import Base
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Where a server listens.
public struct HTTPAddress: Sendable, Hashable {
  /// An IP address.
  public var host: String
  public var port: Int
}

/// An HTTP/1.1 server over TCP, or over TLS, where HTTP/2 is offered beside it: it receives requests within `Limits`,
/// hands them to one function and sends what that returns. Bodies are received whole, or streamed where that is wanted.
/// It knows nothing of what the requests mean.
///
/// The handler runs on the event loop of its connection until it waits for something: it must not block.
public final class HTTPServer: Sendable {
  private struct Running {
    var group: MultiThreadedEventLoopGroup
    var channel: any Channel
    var loops: [ConnectionLoop]
  }

  /// Says of a request by its head how many bytes its body may have, if the handler is to read it as it comes; nil if
  /// it is to be received whole, within `Limits.bodyBytesMax`. Called on the event loop.
  public typealias StreamedBodies = @Sendable (_ method: HTTPMethod, _ target: String, _ headers: HTTPHeaders) -> Int?

  private static let backlog: Int32 = 4_096
  /// How long handlers may take to hear that they are cancelled, when the time to stop is over.
  private static let cancellationSecondsMax = 1

  private let host: String
  private let port: Int
  private let eventLoops: Int
  private let tls: TLSIdentity?
  private let service: Service
  private let running = Mutex<Running?>(nil)

  /// - Parameters:
  ///   - host: the address to listen on, or a name for it.
  ///   - port: 0 takes a free port, see `start`.
  ///   - eventLoops: threads that serve connections; nil is one per core.
  ///   - commonFields: header fields of every answer, also of those that no handler made; what the handler adds under
  ///     these names comes on top of them.
  ///   - tls: what the server proves itself with; nil: it speaks in the clear.
  ///   - streaming: which bodies are streamed, see `HTTPRequest.stream`; nil: none.
  ///   - errorBody: renders an answer to a request that reaches no handler (malformed, too large, too slow …) from
  ///     a status and a sentence for the client; the server sets the status and closes the connection after it.
  ///   - observer: called on the event loop after every answer.
  public init(
    host: String, port: Int, limits: Limits = Limits(), eventLoops: Int? = nil, clock: Clock = .system,
    commonFields: [(name: String, value: String)] = [], tls: TLSIdentity? = nil, streaming: StreamedBodies? = nil,
    errorBody: @escaping @Sendable (_ status: Int, _ diagnostics: String) -> HTTPResponse = HTTPServer.plainText,
    observer: (@Sendable (HTTPExchange) -> Void)? = nil,
    handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
  ) {
    self.host = host
    self.port = port
    self.tls = tls
    self.eventLoops = max(1, eventLoops ?? System.coreCount)
    var limits = limits
    // A buffer cannot be larger than this.
    limits.bodyBytesMax = min(limits.bodyBytesMax, Int(Int32.max))
    service = Service(
      limits: limits, clock: clock, handler: handler, commonFields: commonFields,
      strictTransportSeconds: tls?.settings.strictTransportSeconds ?? 0, streaming: streaming, errorBody: errorBody,
      observer: observer)
  }

  /// Connections open now.
  public var openConnections: Int { service.openConnections.load(ordering: .relaxed) }
  /// Requests a handler is working on now.
  public var requestsInFlight: Int { service.requestsInFlight.load(ordering: .relaxed) }

  /// The default `errorBody`.
  public static let plainText: @Sendable (Int, String) -> HTTPResponse = { status, diagnostics in
    HTTPResponse(
      status: status, headers: [("Content-Type", "text/plain; charset=utf-8")],
      body: .bytes(Array((diagnostics + "\n").utf8)))
  }

  /// Begins to listen; returns the address, with the port taken. A server starts once.
  public func start() async throws -> HTTPAddress {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: eventLoops)
    let loops = group.makeIterator().map { ConnectionLoop($0, service: service) }
    do {
      let channel = try await bootstrap(group, loops).bind(host: host, port: port).get()
      running.withLock { $0 = Running(group: group, channel: channel, loops: loops) }
      return HTTPAddress(
        host: channel.localAddress?.ipAddress ?? host, port: channel.localAddress?.port ?? port)
    } catch {
      try? await group.shutdownGracefully()
      throw error
    }
  }

  private func bootstrap(_ group: MultiThreadedEventLoopGroup, _ loops: [ConnectionLoop]) -> ServerBootstrap {
    let service = service
    let tls = tls
    let byEventLoop = Dictionary(uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.eventLoop), $0) })
    return ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Self.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        guard let loop = byEventLoop[ObjectIdentifier(channel.eventLoop)], service.admit() else {
          return channel.close()
        }
        return channel.eventLoop.makeCompletedFuture {
          let address = channel.remoteAddress?.ipAddress ?? ""
          let pipeline = channel.pipeline.syncOperations
          guard let tls else {
            return try pipeline.addHandler(Connection(loop: loop, peer: Connection.Peer(address: address)))
          }
          try pipeline.addHandlers([
            NIOSSLServerHandler(context: tls.context), ProtocolChoice(loop: loop, address: address),
          ])
        }
      }
  }

  /// Stops: no new connections, idle ones are closed, requests being received and handled are answered and their
  /// connections closed; after `shutdownSecondsMax` whatever is left is cancelled. Returns when all is ended.
  public func shutdown() async {
    guard let running = running.withLock({ $0.take() }) else { return }
    try? await running.channel.close().get()
    for loop in running.loops { loop.eventLoop.execute { loop.stop() } }
    if await !isQuiet(within: service.limits.shutdownSecondsMax, running) {
      for loop in running.loops { loop.eventLoop.execute { loop.abort() } }
      // A handler that does not hear its cancellation still needs its event loop: it ends with the process.
      guard await isQuiet(within: Self.cancellationSecondsMax, running) else { return }
    }
    try? await running.group.shutdownGracefully()
  }

  private func isQuiet(within seconds: Int, _ running: Running) async -> Bool {
    let end = NIODeadline.now() + .seconds(Int64(clamping: seconds))
    while openConnections > 0 || requestsInFlight > 0 {
      guard NIODeadline.now() < end else { return false }
      // Not Task.sleep: a cancelled caller must wait as well.
      try? await running.channel.eventLoop.scheduleTask(in: .milliseconds(5)) {}.futureResult.get()
    }
    return true
  }
}
