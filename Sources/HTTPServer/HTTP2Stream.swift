import NIOCore
import NIOHPACK
import NIOHTTP2

/// Makes a stream of HTTP/2 (RFC 9113) look like a connection of HTTP/1.1 that carries one request: what comes in
/// becomes the bytes of a request, and the bytes of its answer become frames. So requests of both versions go through
/// one parser, with the same limits at the same places.
final class HTTP2Stream: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = IOData
  typealias OutboundOut = HTTP2Frame.FramePayload

  private enum Incoming {
    case head
    case body(isChunked: Bool)
    case ended
  }

  private var incoming = Incoming.head
  private var outgoing = HTTP2AnswerReader()
  /// Completes when everything that was written so far is on its way.
  private var lastWrite: EventLoopFuture<Void>?
  private var hasEnded = false
  /// Bytes written that wait for the client's window or the socket.
  private(set) var unsentBytes = 0

  // MARK: Requests

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (unwrapInboundIn(data), incoming) {
    case (.headers(let frame), .head):
      guard let head = HTTP2RequestHead(frame.headers, hasBody: !frame.endStream) else { return refuse(context) }
      outgoing.isHead = head.isHead
      incoming = .body(isChunked: head.isChunked)
      context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: head.bytes)))
      if frame.endStream { end(context) }
    case (.headers(let frame), .body(let isChunked)):
      // Trailers: their fields are dropped, as those of a chunked body are.
      guard frame.endStream else { return refuse(context) }
      if isChunked { context.fireChannelRead(wrapInboundOut(ByteBuffer(staticString: "0\r\n\r\n"))) }
      end(context)
    case (.data(let frame), .body(let isChunked)):
      if case .byteBuffer(let bytes) = frame.data, bytes.readableBytes > 0 {
        context.fireChannelRead(wrapInboundOut(isChunked ? HTTP2Stream.chunk(bytes) : bytes))
      }
      guard frame.endStream else { return }
      if isChunked { context.fireChannelRead(wrapInboundOut(ByteBuffer(staticString: "0\r\n\r\n"))) }
      end(context)
    case (.headers, .ended), (.data, _): refuse(context)
    default: break
    }
  }

  /// RFC 9112 §7.1
  private static func chunk(_ bytes: ByteBuffer) -> ByteBuffer {
    var chunk = ByteBuffer(string: String(bytes.readableBytes, radix: 16) + "\r\n")
    chunk.writeImmutableBuffer(bytes)
    chunk.writeStaticString("\r\n")
    return chunk
  }

  private func end(_ context: ChannelHandlerContext) {
    incoming = .ended
    context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
  }

  /// A malformed request (RFC 9113 §8.1.1): the stream is reset.
  private func refuse(_ context: ChannelHandlerContext) {
    incoming = .ended
    context.close(mode: .all, promise: nil)
  }

  // MARK: Answers

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard case .byteBuffer(var bytes) = unwrapOutboundIn(data) else {
      promise?.fail(ChannelError.operationUnsupported)
      return
    }
    while let frame = outgoing.next(&bytes) { send(frame, context) }
    guard let promise else { return }
    if let lastWrite { lastWrite.cascade(to: promise) } else { promise.succeed() }
  }

  private func send(_ frame: HTTP2AnswerReader.Frame, _ context: ChannelHandlerContext) {
    let written = context.eventLoop.makePromise(of: Void.self)
    lastWrite = written.futureResult
    switch frame {
    case .head(let fields, let isLast):
      hasEnded = isLast
      context.write(wrapOutboundOut(.headers(.init(headers: fields, endStream: isLast))), promise: written)
    case .data(let bytes, let isLast):
      hasEnded = isLast
      let count = bytes.readableBytes
      unsentBytes += count
      written.futureResult.assumeIsolated().whenComplete { [self] _ in unsentBytes -= count }
      context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(bytes), endStream: isLast))), promise: written)
    }
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    guard case .output = mode else { return context.close(mode: mode, promise: promise) }
    // The end of an answer is in its last frame; there is nothing else to end.
    if !hasEnded {
      hasEnded = true
      context.writeAndFlush(
        wrapOutboundOut(.data(.init(data: .byteBuffer(ByteBuffer()), endStream: true))), promise: nil)
    }
    promise?.succeed()
  }
}

/// A request's fields as the head of a request of HTTP/1.1.
struct HTTP2RequestHead {
  private(set) var bytes: [UInt8] = []
  let isHead: Bool
  /// Whether the body's length is not known beforehand.
  let isChunked: Bool

  /// Fields about one connection, which HTTP/2 does not have (RFC 9113 §8.2.2), and those that frame a message.
  private static let refused: Set<String> = [
    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings",
  ]

