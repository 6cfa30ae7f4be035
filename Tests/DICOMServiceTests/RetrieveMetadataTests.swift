import Base
import DICOMCore
import DICOMService
import DICOMweb
import ImageCodecs
import JSONCore
import Testing

/// Metadata and its entity tags.
@Suite struct RetrieveMetadataTests {
  static let json = "application/dicom+json"

  @Test(arguments: [DICOMVersion.v1, .v2]) func metadataWithoutStreams(_ version: DICOMVersion) async throws {
    try await RetrieveFixture.run { fixture in
      let instances = [
        try Instance("1.1", "1.1.1", "1.1.1.1", frames: 2),
        try Instance("1.1", "1.1.2", "1.1.2.1", as: .jpeg2000Lossless),
      ]
      try await fixture.store(instances, version)
      let study = try await fixture.get(.metadata(instances[0].studyTarget), version, accept: Self.json)
      #expect(study.contentType == Self.json)
      let document = try JSONDocument(study.body)
      #expect(document.count(document.root) == 2)
      for (node, instance) in zip(document.elements(document.root), instances) {
        let file = try DICOMFile(instance.bytes)
        let expected = try JSONDocument(DICOMJSONWriter.json(file.dataSet) { _ in .omitted })
        #expect(JSONValue(document, node).json == JSONValue(expected).json)
        #expect(document.member(node, "7FE00010") == nil)
        #expect(document.member(node, "00091001") != nil)
        let icon = document.member(node, "00880200").flatMap { document.member($0, "Value") }
        let item = try #require(icon.flatMap { document.elements($0).first { _ in true } })
        #expect(document.member(item, "00280010") != nil)
        #expect(document.member(item, "7FE00010") == nil)
      }
      for instance in instances {
        for target in [instance.seriesTarget, instance.target] {
          let one = try JSONDocument(try await fixture.get(.metadata(target), version, accept: Self.json).body)
          #expect(one.count(one.root) == 1)
        }
      }
      for target in [instances[0].studyTarget, instances[0].seriesTarget, instances[0].target] {
        #expect(await fixture.refusal(.metadata(target), version, accept: "application/data") == .notAcceptable)
        #expect(await fixture.refusal(.metadata(target), version) == .notAcceptable)
      }
      for target in [
        Target(study: "1.9"), Target(study: "1.1", series: "1.9"),
        Target(study: "1.1", series: "1.1.1", instance: "1.9"),
      ] {
        #expect(await fixture.refusal(.metadata(target), version, accept: Self.json) == .notFound)
      }
    }
  }

