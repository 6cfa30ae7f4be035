import HTTPServer
import Testing

/// Requests that are not HTTP, or that two readers could take for different requests.
@Suite struct RefusalTests {
  static let malformed: [(name: String, request: String, status: Int)] = [
    ("no HTTP at all", "\u{16}\u{3}\u{1}\r\n\r\n", 400),
    ("no version", "GET /\r\n\r\n", 400),
    ("bad version", "GET / HTTX/1.1\r\nHost: a\r\n\r\n", 400),
    ("two spaces before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("UTF-8 in the target", "GET /ä HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("target without slash", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("authority form", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("absolute form without host", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    ("lines end in LF", "GET / HTTP/1.1\nHost: a\n\n", 400),
    ("one line ends in LF", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    ("CR inside a value", "GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n", 400),
    ("NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: b\u{0}\r\n\r\n", 400),
    ("no Host", "GET / HTTP/1.1\r\n\r\n", 400),
    ("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("path in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("two words in Host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("user in the target", "GET http://u@a/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("field without colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400),
    ("field without name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
    ("space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc", 400),
    ("folded field", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400),
    ("length and coding", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("coding and length", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400),
    ("two different lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
    ("two equal lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 400),
    ("list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", 400),
    ("signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", 400),
    ("empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
    ("overflowing length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\n", 413),
    ("tab after a length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\t\r\n\r\nabc", 400),
    ("tab after a coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n", 501),
    ("unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
    ("coding with a trick", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
    (
      "two codings", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
      400
    ),
    ("coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunk size not a number", chunked("x\r\n"), 400),
    ("chunk size empty", chunked("\r\n"), 400),
    ("chunk size signed", chunked("+3\r\nabc\r\n0\r\n\r\n"), 400),
    ("chunk size with 0x", chunked("0x3\r\nabc\r\n0\r\n\r\n"), 400),
    ("chunk size with space", chunked("3 \r\nabc\r\n0\r\n\r\n"), 400),
    ("chunk size of 16 digits", chunked("0000000000000003\r\nabc\r\n0\r\n\r\n"), 400),
    ("chunk size line ends in LF", chunked("3\nabc\r\n0\r\n\r\n"), 400),
    ("chunk longer than its size", chunked("3\r\nabcd\r\n0\r\n\r\n"), 400),
    ("chunk ends in LF", chunked("3\r\nabc\n0\r\n\r\n"), 400),
    ("LF in an extension", chunked("3;a\nabc\r\n0\r\n\r\n"), 400),
    ("LF in a trailer", chunked("0\r\nX: a\nY: b\r\n\r\n"), 400),
    ("trailer without colon", chunked("0\r\nX\r\n\r\n"), 400),
    ("length in a trailer", chunked("0\r\nContent-Length: 3\r\n\r\n"), 400),
    ("huge chunk", chunked("7fffffffffffff\r\n"), 413),
  ]

  static func chunked(_ body: String) -> String {
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
  }

  @Test func malformedRequestsAreRefusedAndTheConnectionClosed() async throws {
    try await serving { port in
      for (name, request, status) in Self.malformed {
        let client = try TestClient(port)
        // What follows must not be taken for a request.
        try client.send(request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.status == status, "\(name): \(answer.text)")
        #expect(answer.header("connection") == "close", "\(name)")
        #expect(client.readsEnd(), "\(name)")
      }
    }
  }

  @Test func refusalsAreRenderedByTheOwner() async throws {
    let server = HTTPServer(
      host: "127.0.0.1", port: 0, eventLoops: 1,
      errorBody: { status, diagnostics in
        HTTPResponse(
          status: 200, headers: [("Content-Type", "application/fhir+json")],
          body: .bytes(Array("{\(status) \(diagnostics)}".utf8)))
      }, handler: describe)
    let port = try await server.start().port
    try await onClientThread {
      let client = try TestClient(port)
      let answer = try client.get("no-slash")
      #expect(answer.status == 400)
      #expect(answer.header("content-type") == "application/fhir+json")
      #expect(answer.text == "{400 The request target must be a path, or an absolute http or https URL.}")
    }
    await server.shutdown()
  }

  @Test func commonFieldsStandInEveryAnswer() async throws {
    let server = HTTPServer(
      host: "127.0.0.1", port: 0, eventLoops: 1,
      commonFields: [("X-A", "b"), ("X-Split", "c\r\nX-D: e"), ("Content-Length", "7")], handler: describe)
    let port = try await server.start().port
    try await onClientThread {
      for target in ["/good", "no-slash"] {
        let answer = try TestClient(port).get(target)
        #expect(answer.status == (target == "/good" ? 200 : 400))
        #expect(answer.header("x-a") == "b")
        #expect(answer.header("x-split") == "c  X-D: e")
        #expect(answer.header("x-d") == nil)
        #expect(answer.headers.count { $0.lowercased().hasPrefix("content-length") } == 1)
        #expect(answer.header("date") != nil)
      }
    }
    await server.shutdown()
  }

  @Test func goodRequestsBeforeABadOneAreAnswered() async throws {
    try await serving { port in
      let client = try TestClient(port)
      try client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\nbad\r\n\r\n")
      #expect(try client.answer().text == "GET /a ")
      #expect(try client.answer().text == "GET /b ")
      #expect(try client.answer().status == 400)
      #expect(client.readsEnd())
    }
  }
}
