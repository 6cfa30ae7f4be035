import Base
import FoundationEssentials
import JSONCore
import Server
import Testing

/// What is written down of every access.
@Suite struct AuditTests {
  private func run(_ body: (LiveServer, String) async throws -> Void) async throws {
    let path = FileManager.default.temporaryDirectory.path + "/aceso-audit-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await LiveServer.run(access: TestIssuer.access(), audit: AuditLog(path: path)) { live in
      try await live.put(AccessData.json)
      try await body(live, path)
    }
  }

  private func lines(_ path: String) throws -> [JSONValue] {
    try Self.text(path).split(separator: "\n").map { try JSONDocument(String($0)).value }
  }

  private static func text(_ path: String) throws -> String {
    String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
  }

  @Test func everyAccessHasALineWithItsName() async throws {
    try await run { live, path in
      let token = try TestIssuer.token { $0.roles = ["FHIR Data Contributor"] }
      let observation = AccessData.items[2].with(id: "new").json()
      let requests: [(String, String, String?, String, Int)] = [
        ("GET", "/Patient/p1", nil, "read", 200), ("GET", "/Patient/p1/_history/1", nil, "vread", 200),
        ("POST", "/Observation", observation, "create", 201), ("PUT", "/Observation/new", observation, "update", 201),
        ("PUT", "/Observation?_id=new", observation, "conditional-update", 200),
        ("DELETE", "/Observation/new", nil, "delete", 204),
        ("DELETE", "/Observation?_id=new", nil, "conditional-delete", 204),
        ("GET", "/Patient/p1/_history", nil, "history-instance", 200),
        ("GET", "/Patient/_history", nil, "history-type", 200),
        ("GET", "/_history", nil, "history-system", 200), ("GET", "/Patient?name=a", nil, "search-type", 200),
        ("GET", "/?_id=p1", nil, "search-system", 200), ("GET", "/Patient/p1/Observation", nil, "search", 200),
        ("GET", "/Patient/p1/$everything", nil, "everything", 200), ("GET", "/Patient/none", nil, "read", 404),
      ]
      for (method, target, body, _, status) in requests {
        #expect(try await live.ask(method, target, token: token, body: body).status == status, "\(method) \(target)")
      }
      _ = try await live.ask("GET", "/Patient/p1")
      _ = try await live.ask("GET", "/metadata")
      _ = try await live.ask("GET", "/$versions")
      let written = try lines(path)
      #expect(written.map { $0["action"]?.string } == requests.map(\.3) + ["read"])
      #expect(written.map { $0["status"]?.integer } == requests.map(\.4) + [401])
      let first = written[0]
      #expect(first["resourceType"]?.string == "Patient")
      #expect(first["resourceId"]?.string == "p1")
      #expect(first["patient"]?.string == "p1")
      #expect(first["outcome"]?.string == "success")
      #expect(first["from"]?.string == "127.0.0.1")
      #expect(first["workspace"]?.string == "default")
      #expect(first["service"]?.string == "fhir")
      #expect(first["caller"]?["subject"]?.string == "user-1")
      #expect(first["caller"]?["client"]?.string == "app-1")
      #expect(first["caller"]?["issuer"]?.string == TestIssuer.url)
      #expect(first["caller"]?["roles"]?.elements.map(\.string) == ["FHIR Data Contributor"])
      #expect(written.last?["caller"]?.kind == .null)
      #expect(written.last?["outcome"]?.string == "failure")
      // Nothing that resources say, and nothing that was searched for.
      #expect(try !Self.text(path).contains("name"))
      #expect(try !Self.text(path).contains("eyJ"))
      #expect(try AuditChain.verify(path: path).flaw == nil)
    }
  }

  @Test func theCorrelationIDIsTheAnswers() async throws {
    try await run { live, path in
      let reply = try await live.ask("GET", "/Patient/p1", token: TestIssuer.token { $0.roles = ["globalReader"] })
      #expect(try lines(path).last?["correlationId"]?.string == reply.header("x-request-id"))
    }
  }

  @Test func entriesOfBundlesHaveLines() async throws {
    try await run { live, path in
      let token = try TestIssuer.app("patient/*.cruds")
      let batch = #"""
        {"resourceType":"Bundle","type":"batch","entry":[
          {"request":{"method":"GET","url":"Patient/p1"}},{"request":{"method":"GET","url":"Patient/p2"}},
          {"request":{"method":"DELETE","url":"Observation/o1-lab"}},{"request":{"method":"POST","url":"$reindex"}}]}
        """#
      #expect(try await live.ask("POST", "", token: token, body: batch).status == 200)
      var written = try lines(path)
      #expect(written[0]["action"]?.string == "batch")
      #expect(Set(written.dropFirst().compactMap { line in line["action"]?.string }) == ["read", "delete"])
      #expect(written.dropFirst().compactMap { $0["status"]?.integer }.sorted() == [200, 204, 404])
      #expect(Set(written.compactMap { $0["correlationId"]?.string }).count == 1)
      let transaction = #"""
        {"resourceType":"Bundle","type":"transaction","entry":[
          {"request":{"method":"DELETE","url":"Observation/o1-vital"}},
          {"request":{"method":"PUT","url":"Patient/p2"},"resource":{"resourceType":"Patient","id":"p2"}}]}
        """#
      #expect(try await live.ask("POST", "", token: token, body: transaction).status == 403)
      written = Array(try lines(path).dropFirst(written.count))
      #expect(written.map { $0["action"]?.string } == ["transaction", "delete", "update"])
      #expect(written.map { $0["status"]?.integer } == [403, 403, 403])
    }
  }

  @Test func clientsAddHeadersWithinLimits() async throws {
    try await run { live, path in
      let token = try TestIssuer.token { $0.roles = ["globalReader"] }
      let name = "X-MS-AZUREFHIR-AUDIT-"
      var headers: [String: String] = [:]
      for number in 0..<10 { headers["\(name)H\(number)"] = "value \(number)" }
      headers["\(name)H0"] = String(repeating: "a", count: 2048)
      #expect(try await live.ask("GET", "/Patient/p1", token: token, headers).status == 200)
      let kept = try lines(path).last?["headers"]
      #expect(kept?.members.count == 10)
      #expect(kept?["X-MS-AZUREFHIR-AUDIT-H3"]?.string == "value 3")
      headers["\(name)H10"] = "one more"
      #expect(try await live.ask("GET", "/Patient/p1", token: token, headers).status == 431)
      let long = ["\(name)A": String(repeating: "a", count: 2049)]
      #expect(try await live.ask("GET", "/Patient/p1", token: token, long).status == 431)
    }
  }

  @Test func aChangedLogShows() async throws {
    try await run { live, path in
      let token = try TestIssuer.token { $0.roles = ["globalReader"] }
      for _ in 0..<5 { _ = try await live.ask("GET", "/Patient/p1", token: token) }
      let text = try Self.text(path)
      let verdict = try AuditChain.verify(path: path)
      #expect(verdict.lines == 5 && verdict.flaw == nil)
      var parts = text.split(separator: "\n").map(String.init)
      func check(_ lines: [String], flawed: Int?, _ comment: Comment) throws {
        let copy = path + "-copy"
        defer { try? FileManager.default.removeItem(atPath: copy) }
        let whole = lines.map { $0 + "\n" }.joined()
        #expect(FileManager.default.createFile(atPath: copy, contents: Data(whole.utf8)))
        let found = try AuditChain.verify(path: copy, containing: verdict.hash)
        #expect((found.flaw == nil ? nil : found.lines + 1) == flawed, comment)
        if lines.count < 5 { #expect(!found.isFound, comment) }
      }
      try check(parts, flawed: nil, "as it is")
      try check(Array(parts.dropLast()), flawed: nil, "a line less at the end, which only the kept hash shows")
      try check(Array(parts.dropFirst()), flawed: 1, "without the first")
      try check(Array(parts[..<2] + parts[3...]), flawed: 3, "without the third")
      try check([parts[0], parts[2], parts[1], parts[3], parts[4]], flawed: 2, "in another order")
      try check(parts + [parts[4]], flawed: 6, "a line twice")
      parts[1] = parts[1].replacing("p1", with: "p2")
      try check(parts, flawed: 2, "another patient")
    }
  }

  @Test func aLogGoesOnWhereItEnded() async throws {
    let path = FileManager.default.temporaryDirectory.path + "/aceso-audit-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    for _ in 0..<2 {
      try await LiveServer.run(audit: AuditLog(path: path)) { live in
        #expect(throws: AuditLogError.self) { try AuditLog(path: path) }
        _ = try await live.ask("GET", "/Patient")
      }
      // The machine stopped in the middle of a line.
      let handle = try #require(FileManager.default.contents(atPath: path))
      #expect(FileManager.default.createFile(atPath: path, contents: handle + Data(#"{"n":9,"audit":1"#.utf8)))
    }
    #expect(try AuditChain.verify(path: path).flaw == "it is incomplete")
    _ = try AuditLog(path: path)
    let verdict = try AuditChain.verify(path: path)
    #expect(verdict.lines == 2 && verdict.flaw == nil)
  }
}
