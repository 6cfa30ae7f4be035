import JSONCore
import Testing

/// Operations and compartment searches over the wire (FHIR R4 operations.html, search §2.1.1.2).
@Suite struct OperationTests {
  private let form = ["Content-Type": "application/x-www-form-urlencoded"]

  private func fill(_ live: LiveServer) async throws {
    for (path, json) in [
      (
        "/Patient/a",
        #"{"resourceType":"Patient","id":"a","link":[{"type":"replaced-by","other":{"reference":"Patient/b"}}]}"#
      ),
      ("/Patient/b", #"{"resourceType":"Patient","id":"b"}"#),
      (
        "/Observation/o",
        #"{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/b"}}"#
      ),
    ] {
      let reply = try await live.send("PUT", path, json)
      #expect(reply.status == 201, "\(reply.text)")
    }
  }

  @Test func compartmentSearches() async throws {
    try await LiveServer.run { live in
      try await fill(live)
      // A patient that links to another one is in the other's compartment, too.
      for (path, count) in [
        ("/Patient/b/Observation", 1), ("/Patient/b/*", 2), ("/Patient/b/%2A?_type=Observation", 1),
      ] {
        let reply = try await live.ask("GET", path)
        #expect(reply.status == 200)
        #expect(try reply.json()["entry"]?.count == count, "\(path): \(reply.text)")
      }
      let posted = try await live.ask("POST", "/Patient/b/*/_search", form, body: "_type=Observation&_summary=count")
      #expect(try posted.json()["total"]?.integer == 1, "\(posted.text)")
      let options = try await live.ask("OPTIONS", "/Patient/b/*")
      #expect(options.header("allow") == "GET, HEAD, OPTIONS")
      #expect(try await live.ask("GET", "/Patient/b/foo").status == 404)
    }
  }

  @Test func replacedPatientIsRedirected() async throws {
    try await LiveServer.run { live in
      try await fill(live)
      let reply = try await live.ask("GET", "/Patient/a/$everything", ["Prefer": "handling=strict"])
      #expect(reply.status == 301)
      #expect(reply.header("content-location") == "\(live.base)/Patient/b/$everything")
      #expect(try reply.outcome().diagnostics.contains("`b`"))
      let everything = try await live.ask("GET", "/Patient/b/%24everything")
      #expect(try everything.json()["entry"]?.count == 1)
    }
  }

  /// Operations by POST come with a body or without.
  @Test func postedOperations() async throws {
    try await LiveServer.run { live in
      try await fill(live)
      #expect(try await live.ask("POST", "/Patient/b/$everything").status == 200)
      let typed = #"{"resourceType":"Parameters","parameter":[{"name":"_type","valueCode":"Observation"}]}"#
      let narrowed = try await live.send("POST", "/Patient/b/$everything", typed)
      #expect(try narrowed.json()["entry"]?[0]?["resource"]?["id"]?.string == "o")
      let meta = #"{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"t"}]}}]}"#
      let stale = try await live.send("POST", "/Patient/b/$meta-add", meta, ["If-Match": "W/\"9\""])
      #expect(stale.status == 412)
      let added = try await live.send("POST", "/Patient/b/$meta-add", meta, ["If-Match": "W/\"1\""])
      #expect(added.header("etag") == "W/\"2\"")
      #expect(try await live.ask("POST", "/Patient/b/$meta-add").status == 400)
    }
  }

  /// What cannot even be read is not valid: the answer is 200 (FHIR R4 resource-operation-validate.html).
  @Test func validationAnswers200() async throws {
    try await LiveServer.run { live in
      for body in [#"{"resourceType":"Patient""#, "[]", #"{"resourceType":"Patient","gender":3}"#] {
        let reply = try await live.send("POST", "/Patient/$validate", body)
        #expect(reply.status == 200, "\(body)")
        #expect(try reply.json()["issue"]?[0]?["severity"]?.string == "error")
      }
      let fine = try await live.send("POST", "/Patient/$validate", #"{"resourceType":"Patient"}"#)
      #expect(try fine.json()["issue"]?[0]?["diagnostics"]?.string == "All OK")
      #expect(try await live.ask("POST", "/Patient/$validate").status == 400)
      #expect(try await live.send("POST", "/Patient/$nonsense", "{}").status == 404)
    }
  }
}
