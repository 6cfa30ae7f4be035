import Base
import JSONCore
import Testing

/// Bodies that are too large, too deep, not JSON or not what the path asks for.
@Suite struct BodyTests {
  /// The reader is told where: line and column.
  @Test func malformedJSONIsToldWithItsPlace() async throws {
    try await LiveServer.run { live in
      let reply = try await live.send("POST", "/Patient", "{\"resourceType\":\"Patient\",\n  \"active\": tru }")
      let (code, diagnostics) = try reply.outcome()
      #expect(reply.status == 400)
      #expect(code == "structure")
      #expect(diagnostics.contains("line 2, column 13"))
    }
  }

  @Test(arguments: [
    "", " ", "{", "[]", "null", "\"Patient\"", "{}", #"{"resourceType":7}"#, #"{"resourceType":"Nobody"}"#,
    #"{"resourceType":"Observation","status":"final","code":{"text":"x"}}"#,
    #"{"resourceType":"Patient","resourceType":"Patient"}"#, #"{"resourceType":"Patient"} x"#,
    #"{"resourceType":"Patient","active":"yes"}"#, #"{"resourceType":"Patient","nothing":1}"#,
    "{\"resourceType\":\"Patient\",\"id\":\"\u{1}\"}",
  ])
  func whatIsNoPatientIs400(body: String) async throws {
    try await LiveServer.run { live in
      let reply = try await live.send("POST", "/Patient", body)
      #expect(reply.status == 400)
      #expect(try !reply.outcome().diagnostics.isEmpty)
    }
  }

  @Test func invalidUTF8Is400() async throws {
    try await LiveServer.run { live in
      let body = Array(#"{"resourceType":"Patient","language":""#.utf8) + [0xC3, 0x28] + Array("\"}".utf8)
      let head =
        "POST \(LiveServer.path)/Patient HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        + "Content-Type: application/fhir+json\r\nContent-Length: \(body.count)\r\n\r\n"
      let reply = try Reply(try await live.raw(Array(head.utf8) + body))
      #expect(reply.status == 400)
      #expect(try reply.outcome().code == "structure")
    }
  }

  /// At the limit and one past it.
  @Test func aBodyIsLimited() async throws {
    var limits = Limits()
    limits.bodyBytesMax = 1_000
    try await LiveServer.run(limits: limits) { live in
      let empty = #"{"resourceType":"Patient","language":""}"#
      func body(_ count: Int) -> String {
        #"{"resourceType":"Patient"}"# + String(repeating: " ", count: count - 26)
      }
      #expect(!empty.isEmpty)
      #expect(try await live.send("POST", "/Patient", body(1_000)).status == 201)
      let over = try await live.send("POST", "/Patient", body(1_001))
      #expect(over.status == 413)
      #expect(try over.outcome().code == "too-long")
      #expect(over.header("x-content-type-options") == "nosniff")
      #expect(over.header("x-request-id")?.isEmpty == false)
      #expect(over.header("content-type") == "application/fhir+json; charset=utf-8")
    }
  }

  @Test func depthIsLimited() async throws {
    var limits = Limits()
    limits.jsonDepthMax = 20
    try await LiveServer.run(limits: limits) { live in
      let deep = String(repeating: "[", count: 21) + String(repeating: "]", count: 21)
      let reply = try await live.send("POST", "/Patient", deep)
      #expect(reply.status == 400)
      #expect(try reply.outcome().diagnostics.contains("nested too deeply"))
    }
  }

  /// Refused by the transport, told by the edge.
  @Test func headsAreLimited() async throws {
    var limits = Limits()
    limits.targetBytesMax = 200
    limits.headerBytesMax = 2_000
    try await LiveServer.run(limits: limits) { live in
      let long = try await live.ask("GET", "/Patient?name=" + String(repeating: "a", count: 300))
      #expect(long.status == 414)
      #expect(try long.outcome().code == "too-long")
      let wide = try await live.ask("GET", "/Patient", ["X-A": String(repeating: "a", count: 3_000)])
      #expect(wide.status == 431)
      #expect(try wide.outcome().code == "too-long")
    }
  }

  /// A body past what the event loop takes by itself goes another way to the same end.
  @Test func aLargeBodyIsStoredWhole() async throws {
    try await LiveServer.run { live in
      let text = String(repeating: "0123456789", count: 20_000)
      let reply = try await live.send("POST", "/Basic", #"{"resourceType":"Basic","code":{"text":"\#(text)"}}"#)
      #expect(reply.status == 201)
      let read = try await live.ask("GET", "/Basic/\(try reply.id())")
      #expect(read.body == reply.body)
      #expect(try read.json()["code"]?["text"]?.string == text)
    }
  }

  @Test func anUnwantedBodyDoesNoHarm() async throws {
    try await LiveServer.run { live in
      let read = try await live.ask("GET", "/Patient", body: "{{{")
      #expect(read.status == 200)
      let deleted = try await live.ask("DELETE", "/Patient/x", body: "{{{")
      #expect(deleted.status == 204)
    }
  }
}
