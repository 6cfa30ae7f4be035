import Base
import DICOMCore
import DICOMService
import DICOMweb
import ImageCodecs
import Testing

/// Answers of many parts: listed page by page, opened a few at a time, and what fails told while it can be.
@Suite struct RetrieveStreamingTests {
  static let damagedStream: [UInt8] = [0xFF, 0x4F, 0xFF, 0x51, 0, 41, 1, 2]

  static func instances(_ count: Int, frames: Int = 1) throws -> [Instance] {
    try (1...count).map { try Instance("1.1", UID("1.1.\($0 % 3 + 1)"), UID("1.1.9.\($0)"), frames: frames) }
  }

  static func small(_ limits: inout DICOMServiceLimits) {
    limits.retrieve.pageInstancesMax = 3
    limits.retrieve.openInstancesMax = 2
  }

  @Test(arguments: [DICOMVersion.v2, .standard]) func `studies longer than a page`(_ version: DICOMVersion) async throws
  {
    try await RetrieveFixture.run(Self.small) { fixture in
      // Some are files, some are in their rows.
      let instances = try Self.instances(10) + [Instance("1.1", "1.1.7", "1.1.7.1", frames: 60)]
      try await fixture.store(instances, version)
      let study = try await fixture.get(
        .retrieve(Target(study: "1.1")), version, accept: RetrieveInstanceTests.original)
      #expect(study.status == 200)
      #expect(try ReplyPart.all(study).map(\.body) == instances.map(\.bytes))
      // A part of one page, with its length.
      let series = try await fixture.get(
        .retrieve(Target(study: "1.1", series: "1.1.1")), version, accept: RetrieveInstanceTests.original)
      #expect(series.announced == series.body.count)
      #expect(try ReplyPart.all(series).count == 3)
      let pixels = try await fixture.get(
        .pixelData(Target(study: "1.1")), version, accept: "multipart/related; type=\"application/octet-stream\"")
      let frames = Array(repeating: Instance.frame(1), count: 10) + (1...60).map { Instance.frame($0) }
      #expect(try ReplyPart.all(pixels).map(\.body) == frames)
      let bulk = try await fixture.get(
        .bulkData(Target(study: "1.1"), path: []), version,
        accept: "multipart/related; type=\"application/octet-stream\"")
      #expect(try ReplyPart.all(bulk).count == 22)
      let picture = try await fixture.get(.rendered(Target(study: "1.1"), frames: nil), version)
      #expect(picture.status == 200)
    }
  }

  @Test func `what is deleted while a long answer is sent is left out`() async throws {
    try await RetrieveFixture.run(Self.small) { fixture in
      let instances = try Self.instances(10)
      try await fixture.store(instances)
      var call = DICOMCall(.retrieve(Target(study: "1.1")), version: .v2, base: RetrieveFixture.base(.v2))
      call.accept = [RetrieveInstanceTests.original]
      let answer = try await fixture.service.perform(call, .everything)
      _ = try await fixture.get(.delete(instances[8].target))
      // One that is stored meanwhile is not of the answer.
      try await fixture.store([try Instance("1.1", "1.1.1", "1.1.9.11")])
      let parts = try ReplyPart.all(try await RetrieveFixture.collect(answer))
      #expect(parts.map(\.body) == (instances[..<8] + instances[9...]).map(\.bytes))
    }
  }

