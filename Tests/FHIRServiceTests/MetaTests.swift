import Base
import FHIRService
import JSONCore
import Testing

/// `$meta`, `$meta-add`, `$meta-delete` (FHIR R4 resource-operation-meta.html, -meta-add.html, -meta-delete.html).
@Suite struct MetaTests {
  private static func parameters(_ meta: String) -> String {
    #"{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":\#(meta)}]}"#
  }

  private static func meta(_ reply: TestService.Reply) -> JSONValue? { reply.body?["parameter"]?[0]?["valueMeta"] }

  private static let patient = """
    {"resourceType":"Patient","id":"p","active":true,
     "meta":{"source":"urn:s","profile":["http://p/one"],"tag":[{"system":"urn:t","code":"a","display":"A"}]}}
    """

  @Test func read() async throws {
    try await withService { service in
      try await service.send(.put, "Patient/p", Self.patient)
      let reply = try await service.send(.get, "Patient/p/$meta")
      #expect(reply.status == 200)
      #expect(reply.body?["parameter"]?[0]?["name"]?.string == "return")
      let own = try await service.send(.get, "Patient/p").body?["meta"]?.json
      #expect(Self.meta(reply)?.json == own)
      #expect(try await service.send(.get, "Patient/none/$meta").status == 404)

      try await service.send(.put, "Patient/p", #"{"resourceType":"Patient","id":"p"}"#)
      let old = try await service.send(.get, "Patient/p/_history/1/$meta")
      #expect(Self.meta(old)?["versionId"]?.string == "1")
      #expect(Self.meta(old)?["source"]?.string == "urn:s")
      #expect(try await service.send(.get, "Patient/p/_history/9/$meta").status == 404)
      try await service.send(.delete, "Patient/p")
      #expect(try await service.send(.get, "Patient/p/$meta").status == 410)
      #expect(try await service.send(.delete, "Patient/p/$meta").status == 405)
    }
  }

  @Test func labelsInUse() async throws {
    try await withService { service in
      #expect(try await service.send(.get, "$meta").text == #"{"resourceType":"Parameters"}"#)
      try await service.send(.put, "Patient/p", Self.patient)
      try await service.send(
        .put, "Organization/o",
        """
        {"resourceType":"Organization","id":"o","name":"x","meta":{"tag":[{"code":"b"},{"system":"urn:t","code":"a"}],
         "security":[{"system":"urn:s","code":"R"}]}}
        """)
      let system = try #require(Self.meta(try await service.send(.get, "$meta")))
      #expect(
        Set(system["tag"]?.elements.map { "\($0["system"]?.string ?? "")|\($0["code"]?.string ?? "")" } ?? [])
          == ["urn:t|a", "|b"])
      #expect(system["tag"]?.count == 2)
      #expect(system["security"]?[0]?["code"]?.string == "R")
      #expect(system["profile"]?.elements.compactMap(\.string) == ["http://p/one"])
      #expect(system["versionId"] == nil)
      let type = try #require(Self.meta(try await service.send(.get, "Patient/$meta")))
      #expect(type["tag"]?.count == 1)
      #expect(type["security"] == nil)
      #expect(try await service.send(.get, "Encounter/$meta").text == #"{"resourceType":"Parameters"}"#)
    }
  }

