import Base
import Glibc
import HTTPServer
import Synchronization
import Testing

/// Bodies that the handler reads while they arrive.
@Suite struct StreamedBodyTests {
  static let mebibyte = 1024 * 1024

  /// Every body is streamed, up to this.
  static func upTo(_ bytesMax: Int) -> HTTPServer.StreamedBodies { { _, _, _ in bytesMax } }

  /// Reads the body to its end and tells its length and sum; an error as its status.
  static let sum: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
    guard let stream = request.stream else {
      return HTTPResponse(status: 200, body: .bytes(Array("whole \(request.body.count)".utf8)))
    }
    var count = 0
    var sum: UInt64 = 0
    do throws(HTTPBodyError) {
      while let piece = try await stream.next() {
        count += piece.count
        for byte in piece { sum = sum &* 31 &+ UInt64(byte) }
      }
    } catch {
      return HTTPResponse(status: error.status, body: .bytes(Array(error.diagnostics.utf8)))
    }
    return HTTPResponse(status: 200, body: .bytes(Array("\(count) \(sum)".utf8)))
  }

  /// As `sum`, without looking at the bytes.
  static let count: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
    var count = 0
    do throws(HTTPBodyError) {
      while let piece = try await request.stream?.next() { count += piece.count }
    } catch {
      return HTTPResponse(status: error.status, body: .bytes(Array(error.diagnostics.utf8)))
    }
    return HTTPResponse(status: 200, body: .bytes(Array("\(count)".utf8)))
  }

  static func expected(_ bytes: [UInt8]) -> String {
    "\(bytes.count) \(bytes.reduce(UInt64(0)) { $0 &* 31 &+ UInt64($1) })"
  }

  static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) } }

  static func chunked(_ bytes: [UInt8], by size: Int) -> [UInt8] {
    var result: [UInt8] = []
    var start = 0
    while start < bytes.count {
      let end = min(bytes.count, start + size)
      result += Array("\(String(end - start, radix: 16))\r\n".utf8) + bytes[start..<end] + [13, 10]
      start = end
    }
    return result + Array("0\r\n\r\n".utf8)
  }

  @Test func countedBodiesArriveWhole() async throws {
    try await serving(streaming: Self.upTo(100 * Self.mebibyte), handler: Self.sum) { port in
      let client = try TestClient(port)
      for count in [1, 100, 65_536, 65_537, 3_000_000] {
        let body = Self.bytes(count)
        try client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: \(count)\r\n\r\n")
        try client.send(body)
        #expect(try client.answer().text == Self.expected(body))
      }
      // No body, no stream.
      try client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n")
      #expect(try client.answer().text == "whole 0")
    }
  }

  @Test func chunkedBodiesArriveWhole() async throws {
    try await serving(streaming: Self.upTo(100 * Self.mebibyte), handler: Self.sum) { port in
      let client = try TestClient(port)
      for (count, size) in [(1, 1), (5_000, 1), (300_000, 7_000), (3_000_000, 1_000_000)] {
        let body = Self.bytes(count)
        try client.send("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
        try client.send(Self.chunked(body, by: size))
        #expect(try client.answer().text == Self.expected(body))
      }
    }
  }

  @Test func bodiesArriveWholeByteByByte() async throws {
    try await serving(streaming: Self.upTo(1_000), handler: Self.sum) { port in
      let client = try TestClient(port)
      let body = Self.bytes(40)
      let counted = Array("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 40\r\n\r\n".utf8) + body
      let chunked =
        Array("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n".utf8) + Self.chunked(body, by: 9)
      for request in [counted, chunked] {
        for byte in request {
          try client.send([byte])
          usleep(500)
        }
        #expect(try client.answer().text == Self.expected(body))
      }
    }
  }

  @Test func requestsSentAheadKeepTheirOrder() async throws {
    try await serving(streaming: Self.upTo(Self.mebibyte), handler: Self.sum) { port in
      let client = try TestClient(port)
      var all: [UInt8] = []
      let bodies = (1...20).map { Self.bytes($0 * 1_000) }
      for (number, body) in bodies.enumerated() {
        let isChunked = number % 2 == 1
        let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(body.count)"
        all += Array("POST / HTTP/1.1\r\nHost: test\r\n\(framing)\r\n\r\n".utf8)
        all += isChunked ? Self.chunked(body, by: 300) : body
      }
      try client.send(all)
      for body in bodies { #expect(try client.answer().text == Self.expected(body)) }
    }
  }

  @Test func onlyTheChosenAreStreamed() async throws {
    let streaming: HTTPServer.StreamedBodies = { method, target, headers in
      method == .post && target.hasPrefix("/stream") && headers["x-stream"] == "yes" ? 100 : nil
    }
    try await serving(streaming: streaming, handler: Self.sum) { port in
      let client = try TestClient(port)
      let body = "Host: test\r\nContent-Length: 3\r\nX-Stream: yes\r\n\r\nabc"
      try client.send("POST /stream/1 HTTP/1.1\r\n" + body)
      #expect(try client.answer().text == Self.expected(Array("abc".utf8)))
      for start in ["POST /other", "PUT /stream/1"] {
        try client.send(start + " HTTP/1.1\r\n" + body)
        #expect(try client.answer().text == "whole 3")
      }
    }
  }

  @Test func bodyBytesMax() async throws {
    try await serving(streaming: Self.upTo(1_000), handler: Self.sum) { port in
      let head = "POST / HTTP/1.1\r\nHost: test\r\n"
      let client = try TestClient(port)
      try client.send(head + "Content-Length: 1000\r\n\r\n" + String(repeating: "a", count: 1_000))
      #expect(try client.answer().text.hasPrefix("1000 "))
      try client.send(head + "Transfer-Encoding: chunked\r\n\r\n")
      try client.send(Self.chunked(Self.bytes(1_000), by: 500))
      #expect(try client.answer().text.hasPrefix("1000 "))
      try client.send(head + "Transfer-Encoding: chunked\r\n\r\n")
      try client.send(Self.chunked(Self.bytes(1_001), by: 500))
      #expect(try client.answer().status == 413)
      #expect(client.readsEnd())
      // Refused by its head: the client is not asked to go on.
      let announced = try TestClient(port)
      try announced.send(head + "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
      #expect(try announced.answer().status == 413)
      #expect(announced.readsEnd())
    }
  }

  @Test func continueIsSentWhenTheHandlerReads() async throws {
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      request.target == "/no" ? HTTPResponse(status: 404) : await Self.sum(request)
    }
    try await serving(streaming: Self.upTo(1_000), handler: handler) { port in
      let fields = "Host: test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
      let client = try TestClient(port)
      try client.send("POST /yes HTTP/1.1\r\n" + fields)
      #expect(try client.answer().status == 100)
      try client.send("abc")
      #expect(try client.answer().text == Self.expected(Array("abc".utf8)))
      try client.send("POST /no HTTP/1.1\r\n" + fields)
      #expect(try client.answer().status == 404)
      #expect(client.readsEnd())
    }
  }

  @Test func earlyAnswerReachesAClientThatIsStillSending() async throws {
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      if request.target == "/one" { _ = try? await request.stream?.next() }
      return HTTPResponse(status: 415, body: .bytes(Array("no".utf8)))
    }
    try await serving(streaming: Self.upTo(1 << 30), handler: handler) { port in
      for path in ["/none", "/one"] {
        let client = try TestClient(port)
        try client.send("POST \(path) HTTP/1.1\r\nHost: test\r\nContent-Length: 20000000\r\n\r\n")
        for _ in 0..<200 { try client.send([UInt8](repeating: 0x61, count: 100_000)) }
        let answer = try client.answer()
        #expect(answer.status == 415)
        #expect(answer.header("connection") == "close")
        #expect(client.readsEnd())
      }
      // All of it is here: the connection goes on, and what follows is taken for a request only.
      let client = try TestClient(port)
      try client.send("POST /none HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nabcde")
      #expect(try client.answer().header("connection") == nil)
      #expect(try client.get("/none").status == 415)
    }
  }

  @Test func readingBehindTheAnswerFails() async throws {
    let early = Mutex<HTTPBodyStream?>(nil)
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      if let stream = early.withLock({ $0 }) {
        do throws(HTTPBodyError) { _ = try await stream.next() } catch { return HTTPResponse(status: error.status) }
      }
      early.withLock { $0 = request.stream }
      return HTTPResponse(status: 200)
    }
    try await serving(streaming: Self.upTo(1_000), handler: handler) { port in
      let client = try TestClient(port)
      for status in [200, 400] {
        try client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nabcde")
        #expect(try client.answer().status == status)
      }
    }
  }

  @Test func malformedChunksEndTheBody() async throws {
    try await serving(streaming: Self.upTo(1_000), handler: Self.sum) { port in
      let client = try TestClient(port)
      try client.send("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n")
      #expect(try client.answer().status == 400)
      #expect(client.readsEnd())
    }
  }

  @Test func clientThatStopsSendingIsTold() async throws {
    try await serving(streaming: Self.upTo(1_000), handler: Self.sum) { port in
      for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let client = try TestClient(port)
        try client.send("POST / HTTP/1.1\r\nHost: test\r\n\(framing)\r\n\r\n10\r\n")
        client.endSending()
        #expect(try client.answer().status == 400)
      }
    }
  }

  @Test func handlerHearsThatTheClientIsGone() async throws {
    let ended = Gate()
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      let response = await Self.sum(request)
      ended.enter()
      return response
    }
    try await serving(streaming: Self.upTo(1_000), handler: handler) { port in
      do {
        let client = try TestClient(port)
        try client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nabc")
        milliseconds(50)
      }
      let time = seconds { while ended.entered == 0 { milliseconds(2) } }
      #expect(time < 2)
    }
  }

  @Test func silentAndSlowClientsAreRefused() async throws {
    var limits = Limits()
    limits.bodySecondsMax = 1
    limits.bodyBytesPerSecondMin = 1_000
    limits.idleSecondsMax = 2
    try await serving(limits: limits, streaming: Self.upTo(1 << 30), handler: Self.count) { port in
      let head = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5000000\r\n\r\n"
      // Too little from the start.
      let slow = try TestClient(port)
      let slowTime = try seconds {
        try slow.send(head + String(repeating: "a", count: 500))
        #expect(try slow.answer().status == 408)
      }
      #expect(slowTime > 1 && slowTime < 6)
      #expect(slow.readsEnd())
      // A little now and then, so that nobody ever waits long.
      let trickling = try TestClient(port)
      try trickling.send(head)
      for _ in 0..<40 where !trickling.hasAnswer {
        try trickling.send("a")
        milliseconds(100)
      }
      #expect(try trickling.answer().status == 408)
      // Much at first, so that its rate would do for an hour, then nothing.
      let silent = try TestClient(port)
      let silentTime = try seconds {
        try silent.send(head)
        try silent.send([UInt8](repeating: 0x61, count: 4_000_000))
        #expect(try silent.answer().status == 408)
      }
      #expect(silentTime > 1.9 && silentTime < 8)
      // Longer than a second, but fast enough.
      let steady = try TestClient(port)
      try steady.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5000\r\n\r\n")
      for _ in 0..<25 {
        try steady.send(String(repeating: "a", count: 200))
        milliseconds(100)
      }
      #expect(try steady.answer().status == 200)
    }
  }

  @Test func timeThatTheHandlerTakesIsNotTheClients() async throws {
    var limits = Limits()
    limits.bodySecondsMax = 1
    limits.idleSecondsMax = 1
    limits.bodyBytesPerSecondMin = 1_000_000
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      try? await Task.sleep(for: .milliseconds(2_500))
      return await Self.sum(request)
    }
    try await serving(limits: limits, streaming: Self.upTo(1_000), handler: handler) { port in
      let client = try TestClient(port)
      try client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nab")
      milliseconds(2_600)
      try client.send("cde")
      #expect(try client.answer().text == Self.expected(Array("abcde".utf8)))
    }
  }

  @Test func handlerThatNeitherReadsNorAnswersIsGivenUp() async throws {
    var limits = Limits()
    limits.requestDeadlineSecondsMax = 1
    let gate = Gate()
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
      _ = await gate.pass()
      return HTTPResponse(status: 200)
    }
    try await serving(limits: limits, streaming: Self.upTo(1 << 30), handler: handler) { port in
      let client = try TestClient(port)
      try client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 500\r\n\r\nabc")
      #expect(try client.answer().status == 503)
      #expect(client.readsEnd())
    }
  }

  @Test func socketIsNotReadFasterThanTheHandler() async throws {
    let gate = Gate()
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      _ = try? await request.stream?.next()
      _ = await gate.pass()
      return await Self.count(request)
    }
    try await serving(streaming: Self.upTo(1 << 30), handler: handler) { port in
      let client = try TestClient(port)
      let size = 200 * Self.mebibyte
      try client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: \(size)\r\n\r\n")
      let block = [UInt8](repeating: 1, count: Self.mebibyte)
      let taken = try client.sendUntilStuck(block, max: size)
      // What the system's socket buffers hold, and little more.
      #expect(taken < 40 * Self.mebibyte, "\(taken)")
      gate.open()
      var left = size - taken
      while left > 0 {
        let count = min(left, block.count)
        try client.send(Array(block[..<count]))
        left -= count
      }
      #expect(try client.answer().status == 200)
    }
  }

  @Test func bodyBytesInFlightMaxCountsAWindowOfEach() async throws {
    var limits = Limits()
    limits.bodyBytesInFlightMax = 600 * 1024
    let gate = Gate()
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      if request.target == "/hold" { _ = await gate.pass() }
      return await Self.sum(request)
    }
    try await serving(limits: limits, streaming: Self.upTo(1 << 30), handler: handler) { port in
      var holders: [TestClient] = []
      for number in 1...2 {
        let client = try TestClient(port)
        try client.send("POST /hold HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n")
        while gate.entered < number { milliseconds(2) }
        holders.append(client)
      }
      let third = try TestClient(port)
      try third.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n")
      #expect(try third.answer().status == 503)
      gate.open()
      for client in holders {
        try client.send([UInt8](repeating: 1, count: 1_000_000))
        #expect(try client.answer().status == 200)
      }
    }
  }

  /// A hundred uploads at once, side by side, need no more memory than their windows.
  @Test func hundredLargeBodiesTakeLittleMemory() async throws {
    let clients = 100
    let size = 16 * Self.mebibyte
    let peak = Mutex(0)
    try await serving(eventLoops: 2, streaming: Self.upTo(1 << 30), handler: Self.count) { port in
      let block = [UInt8](repeating: 3, count: 256 * 1024)
      let all = try (0..<clients).map { _ in try TestClient(port) }
      for client in all { try client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: \(size)\r\n\r\n") }
      let before = residentBytes()
      for _ in 0..<size / block.count {
        for client in all { try client.send(block) }
        peak.withLock { $0 = max($0, residentBytes() - before) }
      }
      for client in all { #expect(try client.answer().text == "\(size)") }
    }
    let used = peak.withLock { $0 }
    print("\(clients) bodies of \(size / Self.mebibyte) MiB at once: \(used / Self.mebibyte) MiB more memory")
    // Tests that run at the same time are in the figure: alone, it is about 30 MiB.
    #expect(used < clients * size / 4)
  }
}

/// This process's resident memory (proc(5), statm).
func residentBytes() -> Int {
  let file = open("/proc/self/statm", O_RDONLY)
  defer { close(file) }
  var text = [UInt8](repeating: 0, count: 128)
  let count = read(file, &text, text.count)
  let fields = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
  return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
}
