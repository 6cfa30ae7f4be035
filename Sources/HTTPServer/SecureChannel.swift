import Base
import NIOCore
import NIOHTTP2
import NIOSSL
import NIOTLS
import Synchronization

/// Stands in a connection's pipeline until the handshake is done, and then puts there what speaks the version of HTTP
/// that was agreed upon (RFC 7301).
final class ProtocolChoice: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer

  private let loop: ConnectionLoop
  private let address: String
  private var hasChosen = false
  private var timeout: Scheduled<Void>?

  init(loop: ConnectionLoop, address: String) {
    self.loop = loop
    self.address = address
  }

  func handlerAdded(context: ChannelHandlerContext) {
    // A client that connects begins at once; it is not given the time of a connection that is kept.
    let seconds = Int64(clamping: loop.service.limits.headerSecondsMax)
    timeout = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(seconds)) {
      context.close(promise: nil)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timeout?.cancel()
    timeout = nil
    if !hasChosen { loop.service.openConnections.subtract(1, ordering: .relaxed) }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case .some(.handshakeCompleted(let name)) = event as? TLSUserEvent, !hasChosen else {
      return context.fireUserInboundEventTriggered(event)
    }
    let pipeline = context.pipeline.syncOperations
    let certificate = try? pipeline.nioSSL_peerCertificate()?.toDERBytes()
    let peer = Connection.Peer(address: address, isSecure: true, certificate: certificate)
    do {
      if name == "h2" {
        try HTTP2Connection.add(to: context.channel, loop: loop, peer: peer)
      } else {
        try pipeline.addHandler(Connection(loop: loop, peer: peer))
      }
      hasChosen = true
      pipeline.removeHandler(context: context, promise: nil)
    } catch {
      context.close(promise: nil)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// A connection that speaks HTTP/2: the end of its pipeline, which counts it and lets it end. Each of its streams is a
/// `Connection` with a pipeline of its own.
final class HTTP2Connection: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame

  /// Streams of one connection at once (RFC 9113 §6.5.2).
  static let streamsMax = 100
  private static let windowBytes = 1024 * 1024
  private static let highWatermark = 256 * 1024
  private static let lowWatermark = 128 * 1024

  private let loop: ConnectionLoop
  private var context: ChannelHandlerContext?

  private init(loop: ConnectionLoop) { self.loop = loop }

  static func add(to channel: any Channel, loop: ConnectionLoop, peer: Connection.Peer) throws {
    let limits = loop.service.limits
    var connection = NIOHTTP2Handler.ConnectionConfiguration()
    connection.initialSettings = [
      HTTP2Setting(parameter: .maxConcurrentStreams, value: streamsMax),
      HTTP2Setting(parameter: .maxHeaderListSize, value: limits.headerBytesMax),
      HTTP2Setting(parameter: .initialWindowSize, value: windowBytes),
    ]
    connection.targetWindowSize = windowBytes
    var stream = NIOHTTP2Handler.StreamConfiguration()
    stream.targetWindowSize = windowBytes
    stream.outboundBufferSizeHighWatermark = highWatermark
    stream.outboundBufferSizeLowWatermark = lowWatermark
    let manager = NIOHTTP2ServerConnectionManagementHandler(
      eventLoop: channel.eventLoop,
      configuration: .init(
        maxIdleTime: .seconds(Int64(clamping: limits.idleSecondsMax)), maxAge: nil,
        maxGraceTime: .seconds(Int64(clamping: limits.shutdownSecondsMax)), keepalive: nil))
    let handler = NIOHTTP2Handler(
      mode: .server, eventLoop: channel.eventLoop, connectionConfiguration: connection, streamConfiguration: stream,
      streamDelegate: manager.http2StreamDelegate
    ) { stream in
      stream.eventLoop.makeCompletedFuture {
        // A stream counts as a connection does.
        guard loop.service.admit() else { throw ChannelError.operationUnsupported }
        let adapter = HTTP2Stream()
        try stream.pipeline.syncOperations.addHandlers([adapter, Connection(loop: loop, peer: peer, stream: adapter)])
      }
    }
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandlers([handler, manager, HTTP2Connection(loop: loop)])
    // The channel was active before they came; this starts the time that the connection may be idle.
    manager.channelActive(context: try pipeline.context(handler: manager))
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    loop.add(self)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    loop.remove(self)
    self.context = nil
    loop.service.openConnections.subtract(1, ordering: .relaxed)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Errors of one stream are that stream's (RFC 9113 §5.4.2).
    if error is NIOHTTP2Errors.StreamError { return }
    context.close(promise: nil)
  }

  /// No new streams; it ends with the last one (RFC 9113 §6.8).
  func stop() { context?.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }

  /// Ends at once.
  func abort() { context?.close(promise: nil) }
}
