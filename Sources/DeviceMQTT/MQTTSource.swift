import Base
public import DeviceService
import DeviceStore
import JSONCore
import NIOCore
import NIOPosix
import Synchronization

/// Takes messages of an MQTT broker over into the log of a device service (MQTT 3.1.1, quality of service 1, a session
/// that the broker keeps).
///
/// A message is acknowledged to the broker once it is durable here, and not before: what was not acknowledged when the
/// process or the connection ends comes again. A message may so come twice; measurements are merged by their times, so
/// that it changes nothing.
public final class MQTTSource: Sendable {
  private static let connectSeconds: Int64 = 10
  private static let pauses: [Duration] = [.milliseconds(200), .seconds(1), .seconds(5)]
  private static let pauseAfterFault = Duration.milliseconds(500)

  private let configuration: MQTTConfiguration
  private let service: DeviceService
  private let group = MultiThreadedEventLoopGroup.singleton
  private let task = Mutex<Task<Void, Never>?>(nil)
  private let taken = Atomic<Int>(0)
  private let connected = Atomic<Bool>(false)

  public init(_ configuration: MQTTConfiguration, for service: DeviceService) {
    self.configuration = configuration
    self.service = service
  }

  /// Messages taken over since the start.
  public var messages: Int { taken.load(ordering: .relaxed) }

  /// Whether the broker has the subscription.
  public var isConnected: Bool { connected.load(ordering: .relaxed) }

  /// Begins to take messages over; connects again whenever the connection is lost.
  public func start() {
    task.withLock { task in
      guard task == nil else { return }
      task = Task { await run() }
    }
  }

  /// Ends it; what is under way and not acknowledged comes again.
  public func stop() async {
    let task = task.withLock { task in
      defer { task = nil }
      return task
    }
    task?.cancel()
    await task?.value
  }

  private func run() async {
    var attempt = 0
    while !Task.isCancelled {
      let before = messages
      do { try await session() } catch {}
      connected.store(false, ordering: .relaxed)
      attempt = messages > before ? 0 : min(attempt + 1, Self.pauses.count - 1)
      try? await Task.sleep(for: Self.pauses[attempt])
    }
  }

  // MARK: A connection

  private typealias Channel = NIOAsyncChannel<[MQTTPacket], ByteBuffer>

  private func session() async throws {
    let channel: Channel = try await ClientBootstrap(group: group)
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .connectTimeout(.seconds(Self.connectSeconds))
      .connect(host: configuration.host, port: configuration.port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers(ByteToMessageHandler(MQTTDecoder()), MQTTBursts())
          return try Channel(wrappingChannelSynchronously: channel)
        }
      }
    let heard = Heard()
    try await channel.executeThenClose { inbound, outbound in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await self.watch(heard, outbound, channel.channel) }
        group.addTask { try await self.converse(inbound, outbound, heard) }
        // Whichever ends first ends the other.
        _ = try await group.next()
        group.cancelAll()
      }
    }
  }

  /// When the broker was last heard.
  private final class Heard: Sendable {
    let at = Atomic<UInt64>(monotonicNanoseconds())
  }

  /// Keeps the connection alive, and gives it up when the broker falls silent.
  private func watch(
    _ heard: Heard, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>, _ channel: any NIOCore.Channel
  ) async throws {
    let seconds = UInt64(max(2, configuration.keepAliveSeconds))
    while true {
      try await Task.sleep(for: .seconds(Double(seconds) / 2))
      let silence = monotonicNanoseconds() &- heard.at.load(ordering: .relaxed)
      guard silence < seconds * 1_500_000_000 else {
        channel.close(promise: nil)
        throw MQTTError("the broker is silent")
      }
      try await outbound.write(ByteBuffer(bytes: MQTTPacket.pingreq.bytes))
    }
  }

  private func converse(
    _ inbound: NIOAsyncChannelInboundStream<[MQTTPacket]>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
    _ heard: Heard
  ) async throws {
    let connect = MQTTConnect(
      clientID: configuration.clientID, keepAliveSeconds: configuration.keepAliveSeconds, user: configuration.user,
      password: configuration.password)
    try await outbound.write(ByteBuffer(bytes: MQTTPacket.connect(connect).bytes))
    for try await packets in inbound {
      heard.at.store(monotonicNanoseconds(), ordering: .relaxed)
      var published: [MQTTPublish] = []
      for packet in packets {
        switch packet {
        case .publish(let publish): published.append(publish)
        case .connack(_, let code):
          guard code == 0 else { throw MQTTError("the broker refuses the connection: code \(code)") }
          let subscribe = MQTTPacket.subscribe(1, filters: configuration.filters)
          try await outbound.write(ByteBuffer(bytes: subscribe.bytes))
        case .suback(_, let codes):
          guard !codes.contains(0x80) else { throw MQTTError("the broker refuses the subscription") }
          connected.store(true, ordering: .relaxed)
        default: continue
        }
      }
      if !published.isEmpty { try await takeOver(published, outbound) }
    }
  }

  /// Messages into the log, then their acknowledgements, in order (§4.6).
  private func takeOver(
    _ published: [MQTTPublish], _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  ) async throws {
    let contents = published.map { MQTTMessage.content($0) }
    while true {
      do throws(Fault) {
        _ = try await service.accept(contents, offsets: [:])
        break
      } catch {
        // The log takes nothing now; unacknowledged, the messages are the broker's still.
        try await Task.sleep(for: Self.pauseAfterFault)
      }
    }
    taken.wrappingAdd(published.count, ordering: .relaxed)
    var acknowledgements = ByteBuffer()
    for identifier in published.compactMap(\.identifier) {
      acknowledgements.writeBytes(MQTTPacket.puback(identifier).bytes)
    }
    if acknowledgements.readableBytes > 0 { try await outbound.write(acknowledgements) }
  }
}
