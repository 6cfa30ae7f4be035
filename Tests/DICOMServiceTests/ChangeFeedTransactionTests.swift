import Base
import DICOMCore
import DICOMweb
import JSONCore
import Testing

/// What Microsoft's end-to-end tests assert of the change feed.
@Suite struct ChangeFeedTransactionTests {
  private struct Entry: Equatable {
    var sequence: Int
    var action: String
    var state: String
    var instance: String
    var partition: String
    var hasMetadata: Bool
  }

  private func entry(_ document: JSONDocument, _ node: JSONNode) throws -> Entry {
    func text(_ key: JSONKey) throws -> String {
      try #require(document.member(node, key).flatMap { document.string($0) })
    }
    #expect(document.member(node, "filePath") == nil)
    let metadata = document.member(node, "metadata")
    if let metadata {
      let value = document.member(metadata, "00080018").flatMap { document.member($0, "Value") }
      let uid = value.flatMap { document.elements($0).first { _ in true } }.flatMap { document.string($0) }
      #expect(uid == (try text("sopInstanceUid")))
    }
    #expect(try text("timestamp").hasSuffix("Z"))
    _ = (try text("studyInstanceUid"), try text("seriesInstanceUid"))
    return Entry(
      sequence: try #require(document.member(node, "sequence").flatMap { document.integer($0) }),
      action: try text("action"), state: try text("state"), instance: try text("sopInstanceUid"),
      partition: try text("partitionName"), hasMetadata: metadata != nil)
  }

  private func feed(
    _ service: ServiceFixture, _ query: String, _ version: DICOMVersion
  ) async throws -> [Entry] {
    let reply = await service.send(.get, "changefeed", version, query: query, accept: [])
    #expect(reply.status == 200, "\(reply.text)")
    #expect(reply.header("Content-Type") == "application/json")
    let document = try reply.json()
    return try document.elements(document.root).map { try entry(document, $0) }
  }

  private func latest(_ service: ServiceFixture, _ version: DICOMVersion, _ query: String = "") async throws -> Entry? {
    let reply = await service.send(.get, "changefeed/latest", version, query: query, accept: ["application/json"])
    #expect(reply.status == 200)
    if reply.bytes.isEmpty { return nil }
    let document = try reply.json()
    return try entry(document, document.root)
  }

  @Test(arguments: DICOMVersion.allCases) func `nothing has happened yet`(version: DICOMVersion) async throws {
    try await ServiceFixture.run { service async throws in
      #expect(try await latest(service, version) == nil)
      #expect(try await feed(service, "", version) == [])
    }
  }

  @Test func `v1 pages by sequence numbers`() async throws {
    try await ServiceFixture.run { service async throws in
      var files: [TestFile] = []
      for _ in 0..<12 {
        let file = try TestFile()
        files.append(file)
        _ = await service.store([file], .v1)
        let newest = try #require(try await latest(service, .v1))
        #expect(newest.action == "Create" && newest.state == "Current" && newest.instance == file.instance)
      }
      let last = try #require(try await latest(service, .v1)).sequence
      #expect(try await feed(service, "", .v1).count == 10)
      let page = try await feed(service, "offset=\(last - 10)", .v1)
      #expect(page.map(\.instance) == files.suffix(10).map(\.instance))
      #expect(page.map(\.sequence) == Array(last - 9...last))
      #expect(page.filter(\.hasMetadata).count == 10)
      #expect(try await feed(service, "offset=\(last)", .v1) == [])
      #expect(try await feed(service, "offset=\(last - 3)&limit=2", .v1).count == 2)
    }
  }

  @Test func `v2 pages by time, the end excluded`() async throws {
    try await ServiceFixture.run { service async throws in
      var times: [String] = []
      var files: [TestFile] = []
      for _ in 0..<3 {
        service.clock.advance(milliseconds: 1_000)
        times.append(service.clock.instant.fhir)
        let file = try TestFile()
        files.append(file)
        _ = await service.store([file], .v2)
      }
      let instances = files.map(\.instance)
      service.clock.advance(milliseconds: 1_000)
      let end = service.clock.instant.fhir
      #expect(try await feed(service, "", .v2).map(\.instance) == instances)
      let window = "startTime=\(times[0])&endTime=\(end)"
      #expect(try await feed(service, window, .v2).map(\.instance) == instances)
      #expect(
        try await feed(service, "startTime=\(times[1])&endTime=\(times[2])", .v2).map(\.instance) == [instances[1]])
      #expect(try await feed(service, "endTime=\(times[0])", .v2) == [])
      #expect(try await feed(service, "startTime=\(end)", .v2) == [])
      #expect(try await feed(service, "\(window)&offset=1&limit=1", .v2).map(\.instance) == [instances[1]])
      #expect(try await feed(service, "\(window)&offset=3", .v2) == [])
      #expect(try await latest(service, .v2)?.instance == instances[2])
    }
  }

  @Test(arguments: [DICOMVersion.v1, .v2]) func `states tell what has become of an instance`(version: DICOMVersion)
    async throws
  {
    try await ServiceFixture.run { service async throws in
      let file = try TestFile()
      _ = await service.store([file], version)
      _ = await service.send(.delete, file.target.path, version)
      var entries = try await feed(service, "", version)
      #expect(entries.map(\.action) == ["Create", "Delete"])
      #expect(entries.map(\.state) == ["Deleted", "Deleted"])
      #expect(entries.filter(\.hasMetadata).isEmpty)
      _ = await service.store([file], version)
      entries = try await feed(service, "", version)
      #expect(entries.map(\.action) == ["Create", "Delete", "Create"])
      #expect(entries.map(\.state) == ["Replaced", "Replaced", "Current"])
    }
  }

  @Test(arguments: [DICOMVersion.v1, .v2]) func `metadata is left out if it is not wanted`(version: DICOMVersion)
    async throws
  {
    try await ServiceFixture.run { service async throws in
      _ = await service.store([try TestFile()], version)
      #expect(try await feed(service, "includemetadata=false", version).map(\.hasMetadata) == [false])
      #expect(try await latest(service, version, "includeMetadata=False")?.hasMetadata == false)
      #expect(try await feed(service, "includemetadata=true", version).map(\.hasMetadata) == [true])
    }
  }

  @Test(arguments: [
    "startTime=foo", "endTime=bar", "startTime=2023-05-03T10:58:00", "endTime=2023-05-03T10:58:00",
    "startTime=2023-05-03T10:58:00Z&endTime=2023-05-03T10:58:00Z",
    "startTime=2023-05-03T10:58:01Z&endTime=2023-05-03T10:58:00Z", "offset=foo", "offset=1.1", "offset=-1", "limit=foo",
    "limit=1.1", "limit=0", "limit=-1", "limit=201", "includemetadata=foo", "includemetadata=1.1",
  ])
  func `bad parameters are bad requests`(query: String) async throws {
    try await ServiceFixture.run { service async throws in
      #expect(await service.send(.get, "changefeed", .v2, query: query).status == 400)
      if query.hasPrefix("includemetadata") {
        #expect(await service.send(.get, "changefeed/latest", .v2, query: query).status == 400)
      } else if !query.contains("Time") {
        #expect(await service.send(.get, "changefeed", .v1, query: query).status == 400)
      }
    }
  }

  @Test func `v1 has at most 100 numbers`() async throws {
    try await ServiceFixture.run { service async throws in
      #expect(await service.send(.get, "changefeed", .v1, query: "limit=101").status == 400)
      #expect(await service.send(.get, "changefeed", .v1, query: "limit=100").status == 200)
    }
  }
}
