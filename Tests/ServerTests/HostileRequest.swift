import Testing

/// A request of bytes that no honest client would send, and what must be true of the answer: a 4xx OperationOutcome
/// within the time the wire allows, and a server that goes on.
struct HostileRequest: Sendable, CustomTestStringConvertible {
  let what: String
  let method: String
  let path: String
  /// Whole header lines, so that one may stand there twice.
  let headers: [String]
  let body: [UInt8]
  var allowed: ClosedRange<Int> = 400...499
  var testDescription: String { what }

  static let json = "Content-Type: application/fhir+json"
  static let xml = "Content-Type: application/fhir+xml"

  init(
    _ what: String, _ method: String = "POST", _ path: String = "/Patient", headers: [String] = [Self.json],
    body: [UInt8], allowed: ClosedRange<Int> = 400...499
  ) {
    self.what = what
    self.method = method
    self.path = path
    self.headers = headers
    self.body = body
    self.allowed = allowed
  }

  init(
    _ what: String, _ method: String = "POST", _ path: String = "/Patient", headers: [String] = [Self.json],
    text: String, allowed: ClosedRange<Int> = 400...499
  ) {
    self.init(what, method, path, headers: headers, body: Array(text.utf8), allowed: allowed)
  }

  @discardableResult
  func send(to live: LiveServer) async throws -> Reply {
    var head = "\(method) \(LiveServer.path)\(path) HTTP/1.1\r\nHost: 127.0.0.1:\(live.port)\r\nConnection: close\r\n"
    for line in headers { head += line + "\r\n" }
    if !headers.contains(where: { $0.lowercased().hasPrefix("content-length") }) {
      head += "Content-Length: \(body.count)\r\n"
    }
    let reply = try Reply(try await live.raw(Array((head + "\r\n").utf8) + body))
    BodyArchive.keep(reply)
    return reply
  }

  /// Sends it, checks the answer, and asks something simple afterwards.
  func check(_ live: LiveServer) async throws {
    let reply = try await send(to: live)
    #expect(allowed.contains(reply.status), "\(what): \(reply.status) \(reply.text.prefix(300))")
    if reply.status >= 400 {
      let form: Form = reply.header("content-type")?.contains("xml") == true ? .xml : .json
      let outcome = try FormReply(reply, form).element()
      #expect(outcome.type == "OperationOutcome", "\(what)")
      #expect(outcome.text("issue.diagnostics")?.isEmpty == false, "\(what)")
      // What came is not sent back as markup or at length.
      #expect(reply.body.count < 100_000, "\(what)")
      #expect(!reply.text.contains("root:"), "\(what)")
    }
    #expect(try await live.ask("GET", "/Patient/none").status == 404, "\(what)")
  }
}
