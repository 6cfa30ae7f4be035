import Base
import HTTPServer
import Synchronization
import Testing

/// Every limit: at it, and one past it.
@Suite struct LimitTests {
  private static func limits(_ change: (inout Limits) -> Void) -> Limits {
    var limits = Limits()
    change(&limits)
    return limits
  }

  @Test func headerBytesMax() async throws {
    try await serving(limits: Self.limits { $0.headerBytesMax = 500 }) { port in
      let start = "GET / HTTP/1.1\r\nHost: test\r\nX: "
      for (total, status) in [(500, 200), (501, 431)] {
        let client = try TestClient(port)
        try client.send(start + String(repeating: "a", count: total - start.utf8.count - 4) + "\r\n\r\n")
        #expect(try client.answer().status == status)
      }
      // Refused before its end arrives.
      let client = try TestClient(port)
      try client.send(start + String(repeating: "a", count: 500))
      #expect(try client.answer().status == 431)
      #expect(client.readsEnd())
    }
  }

  @Test func headerCountMax() async throws {
    try await serving(limits: Self.limits { $0.headerCountMax = 20 }) { port in
      for (count, status) in [(20, 200), (21, 431)] {
        let client = try TestClient(port)
        let fields = (1..<count).map { "X-\($0): a\r\n" }.joined()
        try client.send("GET / HTTP/1.1\r\nHost: test\r\n" + fields + "\r\n")
        #expect(try client.answer().status == status)
      }
    }
  }

  @Test func targetBytesMax() async throws {
    try await serving(limits: Self.limits { $0.targetBytesMax = 100 }) { port in
      #expect(try TestClient(port).get("/" + String(repeating: "a", count: 99)).status == 200)
      #expect(try TestClient(port).get("/" + String(repeating: "a", count: 100)).status == 414)
      // A request line without end.
      let client = try TestClient(port)
      try client.send("GET /" + String(repeating: "a", count: 64 * 1024))
      #expect(try client.answer().status == 414)
    }
  }

  @Test func bodyBytesMaxByLength() async throws {
    try await serving(limits: Self.limits { $0.bodyBytesMax = 1_000 }) { port in
      let head = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: "
      let client = try TestClient(port)
      try client.send(head + "1000\r\n\r\n" + String(repeating: "a", count: 1_000))
      #expect(try client.answer().status == 200)
      // Refused from the head alone, also instead of 100 Continue.
      try client.send(head + "1001\r\nExpect: 100-continue\r\n\r\n")
      #expect(try client.answer().status == 413)
      #expect(client.readsEnd())
    }
  }

  @Test func bodyBytesMaxByChunks() async throws {
    try await serving(limits: Self.limits { $0.bodyBytesMax = 1_000 }) { port in
      let head = "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
      let most = "3e7\r\n" + String(repeating: "a", count: 999) + "\r\n"
      let client = try TestClient(port)
      try client.send(head + most + "1\r\na\r\n0\r\n\r\n")
      #expect(try client.answer().text.utf8.count == "POST / ".utf8.count + 1_000)
      try client.send(head + most + "2\r\n")
      #expect(try client.answer().status == 413)
      #expect(client.readsEnd())
    }
  }

  @Test func refusedUploadStillGetsItsAnswer() async throws {
    // The client is still sending when it is refused: the answer must not be lost in a reset.
    try await serving(limits: Self.limits { $0.bodyBytesMax = 1_000 }) { port in
      let client = try TestClient(port)
      try client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3000000\r\n\r\n")
      for _ in 0..<30 { try client.send([UInt8](repeating: 0x61, count: 100_000)) }
      #expect(try client.answer().status == 413)
    }
  }

  @Test func chunkOverheadIsLimited() async throws {
    try await serving(limits: Self.limits { $0.headerBytesMax = 200 }) { port in
      let head = "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
      for (count, status) in [(200, 200), (201, 431)] {
        let client = try TestClient(port)
        try client.send(head + "1;" + String(repeating: "x", count: count - 1) + "\r\na\r\n0\r\n\r\n")
        #expect(try client.answer().status == status)
        let trailing = try TestClient(port)
        try trailing.send(head + "0\r\nX:" + String(repeating: "x", count: count - 2) + "\r\n\r\n")
        #expect(try trailing.answer().status == status)
      }
    }
  }