  @Test func metadataOfTheStandardRefersToStreams() async throws {
    try await RetrieveFixture.run { fixture in
      let instance = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 2)
      try await fixture.store([instance], .standard)
      let reply = try await fixture.get(.metadata(instance.target), .standard, accept: Self.json)
      let root = "http://localhost/default/dicom/studies/1.1/series/1.1.1/instances/1.1.1.1/bulkdata/"
      let file = try DICOMFile(instance.bytes)
      let expected = try JSONDocument(
        DICOMJSONWriter.json(file.dataSet) { element in
          .uri(element.length == 64 ? root + "00880200/1/7FE00010" : root + "7FE00010")
        })
      let document = try JSONDocument(reply.body)
      let node = try #require(document.elements(document.root).first { _ in true })
      #expect(JSONValue(document, node).json == JSONValue(expected).json)
    }
  }

  @Test func xmlIsMultipart() async throws {
    try await RetrieveFixture.run { fixture in
      let instances = [try Instance("1.1", "1.1.1", "1.1.1.1", frames: 2), try Instance("1.1", "1.1.1", "1.1.1.2")]
      try await fixture.store(instances, .standard)
      let accept = "multipart/related; type=\"application/dicom+xml\""
      let reply = try await fixture.get(.metadata(instances[0].studyTarget), .standard, accept: accept)
      #expect(reply.contentType.contains("type=\"application/dicom+xml\""))
      let parts = try ReplyPart.all(reply)
      for (part, instance) in zip(parts, instances) {
        #expect(part.contentType == "application/dicom+xml")
        let root = "http://localhost/default/dicom/\(instance.target.path)/bulkdata/"
        let expected = NativeXMLWriter.xml(try DICOMFile(instance.bytes).dataSet) { element in
          .uri(element.length == 64 ? root + "00880200/1/7FE00010" : root + "7FE00010")
        }
        #expect(String(decoding: part.body, as: UTF8.self) == String(decoding: expected, as: UTF8.self))
      }
      // Microsoft's versions have the form, too, without streams.
      let plain = try await fixture.get(.metadata(instances[0].studyTarget), .v2, accept: accept)
      #expect(try ReplyPart.all(plain).count == 2)
      #expect(!plain.text.contains("BulkData"))
    }
  }

  @Test(arguments: [DICOMVersion.v1, .v2, .standard]) func entityTags(_ version: DICOMVersion) async throws {
    try await RetrieveFixture.run { fixture in
      let instance = try Instance("1.1", "1.1.1", "1.1.1.1")
      try await fixture.store([instance], version)
      let targets = [instance.studyTarget, instance.seriesTarget, instance.target]
      var tags: [String] = []
      for target in targets {
        let first = try await fixture.get(.metadata(target), version, accept: Self.json)
        let tag = try #require(first.header("etag"))
        tags.append(tag)
        #expect(tag.hasPrefix("\"") == (version == .standard))
        let same = try await fixture.get(.metadata(target), version, accept: Self.json) { $0.ifNoneMatch = tag }
        #expect(same.status == 304)
        #expect(same.body.isEmpty)
        #expect((same.header("etag") == nil) == (version != .standard))
        for other in ["abc", "\"0-0\"", ""] {
          let reply = try await fixture.get(.metadata(target), version, accept: Self.json) { $0.ifNoneMatch = other }
          #expect(reply.status == 200)
          #expect(reply.body == first.body)
        }
      }
      // max(watermark)-count of a study and a series, the watermark of an instance.
      let raw = tags.map { $0.filter { $0 != "\"" } }
      #expect(raw[0] == raw[1] && raw[0] == "\(raw[2])-1")
      // After another instance came, and after it went.
      let second = try Instance("1.1", "1.1.1", "1.1.1.2")
      try await fixture.store([second], version)
      for (target, tag) in zip(targets.prefix(2), tags) {
        let reply = try await fixture.get(.metadata(target), version, accept: Self.json) { $0.ifNoneMatch = tag }
        #expect(reply.status == 200)
        #expect(reply.header("etag") != tag)
      }
      let grown = try await fixture.get(.metadata(targets[0]), version, accept: Self.json)
      #expect(try await fixture.get(.delete(second.target), version).status == 204)
      let shrunk = try await fixture.get(.metadata(targets[0]), version, accept: Self.json) {
        $0.ifNoneMatch = grown.header("etag")
      }
      #expect(shrunk.status == 200)
      #expect(shrunk.header("etag") != grown.header("etag"))
    }
  }

  /// More than a page of the store.
  @Test func metadataOfManyInstances() async throws {
    try await RetrieveFixture.run { fixture in
      let count = 620
      for number in 1...count {
        try await fixture.store([try Instance("1.1", "1.1.1", UID("1.1.1.\(number)"), frames: 0)])
      }
      let reply = try await fixture.get(.metadata(Target(study: "1.1")), accept: Self.json)
      let document = try JSONDocument(reply.body)
      let uids = document.elements(document.root).compactMap { node in
        document.member(node, "00080018").flatMap { document.member($0, "Value") }.flatMap { values in
          document.elements(values).first { _ in true }
        }.flatMap { document.string($0) }
      }
      #expect(uids == (1...count).map { "1.1.1.\($0)" })
      let xml = try await fixture.get(
        .metadata(Target(study: "1.1")), accept: "multipart/related; type=\"application/dicom+xml\"")
      #expect(try ReplyPart.all(xml).count == count)
    }
  }
}
