import Base
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@testable import HTTPServer

/// Our reading of requests beside that of a second parser, SwiftNIO's (llhttp).
///
/// The property behind request smuggling: whatever bytes come, the requests we hand on are requests the other reads
/// as well, byte for byte and in the same order. Refusing what the other accepts is allowed.
@Suite struct OracleTests {
  static let seeds = [
    "GET /Patient?name=a HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world" + "GET /c HTTP/1.1\r\nHost: a\r\n\r\n",
    "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nT: v\r\n\r\n"
      + "DELETE /d HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /x HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabcHEAD /e HTTP/1.1\r\nHost: a\r\n\r\n",
  ]
  /// What mutations put in: where parsers differ.
  static let tokens = [
    "\r\n", "\n", "\r", " ", "\t", ":", ",", ";", "0", "5", "f", "\u{0}", "Content-Length: 3\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "chunked", "HTTP/1.1", "HTTP/1.0", "+", "-",
    "0\r\n\r\n", "X: y\r\n", " x", "\u{B}", "\"", "Connection: close\r\n",
  ]

  static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE"]

  @Test func weReadNoRequestThatTheOtherParserDoesNot() async throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SplitMix(state: seed)
    var inputs = Self.seeds.map { Array($0.utf8) }
    for _ in 0..<1_500 {
      inputs.append(Self.mutate(Array(Self.seeds.randomElement(using: &generator)!.utf8), &generator))
    }
    let all = inputs
    let oracle = try await Oracle.start()
    let ours = HTTPServer(
      host: "127.0.0.1", port: 0, eventLoops: 1,
      errorBody: { _, _ in HTTPResponse(status: 400, body: .bytes(Array("!".utf8))) }
    ) { request in
      let lines = request.headers.all.map { "\($0.name)=\($0.value);" }.joined()
      let head = "<\(request.method.name) \(request.target) \(lines) \(request.body.count) "
      return HTTPResponse(status: 200, headers: [("Record", hex(Array(head.utf8) + request.body.bytes))])
    }
    let port = try await ours.start().port
    let accepted = try await onClientThread {
      var accepted = 0
      for input in all {
        let mine = try Self.records(port, input)
        let theirs = try Self.records(oracle.port, input)
        accepted += mine.count
        // The other parser refuses methods it does not know; we hand them on, and there the comparison ends.
        let common = mine.prefix { record in
          Self.methods.contains { record.hasPrefix("Record: " + hex(Array("<\($0) ".utf8))) }
        }
        let text = String(decoding: input, as: UTF8.self).debugDescription
        #expect(theirs.starts(with: common), "seed \(seed): \(text)")
      }
      return accepted
    }
    // The mutations leave enough alone for the comparison to mean something.
    #expect(accepted > 500)
    await ours.shutdown()
    try await oracle.stop()
  }

  @Test func unchangedSeedsAreReadAlike() async throws {
    let oracle = try await Oracle.start()
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = {
      HTTPResponse(status: 200, headers: [("Record", $0.target)])
    }
    try await serving(handler: handler) { port in
      for seed in Self.seeds {
        let mine = try Self.records(port, Array(seed.utf8))
        let theirs = try Self.records(oracle.port, Array(seed.utf8))
        #expect(mine.count == 2)
        #expect(theirs.count == 2)
      }
    }
    try await oracle.stop()
  }

  private static func records(_ port: Int, _ input: [UInt8]) throws -> [String] {
    let client = try TestClient(port)
    try? client.send(input)
    client.endSending()
    let answer = (try? client.readToEnd()) ?? []
    return String(decoding: answer, as: UTF8.self).split(separator: "\r\n").filter { $0.hasPrefix("Record: ") }.map(
      String.init)
  }

  private static func mutate(_ bytes: [UInt8], _ generator: inout SplitMix) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      let at = Int.random(in: 0..<bytes.count, using: &generator)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0: bytes.remove(at: at)
      case 1: bytes[at] = UInt8.random(in: 0...255, using: &generator)
      case 2:
        let end = Swift.min(bytes.count, at + Int.random(in: 1...8, using: &generator))
        bytes.insert(contentsOf: bytes[at..<end], at: at)
      case 3: bytes.insert(contentsOf: tokens.randomElement(using: &generator)!.utf8, at: at)
      default:
        // At the beginning of a line, where fields are.
        let starts = bytes.indices.dropFirst().filter { bytes[$0 - 1] == 0x0A }
        bytes.insert(
          contentsOf: tokens.randomElement(using: &generator)!.utf8, at: starts.randomElement(using: &generator) ?? 0)
      }
    }
    return bytes
  }

  /// However a request is cut into pieces, it is read the same.
  @Test func headIsReadTheSameHoweverItIsCut() throws {
    let text = Array("PUT /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nIf-Match: W/\"1\"\r\n\r\nabc".utf8)
    for first in 0..<text.count - 3 {
      for second in first..<text.count - 3 {
        var parser = RequestHeadParser(limits: Limits())
        var head: RequestHead?
        for end in [first, second, text.count] where head == nil {
          let progress = text[..<end].withUnsafeBytes { parser.parse($0) }
          if case .head(let done) = progress { head = done }
          if case .refused(let error) = progress { Issue.record("\(error)") }
        }
        #expect(head?.target == "/a?b")
        #expect(head?.framing == .length(3))
        #expect(head?.headers["if-match"] == "W/\"1\"")
        #expect(head?.byteCount == text.count - 3)
      }
    }
  }
}

func hex(_ bytes: [UInt8]) -> String { bytes.map { String($0, radix: 16) }.joined(separator: ".") }

/// A repeatable source of randomness (S. Vigna's splitmix64).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

/// SwiftNIO's own request decoder behind a socket, answering each request with a record of it.
private final class Oracle: Sendable {
  let port: Int
  private let group: MultiThreadedEventLoopGroup

  private init(port: Int, group: MultiThreadedEventLoopGroup) {
    self.port = port
    self.group = group
  }

  static func start() async throws -> Oracle {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let channel = try await ServerBootstrap(group: group)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
          try channel.pipeline.syncOperations.addHandler(Recorder())
        }
      }.bind(host: "127.0.0.1", port: 0).get()
    return Oracle(port: channel.localAddress?.port ?? 0, group: group)
  }

  func stop() async throws { try await group.shutdownGracefully() }

  private final class Recorder: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      switch unwrapInboundIn(data) {
      case .head(let head): self.head = head
      case .body(let part): body.append(contentsOf: part.readableBytesView)
      case .end:
        guard let head else { return }
        let lines = head.headers.map { "\($0.name)=\($0.value.trimmed);" }.joined()
        let text = "<\(head.method.rawValue) \(head.uri) \(lines) \(body.count) "
        let record = "Record: \(hex(Array(text.utf8) + body))\r\n"
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: record)), promise: nil)
        body = []
      }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case .some(.inputClosed) = event as? ChannelEvent { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
}

extension String {
  /// Without spaces and tabs at either end (OWS, RFC 9110 §5.6.3).
  fileprivate var trimmed: String {
    let start = drop { $0 == " " || $0 == "\t" }
    return String(start.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}
