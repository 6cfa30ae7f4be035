import Base
import DICOMCore
import DICOMService
import DICOMweb
import ImageCodecs
import JSONCore
import TestSupport
import Testing

/// Metadata and bulk data apart (PS3.18 §10.5.2).
@Suite struct StoreMetadataTests {
  typealias Part = (headers: [(name: String, value: String)], body: [UInt8])

  static func body(_ parts: [Part]) -> [UInt8] {
    let writer = MultipartWriter(boundary: "b-1")
    var body: [UInt8] = []
    for (number, part) in parts.enumerated() { body += writer.head(isFirst: number == 0, part.headers) + part.body }
    return body + writer.end
  }

  static func post(
    _ service: ServiceFixture, _ parts: [Part], type: String = "application/dicom+json",
    _ version: DICOMVersion = .v2, piece: Int = 1_000
  ) async -> ServiceFixture.Reply {
    await service.send(
      .post, "studies", version, contentType: "multipart/related; type=\"\(type)\"; boundary=b-1",
      body: StoreInputTests.stream(body(parts), piece: piece))
  }

  static func json(_ objects: String...) -> Part {
    ([("Content-Type", "application/dicom+json")], Array("[\(objects.joined(separator: ","))]".utf8))
  }

  static func bulk(_ location: String, _ bytes: [UInt8], _ type: String = "application/octet-stream") -> Part {
    ([("Content-Type", type), ("Content-Location", location)], bytes)
  }

