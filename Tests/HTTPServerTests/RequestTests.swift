import HTTPServer
import Testing

@Suite struct RequestTests {
  @Test(arguments: ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"])
  func methodAndTargetArriveAsSent(method: String) async throws {
    try await serving { port in
      let client = try TestClient(port)
      try client.send("\(method) /Patient?name=a%20b&code=x|y HTTP/1.1\r\nHost: test\r\n\r\n")
      let answer = try client.answer()
      #expect(answer.status == 200)
      #expect(answer.text == "\(method) /Patient?name=a%20b&code=x|y ")
    }
  }

  @Test func headersAreFoundWhateverTheirCaseAndKeepTheirValues() async throws {
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      let found: [String?] = [
        request.header("if-match"), request.header("ACCEPT"), request.header("x-empty"), request.header("absent"),
        request.headers.values("accept").joined(separator: "/"), request.host, request.remoteAddress,
      ]
      return HTTPResponse(
        status: 200, body: .bytes(Array(found.map { $0 ?? "nil" as String }.joined(separator: ";").utf8)))
    }
    try await serving(handler: handler) { port in
      let client = try TestClient(port)
      try client.send(
        "GET / HTTP/1.1\r\nhOST:a.example:8080\r\nIF-Match: \t W/\"3\" \t\r\nAccept: a\r\naccept: b;q=0.5\r\nX-Empty:\r\n\r\n"
      )
      #expect(try client.answer().text == "W/\"3\";a, b;q=0.5;;nil;a/b;q=0.5;a.example:8080;127.0.0.1")
    }
  }

  @Test func absoluteTargetGivesPathAndHost() async throws {
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = {
      HTTPResponse(status: 200, body: .bytes(Array("\($0.target) \($0.host ?? "")".utf8)))
    }
    try await serving(handler: handler) { port in
      let client = try TestClient(port)
      // RFC 9112 §3.2.2: the target's authority, not Host, counts.
      try client.send("GET http://a.example:81/x?y=1 HTTP/1.1\r\nHost: b.example\r\n\r\n")
      #expect(try client.answer().text == "/x?y=1 a.example:81")
      try client.send("GET HTTPS://a.example?y=1 HTTP/1.1\r\nHost: b.example\r\n\r\n")
      #expect(try client.answer().text == "/?y=1 a.example")
      try client.send("OPTIONS * HTTP/1.1\r\nHost: b.example\r\n\r\n")
      #expect(try client.answer().text == "* b.example")
    }
  }

  @Test func connectionIsKeptAndClosedAsAsked() async throws {
    try await serving { port in
      let client = try TestClient(port)
      for number in 0..<5 {
        let answer = try client.get("/\(number)")
        #expect(answer.text == "GET /\(number) ")
        #expect(answer.header("connection") == nil)
      }
      try client.send("GET /last HTTP/1.1\r\nHost: test\r\nConnection: foo, CLOSE\r\n\r\n")
      let last = try client.answer()
      #expect(last.header("connection") == "close")
      #expect(client.readsEnd())
    }
  }

  @Test func http10ClosesUnlessAskedToKeep() async throws {
    try await serving { port in
      let first = try TestClient(port)
      try first.send("GET /a HTTP/1.0\r\n\r\n")
      #expect(try first.answer().text == "GET /a ")
      #expect(first.readsEnd())
      let second = try TestClient(port)
      for path in ["/a", "/b"] {
        try second.send("GET \(path) HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
        let answer = try second.answer()
        #expect(answer.text == "GET \(path) ")
        #expect(answer.header("connection") == "keep-alive")
      }
    }
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
    // Earlier requests take longer than later ones, and some do not wait at all.
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      let number = Int(request.target.dropFirst()) ?? 0
      if number % 3 != 0 { try? await Task.sleep(for: .milliseconds(Swift.max(0, 20 - number))) }
      return await describe(request)
    }
    try await serving(handler: handler) { port in
      let client = try TestClient(port)
      var text = ""
      for number in 0..<50 {
        let body = number % 2 == 0 ? "" : "body \(number)"
        text += "PUT /\(number) HTTP/1.1\r\nHost: test\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
      }
      try client.send(text)
      for number in 0..<50 {
        #expect(try client.answer().text == "PUT /\(number) " + (number % 2 == 0 ? "" : "body \(number)"))
      }
    }
  }