  /// `$meta` of a type lists 1,000 labels of a kind, and refuses to list more.
  @Test func manyLabels() async throws {
    try await withService { service in
      for (count, status) in [(1_000, 200), (1_001, 422)] {
        let tags = (0..<count).map { #"{"code":"\#($0)"}"# }.joined(separator: ",")
        try await service.send(.put, "Patient/p", #"{"resourceType":"Patient","id":"p","meta":{"tag":[\#(tags)]}}"#)
        let reply = try await service.send(.get, "Patient/$meta")
        #expect(reply.status == status)
        if status == 200 { #expect(Self.meta(reply)?["tag"]?.count == count) }
      }
    }
  }

  @Test func addAndDelete() async throws {
    try await withService { service in
      try await service.send(.put, "Patient/p", Self.patient)
      let added = try await service.send(
        .post, "Patient/p/$meta-add",
        Self.parameters(
          """
          {"profile":["http://p/one","http://p/two"],"security":[{"system":"urn:s","code":"R"}],
           "tag":[{"system":"urn:t","code":"a","display":"another","version":"2"},{"code":"a"},{"code":"a"}]}
          """))
      #expect(added.status == 200, "\(added.text)")
      let meta = try #require(Self.meta(added))
      #expect(meta["profile"]?.elements.compactMap(\.string) == ["http://p/one", "http://p/two"])
      #expect(meta["tag"]?.count == 2)
      #expect(meta["tag"]?[0]?["display"]?.string == "A")
      #expect(meta["source"]?.string == "urn:s")
      #expect(meta["versionId"]?.string == "2")
      #expect(try await service.send(.get, "Patient/p").body?["meta"]?.json == meta.json)
      #expect(try await service.send(.get, "Patient/p").body?["active"]?.bool == true)
      #expect(try await service.send(.get, "Patient?_security=urn:s|R").ids == ["p"])

      // What is there already changes nothing, and makes no version.
      let again = try await service.send(
        .post, "Patient/p/$meta-add", Self.parameters(#"{"tag":[{"system":"urn:t","code":"a"}]}"#))
      #expect(Self.meta(again)?["versionId"]?.string == "2")

      let deleted = try await service.send(
        .post, "Patient/p/$meta-delete",
        Self.parameters(#"{"profile":["http://p/one","http://none"],"tag":[{"code":"a"}],"security":[{"code":"R"}]}"#))
      let rest = try #require(Self.meta(deleted))
      #expect(rest["profile"]?.elements.compactMap(\.string) == ["http://p/two"])
      #expect(rest["tag"]?.elements.compactMap { $0["system"]?.string } == ["urn:t"])
      // Another system: another label.
      #expect(rest["security"]?.count == 1)
      #expect(rest["versionId"]?.string == "3")

      let unkept = try await service.send(
        .post, "Patient/p/$meta-add?_meta-history=false", Self.parameters(#"{"tag":[{"code":"z"}]}"#))
      #expect(Self.meta(unkept)?["versionId"]?.string == "4")
      #expect(try await service.send(.get, "Patient/p/_history").body?["total"]?.integer == 3)
    }
  }

  @Test func refusals() async throws {
    try await withService { service in
      try await service.send(.put, "Patient/p", Self.patient)
      let good = Self.parameters(#"{"tag":[{"code":"a"}]}"#)
      for body in [
        nil, #"{"resourceType":"Parameters"}"#, #"{"resourceType":"Patient"}"#, Self.parameters("3"),
        Self.parameters(#"{"tag":[{"code":3}]}"#), Self.parameters(#"{"nonsense":1}"#),
        #"{"resourceType":"Parameters","parameter":[{"name":"meta","valueString":"x"}]}"#,
      ] {
        #expect(try await service.send(.post, "Patient/p/$meta-add", body).status == 400, "\(body ?? "none")")
      }
      #expect(try await service.send(.post, "Patient/none/$meta-add", good).status == 404)
      #expect(try await service.send(.get, "Patient/p/$meta-add").status == 405)
      #expect(try await service.send(.post, "Patient/$meta-add", good).status == 404)
      #expect(try await service.send(.post, "Patient/p/$meta-add", good, ifMatch: "W/\"7\"").status == 412)
      try await service.send(.delete, "Patient/p")
      #expect(try await service.send(.post, "Patient/p/$meta-add", good).status == 410)
      let bundle = try await service.send(
        .post, "",
        """
        {"resourceType":"Bundle","type":"batch","entry":[{"resource":\(good),
         "request":{"method":"POST","url":"Patient/p/$meta-add"}},{"request":{"method":"GET","url":"Patient/$meta"}}]}
        """)
      #expect(bundle.entries.map { $0["response"]?["status"]?.string } == ["400", "200"])
    }
  }
}