  @Test func `an answer with an instance that cannot be transcoded`() async throws {
    try await RetrieveFixture.run { fixture in
      let good = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 3, as: .jpeg2000Lossless)
      let damaged = try Instance("1.1", "1.1.1", "1.1.1.2", as: .jpeg2000Lossless, streams: [Self.damagedStream])
      let plain = try Instance("1.1", "1.1.1", "1.1.1.3")
      try await fixture.store([good, damaged, plain])
      let study = Target(study: "1.1")
      // Microsoft's service: all of them or none (406), before the answer begins.
      for version in [DICOMVersion.v1, .v2] {
        #expect(
          await fixture.refusal(.retrieve(study), version, accept: RetrieveInstanceTests.explicit) == .notAcceptable)
      }
      // PS3.18 table 10.4.3-1: 206 for some of them.
      let some = try await fixture.get(.retrieve(study), .standard, accept: RetrieveInstanceTests.explicit)
      #expect(some.status == 206)
      #expect(some.announced == some.body.count)
      let parts = try ReplyPart.all(some)
      #expect(parts.map { $0.headers["content-location"]?.split(separator: "/").last } == ["1.1.1.1", "1.1.1.3"])
      #expect(try Instance.pixels(parts[0].body) == (1...3).flatMap { Instance.frame($0) })
      // None of them: 406.
      #expect(
        await fixture.refusal(.retrieve(damaged.target), .standard, accept: RetrieveInstanceTests.explicit)
          == .notAcceptable)
    }
  }

  @Test func `an answer with a kind that nobody can transcode`() async throws {
    try await RetrieveFixture.run(Self.small) { fixture in
      var instances = try Self.instances(5)
      instances.insert(try Instance("1.1", "1.1.5", "1.1.5.1", as: .mpeg2, streams: [[0, 0, 1, 0xB3]]), at: 2)
      try await fixture.store(instances)
      let study = Target(study: "1.1")
      #expect(await fixture.refusal(.retrieve(study), .v2, accept: RetrieveInstanceTests.explicit) == .notAcceptable)
      let some = try await fixture.get(.retrieve(study), .standard, accept: RetrieveInstanceTests.explicit)
      #expect(some.status == 206)
      instances.remove(at: 2)
      #expect(try ReplyPart.all(some).map(\.body) == instances.map(\.bytes))
    }
  }

  @Test func `what is too much to be transcoded before begins and breaks off`() async throws {
    try await RetrieveFixture.run { limits in
      limits.retrieve.rehearsedBytesMax = 1_000
    } _: { fixture in
      let good = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 3, as: .jpeg2000Lossless)
      let damaged = try Instance("1.1", "1.1.1", "1.1.1.2", as: .jpeg2000Lossless, streams: [Self.damagedStream])
      try await fixture.store([good, damaged])
      for version in [DICOMVersion.v2, .standard] {
        var call = DICOMCall(.retrieve(Target(study: "1.1")), version: version, base: RetrieveFixture.base(version))
        call.accept = [RetrieveInstanceTests.explicit]
        let answer = try await fixture.service.perform(call, .everything)
        #expect(answer.status == 200)
        await #expect(throws: Fault.self) { _ = try await RetrieveFixture.collect(answer) }
      }
    }
  }

  @Test func `a frame that cannot be decoded is told before the answer`() async throws {
    try await RetrieveFixture.run { fixture in
      let good = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 1, as: .jpeg2000Lossless)
      let stream = try FrameReader(try DICOMFile(good.bytes)).stream(0)
      let half = try Instance(
        "1.1", "1.1.1", "1.1.1.2", frames: 2, as: .jpeg2000Lossless, streams: [stream, Self.damagedStream])
      try await fixture.store([half])
      let octets = "multipart/related; type=\"application/octet-stream\""
      #expect(await fixture.refusal(.frames(half.target, [1, 2]), accept: octets) == .notAcceptable)
      let first = try await fixture.get(.frames(half.target, [1]), accept: octets)
      #expect(try ReplyPart.all(first).map(\.body) == [Instance.frame(1)])
      #expect(
        await fixture.refusal(.rendered(half.target, frames: [1, 2]), accept: "multipart/related; type=\"image/png\"")
          == .notAcceptable)
    }
  }

  // MARK: GIF

  @Test func `GIF of a frame and of all frames`() async throws {
    try await RetrieveFixture.run { fixture in
      let cine = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 5)
      let single = try Instance("1.1", "1.1.1", "1.1.1.2")
      try await fixture.store([cine, single])
      func frames(_ bytes: [UInt8]) -> Int { Self.pictures(in: bytes) }
      for version in [DICOMVersion.v1, .v2, .standard] {
        let one = try await fixture.get(.rendered(single.target, frames: nil), version, accept: "image/gif")
        #expect(one.contentType == "image/gif")
        #expect(Array(one.body.prefix(6)) == Array("GIF89a".utf8))
        #expect(frames(one.body) == 1)
        let all = try await fixture.get(.rendered(cine.target, frames: nil), version, accept: "image/gif")
        #expect(frames(all.body) == 5)
        let some = try await fixture.get(.rendered(cine.target, frames: [2, 4]), version, accept: "image/gif")
        #expect(frames(some.body) == 2)
        let parts = try await fixture.get(
          .rendered(cine.target, frames: [2, 4]), version, accept: "multipart/related; type=\"image/gif\"")
        #expect(try ReplyPart.all(parts).map { frames($0.body) } == [1, 1])
        let small = try await fixture.get(.thumbnail(cine.target, frames: nil), version, accept: "image/gif")
        #expect(frames(small.body) == 1)
      }
    }
    try await RetrieveFixture.run { limits in
      limits.retrieve.animatedFramesMax = 4
    } _: { fixture in
      let cine = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 5)
      try await fixture.store([cine])
      #expect(await fixture.refusal(.rendered(cine.target, frames: nil), accept: "image/gif") == .notAcceptable)
    }
  }

  /// The pictures of a GIF, counted by its blocks (GIF89a appendix B); -1 if it is none.
  static func pictures(in bytes: [UInt8]) -> Int {
    var place = 13 + (bytes[10] & 0x80 != 0 ? 3 << (Int(bytes[10] & 7) + 1) : 0)
    var count = 0
    func skipBlocks() {
      while place < bytes.count, bytes[place] > 0 { place += 1 + Int(bytes[place]) }
      place += 1
    }
    while place < bytes.count {
      switch bytes[place] {
      case 0x21:
        place += 2
        skipBlocks()
      case 0x2C:
        count += 1
        let flags = bytes[place + 9]
        place += 11 + (flags & 0x80 != 0 ? 3 << (Int(flags & 7) + 1) : 0)
        skipBlocks()
      case 0x3B: return place == bytes.count - 1 ? count : -1
      default: return -1
      }
    }
    return -1
  }
}
