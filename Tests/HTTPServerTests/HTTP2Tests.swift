import Base
import Foundation
import NIOCore
import NIOHPACK
import Testing

@testable import HTTPServer

@Suite(
  .enabled(if: hasTLSCommands, "needs openssl, curl and python3 in /usr/bin"), .serialized, .timeLimit(.minutes(2)))
struct HTTP2Tests {
  private let certificates: Certificates

  init() async throws { certificates = try await onClientThread { try Certificates() } }

  @Test("a client that offers HTTP/2 gets it; another gets HTTP/1.1") func negotiation() async throws {
    try await SecureSite.serving(certificates) { site, _ in
      let version = ["-o", "out", "-w", "%{http_version}"]
      for (option, expected) in [("--http2", "2"), ("--http1.1", "1.1"), ("--no-alpn", "1.1")] {
        let reply = try await site.curl("/", [option] + version)
        #expect(reply.text == expected, "\(option)")
      }
    }
    var old = certificates.settings()
    old.offersHTTP2 = false
    try await SecureSite.serving(certificates, old) { site, _ in
      let reply = try await site.curl("/", ["--http2", "-o", "out", "-w", "%{http_version}"])
      #expect(reply.text == "1.1")
    }
  }

  @Test("requests of every kind are what they are by HTTP/1.1") func requests() async throws {
    try await SecureSite.serving(certificates) { site, _ in
      let reply = try await site.curl("/a?b=c", ["--http2", "-i", "-H", "Cookie: a=1; b=2"])
      #expect(reply.text.hasPrefix("HTTP/2 200"))
      #expect(reply.text.contains("strict-transport-security: max-age=31536000\r\n"))
      #expect(reply.text.contains("content-length: "))
      #expect(!reply.text.lowercased().contains("connection:") && !reply.text.contains("transfer-encoding"))
      #expect(reply.text.contains("GET /a?b=c 127.0.0.1:\(site.port) secure=true body=0 cookie=a=1; b=2 cert"))
      let head = try await site.curl("/", ["--http2", "-I"])
      #expect(head.text.hasPrefix("HTTP/2 200") && head.text.contains("content-length: "))
      #expect(try await site.curl("/none", ["--http2", "-i"]).text.hasPrefix("HTTP/2 204"))
      let body = certificates.path("body")
      try Data(count: 3_000_000).write(to: URL(fileURLWithPath: body))
      let known = try await site.curl("/", ["--http2", "--data-binary", "@\(body)"])
      #expect(known.text.contains("POST / ") && known.text.contains("body=3000000"))
      let unknown = try await site.curl("/", ["--http2", "-T", "-"], input: body)
      #expect(unknown.text.contains("PUT / ") && unknown.text.contains("body=3000000"))
      let expecting = try await site.curl("/", ["--http2", "-H", "Expect: 100-continue", "--data-binary", "@\(body)"])
      #expect(expecting.text.contains("body=3000000"))
    }
  }

  @Test("many requests at once on one connection") func parallel() async throws {
    try await SecureSite.serving(certificates) { site, server in
      let reply = try await site.curl(
        "/[1-300]",
        ["--http2", "--parallel", "--parallel-max", "80", "-w", "%{http_version} %{num_connects}\\n", "-o", "x"])
      let lines = reply.text.split(separator: "\n")
      #expect(lines.count == 300 && lines.allSatisfy { $0.hasPrefix("2 ") })
      #expect(lines.compactMap { Int($0.dropFirst(2)) }.reduce(0, +) <= 3)
      // Streams and connections were all counted off.
      for _ in 0..<200 where server.openConnections > 0 { try await Task.sleep(for: .milliseconds(10)) }
      #expect(server.openConnections == 0 && server.requestsInFlight == 0)
    }
  }

