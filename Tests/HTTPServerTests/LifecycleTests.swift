import Base
import HTTPServer
import Synchronization
import Testing

@Suite struct LifecycleTests {
  @Test func shutdownFinishesWhatWasAccepted() async throws {
    let gate = Gate()
    let server = HTTPServer(host: "127.0.0.1", port: 0, eventLoops: 2) { request in
      if request.target == "/slow" { _ = await gate.pass() }
      return await describe(request)
    }
    let port = try await server.start().port
    let (busy, uploading, idle) = try await onClientThread {
      let busy = try TestClient(port)
      try busy.send("GET /slow HTTP/1.1\r\nHost: test\r\n\r\n")
      let uploading = try TestClient(port)
      try uploading.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nab")
      let idle = try TestClient(port)
      #expect(try idle.get("/").status == 200)
      while gate.entered == 0 { milliseconds(2) }
      return (Unshared(busy), Unshared(uploading), Unshared(idle))
    }
    #expect(server.openConnections == 3)
    #expect(server.requestsInFlight == 1)
    let isDown = Mutex(false)
    async let down: Void = {
      await server.shutdown()
      isDown.withLock { $0 = true }
    }()
    try await onClientThread {
      let time = seconds { #expect(idle.client.readsEnd()) }
      #expect(time < 1)
      #expect(throws: ClientError.self) { try TestClient(port).get("/") }
      #expect(!isDown.withLock { $0 })
      try uploading.client.send("cd")
      let upload = try uploading.client.answer()
      #expect(upload.text == "POST / abcd")
      #expect(upload.header("connection") == "close")
      gate.open()
      let answer = try busy.client.answer()
      #expect(answer.text == "GET /slow ")
      #expect(answer.header("connection") == "close")
      #expect(busy.client.readsEnd())
    }
    busy.end()
    uploading.end()
    await down
    #expect(server.openConnections == 0)
  }

  @Test func shutdownGivesUpAfterItsTime() async throws {
    var limits = Limits()
    limits.shutdownSecondsMax = 1
    let gate = Gate()
    let server = HTTPServer(host: "127.0.0.1", port: 0, limits: limits, eventLoops: 1) { _ in
      _ = await gate.pass()
      return HTTPResponse(status: 200)
    }
    let port = try await server.start().port
    let client = try await onClientThread {
      let client = try TestClient(port)
      try client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
      while gate.entered == 0 { milliseconds(2) }
      return Unshared(client)
    }
    let start = monotonicNanoseconds()
    await server.shutdown()
    let time = Double(monotonicNanoseconds() - start) / 1e9
    #expect(time > 0.9 && time < 3)
    #expect(server.requestsInFlight == 0)
    try await onClientThread { #expect(client.client.readsEnd()) }
  }

  @Test func portInUseIsAnError() async throws {
    let first = HTTPServer(host: "127.0.0.1", port: 0, eventLoops: 1, handler: describe)
    let port = try await first.start().port
    let second = HTTPServer(host: "127.0.0.1", port: port, eventLoops: 1, handler: describe)
    await #expect(throws: (any Error).self) { _ = try await second.start() }
    await second.shutdown()
    await first.shutdown()
  }

  @Test func clientThatStopsSendingStillGetsItsAnswers() async throws {
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      try? await Task.sleep(for: .milliseconds(30))
      return HTTPResponse(
        status: 200, body: .bytes(Array(request.target.utf8) + [UInt8](repeating: 0, count: 2_000_000)))
    }
    try await serving(handler: handler) { port in
      let client = try TestClient(port)
      try client.send("GET /a HTTP/1.1\r\nHost: test\r\n\r\nGET /b HTTP/1.1\r\nHost: test\r\n\r\n")
      client.endSending()
      #expect(try client.answer().text.hasPrefix("/a"))
      #expect(try client.answer().body.count == 2_000_002)
      #expect(client.readsEnd())
      // Half a head and half a body are no requests.
      for text in ["GET / HT", "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nab"] {
        let client = try TestClient(port)
        try client.send(text)
        client.endSending()
        #expect(client.readsEnd())
      }
    }
  }

  @Test func fiveHundredConnectionsAtOnce() async throws {
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      if request.target.hasSuffix("7") { try? await Task.sleep(for: .milliseconds(10)) }
      return await describe(request)
    }
    try await serving(eventLoops: 2, handler: handler) { port in
      let clients = try (0..<500).map { _ in try TestClient(port) }
      for round in 0..<4 {
        for (number, client) in clients.enumerated() {
          try client.send("GET /\(round)/\(number) HTTP/1.1\r\nHost: test\r\n\r\n")
        }
        for (number, client) in clients.enumerated() {
          #expect(try client.answer().text == "GET /\(round)/\(number) ")
        }
      }
    }
  }

  @Test func observerHearsOfEveryAnswer() async throws {
    let heard = Mutex<[HTTPExchange]>([])
    let observer: @Sendable (HTTPExchange) -> Void = { exchange in heard.withLock { $0.append(exchange) } }
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
      try? await Task.sleep(for: .milliseconds(20))
      return HTTPResponse(status: 201, body: .bytes([1, 2, 3]))
    }
    let sizes = Mutex<(Int, Int)>((0, 0))
    try await serving(observer: observer, handler: handler) { port in
      let client = try TestClient(port)
      let request = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc"
      try client.send(request)
      let answer = try client.answer()
      let bytesOut = "HTTP/1.1 201 Created\r\n".utf8.count + answer.headers.reduce(2) { $0 + $1.utf8.count + 2 } + 3
      sizes.withLock { $0 = (request.utf8.count, bytesOut) }
      try client.send("bad\r\n\r\n")
      #expect(try client.answer().status == 400)
    }
    let exchanges = heard.withLock { $0 }
    #expect(exchanges.map(\.status) == [201, 400])
    #expect(exchanges.first?.method == .post)
    #expect(exchanges.first?.bytesIn == sizes.withLock { $0.0 })
    #expect(exchanges.first?.bytesOut == sizes.withLock { $0.1 })
    #expect((exchanges.first?.nanoseconds ?? 0) > 15_000_000)
    #expect(exchanges.last?.nanoseconds == 0)
  }

  @Test func handlerStaysOnItsEventLoopAndComesBackToIt() async throws {
    // One event loop: requests that hop to an actor and back still share one thread, so this needs no lock.
    actor Counter {
      var count = 0
      func next() -> Int {
        count += 1
        return count
      }
    }
    let counter = Counter()
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
      HTTPResponse(status: 200, body: .bytes(Array("\(await counter.next())".utf8)))
    }
    try await serving(handler: handler) { port in
      let client = try TestClient(port)
      for number in 1...100 { #expect(try client.get("/").text == "\(number)") }
    }
  }
}

/// Carries a client from one blocking script to the next; only one of them uses it at a time.
final class Unshared: @unchecked Sendable {
  private var held: TestClient?
  var client: TestClient { held! }

  init(_ client: TestClient) { held = client }

  /// Closes the client's end.
  func end() { held = nil }
}
