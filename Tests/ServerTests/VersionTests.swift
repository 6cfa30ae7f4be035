import JSONCore
import Testing

/// FHIR R4 http.html over the wire: a resource's life, version by version.
@Suite struct VersionTests {
  static let patient = #"{"resourceType":"Patient","active":true,"name":[{"family":"Okafor"}]}"#

  private func updated(_ id: String, active: Bool) -> String {
    #"{"resourceType":"Patient","id":"\#(id)","active":\#(active)}"#
  }

  /// http#create: 201, Location of the version, ETag, Last-Modified, the stored resource.
  @Test func aCreatedResourceIsNamedByLocationAndTag() async throws {
    try await LiveServer.run { live in
      let created = try await live.send("POST", "/Patient", Self.patient)
      let value = try created.json()
      let id = try created.id()
      #expect(created.status == 201)
      #expect(created.header("content-type") == "application/fhir+json; charset=utf-8")
      #expect(created.header("location") == "\(live.base)/Patient/\(id)/_history/1")
      #expect(created.header("etag") == "W/\"1\"")
      #expect(created.header("x-content-type-options") == "nosniff")
      #expect(value["meta"]?["versionId"]?.string == "1")
      #expect(value["name"]?.elements.first?["family"]?.string == "Okafor")
      let read = try await live.ask("GET", "/Patient/\(id)")
      #expect(read.status == 200)
      #expect(read.body == created.body)
      #expect(read.header("etag") == "W/\"1\"")
      #expect(read.header("last-modified") == created.header("last-modified"))
      // RFC 9110 §5.6.7
      #expect(read.header("last-modified")?.hasSuffix(" GMT") == true)
    }
  }

  /// http#update, #concurrency, #delete, #vread, #history.
  @Test func aResourceLivesThroughItsVersions() async throws {
    try await LiveServer.run { live in
      let id = try await live.send("POST", "/Patient", Self.patient).id()
      let path = "/Patient/\(id)"
      let second = try await live.send("PUT", path, updated(id, active: false), ["If-Match": "W/\"1\""])
      #expect(second.status == 200)
      #expect(second.header("etag") == "W/\"2\"")
      #expect(second.header("location") == nil)
      #expect(second.header("content-location") == "\(live.base)/Patient/\(id)/_history/2")
      let stale = try await live.send("PUT", path, updated(id, active: true), ["If-Match": "W/\"1\""])
      #expect(stale.status == 412)
      #expect(try stale.outcome().code == "conflict")
      let strong = try await live.send("PUT", path, updated(id, active: true), ["If-Match": "\"2\""])
      #expect(strong.status == 400)
      let deleted = try await live.ask("DELETE", path)
      #expect(deleted.status == 204)
      #expect(deleted.header("etag") == "W/\"3\"")
      #expect(deleted.body.isEmpty)
      #expect(deleted.header("content-type") == nil)
      let gone = try await live.ask("GET", path)
      #expect(gone.status == 410)
      #expect(gone.header("etag") == "W/\"3\"")
      #expect(try gone.outcome().code == "deleted")
      #expect(try await live.ask("GET", "\(path)/_history/3").status == 410)
      let first = try await live.ask("GET", "\(path)/_history/1")
      #expect(first.status == 200)
      #expect(try first.json()["active"]?.bool == true)
      #expect(try await live.ask("GET", "\(path)/_history/4").status == 404)
      let history = try await live.ask("GET", "\(path)/_history").json()
      #expect(history["type"]?.string == "history")
      #expect(history["entry"]?.elements.map { $0["request"]?["method"]?.string } == ["DELETE", "PUT", "POST"])
    }
  }

  /// http#upsert: an update of an unknown id creates it, with Location.
  @Test func anUpdateCreatesWhatIsNotThere() async throws {
    try await LiveServer.run { live in
      let created = try await live.send("PUT", "/Patient/p1", updated("p1", active: true))
      #expect(created.status == 201)
      #expect(created.header("location") == "\(live.base)/Patient/p1/_history/1")
      #expect(try await live.send("PUT", "/Patient/p2", updated("p1", active: true)).status == 400)
    }
  }

  /// http#cread: a client that has the version is told so, without the body.
  @Test func aConditionalReadSavesTheBody() async throws {
    try await LiveServer.run { live in
      let created = try await live.send("POST", "/Patient", Self.patient)
      let path = "/Patient/\(try created.id())"
      let same = try await live.ask("GET", path, ["If-None-Match": "W/\"1\""])
      #expect(same.status == 304)
      #expect(same.body.isEmpty)
      #expect(same.header("etag") == "W/\"1\"")
      #expect(try await live.ask("GET", path, ["If-None-Match": "W/\"2\""]).status == 200)
      let modified = try #require(created.header("last-modified"))
      #expect(try await live.ask("GET", path, ["If-Modified-Since": modified]).status == 304)
    }
  }

  /// http#ccreate: one match is 200 and nothing is made, several are 412.
  @Test func aConditionalCreateLooksFirst() async throws {
    try await LiveServer.run { live in
      let body = #"{"resourceType":"Patient","identifier":[{"system":"urn:test","value":"7"}]}"#
      let condition = ["If-None-Exist": "identifier=urn:test|7"]
      let first = try await live.send("POST", "/Patient", body, condition)
      let again = try await live.send("POST", "/Patient", body, condition)
      #expect(first.status == 201)
      #expect(again.status == 200)
      #expect(try again.id() == first.id())
      #expect(again.header("location") == first.header("location"))
      _ = try await live.send("POST", "/Patient", body)
      #expect(try await live.send("POST", "/Patient", body, condition).status == 412)
    }
  }

  /// http#ops: what the client wants back.
  @Test func aPreferenceDecidesTheBody() async throws {
    try await LiveServer.run { live in
      let minimal = try await live.send("POST", "/Patient", Self.patient, ["Prefer": "return=minimal"])
      #expect(minimal.status == 201)
      #expect(minimal.body.isEmpty)
      #expect(minimal.header("content-length") == "0")
      #expect(minimal.header("location") != nil)
      let outcome = try await live.send("POST", "/Patient", Self.patient, ["Prefer": "return=OperationOutcome"])
      #expect(try outcome.json()["resourceType"]?.string == "OperationOutcome")
      #expect(try await live.send("POST", "/Patient", Self.patient, ["Prefer": "return=all"]).status == 400)
    }
  }
}
