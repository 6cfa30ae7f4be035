import Base
import DICOMCore
import DICOMService
import DICOMweb
import ImageCodecs
import Testing

/// Studies, series and instances: what Microsoft's end-to-end tests assert of them, for both versions.
@Suite struct RetrieveInstanceTests {
  static let original = "multipart/related; type=\"application/dicom\"; transfer-syntax=*"
  static let explicit = "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1"
  static let jpeg2000 = "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.90"
  static let mpeg2 = "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.100"
  static let byDefault = "multipart/related; type=\"application/dicom\""

  @Test(arguments: [DICOMVersion.v1, .v2, .standard]) func studiesAndSeriesAsStored(_ version: DICOMVersion)
    async throws
  {
    try await RetrieveFixture.run { fixture in
      let instances = [
        try Instance("1.1", "1.1.1", "1.1.1.1"), try Instance("1.1", "1.1.1", "1.1.1.2", frames: 40),
        try Instance("1.1", "1.1.2", "1.1.2.1", as: .jpeg2000Lossless), try Instance("1.2", "1.2.1", "1.2.1.1"),
      ]
      try await fixture.store(instances, version)
      let study = try await fixture.get(.retrieve(Target(study: "1.1")), version, accept: Self.original)
      #expect(study.status == 200)
      #expect(study.contentType.hasPrefix("multipart/related"))
      #expect(study.announced == study.body.count)
      let parts = try ReplyPart.all(study)
      #expect(parts.map(\.body) == instances[..<3].map(\.bytes))
      #expect(
        parts.map(\.contentType)
          == ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.90"].map {
            "application/dicom; transfer-syntax=\($0)"
          })
      let series = try await fixture.get(
        .retrieve(Target(study: "1.1", series: "1.1.2")), version, accept: Self.original)
      #expect(try ReplyPart.all(series).map(\.body) == [instances[2].bytes])
      // As stored is also what `*/*` means.
      let any = try await fixture.get(.retrieve(Target(study: "1.2")), version, accept: "*/*")
      #expect(try ReplyPart.all(any).map(\.body) == [instances[3].bytes])
    }
  }

  @Test(arguments: [DICOMVersion.v1, .v2]) func transcoding(_ version: DICOMVersion) async throws {
    try await RetrieveFixture.run { fixture in
      let explicit = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 3)
      let compressed = try Instance("1.2", "1.2.1", "1.2.1.1", frames: 3, as: .jpeg2000Lossless)
      try await fixture.store([explicit, compressed], version)
      let pixels = (1...3).flatMap { Instance.frame($0) }
      for accept in [Self.explicit, Self.byDefault] {
        for target in [compressed.studyTarget, compressed.seriesTarget, compressed.target] {
          let parts = try ReplyPart.all(try await fixture.get(.retrieve(target), version, accept: accept))
          #expect(parts.map(\.contentType) == ["application/dicom; transfer-syntax=1.2.840.10008.1.2.1"])
          #expect(try parts.map { try Instance.pixels($0.body) } == [pixels])
        }
      }
      for target in [explicit.studyTarget, explicit.seriesTarget, explicit.target] {
        let parts = try ReplyPart.all(try await fixture.get(.retrieve(target), version, accept: Self.jpeg2000))
        #expect(parts.map(\.contentType) == ["application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90"])
        let file = try DICOMFile(parts[0].body)
        #expect(file.transferSyntax == .jpeg2000Lossless)
        let reader = try FrameReader(file)
        #expect(try (0..<3).flatMap { try reader.frame($0).bytes } == pixels)
      }
      // Microsoft's service refuses this: of several instances.
      let other = try Instance("1.2", "1.2.1", "1.2.1.2", as: .rleLossless)
      try await fixture.store([other], version)
      let both = try ReplyPart.all(try await fixture.get(.retrieve(other.studyTarget), version, accept: Self.explicit))
      #expect(try both.map { try Instance.pixels($0.body) } == [pixels, Instance.frame(1)])
    }
  }

  @Test(arguments: [DICOMVersion.v1, .v2]) func refusals(_ version: DICOMVersion) async throws {
    try await RetrieveFixture.run { fixture in
      let plain = try Instance("1.1", "1.1.1", "1.1.1.1")
      let video = try Instance("1.2", "1.2.1", "1.2.1.1", as: .mpeg2, streams: [[0, 0, 1, 0xB3]])
      let beside = try Instance("1.2", "1.2.1", "1.2.1.2")
      try await fixture.store([plain, video, beside], version)
      for target in [plain.studyTarget, plain.seriesTarget] {
        for accept in ["application/dicom", "application/dicom; transfer-syntax=*", Self.mpeg2] {
          #expect(await fixture.refusal(.retrieve(target), version, accept: accept) == .notAcceptable, "\(accept)")
        }
      }
      for target in [plain.studyTarget, plain.seriesTarget, plain.target] {
        for accept in [
          "multipart/related; type=\"application/octet-stream\"", "application/octet-stream", "image/png", nil,
          "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.3", Self.mpeg2,
        ] {
          #expect(
            await fixture.refusal(.retrieve(target), version, accept: accept) == .notAcceptable, "\(accept ?? "none")")
        }
      }
      // Mixed with what nobody can decode.
      #expect(await fixture.refusal(.retrieve(video.studyTarget), version, accept: Self.explicit) == .notAcceptable)
      #expect(await fixture.refusal(.retrieve(video.target), version, accept: Self.explicit) == .notAcceptable)
      let parts = try ReplyPart.all(try await fixture.get(.retrieve(video.studyTarget), version, accept: Self.original))
      #expect(parts.map(\.body) == [video.bytes, beside.bytes])
      #expect(
        parts.map(\.contentType) == [
          "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.100",
          "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
        ])
      for target in [
        Target(study: "1.9"), Target(study: "1.1", series: "1.9"),
        Target(study: "1.1", series: "1.1.1", instance: "1.9"),
        Target(study: "1.1", series: "1.2.1"), Target(study: "1.2", series: "1.2.1", instance: "1.1.1.1"),
      ] {
        #expect(await fixture.refusal(.retrieve(target), version, accept: Self.original) == .notFound)
      }
    }
  }

  @Test(arguments: [DICOMVersion.v1, .v2]) func singlePart(_ version: DICOMVersion) async throws {
    try await RetrieveFixture.run { fixture in
      let small = try Instance("1.1", "1.1.1", "1.1.1.1")
      let large = try Instance("1.1", "1.1.1", "1.1.1.2", frames: 100)
      let compressed = try Instance("1.1", "1.1.1", "1.1.1.3", as: .jpeg2000Lossless)
      let video = try Instance("1.1", "1.1.1", "1.1.1.4", as: .mpeg2, streams: [[0, 0, 1, 0xB3]])
      let plan = try Instance("1.1", "1.1.1", "1.1.1.5", frames: 0)
      let all = [small, large, compressed, video, plan]
      try await fixture.store(all, version)
      for instance in all {
        let reply = try await fixture.get(
          .retrieve(instance.target), version, accept: "application/dicom; transfer-syntax=*")
        #expect(reply.body == instance.bytes)
        #expect(reply.announced == instance.bytes.count)
        #expect(reply.contentType == "application/dicom; transfer-syntax=\(instance.transferSyntax.uid)")
        let parts = try ReplyPart.all(
          try await fixture.get(.retrieve(instance.target), version, accept: Self.original))
        #expect(parts.map(\.body) == [instance.bytes])
      }
      let decoded = try await fixture.get(.retrieve(compressed.target), version, accept: "application/dicom")
      #expect(try Instance.pixels(decoded.body) == Instance.frame(1))
      #expect(decoded.announced == decoded.body.count)
      // Preferences, in whatever spelling.
      let preferred = try await fixture.get(
        .retrieve(small.target), version,
        accept: "image/png;q=1, Application/DICOM; Transfer-Syntax=\"1.2.840.10008.1.2.4.80\";q=0.9, */*;q=0.1")
      #expect(preferred.contentType == "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80")
      // Among equals what is as stored goes first.
      let equal = try await fixture.get(
        .retrieve(compressed.target), version,
        accept: "application/dicom; transfer-syntax=1.2.840.10008.1.2.1, application/dicom; transfer-syntax=*")
      #expect(equal.body == compressed.bytes)
      #expect(
        await fixture.refusal(
          .retrieve(small.target), version, accept: "application/dicom; transfer-syntax=1.2.840.10008.1.2")
          == .notAcceptable)
    }
  }

  @Test func everyTransferSyntaxThatCanBeWritten() async throws {
    try await RetrieveFixture.run { fixture in
      let instance = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 2)
      try await fixture.store([instance])
      let lossless: [TransferSyntax] = [
        .deflatedExplicitVRLittleEndian, .rleLossless, .jpegLSLossless, .jpeg2000Lossless, .htj2kLossless,
        .deflatedImageFrame,
      ]
      for syntax in lossless {
        let reply = try await fixture.get(
          .retrieve(instance.target), accept: "application/dicom; transfer-syntax=\(syntax.uid)")
        let file = try DICOMFile(reply.body)
        #expect(file.transferSyntax == syntax)
        let reader = try FrameReader(file)
        #expect(
          try (0..<2).flatMap { try reader.frame($0).bytes } == Instance.frame(1) + Instance.frame(2), "\(syntax)")
      }
    }
  }

  /// What is transcoded waits in a file when it is long: the answer is the same.
  @Test func longTranscodingsAreSpooled() async throws {
    try await RetrieveFixture.run { limits in
      limits.retrieve.spoolMemoryBytesMax = 1_000
    } _: { fixture in
      let instance = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 20, as: .rleLossless)
      try await fixture.store([instance])
      let reply = try await fixture.get(.retrieve(instance.target), accept: "application/dicom")
      #expect(try Instance.pixels(reply.body) == (1...20).flatMap { Instance.frame($0) })
    }
    try await RetrieveFixture.run { limits in
      limits.retrieve.transcodedBytesMax = 10_000
    } _: { fixture in
      let instance = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 20, as: .rleLossless)
      try await fixture.store([instance])
      #expect(await fixture.refusal(.retrieve(instance.target), accept: "application/dicom") == .notAcceptable)
    }
  }

  /// More than can be worked on, or wait for it, are refused.
  @Test func imagesWaitingMax() async throws {
    try await RetrieveFixture.run { limits in
      limits.retrieve.imageThreads = 1
      limits.retrieve.imagesWaitingMax = 2
    } _: { fixture in
      let instance = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 200, as: .jpeg2000Lossless)
      try await fixture.store([instance])
      let outcomes = await withTaskGroup { group in
        for _ in 0..<12 {
          group.addTask { await fixture.refusal(.retrieve(instance.target), accept: "application/dicom") }
        }
        return await group.reduce(into: [Fault.Category?]()) { $0.append($1) }
      }
      #expect(outcomes.contains(nil))
      #expect(outcomes.contains(.busy))
      #expect(outcomes.allSatisfy { $0 == nil || $0 == .busy })
      // And it is as before afterwards.
      #expect(await fixture.refusal(.retrieve(instance.target), accept: "application/dicom") == nil)
    }
  }

  @Test func damagedInstancesAreRefusedAtTheStart() async throws {
    try await RetrieveFixture.run { fixture in
      let damaged = try Instance(
        "1.1", "1.1.1", "1.1.1.1", as: .jpeg2000Lossless, streams: [[0xFF, 0x4F, 0xFF, 0x51, 0, 41, 1, 2]])
      try await fixture.store([damaged])
      for accept in ["application/dicom", Self.explicit] {
        #expect(await fixture.refusal(.retrieve(damaged.target), accept: accept) == .notAcceptable)
      }
      #expect(await fixture.refusal(.rendered(damaged.target, frames: nil)) == .notAcceptable)
    }
  }

  @Test func partsOfTheStandardTellTheirPlace() async throws {
    try await RetrieveFixture.run { fixture in
      let instance = try Instance("1.1", "1.1.1", "1.1.1.1")
      try await fixture.store([instance])
      let reply = try await fixture.get(.retrieve(instance.studyTarget), .standard, accept: Self.original)
      #expect(reply.contentType.contains("type=\"application/dicom\""))
      #expect(
        try ReplyPart.all(reply).map { $0.headers["content-location"] }
          == ["http://localhost/default/dicom/studies/1.1/series/1.1.1/instances/1.1.1.1"])
    }
  }
}