  @Test func requestsSentAheadWaitInTheSocketNotInMemory() async throws {
    let gate = Gate()
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      _ = await gate.pass()
      return HTTPResponse(status: 204)
    }
    try await serving(handler: handler) { port in
      let client = try TestClient(port)
      let request = Array("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 60000\r\n\r\n".utf8)
      let bytes = request + [UInt8](repeating: 0x61, count: 60_000)
      // 64 MB is more than the socket buffers of both ends hold.
      let sent = try client.sendUntilStuck(bytes, max: 64 << 20)
      #expect(sent < 64 << 20)
      #expect(gate.entered == 1)
      gate.open()
      for _ in 0..<sent / bytes.count { #expect(try client.answer().status == 204) }
    }
  }

  @Test(arguments: [1, 2, 7, 1_000])
  func bodyArrivesHoweverItIsCut(step: Int) async throws {
    let body = (0..<3_000).map { UInt8($0 % 251) }
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = {
      HTTPResponse(status: 200, body: .bytes($0.body.bytes))
    }
    try await serving(handler: handler) { port in
      let client = try TestClient(port)
      let bytes = Array("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3000\r\n\r\n".utf8) + body
      for start in stride(from: 0, to: bytes.count, by: step) {
        try client.send(Array(bytes[start..<min(start + step, bytes.count)]))
      }
      #expect(try client.answer().body == body)
    }
  }

  @Test func chunkedBodyIsPutTogether() async throws {
    try await serving { port in
      let client = try TestClient(port)
      let head = "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: Chunked\r\n\r\n"
      // RFC 9112 §7.1: extensions and trailers are read past.
      let body = "4\r\nWiki\r\n6;a=b;c=\"d\"\r\npedia \r\n00E\r\nin \r\n\r\nchunks.\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n"
      try client.send(head + body)
      #expect(try client.answer().text == "POST / Wikipedia in \r\n\r\nchunks.")
      for byte in (head + body).utf8 { try client.send([byte]) }
      #expect(try client.answer().text == "POST / Wikipedia in \r\n\r\nchunks.")
      try client.send(head + "0\r\n\r\n")
      #expect(try client.answer().text == "POST / ")
    }
  }

  @Test func largeBodyArrivesWhole() async throws {
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      let sum = request.body.withUnsafeBytes { $0.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) } }
      return HTTPResponse(status: 200, body: .bytes(Array("\(request.body.count) \(sum)".utf8)))
    }
    try await serving(handler: handler) { port in
      let body = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
      let sum = body.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) }
      let client = try TestClient(port)
      try client.send("PUT / HTTP/1.1\r\nHost: test\r\nContent-Length: \(body.count)\r\n\r\n")
      try client.send(body)
      #expect(try client.answer().text == "5000000 \(sum)")
    }
  }

  @Test func expectContinueIsMet() async throws {
    try await serving { port in
      let client = try TestClient(port)
      try client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n")
      #expect(try client.answer().status == 100)
      try client.send("abc")
      #expect(try client.answer().text == "POST / abc")
      // HTTP/1.0 expectations are ignored (RFC 9110 §10.1.1).
      try client.send(
        "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc")
      #expect(try client.answer().status == 200)
      try client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nExpect: 200-ok\r\n\r\n")
      #expect(try client.answer().status == 417)
      #expect(client.readsEnd())
    }
  }

  @Test func emptyLinesBeforeARequestAreIgnored() async throws {
    try await serving { port in
      let client = try TestClient(port)
      try client.send("\r\n\r\nGET /a HTTP/1.1\r\nHost: test\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: test\r\n\r\n")
      #expect(try client.answer().text == "GET /a ")
      #expect(try client.answer().text == "GET /b ")
    }
  }
}