  @Test("streamed bodies, both ways") func streams() async throws {
    let echo: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      guard let body = request.stream else { return HTTPResponse(status: 500) }
      return HTTPResponse(
        status: 200,
        body: .stream(count: nil) { writer in
          for number in 0..<50 { try await writer.write(Array("line \(number)\n".utf8)) }
          try await writer.write([UInt8](repeating: 120, count: 700_000))
          try await writer.write(Array("\(body.received)".utf8))
        })
    }
    let reading: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      while (try? await request.stream?.next()) != nil {}
      return await echo(request)
    }
    try await SecureSite.serving(certificates, streaming: { _, _, _ in 10_000_000 }, handler: reading) { site, _ in
      let body = certificates.path("body")
      try Data(count: 4_000_000).write(to: URL(fileURLWithPath: body))
      let reply = try await site.curl("/", ["--http2", "-T", "-"], input: body)
      #expect(reply.text.hasPrefix("line 0\nline 1\n") && reply.text.hasSuffix("x4000000"))
      #expect(reply.output.count > 700_000)
    }
  }

  @Test("limits hold as by HTTP/1.1") func limits() async throws {
    var limits = Limits()
    limits.bodyBytesMax = 1000
    limits.requestDeadlineSecondsMax = 1
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      if request.target == "/slow" { try? await Task.sleep(for: .seconds(30)) }
      return HTTPResponse(status: 200)
    }
    try await SecureSite.serving(certificates, limits: limits, handler: handler) { site, _ in
      let status = ["--http2", "-o", "x", "-w", "%{http_code}"]
      #expect(try await site.curl("/", status + ["-d", String(repeating: "a", count: 1000)]).text == "200")
      #expect(try await site.curl("/", status + ["-d", String(repeating: "a", count: 1001)]).text == "413")
      #expect(try await site.curl("/slow", status).text == "503")
      // A client may send a long head once it has heard how long: the second request on a connection.
      let second = ["-o", "y", "https://127.0.0.1:\(site.port)/", "--next", "-sS", "--cacert", "ca.pem"]
      let long = try await site.curl("/" + String(repeating: "a", count: 33_000), ["--http2"] + second + status)
      #expect(long.text == "414")
      let large = try await site.curl("/", status + ["-H", "X-Large: " + String(repeating: "a", count: 66_000)])
      #expect(large.text != "200")
    }
  }

  @Test("clients' certificates are told by HTTP/2 as well") func certificate() async throws {
    var settings = certificates.settings()
    settings.clientCertificates = .required
    settings.clientAuthoritiesFile = certificates.path("ca.pem")
    try await SecureSite.serving(certificates, settings) { site, _ in
      let good = try await site.curl("/", ["--http2", "--cert", "client.pem", "--key", "client.key"])
      #expect(good.status == 0 && good.text.contains("certificate=") && !good.text.hasSuffix("certificate=0"))
    }
  }

  @Test("a client that goes away in the middle of an answer leaves nothing behind") func abandoned() async throws {
    let endless: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      if request.target == "/silent" { try? await Task.sleep(for: .seconds(30)) }
      return HTTPResponse(
        status: 200,
        body: .stream(count: nil) { writer in
          while true { try await writer.write([UInt8](repeating: 120, count: 100_000)) }
        })
    }
    try await SecureSite.serving(certificates, handler: endless) { site, server in
      for path in ["/silent", "/endless"] {
        let reply = try await site.curl(path, ["--http2", "--max-time", "1", "--limit-rate", "1M", "-o", "x"])
        #expect(reply.status == 28, "curl: operation timed out")
      }
      for _ in 0..<500 where server.openConnections > 0 || server.requestsInFlight > 0 {
        try await Task.sleep(for: .milliseconds(10))
      }
      #expect(server.openConnections == 0 && server.requestsInFlight == 0)
    }
  }

  @Test("stopping finishes what was asked, and ends idle connections") func stopping() async throws {
    let gate = Gate()
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
      _ = await gate.pass()
      return HTTPResponse(status: 200, body: .bytes(Array("done".utf8)))
    }
    try await SecureSite.serving(certificates, handler: handler) { site, server in
      async let reply = site.curl("/", ["--http2"])
      while gate.entered == 0 { try await Task.sleep(for: .milliseconds(5)) }
      async let down: Void = server.shutdown()
      try await Task.sleep(for: .milliseconds(50))
      gate.open()
      #expect(try await reply.text == "done")
      await down
      #expect(server.openConnections == 0)
    }
  }

  /// A connection by HTTP/2 that asks for nothing.
  private static let idler = """
    import socket, ssl, sys, time
    context = ssl.create_default_context(cafile="ca.pem")
    context.set_alpn_protocols(["h2"])
    s = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="127.0.0.1")
    s.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    begun = time.monotonic()
    s.settimeout(15)
    while True:
        piece = s.recv(65536)
        if not piece: break
        # PING: type 6, no ACK; it is answered, so that the connection may end in good order.
        while len(piece) >= 9:
            length = int.from_bytes(piece[:3], "big")
            if piece[3] == 6 and piece[4] == 0: s.sendall(bytes([0, 0, 8, 6, 1, 0, 0, 0, 0]) + piece[9:17])
            piece = piece[9 + length:]
    print("closed" if 0.5 < time.monotonic() - begun < 10 else time.monotonic() - begun)
    """

  @Test("an idle connection is closed") func idle() async throws {
    var limits = Limits()
    limits.idleSecondsMax = 1
    try await SecureSite.serving(certificates, limits: limits) { site, _ in
      try Self.idler.write(toFile: certificates.path("idler.py"), atomically: true, encoding: .utf8)
      let folder = certificates.folder
      let result = try await onClientThread { try Command.run("python3", ["idler.py", "\(site.port)"], in: folder) }
      #expect(result.text == "closed\n", "\(result.error)")
    }
  }
}