  /// nil for a malformed one. Nothing may end a line or a word but what is written here: else one request would become
  /// two (RFC 9113 §10.3).
  init?(_ fields: HPACKHeaders, hasBody: Bool) {
    var pseudo: [String: String] = [:]
    var lines: [(String, String)] = []
    var cookies: [String] = []
    for (name, value, _) in fields {
      if name.hasPrefix(":") {
        guard pseudo.updateValue(value, forKey: name) == nil else { return nil }
      } else if name == "cookie" {
        guard HTTP2RequestHead.isValue(value) else { return nil }
        cookies.append(value)
      } else if name == "te" {
        guard value == "trailers" else { return nil }
      } else {
        guard !HTTP2RequestHead.refused.contains(name), HTTP2RequestHead.isName(name),
          HTTP2RequestHead.isValue(value)
        else { return nil }
        lines.append((name, value))
      }
    }
    guard let method = pseudo[":method"], let path = pseudo[":path"], pseudo[":scheme"] == "https",
      HTTP2RequestHead.isName(method), HTTP2RequestHead.isTarget(path), method != "CONNECT"
    else { return nil }
    let hosts = lines.filter { $0.0 == "host" }
    let authority = pseudo[":authority"] ?? hosts.first?.1
    guard hosts.allSatisfy({ $0.1 == authority }), authority.map(HTTP2RequestHead.isTarget) ?? true else { return nil }
    isHead = method == "HEAD"
    isChunked = hasBody && !lines.contains { $0.0 == "content-length" }
    bytes += Array("\(method) \(path) HTTP/1.1\r\n".utf8)
    if let authority { add("host", authority) }
    for (name, value) in lines where name != "host" { add(name, value) }
    if !cookies.isEmpty { add("cookie", cookies.joined(separator: "; ")) }
    if isChunked { add("transfer-encoding", "chunked") }
    add("connection", "close")
    bytes += [13, 10]
  }

  private mutating func add(_ name: String, _ value: String) { bytes += Array("\(name): \(value)\r\n".utf8) }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy(RequestHeadParser.isToken)
  }

  private static func isValue(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
  }

  private static func isTarget(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
  }
}

/// Reads the bytes of an answer of ours as HTTP/1.1 has them, and gives frames.
struct HTTP2AnswerReader {
  enum Frame {
    case head(HPACKHeaders, isLast: Bool)
    case data(ByteBuffer, isLast: Bool)
  }

  private enum State {
    case head
    case length(Int)
    case chunkSize
    case chunk(Int)
    case chunkEnd
    case ended
  }

  /// Whether the request was HEAD: its answer has no body whatever it says.
  var isHead = false
  private var state = State.head
  /// What is not yet enough for anything.
  private var kept = ByteBuffer()

  /// The next frame of these bytes and those before; nil if more are needed.
  mutating func next(_ bytes: inout ByteBuffer) -> Frame? {
    if kept.readableBytes > 0 {
      kept.writeBuffer(&bytes)
      bytes = kept
      kept = ByteBuffer()
    }
    while true {
      switch state {
      case .head:
        guard let head = line(&bytes, end: [13, 10, 13, 10]) else { return nil }
        return begin(head)
      case .length(let left):
        guard bytes.readableBytes > 0 else { return nil }
        return data(&bytes, left) { $0 == 0 ? .ended : .length($0) }
      case .chunkSize:
        guard let size = line(&bytes, end: [13, 10]).flatMap({ Int($0, radix: 16) }) else { return nil }
        state = size == 0 ? .ended : .chunk(size)
        if size == 0 { return .data(ByteBuffer(), isLast: true) }
      case .chunk(let left):
        guard bytes.readableBytes > 0 else { return nil }
        return data(&bytes, left) { $0 == 0 ? .chunkEnd : .chunk($0) }
      case .chunkEnd:
        guard line(&bytes, end: [13, 10]) != nil else { return nil }
        state = .chunkSize
      case .ended:
        bytes.clear()
        return nil
      }
    }
  }

  private mutating func data(_ bytes: inout ByteBuffer, _ left: Int, _ next: (Int) -> State) -> Frame? {
    guard let piece = bytes.readSlice(length: min(left, bytes.readableBytes)) else { return nil }
    state = next(left - piece.readableBytes)
    if case .ended = state { return .data(piece, isLast: true) }
    return .data(piece, isLast: false)
  }

  /// What stands before these bytes; nil if they are not there yet.
  private mutating func line(_ bytes: inout ByteBuffer, end: [UInt8]) -> String? {
    let view = bytes.readableBytesView
    guard let range = view.firstRange(of: end) else {
      kept = bytes
      bytes.clear()
      return nil
    }
    let text = String(decoding: view[..<range.lowerBound], as: UTF8.self)
    bytes.moveReaderIndex(to: range.upperBound)
    return text
  }

  private mutating func begin(_ head: String) -> Frame {
    var fields = HPACKHeaders()
    var length: Int?
    var isChunked = false
    for (number, line) in head.split(separator: "\r\n").enumerated() {
      guard number > 0 else {
        fields.add(name: ":status", value: String(line.split(separator: " ").dropFirst().first ?? "500"))
        continue
      }
      let parts = line.split(separator: ":", maxSplits: 1)
      let name = parts[0].lowercased()
      let value = String(parts.count > 1 ? parts[1].drop { $0 == " " } : "")
      switch name {
      case "connection": continue
      case "transfer-encoding": isChunked = true
      case "content-length":
        length = Int(value)
        fields.add(name: name, value: value)
      default: fields.add(name: name, value: value)
      }
    }
    // RFC 9110 §15.2: the final answer is still to come.
    if fields.first(name: ":status")?.hasPrefix("1") == true { return .head(fields, isLast: false) }
    let hasBody = !isHead && (isChunked || length ?? 0 > 0)
    state = !hasBody ? .ended : isChunked ? .chunkSize : .length(length ?? 0)
    return .head(fields, isLast: !hasBody)
  }
}
