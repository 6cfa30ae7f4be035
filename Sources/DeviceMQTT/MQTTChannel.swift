import NIOCore

/// Cuts what comes into packets.
struct MQTTDecoder: ByteToMessageDecoder {
  typealias InboundOut = MQTTPacket

  mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
    let start = buffer.readerIndex
    guard let first: UInt8 = buffer.getInteger(at: start),
      let (head, body) = try MQTTReader.length(buffer.readableBytesView.prefix(5)), buffer.readableBytes >= head + body
    else { return .needMoreData }
    buffer.moveReaderIndex(forwardBy: head)
    let bytes = buffer.readBytes(length: body) ?? []
    context.fireChannelRead(wrapInboundOut(try MQTTReader.packet(first, bytes)))
    return .continue
  }

  mutating func decodeLast(context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool) throws
    -> DecodingState
  {
    // What is cut off by the end is nothing.
    try decode(context: context, buffer: &buffer)
  }
}

/// Puts packets that came together into one piece, so that what is made of them is one commit.
final class MQTTBursts: ChannelInboundHandler {
  typealias InboundIn = MQTTPacket
  typealias InboundOut = [MQTTPacket]

  private static let packetsMax = 2_000
  private var packets: [MQTTPacket] = []

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    packets.append(unwrapInboundIn(data))
    if packets.count >= Self.packetsMax { flush(context) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    flush(context)
    context.fireChannelReadComplete()
  }

  private func flush(_ context: ChannelHandlerContext) {
    guard !packets.isEmpty else { return }
    context.fireChannelRead(wrapInboundOut(packets))
    packets = []
  }
}