/// The two ends of the guise, as values.
@Suite struct HTTP2GuiseTests {
  private func head(_ changes: [(String, String)] = [], hasBody: Bool = false) -> HTTP2RequestHead? {
    var fields = HPACKHeaders([
      (":method", "GET"), (":scheme", "https"), (":authority", "a.example"), (":path", "/x?y"),
    ])
    for (name, value) in changes {
      if name.hasPrefix(":") { fields.remove(name: name) }
      fields.add(name: name, value: value)
    }
    return HTTP2RequestHead(fields, hasBody: hasBody)
  }

  @Test("a request's fields become a head (RFC 9113 §8.3.1)") func heads() throws {
    let plain = try #require(head([("accept", "a/b"), ("cookie", "a=1"), ("cookie", "b=2")]))
    #expect(
      String(decoding: plain.bytes, as: UTF8.self)
        == "GET /x?y HTTP/1.1\r\nhost: a.example\r\naccept: a/b\r\ncookie: a=1; b=2\r\nconnection: close\r\n\r\n")
    let body = try #require(head([(":method", "POST")], hasBody: true))
    #expect(String(decoding: body.bytes, as: UTF8.self).contains("\r\ntransfer-encoding: chunked\r\n"))
    let known = try #require(head([(":method", "POST"), ("content-length", "5")], hasBody: true))
    #expect(!String(decoding: known.bytes, as: UTF8.self).contains("chunked") && !known.isChunked)
    #expect(head([("te", "trailers")]) != nil && head([("host", "a.example")]) != nil)
  }

  @Test(
    "what could end a line, or frame a message anew, is refused (RFC 9113 §8.2, §10.3)",
    arguments: [
      ("x", "a\r\nhost: b"), ("x", "a\nb"), ("x", "a\rb"), ("x", "a\u{0}b"), ("x\r\ny", "a"), ("x y", "a"), ("", "a"),
      ("x:", "a"), ("cookie", "a\r\nb: c"), ("transfer-encoding", "chunked"), ("connection", "close"),
      ("upgrade", "h2c"), ("keep-alive", "1"), ("te", "gzip"), ("host", "b.example"), (":path", "/ HTTP/1.1\r\nx: y"),
      (":path", "/a b"), (":path", ""), (":method", "GET /y HTTP/1.1\r\nx:"), (":method", ""), (":method", "CONNECT"),
      (":authority", "a b"), (":authority", "a\r\nx: y"), (":scheme", "http"),
    ])
  func injection(_ name: String, _ value: String) { #expect(head([(name, value)]) == nil) }

  @Test("an answer's bytes give the same frames however they are cut") func answers() throws {
    let answers = [
      "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y: z\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n",
      "HTTP/1.1 204 No Content\r\n\r\n",
    ]
    for answer in answers {
      let whole = frames(answer, pieces: answer.utf8.count)
      for size in 1...7 { #expect(frames(answer, pieces: size) == whole, "pieces of \(size)") }
    }
    #expect(frames(answers[0], pieces: 1_000) == [":status=200 content-type=a/b content-length=5", "hello", "end"])
    #expect(frames(answers[1], pieces: 1_000) == [":status=100", ":status=404 content-length=0", "end"])
    #expect(frames(answers[2], pieces: 1_000) == [":status=200 x=y: z", "abc0123456789abcdef", "end"])
    #expect(frames(answers[3], pieces: 1_000) == [":status=204", "end"])
    #expect(frames(answers[0], pieces: 9, isHead: true) == [":status=200 content-type=a/b content-length=5", "end"])
  }

  /// Heads as text, data joined, and where the end was told.
  private func frames(_ answer: String, pieces: Int, isHead: Bool = false) -> [String] {
    var reader = HTTP2AnswerReader()
    reader.isHead = isHead
    var result: [String] = []
    var data = ""
    func tell(_ isLast: Bool) {
      guard isLast else { return }
      if !data.isEmpty { result.append(data) }
      result.append("end")
    }
    var rest = Array(answer.utf8)[...]
    while !rest.isEmpty {
      var buffer = ByteBuffer(bytes: rest.prefix(pieces))
      rest = rest.dropFirst(pieces)
      while let frame = reader.next(&buffer) {
        switch frame {
        case .head(let fields, let isLast):
          result.append(fields.map { "\($0.name)=\($0.value)" }.joined(separator: " "))
          tell(isLast)
        case .data(let bytes, let isLast):
          data += String(buffer: bytes)
          tell(isLast)
        }
      }
    }
    return result
  }
}
