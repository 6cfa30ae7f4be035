import Base
import DICOMCore
import DICOMService
import DICOMweb
import ImageCodecs
import Testing

/// Frames, pixel data and bulk data.
@Suite struct RetrieveFrameTests {
  static func octets(_ syntax: String? = nil) -> String {
    "multipart/related; type=\"application/octet-stream\"" + (syntax.map { "; transfer-syntax=\($0)" } ?? "")
  }

  @Test(arguments: [DICOMVersion.v1, .v2]) func framesAsStored(_ version: DICOMVersion) async throws {
    try await RetrieveFixture.run { fixture in
      let instance = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 3)
      let large = try Instance("1.1", "1.1.1", "1.1.1.2", frames: 60)
      try await fixture.store([instance, large], version)
      for accept in [
        Self.octets(), Self.octets("1.2.840.10008.1.2.1"), Self.octets("*"), "multipart/related; type=\"*/*\"",
      ] {
        let reply = try await fixture.get(.frames(instance.target, [1, 2]), version, accept: accept)
        #expect(reply.contentType.hasPrefix("multipart/related"))
        #expect(reply.announced == reply.body.count)
        let parts = try ReplyPart.all(reply)
        #expect(parts.map(\.body) == [Instance.frame(1), Instance.frame(2)])
        #expect(parts.allSatisfy { $0.contentType.hasPrefix("application/octet-stream") })
      }
      // In the order they were asked for, and again.
      let parts = try ReplyPart.all(
        try await fixture.get(.frames(large.target, [60, 2, 60]), version, accept: Self.octets()))
      #expect(parts.map(\.body) == [60, 2, 60].map { Instance.frame($0) })
      // One frame needs no multipart.
      let single = try await fixture.get(.frames(large.target, [7]), version, accept: "application/octet-stream")
      #expect(single.contentType.hasPrefix("application/octet-stream"))
      #expect(single.body == Instance.frame(7))
      #expect(try await fixture.get(.frames(large.target, [7]), version, accept: "*/*").body == Instance.frame(7))
      // Several do.
      #expect(
        await fixture.refusal(.frames(large.target, [1, 2]), version, accept: "application/octet-stream") == .invalid)
      #expect(await fixture.refusal(.frames(large.target, [61]), version, accept: "*/*") == .notFound)
      #expect(await fixture.refusal(.frames(large.target, [1, 61]), version, accept: Self.octets()) == .notFound)
    }
  }

  @Test(arguments: [DICOMVersion.v1, .v2]) func framesDecodedAndEncoded(_ version: DICOMVersion) async throws {
    try await RetrieveFixture.run { fixture in
      let explicit = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 2)
      try await fixture.store([explicit], version)
      let syntaxes: [TransferSyntax] = [
        .jpeg2000Lossless, .rleLossless, .jpegLSLossless, .deflatedExplicitVRLittleEndian, .explicitVRBigEndian,
        .implicitVRLittleEndian, .htj2kLossless,
      ]
      for (place, syntax) in syntaxes.enumerated() {
        let instance = try Instance("1.1", "1.1.1", UID("1.1.1.\(place + 2)"), frames: 2, as: syntax)
        try await fixture.store([instance], version)
        let parts = try ReplyPart.all(
          try await fixture.get(.frames(instance.target, [2, 1]), version, accept: Self.octets()))
        #expect(parts.map(\.body) == [Instance.frame(2), Instance.frame(1)], "\(syntax)")
        #expect(parts[0].contentType == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1")
      }
      // Stored as JPEG 2000: the stream as it is; from another: encoded.
      let stored = Target(study: "1.1", series: "1.1.1", instance: "1.1.1.2")
      let reader = try FrameReader(DICOMFile(try Instance("1", "1", "1", frames: 2, as: .jpeg2000Lossless).bytes))
      for accept in [
        "multipart/related; type=\"image/jp2\"",
        "multipart/related; type=\"image/jp2\"; transfer-syntax=1.2.840.10008.1.2.4.90",
      ] {
        let parts = try ReplyPart.all(try await fixture.get(.frames(stored, [1, 2]), version, accept: accept))
        #expect(
          parts.map(\.contentType) == Array(repeating: "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90", count: 2))
        #expect(try parts.map(\.body) == [try reader.stream(0), try reader.stream(1)])
        let encoded = try ReplyPart.all(
          try await fixture.get(.frames(explicit.target, [1, 2]), version, accept: accept))
        #expect(encoded.allSatisfy { $0.body.starts(with: [0xFF, 0x4F, 0xFF, 0x51]) })
      }
      let jls = try await fixture.get(.frames(explicit.target, [1]), version, accept: "image/jls")
      #expect(jls.body.starts(with: [0xFF, 0xD8, 0xFF]))
      #expect(jls.contentType == "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80")
    }
  }

  @Test(arguments: [DICOMVersion.v1, .v2]) func framesNobodyDecodes(_ version: DICOMVersion) async throws {
    try await RetrieveFixture.run { fixture in
      let stream: [UInt8] = [0, 0, 0, 1, 0x40, 1, 0x0C, 1, 0xFF, 0xFF]
      let video = try Instance("1.1", "1.1.1", "1.1.1.1", as: .hevc, streams: [stream])
      let plan = try Instance("1.1", "1.1.1", "1.1.1.2", frames: 0)
      try await fixture.store([video, plan], version)
      for accept in [Self.octets("*"), "multipart/related; type=\"*/*\"", "*/*"] {
        let reply = try await fixture.get(.frames(video.target, [1]), version, accept: accept)
        #expect(try accept == "*/*" ? reply.body == stream : ReplyPart.all(reply).map(\.body) == [stream])
      }
      #expect(
        await fixture.refusal(.frames(video.target, [1]), version, accept: "multipart/related; type=\"image/jp2\"")
          == .notAcceptable)
      #expect(await fixture.refusal(.frames(video.target, [1]), version, accept: Self.octets()) == .notAcceptable)
      #expect(await fixture.refusal(.frames(plan.target, [1]), version, accept: "*/*") == .notFound)
      let unknown = Target(study: "1.1", series: "1.1.1", instance: "1.9")
      #expect(await fixture.refusal(.frames(unknown, [1]), version, accept: "*/*") == .notFound)
    }
  }

  @Test func framesOfOneBit() async throws {
    // Three frames of 3 by 5 pixels, without a gap between them (PS3.5 §8.1.1).
    var builder = DataSetBuilder()
    try builder.append(.sopClassUID, .UI, "1.2.840.10008.5.1.4.1.1.66.4")
    try builder.append(.sopInstanceUID, .UI, "1.1.1.1")
    try builder.append(.modality, .CS, "SEG")
    try builder.append(.patientID, .LO, "P1")
    try builder.append(.studyInstanceUID, .UI, "1.1")
    try builder.append(.seriesInstanceUID, .UI, "1.1.1")
    try builder.append(.samplesPerPixel, .US, integers: [1])
    try builder.append(.photometricInterpretation, .CS, "MONOCHROME2")
    try builder.append(.numberOfFrames, .IS, "3")
    try builder.append(.rows, .US, integers: [3])
    try builder.append(.columns, .US, integers: [5])
    try builder.append(.bitsAllocated, .US, integers: [1])
    try builder.append(.bitsStored, .US, integers: [1])
    try builder.append(.highBit, .US, integers: [0])
    try builder.append(.pixelRepresentation, .US, integers: [0])
    let packed: [UInt8] = [0b1010_0101, 0b1100_1100, 0b0001_1110, 0b0101_0101, 0b0011_0011, 0b0000_1001]
    try builder.append(.pixelData, .OB, bytes: packed)
    let meta = try FileMetaInformation.encoded(
      mediaStorageSOPClassUID: "1.2.840.10008.5.1.4.1.1.66.4", mediaStorageSOPInstanceUID: "1.1.1.1",
      transferSyntax: .explicitVRLittleEndian)
    let bytes = DICOMFile.prefix + meta + builder.bytes
    try await RetrieveFixture.run { fixture in
      var call = DICOMCall(.store(study: nil), version: .v2, base: RetrieveFixture.base(.v2))
      call.accept = ["*/*"]
      call.contentType = "application/dicom"
      call.body = .whole(bytes)
      #expect(try await fixture.service.perform(call, .everything).status == 200)
      let bits = packed.flatMap { byte in (0..<8).map { byte >> UInt8($0) & 1 } }
      let target = Target(study: "1.1", series: "1.1.1", instance: "1.1.1.1")
      let parts = try ReplyPart.all(try await fixture.get(.frames(target, [1, 2, 3]), accept: Self.octets()))
      for (number, part) in parts.enumerated() {
        let frame = part.body.flatMap { byte in (0..<8).map { byte >> UInt8($0) & 1 } }
        #expect(Array(frame.prefix(15)) == Array(bits[number * 15..<number * 15 + 15]))
        #expect(part.body.count == 2)
      }
    }
  }

  @Test func pixelData() async throws {
    try await RetrieveFixture.run { fixture in
      let first = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 2)
      let second = try Instance("1.1", "1.1.1", "1.1.1.2", frames: 1, as: .rleLossless)
      let plan = try Instance("1.1", "1.1.2", "1.1.2.1", frames: 0)
      try await fixture.store([first, second, plan])
      let parts = try ReplyPart.all(
        try await fixture.get(.pixelData(first.studyTarget), .standard, accept: Self.octets()))
      #expect(parts.map(\.body) == [Instance.frame(1), Instance.frame(2), Instance.frame(1)])
      let prefix = "http://localhost/default/dicom/studies/1.1/series/1.1.1/instances/"
      #expect(
        parts.map { $0.headers["content-location"] }
          == ["1.1.1.1/frames/1", "1.1.1.1/frames/2", "1.1.1.2/frames/1"].map { prefix + $0 })
      #expect(await fixture.refusal(.pixelData(plan.target), .standard, accept: Self.octets()) == .notFound)
    }
  }

  @Test func bulkData() async throws {
    let syntaxes: [TransferSyntax] = [
      .explicitVRLittleEndian, .implicitVRLittleEndian, .deflatedExplicitVRLittleEndian, .explicitVRBigEndian,
      .rleLossless,
    ]
    try await RetrieveFixture.run { fixture in
      for (place, syntax) in syntaxes.enumerated() {
        let instance = try Instance("1.1", "1.1.1", UID("1.1.1.\(place + 1)"), frames: 2, as: syntax)
        try await fixture.store([instance], .standard)
        let icon = try await fixture.get(
          .bulkData(instance.target, path: ["00880200", "1", "7FE00010"]), .standard, accept: "*/*")
        #expect(icon.body == Instance.icon, "\(syntax)")
        #expect(icon.contentType == "application/octet-stream")
        let multipart = try await fixture.get(
          .bulkData(instance.target, path: ["00880200", "1", "7fe00010"]), .standard, accept: Self.octets())
        #expect(try ReplyPart.all(multipart).map(\.body) == [Instance.icon])
        let pixels = try await fixture.get(
          .bulkData(instance.target, path: ["7FE00010"]), .standard, accept: "multipart/related; type=\"*/*\"")
        if syntax != .rleLossless {
          #expect(try ReplyPart.all(pixels).map(\.body) == [Instance.frame(1) + Instance.frame(2)], "\(syntax)")
        } else {
          #expect(try ReplyPart.all(pixels).count == 2)
        }
      }
      let target = Target(study: "1.1", series: "1.1.1", instance: "1.1.1.1")
      for path in [["7FE00011"], ["00880200"], ["00880200", "2", "7FE00010"], ["..", ".."], ["PixelData"]] {
        #expect(await fixture.refusal(.bulkData(target, path: path), .standard, accept: "*/*") == .notFound, "\(path)")
      }
      #expect(
        await fixture.refusal(.bulkData(target, path: ["7FE00010"]), .standard, accept: "image/png") == .notAcceptable)
      // Everything of a series.
      let all = try await fixture.get(
        .bulkData(Target(study: "1.1", series: "1.1.1"), path: []), .standard, accept: Self.octets())
      let counts = try ReplyPart.all(all).map(\.body.count).sorted()
      // Implicit VR does not tell what the private element is: bytes.
      #expect(counts == [6, 64, 64, 64, 64, 64, 3_072, 3_072, 3_072, 3_072])
    }
  }

  @Test func bulkDataRanges() async throws {
    try await RetrieveFixture.run { fixture in
      let instance = try Instance("1.1", "1.1.1", "1.1.1.1", frames: 100)
      try await fixture.store([instance], .standard)
      let whole = (1...100).flatMap { Instance.frame($0) }
      func get(_ range: String) async throws -> RetrieveFixture.Reply {
        try await fixture.get(.bulkData(instance.target, path: ["7FE00010"]), .standard, accept: "*/*") {
          $0.range = range
        }
      }
      let cases: [(String, Range<Int>)] = [
        ("bytes=0-0", 0..<1), ("bytes=100-299", 100..<300), ("bytes=153599-", 153_599..<153_600),
        ("bytes=-5", 153_595..<153_600), ("bytes=153590-999999", 153_590..<153_600),
      ]
      for (field, range) in cases {
        let reply = try await get(field)
        #expect(reply.status == 206)
        #expect(reply.body == Array(whole[range]), "\(field)")
        #expect(reply.header("content-range") == "bytes \(range.lowerBound)-\(range.upperBound - 1)/153600")
      }
      for field in ["bytes=153600-", "bytes=-0"] {
        let reply = try await get(field)
        #expect(reply.status == 416)
        #expect(reply.header("content-range") == "bytes */153600")
      }
      for field in ["bytes=5-4", "bytes=a-b", "items=0-1", "bytes=0-1,4-5", "bytes=-"] {
        #expect(try await get(field).status == 200, "\(field)")
      }
    }
  }
}
