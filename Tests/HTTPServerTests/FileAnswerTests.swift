import Base
import Glibc
import HTTPServer
import Testing

/// Streamed answers with ranges of files.
@Suite struct FileAnswerTests {
  /// A file without a name, gone with this.
  final class Scratch: Sendable {
    let descriptor: Int32
    let bytes: [UInt8]

    init(_ count: Int) {
      bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 7) }
      var template = Array("/tmp/aceso-file-XXXXXX".utf8CString)
      descriptor = mkstemp(&template)
      unlink(&template)
      var written = 0
      while written < bytes.count {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, $0.count - written) }
        guard count > 0 else { break }
        written += count
      }
    }

    deinit { close(descriptor) }

    var file: HTTPFile { HTTPFile(descriptor: descriptor, owner: self) }
  }

  @Test func rangesArriveBetweenBytes() async throws {
    let scratch = Scratch(5_000_000)
    let ranges = [0..<10, 100..<100, 1_000..<3_500_000, 4_999_999..<5_000_000]
    let expected = ranges.flatMap { Array("|".utf8) + scratch.bytes[$0] }
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      HTTPResponse(
        status: 200,
        body: .stream(count: request.target == "/counted" ? expected.count : nil) { writer in
          for range in ranges {
            try await writer.write(Array("|".utf8))
            try await writer.write(scratch.file, range)
          }
        })
    }
    try await serving(handler: handler) { port in
      let client = try TestClient(port)
      for path in ["/counted", "/chunked", "/counted"] {
        let answer = try client.get(path)
        #expect(answer.body == expected, "\(path)")
        #expect((answer.header("content-length") == nil) == (path == "/chunked"))
      }
      // HEAD: the same length, and no body.
      try client.send("HEAD /counted HTTP/1.1\r\nHost: test\r\n\r\n")
      #expect(try client.answer(toHead: true).header("content-length") == "\(expected.count)")
      #expect(try client.get("/counted").body.count == expected.count)
    }
  }

  @Test func oneFileForManyClientsOnTwoEventLoops() async throws {
    let scratch = Scratch(2_000_000)
    let file = scratch.file
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
      HTTPResponse(
        status: 200, body: .stream(count: 2_000_000) { writer in try await writer.write(file, 0..<2_000_000) })
    }
    try await serving(eventLoops: 2, handler: handler) { port in
      let clients = try (0..<20).map { _ in try TestClient(port) }
      for client in clients { try client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n") }
      for client in clients { #expect(try client.answer().body == scratch.bytes) }
    }
  }

  @Test func rangeBeyondTheFileCutsTheAnswer() async throws {
    let scratch = Scratch(1_000)
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      let end = request.target == "/fits" ? 1_000 : 1_001
      return HTTPResponse(
        status: 200, body: .stream(count: end) { writer in try await writer.write(scratch.file, 0..<end) })
    }
    try await serving(handler: handler) { port in
      #expect(try TestClient(port).get("/fits").body == scratch.bytes)
      let client = try TestClient(port)
      try client.send("GET /beyond HTTP/1.1\r\nHost: test\r\n\r\n")
      #expect(throws: ClientError.self) { try client.answer() }
    }
  }

  @Test func clientThatTakesNothingIsCut() async throws {
    let scratch = Scratch(50_000_000)
    let failed = Gate()
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
      HTTPResponse(
        status: 200,
        body: .stream(count: 50_000_000) { writer in
          do { try await writer.write(scratch.file, 0..<50_000_000) } catch {
            failed.enter()
            throw error
          }
        })
    }
    var limits = Limits()
    limits.idleSecondsMax = 1
    try await serving(limits: limits, handler: handler) { port in
      // One that takes a little now and then gets it all.
      let slow = try TestClient(port, receiveBufferBytes: 65_536)
      try slow.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
      let stuck = try TestClient(port, receiveBufferBytes: 65_536)
      try stuck.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
      #expect(try slow.answer().body.count == 50_000_000)
      milliseconds(4_000)
      #expect(failed.entered == 1)
      #expect(throws: ClientError.self) { try stuck.answer() }
    }
  }
}