  @Test func bodyBytesInFlightMax() async throws {
    let gate = Gate()
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      if request.target == "/hold" { _ = await gate.pass() }
      return HTTPResponse(status: 200, body: .bytes(Array("\(request.body.count)".utf8)))
    }
    try await serving(limits: Self.limits { $0.bodyBytesInFlightMax = 1_000 }, handler: handler) { port in
      func post(_ path: String, _ count: Int) throws -> TestClient {
        let client = try TestClient(port)
        let body = String(repeating: "a", count: count)
        try client.send("POST \(path) HTTP/1.1\r\nHost: test\r\nContent-Length: \(count)\r\n\r\n\(body)")
        return client
      }
      let holder = try post("/hold", 600)
      while gate.entered == 0 { milliseconds(2) }
      #expect(try post("/", 400).answer().status == 200)
      let refused = try post("/", 401).answer()
      #expect(refused.status == 503)
      #expect(refused.header("retry-after") != nil)
      let chunked = try TestClient(port)
      try chunked.send("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n191\r\n")
      try chunked.send(String(repeating: "a", count: 401))
      #expect(try chunked.answer().status == 503)
      gate.open()
      #expect(try holder.answer().status == 200)
      // Given back.
      #expect(try post("/", 1_000).answer().status == 200)
      #expect(try post("/", 1_001).answer().status == 503)
    }
  }

  @Test func connectionsMax() async throws {
    try await serving(limits: Self.limits { $0.connectionsMax = 3 }) { port in
      var clients = try (0..<3).map { _ in try TestClient(port) }
      for client in clients { #expect(try client.get("/").status == 200) }
      #expect(try TestClient(port).readsEnd())
      #expect(try clients[0].get("/").status == 200)
      clients.removeLast()
      milliseconds(100)
      #expect(try TestClient(port).get("/").status == 200)
    }
  }

  @Test func headerSecondsMax() async throws {
    try await serving(limits: Self.limits { $0.headerSecondsMax = 1 }) { port in
      let client = try TestClient(port)
      // Bytes keep coming, the head does not end.
      let time = try seconds {
        try client.send("GET / HTTP/1.1\r\nHost: test\r\n")
        for _ in 0..<9 {
          milliseconds(100)
          try client.send("a: b\r\n")
        }
        #expect(try client.answer().status == 408)
      }
      #expect(time > 1 && time < 3)
      #expect(client.readsEnd())
    }
  }

  @Test func bodySecondsMaxAndRate() async throws {
    let limits = Self.limits {
      $0.bodySecondsMax = 1
      $0.bodyBytesPerSecondMin = 1_000
    }
    try await serving(limits: limits) { port in
      let head = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5000\r\n\r\n"
      let slow = try TestClient(port)
      let time = try seconds {
        try slow.send(head + String(repeating: "a", count: 500))
        #expect(try slow.answer().status == 408)
      }
      #expect(time > 1 && time < 3)
      #expect(slow.readsEnd())
      // Longer than a second, but fast enough: 2,000 bytes a second.
      let steady = try TestClient(port)
      try steady.send(head)
      for _ in 0..<25 {
        try steady.send(String(repeating: "a", count: 200))
        milliseconds(100)
      }
      #expect(try steady.answer().status == 200)
    }
  }

  @Test func idleSecondsMax() async throws {
    try await serving(limits: Self.limits { $0.idleSecondsMax = 1 }) { port in
      let silent = try TestClient(port)
      let time = seconds { #expect(silent.readsEnd()) }
      #expect(time > 0.9 && time < 3)
      let kept = try TestClient(port)
      #expect(try kept.get("/").status == 200)
      milliseconds(700)
      #expect(try kept.get("/").status == 200)
      milliseconds(700)
      #expect(try kept.get("/").status == 200)
      #expect(kept.readsEnd())
    }
  }

  @Test func idleClientThatDoesNotReadItsAnswerIsCut() async throws {
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
      HTTPResponse(status: 200, body: .bytes([UInt8](repeating: 1, count: 50_000_000)))
    }
    try await serving(limits: Self.limits { $0.idleSecondsMax = 1 }, handler: handler) { port in
      let client = try TestClient(port, receiveBufferBytes: 65_536)
      try client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
      milliseconds(4_000)
      #expect(throws: ClientError.self) { try client.answer() }
    }
  }

  @Test func requestDeadlineSecondsMax() async throws {
    let gate = Gate()
    let wasCancelled = Mutex(false)
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      guard request.target == "/slow" else { return HTTPResponse(status: 200) }
      if await !gate.pass() { wasCancelled.withLock { $0 = true } }
      return HTTPResponse(status: 200)
    }
    try await serving(limits: Self.limits { $0.requestDeadlineSecondsMax = 1 }, handler: handler) { port in
      let client = try TestClient(port)
      let time = try seconds {
        let answer = try client.get("/slow")
        #expect(answer.status == 503)
        #expect(answer.header("retry-after") != nil)
      }
      #expect(time > 1 && time < 3)
      #expect(client.readsEnd())
      #expect(try TestClient(port).get("/").status == 200)
    }
    #expect(wasCancelled.withLock { $0 })
  }
}
