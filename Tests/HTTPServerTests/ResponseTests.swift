import HTTPServer
import NIOCore
import Testing

@Suite struct ResponseTests {
  static let answers: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
    switch request.target {
    case "/empty": HTTPResponse(status: 200)
    case "/created": HTTPResponse(status: 201, headers: [("Location", "/x"), ("ETag", "W/\"1\"")])
    case "/nothing": HTTPResponse(status: 204)
    case "/unchanged": HTTPResponse(status: 304, headers: [("ETag", "W/\"1\"")], body: .bytes([1, 2, 3]))
    case "/bytes": HTTPResponse(status: 200, body: .bytes(Array("hello".utf8)))
    case "/parts": HTTPResponse(status: 200, body: .parts([[0, 1, 2, 3][1..<3], [7], [], [8, 9]]))
    case "/buffers":
      HTTPResponse(status: 200, body: .buffers([ByteBuffer(string: "ab"), ByteBuffer(), ByteBuffer(string: "c")]))
    case "/large":
      HTTPResponse(
        status: 200,
        body: .buffers([UInt8(1), 2, 3].map { ByteBuffer(repeating: $0, count: 1_000_000) }))
    case "/largebytes": HTTPResponse(status: 200, body: .bytes([UInt8](repeating: 7, count: 3_000_000)))
    case "/forged":
      HTTPResponse(
        status: 200,
        headers: [
          ("Content-Length", "999"), ("Transfer-Encoding", "chunked"), ("Date", "x"), ("X-A", "a\r\nX-B: b\u{0}"),
          ("X Bad\r\n", "v"),
        ], body: .bytes([1]))
    case "/close": HTTPResponse(status: 200, headers: [("Connection", "close")])
    default: HTTPResponse(status: 404)
    }
  }

  @Test func bodiesOfEveryKindArriveWithTheirLength() async throws {
    try await serving(handler: Self.answers) { port in
      let client = try TestClient(port)
      let expected: [(String, [UInt8])] = [
        ("/empty", []), ("/bytes", Array("hello".utf8)), ("/parts", [1, 2, 7, 8, 9]),
        ("/buffers", Array("abc".utf8)),
        ("/large", [UInt8(1), 2, 3].flatMap { [UInt8](repeating: $0, count: 1_000_000) }),
        ("/largebytes", [UInt8](repeating: 7, count: 3_000_000)),
      ]
      for (path, body) in expected {
        let answer = try client.get(path)
        #expect(answer.status == 200)
        #expect(answer.body == body, "\(path)")
        #expect(answer.header("content-length") == String(body.count))
        #expect(answer.header("date")?.hasSuffix(" GMT") == true)
      }
    }
  }

  @Test func headersKeepTheirOrder() async throws {
    try await serving(handler: Self.answers) { port in
      let answer = try TestClient(port).get("/created")
      #expect(answer.status == 201)
      #expect(Array(answer.headers.prefix(3)) == ["Location: /x", "ETag: W/\"1\"", "Content-Length: 0"])
    }
  }

  @Test func answersWithoutBodySaySo() async throws {
    try await serving(handler: Self.answers) { port in
      let client = try TestClient(port)
      // RFC 9110 §8.6: no Content-Length in 204.
      #expect(try client.get("/nothing").header("content-length") == nil)
      let unchanged = try client.get("/unchanged")
      #expect(unchanged.status == 304)
      #expect(unchanged.header("etag") == "W/\"1\"")
      // The connection is still in step.
      #expect(try client.get("/bytes").text == "hello")
    }
  }

  @Test func headIsAnsweredWithTheHeadersOfGet() async throws {
    try await serving(handler: Self.answers) { port in
      let client = try TestClient(port)
      for (path, length) in [("/bytes", "5"), ("/large", "3000000"), ("/empty", "0")] {
        try client.send("HEAD \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
        let answer = try client.answer(toHead: true)
        #expect(answer.status == 200)
        #expect(answer.header("content-length") == length)
      }
      #expect(try client.get("/bytes").text == "hello")
    }
  }

  @Test func handlerCannotForgeFramingNorSplitTheAnswer() async throws {
    try await serving(handler: Self.answers) { port in
      let client = try TestClient(port)
      let answer = try client.get("/forged")
      #expect(answer.body == [1])
      #expect(answer.header("transfer-encoding") == nil)
      #expect(answer.header("x-a") == "a  X-B: b ")
      #expect(answer.header("x-b") == nil)
      #expect(answer.header("x-bad--") == "v")
      #expect(answer.headers.filter { $0.lowercased().hasPrefix("date:") }.count == 1)
    }
  }

  @Test func handlerMayCloseTheConnection() async throws {
    try await serving(handler: Self.answers) { port in
      let client = try TestClient(port)
      #expect(try client.get("/close").header("connection") == "close")
      #expect(client.readsEnd())
    }
  }

  @Test func streamIsChunkedWhenItsLengthIsNotKnown() async throws {
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      HTTPResponse(
        status: 200,
        body: .stream(count: request.target == "/known" ? 6 : nil) { writer in
          for piece in ["ab", "", "cd", "ef"] {
            try await writer.write(Array(piece.utf8))
            try await Task.sleep(for: .milliseconds(5))
          }
        })
    }
    try await serving(handler: handler) { port in
      let client = try TestClient(port)
      let unknown = try client.get("/")
      #expect(unknown.header("transfer-encoding") == "chunked")
      #expect(unknown.header("content-length") == nil)
      #expect(unknown.text == "abcdef")
      let known = try client.get("/known")
      #expect(known.header("content-length") == "6")
      #expect(known.text == "abcdef")
      try client.send("HEAD / HTTP/1.1\r\nHost: test\r\n\r\n")
      #expect(try client.answer(toHead: true).header("transfer-encoding") == "chunked")
      try client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      let old = try client.answer()
      #expect(old.header("connection") == "close")
      #expect(old.text == "abcdef")
    }
  }

  @Test func streamWaitsForASlowClient() async throws {
    let gate = Gate()
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
      HTTPResponse(
        status: 200,
        body: .stream(count: nil) { writer in
          let piece = [UInt8](repeating: 1, count: 100_000)
          for _ in 0..<1_000 {
            try await writer.write(piece)
            gate.enter()
          }
        })
    }
    try await serving(handler: handler) { port in
      let client = try TestClient(port, receiveBufferBytes: 65_536)
      try client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
      milliseconds(500)
      // The socket buffers hold a few megabytes; the producer must not have made all hundred.
      #expect(gate.entered < 500)
      #expect(try client.answer().body.count == 100_000_000)
    }
  }

  @Test(arguments: ["/throws", "/short", "/long"])
  func brokenStreamIsCutNotFinished(path: String) async throws {
    struct Broken: Error {}
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      HTTPResponse(
        status: 200,
        body: .stream(count: request.target == "/throws" ? nil : 10) { writer in
          try await writer.write([1, 2, 3])
          if request.target == "/throws" { throw Broken() }
          if request.target == "/long" { try await writer.write([UInt8](repeating: 0, count: 8)) }
        })
    }
    try await serving(handler: handler) { port in
      let client = try TestClient(port)
      #expect(throws: ClientError.self) { try client.get(path) }
    }
  }

  @Test(.timeLimit(.minutes(1))) func streamEndsWhenTheClientGoesAway() async throws {
    let gate = Gate()
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
      HTTPResponse(
        status: 200,
        body: .stream(count: nil) { writer in
          do {
            while true { try await writer.write([UInt8](repeating: 1, count: 100_000)) }
          } catch {
            gate.enter()
            throw error
          }
        })
    }
    try await serving(handler: handler) { port in
      // Gone before the answer begins, or in the middle of it.
      for wait in [UInt32(0), 1, 50] {
        let client = try TestClient(port)
        try client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        withExtendedLifetime(client) { milliseconds(wait) }
      }
    }
    while gate.entered < 3 { try await Task.sleep(for: .milliseconds(2)) }
  }
}
