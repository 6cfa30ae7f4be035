import Base
import DICOMCore
import DICOMService
import DICOMweb
import ImageCodecs
import Testing

/// Pictures, thumbnails, and instances by parameters (WADO-URI).
@Suite struct RetrieveRenderedTests {
  /// Width and height of a PNG (its IHDR) or a JPEG (its SOF), read by hand.
  static func size(_ bytes: [UInt8]) -> [Int]? {
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]), bytes.count > 24 {
      return [16, 20].map { start in bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } }
    }
    guard bytes.starts(with: [0xFF, 0xD8]) else { return nil }
    var place = 2
    while place + 9 < bytes.count, bytes[place] == 0xFF {
      let marker = bytes[place + 1]
      if marker >= 0xC0, marker <= 0xC3 {
        return [Int(bytes[place + 7]) << 8 | Int(bytes[place + 8]), Int(bytes[place + 5]) << 8 | Int(bytes[place + 6])]
      }
      place += 2 + Int(bytes[place + 2]) << 8 + Int(bytes[place + 3])
    }
    return nil
  }

  @Test(arguments: [DICOMVersion.v1, .v2]) func rendered(_ version: DICOMVersion) async throws {
    try await RetrieveFixture.run { fixture in
      let instance = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 3)
      let plan = try Instance("1.1", "1.1.1", "1.1.1.2", frames: 0)
      try await fixture.store([instance, plan], version)
      for (accept, type, start) in [
        (nil, "image/jpeg", [0xFF, 0xD8]), ("image/jpeg", "image/jpeg", [0xFF, 0xD8]),
        ("image/png", "image/png", [0x89, 0x50]), ("image/*;q=0.5", "image/jpeg", [0xFF, 0xD8]),
      ] as [(String?, String, [UInt8])] {
        for frames in [nil, [1], [2]] as [[Int]?] {
          let reply = try await fixture.get(.rendered(instance.target, frames: frames), version, accept: accept)
          #expect(reply.status == 200)
          #expect(reply.contentType == type)
          #expect(reply.body.starts(with: start))
          #expect(Self.size(reply.body) == [Instance.columns, Instance.rows])
        }
      }
      // Without a frame: the first.
      let first = try await fixture.get(.rendered(instance.target, frames: [1]), version, accept: "image/png")
      #expect(
        try await fixture.get(.rendered(instance.target, frames: nil), version, accept: "image/png").body == first.body)
      let third = try await fixture.get(.rendered(instance.target, frames: [3]), version, accept: "image/png")
      #expect(third.body != first.body)
      var counts: [Int] = []
      for quality in [100, 1] {
        let reply = try await fixture.get(.rendered(instance.target, frames: nil), version, query: "quality=\(quality)")
        #expect(reply.status == 200)
        counts.append(reply.body.count)
      }
      #expect(counts[0] > counts[1])
      for query in [
        "quality=0", "quality=101", "quality=abc", "window=1", "window=1,0,linear", "viewport=0,0", "viewport=a",
      ] {
        #expect(
          await fixture.refusal(.rendered(instance.target, frames: nil), version, query: query) == .invalid, "\(query)")
      }
      #expect(await fixture.refusal(.rendered(instance.target, frames: [5]), version) == .notFound)
      #expect(await fixture.refusal(.rendered(plan.target, frames: nil), version) == .notFound)
      #expect(
        await fixture.refusal(.rendered(instance.target, frames: nil), version, accept: "image/bmp") == .notAcceptable)
      #expect(
        await fixture.refusal(.rendered(Target(study: "1.1", series: "1.1.1", instance: "1.9"), frames: nil), version)
          == .notFound)
    }
  }

  @Test func windowViewportAndWholeStudies() async throws {
    try await RetrieveFixture.run { fixture in
      let instances = try (1...5).map { try Instance("1.1", "1.1.1", UID("1.1.1.\($0)"), frames: 3) }
      try await fixture.store(instances)
      let target = instances[0].target
      func png(_ query: String) async throws -> [UInt8] {
        try await fixture.get(.rendered(target, frames: nil), accept: "image/png", query: query).body
      }
      let plain = try await png("")
      #expect(try await png("window=2048,4096,linear") == plain)
      #expect(try await png("window=100,10,LINEAR_EXACT") != plain)
      #expect(try await png("window=2048,1000,sigmoid") != plain)
      #expect(Self.size(try await png("viewport=16,16")) == [16, 12])
      #expect(Self.size(try await png("viewport=64,48,0,0,16,12")) == [64, 48])
      for target in [instances[0].studyTarget, instances[0].seriesTarget] {
        let reply = try await fixture.get(.rendered(target, frames: nil), .standard)
        #expect(reply.contentType == "image/jpeg")
        #expect(Self.size(reply.body) == [Instance.columns, Instance.rows])
        let thumbnail = try await fixture.get(.thumbnail(target, frames: nil), .standard, query: "viewport=8,8")
        #expect(Self.size(thumbnail.body) == [8, 6])
      }
      let several = try await fixture.get(
        .rendered(target, frames: [3, 1]), .standard, accept: "multipart/related; type=\"image/png\"")
      let parts = try ReplyPart.all(several)
      #expect(parts.map(\.contentType) == ["image/png", "image/png"])
      #expect(parts[1].body == plain)
      let thumbnail = try await fixture.get(.thumbnail(target, frames: nil), accept: "image/jpeg")
      #expect(Self.size(thumbnail.body) != nil)
      #expect(await fixture.refusal(.thumbnail(target, frames: nil), query: "viewport=5000,5000") == .invalid)
    }
  }

  @Test func wadoURI() async throws {
    try await RetrieveFixture.run { fixture in
      let one = try Instance("1.1", "1.1.1", "1.1.1.1", as: .rleLossless)
      let many = try Instance("1.1", "1.1.1", "1.1.1.2", frames: 3)
      try await fixture.store([one, many])
      func query(_ instance: Instance, _ rest: String = "") -> String {
        "requestType=WADO&studyUID=\(instance.study)&seriesUID=\(instance.series)&objectUID=\(instance.instance)" + rest
      }
      func ask(_ query: String) async throws -> RetrieveFixture.Reply {
        try await fixture.get(.wadoURI, .standard, query: query)
      }
      let picture = try await ask(query(one))
      #expect(picture.contentType == "image/jpeg")
      #expect(Self.size(picture.body) == [Instance.columns, Instance.rows])
      // Several frames are no JPEG by themselves (PS3.18 §9.1.3).
      #expect(try await ask(query(many)).body == many.bytes)
      #expect(
        Self.size(try await ask(query(many, "&contentType=image/png&frameNumber=2")).body) == [
          Instance.columns, Instance.rows,
        ])
      let decoded = try await ask(query(one, "&contentType=application%2Fdicom"))
      #expect(decoded.contentType == "application/dicom")
      #expect(try Instance.pixels(decoded.body) == Instance.frame(1))
      #expect(
        try await ask(query(one, "&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2.5")).body == one.bytes
      )
      #expect(Self.size(try await ask(query(one, "&columns=16")).body) == [16, 12])
      #expect(Self.size(try await ask(query(one, "&rows=12&columns=300")).body) == [16, 12])
      #expect(Self.size(try await ask(query(one, "&region=0,0,0.5,0.5")).body) == [16, 12])
      let windowed = try await ask(query(one, "&contentType=image/png&windowCenter=100&windowWidth=20"))
      #expect(windowed.body != (try await ask(query(one, "&contentType=image/png"))).body)
      for bad in [
        "requestType=OTHER", "requestType=WADO&studyUID=1.1", query(one, "&windowCenter=5"), query(one, "&rows=0"),
        query(one, "&frameNumber=x"), query(one, "&imageQuality=101"), query(one, "&region=0,0,2,2"),
        "requestType=WADO&studyUID=../1&seriesUID=1&objectUID=1",
      ] {
        #expect(await fixture.refusal(.wadoURI, .standard, query: bad) == .invalid, "\(bad)")
      }
      #expect(await fixture.refusal(.wadoURI, .standard, query: query(one, "&frameNumber=2")) == .notFound)
      #expect(
        await fixture.refusal(.wadoURI, .standard, query: query(one, "&contentType=video/mpeg")) == .notAcceptable)
      #expect(await fixture.refusal(.wadoURI, .standard, query: query(one, "&anonymize=yes")) == .unsupported)
      #expect(
        await fixture.refusal(.wadoURI, .standard, query: "requestType=WADO&studyUID=1&seriesUID=1&objectUID=1")
          == .notFound)
    }
  }
}