  /// A data set as a client would write it.
  static func object(_ uid: String, _ more: String, frames: Bool = true) -> String {
    let image = #"""
      "00280002":{"vr":"US","Value":[1]},"00280004":{"vr":"CS","Value":["MONOCHROME2"]},
      "00280010":{"vr":"US","Value":[2]},"00280011":{"vr":"US","Value":[3]},"00280100":{"vr":"US","Value":[16]},
      "00280101":{"vr":"US","Value":[12]},"00280102":{"vr":"US","Value":[11]},"00280103":{"vr":"US","Value":[0]},
      """#
    return #"""
      {"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.7"]},"00080018":{"vr":"UI","Value":["\#(uid)"]},
      "00080060":{"vr":"CS","Value":["OT"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"Grün^Ada"}]},
      "00100020":{"vr":"LO","Value":["P1"]},"0020000D":{"vr":"UI","Value":["1.9"]},
      "0020000E":{"vr":"UI","Value":["1.9.1"]},\#(frames ? image : "")\#(more)}
      """#
  }

  static func target(_ uid: String) -> String { "studies/1.9/series/1.9.1/instances/\(uid)" }

  static func stored(_ service: ServiceFixture, _ uid: String) async throws -> DICOMFile {
    let reply = await service.send(.get, target(uid), accept: ["application/dicom; transfer-syntax=*"])
    guard reply.status == 200 else { throw ServiceFixtureError(what: "\(reply.status) \(reply.text)") }
    return try DICOMFile(reply.bytes)
  }

  static let pixels = (0..<12).map { UInt8($0) }

  @Test(arguments: [DICOMVersion.v1, .v2, .standard]) func `pixels by their address`(_ version: DICOMVersion)
    async throws
  {
    try await ServiceFixture.run { service async throws in
      let reply = await Self.post(
        service,
        [
          Self.json(
            Self.object("1.9.1.1", #""7FE00010":{"vr":"OW","BulkDataURI":"bulk/1"}"#),
            Self.object("1.9.1.2", #""7FE00010":{"vr":"OW","BulkDataURI":"bulk/2"}"#)),
          Self.bulk("bulk/2", Self.pixels.reversed()), Self.bulk("bulk/1", Self.pixels),
        ], version)
      #expect(reply.status == 200, "\(reply.text)")
      #expect(try reply.dataSet().items(.referencedSOPSequence).count == 2)
      let file = try await Self.stored(service, "1.9.1.1")
      #expect(file.transferSyntax == .explicitVRLittleEndian)
      #expect(file.fileMetaInformation?.mediaStorageSOPInstanceUID == "1.9.1.1")
      #expect(file.dataSet.string(.patientName) == "Grün^Ada")
      #expect(file.dataSet[.pixelData]?.value == Self.pixels)
      #expect(file.dataSet[.pixelData]?.vr == .OW)
      #expect(file.tolerances.list.isEmpty)
      #expect(try await Self.stored(service, "1.9.1.2").dataSet[.pixelData]?.value == Self.pixels.reversed())
      #expect(try await service.search("instances", "SOPInstanceUID=1.9.1.2").count == 1)
    }
  }

  /// What the server gives as metadata and bulk data is the same instance when it comes back.
  @Test(arguments: [true, false]) func `a round trip`(isXML: Bool) async throws {
    try await ServiceFixture.run({
      // All that is long goes through files.
      $0.instanceMemoryBytesMax = 3_000
      $0.retrieve.spoolMemoryBytesMax = 1_000
    }) { service async throws in
      let instance = try Instance("1.9", "1.9.1", "1.9.1.1", frames: 4)
      #expect(await service.storeSingle(instance.bytes, .standard).status == 200)
      let path = instance.target.path
      let accept = isXML ? "multipart/related; type=\"application/dicom+xml\"" : "application/dicom+json"
      let metadata = await service.send(.get, path + "/metadata", .standard, accept: [accept])
      let bulk = await service.send(
        .get, path + "/bulkdata", .standard, accept: ["multipart/related; type=\"application/octet-stream\""])
      func parts(_ reply: ServiceFixture.Reply) throws -> [ReplyPart] {
        try ReplyPart.all(
          RetrieveFixture.Reply(status: reply.status, headers: reply.headers, announced: nil, body: reply.bytes))
      }
      var sent: [Part] = isXML ? try parts(metadata).map { ([("Content-Type", "application/dicom+xml")], $0.body) } : []
      if !isXML { sent = [([("Content-Type", "application/dicom+json")], metadata.bytes)] }
      for part in try parts(bulk) { sent.append(Self.bulk(part.headers["content-location"] ?? "", part.body)) }
      #expect(sent.count == 3)
      #expect(await service.send(.delete, path, .standard).status == 204)
      for piece in [100_000, 777] {
        let reply = await Self.post(
          service, sent, type: isXML ? "application/dicom+xml" : "application/dicom+json", .standard, piece: piece)
        #expect(reply.status == 200, "\(reply.text)")
        let file = try await Self.stored(service, "1.9.1.1")
        let original = try DICOMFile(instance.bytes)
        #expect(DICOMJSONWriter.json(file.dataSet) == DICOMJSONWriter.json(original.dataSet))
        #expect(await service.send(.delete, path, .standard).status == 204)
      }
    }
  }

  @Test func `compressed frames by their media type`() async throws {
    try await ServiceFixture.run { service async throws in
      let source = try Instance("1.9", "1.9.1", "1.9.1.1", frames: 2)
      let file = try DICOMFile(source.bytes)
      let cases: [(TransferSyntax, String)] = [
        (.jpeg2000Lossless, "image/jp2"), (.jpegLSLossless, "image/jls"), (.rleLossless, "image/dicom-rle"),
      ]
      for (number, (syntax, type)) in cases.enumerated() {
        let encoder = try FrameTranscoder(file, to: syntax)
        let streams = try (0..<2).map { try encoder.frame($0) }
        let uid = "1.9.1.\(number + 10)"
        let described = #"""
          "00280002":{"vr":"US","Value":[1]},"00280004":{"vr":"CS","Value":["MONOCHROME2"]},
          "00280008":{"vr":"IS","Value":[2]},
          "00280010":{"vr":"US","Value":[24]},"00280011":{"vr":"US","Value":[32]},"00280100":{"vr":"US","Value":[16]},
          "00280101":{"vr":"US","Value":[12]},"00280102":{"vr":"US","Value":[11]},"00280103":{"vr":"US","Value":[0]},
          "7FE00010":{"vr":"OW","BulkDataURI":"http://x/pixels"}
          """#
        // Frames at the same address, or each at its own.
        let locations = number % 2 == 0 ? ["", ""] : ["/frames/1", "/frames/2"]
        let reply = await Self.post(
          service,
          [Self.json(Self.object(uid, described, frames: false))]
            + zip(locations, streams).map {
              Self.bulk("http://x/pixels" + $0, $1, "\(type); transfer-syntax=\(syntax.uid)")
            })
        #expect(reply.status == 200, "\(type): \(reply.text)")
        let stored = try await Self.stored(service, uid)
        #expect(stored.transferSyntax == syntax)
        let reader = try FrameReader(stored)
        #expect(try (0..<2).map { try reader.frame($0).bytes } == [Instance.frame(1), Instance.frame(2)], "\(type)")
      }
    }
  }

  /// PS3.18 table 10.5.2-1: what a stream says of itself metadata may leave out. The example of PS3.18 B.23.
  @Test(arguments: [true, false]) func `a JPEG file without a description of its pixels`(isXML: Bool) async throws {
    try await ServiceFixture.run { service async throws in
      let source = try DICOMFile(try Instance("1.9", "1.9.1", "1.9.1.1").bytes)
      let jpeg = try Renderer(source).render()
      let lossless = try FrameTranscoder(source, to: .jpegLSLossless).frame(0)
      let reversible = try FrameTranscoder(source, to: .jpeg2000Lossless).frame(0)
      let cases: [(uid: String, type: String, stream: [UInt8], bits: Int, syntax: TransferSyntax)] = [
        ("1.9.1.1", "image/jpeg", jpeg, 8, .jpegBaseline), ("1.9.1.2", "image/jls", lossless, 12, .jpegLSLossless),
        ("1.9.1.3", "image/jp2", reversible, 12, .jpeg2000Lossless),
      ]
      for entry in cases {
        let pixels = #""7FE00010":{"vr":"OB","BulkDataURI":"jpeg-image"}"#
        var metadata = Self.json(Self.object(entry.uid, pixels, frames: false))
        if isXML {
          let dataSet = try DICOMJSONReader.dataSet(
            try JSONDocument(Array(Self.object(entry.uid, pixels, frames: false).utf8))
          ) { uri, _, _ in Array(uri.utf8) }
          let xml = NativeXMLWriter.xml(dataSet) { _ in .uri("jpeg-image") }
          metadata = ([("Content-Type", "application/dicom+xml")], xml)
        }
        let reply = await Self.post(
          service, [metadata, Self.bulk("jpeg-image", entry.stream, entry.type)],
          type: isXML ? "application/dicom+xml" : "application/dicom+json", .standard)
        #expect(reply.status == 200, "\(reply.text)")
        let file = try await Self.stored(service, entry.uid)
        #expect(file.transferSyntax == entry.syntax)
        #expect(file.dataSet.integer(.rows) == 24 && file.dataSet.integer(.columns) == 32)
        #expect(file.dataSet.integer(.bitsStored) == entry.bits)
        #expect(file.dataSet.string(.photometricInterpretation) == "MONOCHROME2")
        #expect(try FrameReader(file).frame(0).bytes.isEmpty == false)
        let picture = await service.send(.get, Self.target(entry.uid) + "/rendered", accept: ["image/png"])
        #expect(picture.status == 200)
      }
    }
  }

  @Test func `a body that is metadata alone, with bytes inline`() async throws {
    try await ServiceFixture.run { service async throws in
      let object = Self.object("1.9.1.1", #""7FE00010":{"vr":"OW","InlineBinary":"AAECAwQFBgcICQoL"}"#)
      let reply = await service.send(
        .post, "studies/1.9", contentType: "application/dicom+json", body: .whole(Array("[\(object)]".utf8)))
      #expect(reply.status == 200, "\(reply.text)")
      #expect(try await Self.stored(service, "1.9.1.1").dataSet[.pixelData]?.value == Self.pixels)
      let again = await service.send(
        .post, "studies", contentType: "application/dicom+json", body: .whole(Array(object.utf8)))
      #expect(again.status == 409)
      #expect(try again.dataSet().items(.failedSOPSequence).first?.integer(.failureReason) == 45_070)
      let other = await service.send(
        .post, "studies/1.8", contentType: "application/dicom+json",
        body: .whole(Array(Self.object("1.9.1.2", "").replacing(",}", with: "}").utf8)))
      #expect(other.status == 409, "\(other.text)")
      #expect(try other.dataSet().items(.failedSOPSequence).first?.integer(.failureReason) == 43_264)
    }
  }

  // MARK: Bad input

  @Test func `what cannot be put together says why, the others are stored`() async throws {
    try await ServiceFixture.run { service async throws in
      let parts = [
        Self.json(
          Self.object("1.9.1.1", #""7FE00010":{"vr":"OW","BulkDataURI":"bulk/1"}"#),
          Self.object("1.9.1.2", #""7FE00010":{"vr":"OW","BulkDataURI":"bulk/none"}"#),
          Self.object("1.9.1.3", #""7FE00010":{"vr":"OW","BulkDataURI":"bulk/big"}"#),
          #"{"00080018":{"vr":"UI","Value":["1.9.1.4"]}}"#, "17"),
        Self.bulk("bulk/1", Self.pixels),
        Self.bulk("bulk/big", Self.pixels, "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.2"),
      ]
      for (version, reasons) in [
        (DICOMVersion.v2, [272, 272, 43_264, 272]), (.standard, [0xC000, 0xC122, 43_264, 0xC000]),
      ] {
        let reply = await Self.post(service, parts, version)
        #expect(reply.status == 202, "\(reply.text)")
        let answer = try reply.dataSet()
        #expect(answer.items(.referencedSOPSequence).count == 1)
        var failed = answer.items(.failedSOPSequence)
        failed += answer.items(Tag(0x0008, 0x119A))
        #expect(failed.map { $0.integer(.failureReason) } == reasons)
        #expect(failed.prefix(3).map { $0.uid(.referencedSOPInstanceUID)?.value } == ["1.9.1.2", "1.9.1.3", "1.9.1.4"])
        let comments = try reply.comments(.failedSOPSequence)
        #expect(
          comments[0] == [
            "DICOM100: (7fe0,0010) - No part of the request has the BulkDataURI as its location."
          ])
        #expect(await service.send(.delete, "studies/1.9", version).status == 204)
      }
      #expect(try await service.blobCount() == 0)
    }
  }

  @Test func `bodies that are no metadata`() async throws {
    try await ServiceFixture.run({
      $0.metadataBytesMax = 20_000
      $0.instanceBytesMax = 50_000
    }) { service async throws in
      func status(_ parts: [Part], type: String = "application/dicom+json") async -> Int {
        await Self.post(service, parts, type: type).status
      }
      let good = Self.object("1.9.1.1", #""7FE00010":{"vr":"OW","BulkDataURI":"bulk/1"}"#)
      let metadata: [(name: String, value: String)] = [("Content-Type", "application/dicom+json")]
      #expect(await status([]) == 204)
      #expect(await status([(metadata, Array("[{".utf8))]) == 400)
      #expect(await status([(metadata, Array("3".utf8))]) == 400)
      #expect(await status([(metadata, [])]) == 400)
      #expect(await status([(metadata, Array("[]".utf8))]) == 204)
      // A part that nothing can refer to.
      #expect(await status([Self.json(good), ([("Content-Type", "application/octet-stream")], Self.pixels)]) == 400)
      // Two of the same address.
      #expect(
        await status([
          Self.json(Self.object("1.9.1.1", #""7FE00010":{"vr":"OW","BulkDataURI":"b"}"#)), Self.bulk("b", Self.pixels),
          Self.bulk("b", Self.pixels),
        ]) == 409)
      // Types that are none of pixels.
      for type in ["image/png", "application/pdf", "image/jpeg", "image/jpeg; transfer-syntax=1.2.3"] {
        #expect(await status([Self.json(good), Self.bulk("bulk/1", Self.pixels, type)]) == 409, "\(type)")
      }
      #expect(await status([(metadata, Array(repeating: 0x20, count: 20_001))]) == 413)
      #expect(await status([Self.json(good), Self.bulk("bulk/1", Array(repeating: 0, count: 60_000))]) == 413)
      // A part that many data sets refer to is no way around the limit.
      let shared = (1...3).map { Self.object("1.9.1.\($0)", #""7FE00010":{"vr":"OW","BulkDataURI":"bulk/1"}"#) }
      let bytes = [UInt8](repeating: 1, count: 20_000)
      #expect(await status([Self.json(shared.joined(separator: ",")), Self.bulk("bulk/1", bytes)]) == 413)
      for xml in ["", "<a/>", "<NativeDicomModel>", "<!DOCTYPE a [<!ENTITY b \"c\">]><NativeDicomModel/>"] {
        let part: Part = ([("Content-Type", "application/dicom+xml")], Array(xml.utf8))
        #expect(await status([part], type: "application/dicom+xml") == 409, "\(xml)")
      }
      // Items nested deeper than can be read.
      var nested = #"{"00081110":{"vr":"SQ"}}"#
      for _ in 0..<2_000 { nested = #"{"00081110":{"vr":"SQ","Value":[\#(nested)]}}"# }
      #expect(await [400, 409, 413].contains(status([Self.json(nested)])))
      let cut = Self.body([Self.json(good), Self.bulk("bulk/1", Self.pixels)]).dropLast(8)
      let reply = await service.send(
        .post, "studies", contentType: "multipart/related; type=\"application/dicom+json\"; boundary=b-1",
        body: .whole(Array(cut)))
      #expect(reply.status == 400)
      #expect(try await service.search("instances", "").isEmpty)
      #expect(try await service.blobCount() == 0)
    }
  }
}
