import Base
import DICOMCore
import DICOMService
import DICOMweb
import Foundation
import Synchronization
import TestSupport
import Testing

/// Bad input: the right answer, bounded memory, and nothing half stored.
@Suite struct StoreInputTests {
  /// Bytes in pieces, as from a network.
  static func stream(_ bytes: [UInt8], piece: Int, failingAt: Int = .max) -> DICOMBody {
    let place = Mutex(0)
    return .stream { () async throws -> [UInt8]? in
      try place.withLock { place -> [UInt8]? in
        guard place < bytes.count else { return nil }
        guard place < failingAt else { throw Fault(.invalid, "The client went away.") }
        let end = min(bytes.count, place + piece)
        defer { place = end }
        return Array(bytes[place..<end])
      }
    }
  }

  @Test func `as many requests are stored at a time as the limit says`() async throws {
    try await ServiceFixture.run({ $0.storesMax = 2 }) { service async throws in
      let (begun, gates) = (
        AsyncStream.makeStream(of: Void.self), (0..<2).map { _ in AsyncStream.makeStream(of: Void.self) }
      )
      let files = try (0..<4).map { _ in try TestFile(pixels: 10) }
      @Sendable func send(_ file: TestFile, _ body: DICOMBody) async -> Int {
        await service.send(.post, "studies", contentType: "application/dicom", body: body).status
      }
      async let first = send(files[0], Self.held(files[0].bytes, begun.continuation, gates[0].stream))
      async let second = send(files[1], Self.held(files[1].bytes, begun.continuation, gates[1].stream))
      // Both are at their bodies.
      var waiting = begun.stream.makeAsyncIterator()
      _ = await waiting.next()
      _ = await waiting.next()
      let refused = await send(files[2], .whole(files[2].bytes))
      for gate in gates { gate.continuation.finish() }
      let held = await [first, second]
      #expect(held == [200, 200])
      #expect(refused == 503)
      // Who is done, and who was refused, count no more.
      let after = await send(files[2], .whole(files[2].bytes))
      #expect(after == 200)
    }
  }

  /// A body that tells when it is asked for, and comes when the gate is opened.
  private static func held(
    _ bytes: [UInt8], _ begun: AsyncStream<Void>.Continuation, _ gate: AsyncStream<Void>
  ) -> DICOMBody {
    let isSent = Mutex(false)
    return .stream { () async throws -> [UInt8]? in
      let wasSent = isSent.withLock { sent in
        defer { sent = true }
        return sent
      }
      if wasSent { return nil }
      begun.yield()
      for await _ in gate {}
      return bytes
    }
  }

  private func isEmpty(_ service: ServiceFixture) async throws -> Bool {
    let found = try await service.search("instances", "")
    return try await service.blobCount() == 0 && found.isEmpty
  }

  @Test(arguments: [1, 7, 1_000, 65_536, 1_000_000]) func `bodies come in pieces of any size`(piece: Int) async throws {
    try await ServiceFixture.run({ $0.instanceMemoryBytesMax = 100_000 }) { service async throws in
      let size = piece == 1 ? 1_000 : 400_000
      let files = try [10, size, 70_000].map { try TestFile(pixels: $0) }
      let body = ServiceFixture.multipart(files.map(\.bytes))
      let reply = await service.send(
        .post, "studies", contentType: ServiceFixture.multipart, body: Self.stream(body, piece: piece))
      #expect(reply.status == 200)
      for file in files { #expect(await service.stored(file) == file.bytes) }
      let single = try TestFile(pixels: size)
      let other = await service.send(
        .post, "studies", contentType: "application/dicom", body: Self.stream(single.bytes, piece: piece))
      #expect(other.status == 200)
      #expect(await service.stored(single) == single.bytes)
    }
  }

  @Test func `long instances are read as they come, in every encoding`() async throws {
    try await ServiceFixture.run({ $0.instanceMemoryBytesMax = 10_000 }) { service async throws in
      for syntax in [
        TransferSyntax.implicitVRLittleEndian, .explicitVRLittleEndian, .explicitVRBigEndian,
        .deflatedExplicitVRLittleEndian,
      ] {
        let file = try TestFile([(.patientName, .PN, "A^B")], pixels: 300_000, transferSyntax: syntax)
        let reply = await service.send(
          .post, "studies", contentType: "application/dicom", body: Self.stream(file.bytes, piece: 4_096))
        #expect([200, 202].contains(reply.status), "\(syntax)")
        #expect(await service.stored(file) == file.bytes, "\(syntax)")
        #expect(try await service.metadata(file)?.string(.patientName) == "A^B", "\(syntax)")
      }
    }
  }

  @Test(arguments: [1_000, 500_000]) func `a preamble is set to zeros, and nothing else`(size: Int) async throws {
    try await ServiceFixture.run({ $0.instanceMemoryBytesMax = 100_000 }) { service async throws in
      let file = try TestFile(pixels: size)
      // A polyglot: a program in front.
      let program = Array("#!/bin/sh\necho a program\n".utf8)
      var bytes = file.bytes
      bytes.replaceSubrange(0..<program.count, with: program)
      #expect(await service.storeSingle(bytes, .v2).status == 200)
      #expect(await service.stored(file) == file.bytes)
    }
  }

  @Test(arguments: [100, 1_000, 200_000, 800_000]) func `a body that breaks off leaves nothing`(place: Int) async throws
  {
    try await ServiceFixture.run({ $0.instanceMemoryBytesMax = 100_000 }) { service async throws in
      let files = try [70_000, 300_000, 500_000].map { try TestFile(pixels: $0) }
      let body = ServiceFixture.multipart(files.map(\.bytes))
      let whole = await service.send(
        .post, "studies", contentType: ServiceFixture.multipart, body: .whole(Array(body.prefix(place))))
      #expect(whole.status == 400)
      let stream = await service.send(
        .post, "studies", contentType: ServiceFixture.multipart,
        body: Self.stream(body, piece: 1_000, failingAt: place))
      #expect(stream.status == 400)
      #expect(stream.text == "The client went away.")
      #expect(try await isEmpty(service))
    }
  }

  @Test func `a part of another type fails the request`() async throws {
    try await ServiceFixture.run { service async throws in
      let writer = MultipartWriter(boundary: "b-1")
      let body =
        writer.head(isFirst: true, [("Content-Type", "application/dicom")]) + (try TestFile(pixels: 100_000).bytes)
        + writer.head(isFirst: false, [("Content-Type", "image/jpeg")]) + [1, 2, 3] + writer.end
      let reply = await service.send(
        .post, "studies", contentType: ServiceFixture.multipart, body: .whole(body))
      #expect(reply.status == 415)
      #expect(reply.text == "The specified content type 'image/jpeg' is not supported.")
      #expect(try await isEmpty(service))
    }
  }

  @Test func `a start parameter is refused`() async throws {
    try await ServiceFixture.run { service async throws in
      let reply = await service.send(
        .post, "studies", contentType: ServiceFixture.multipart + "; start=x", body: .whole([]))
      #expect(reply.status == 400)
    }
  }

  @Test func `an instance has a length, and no more`() async throws {
    let file = try TestFile(pixels: 200_000)
    for memory in [1_000, 1_000_000] {
      try await ServiceFixture.run({
        $0.instanceMemoryBytesMax = memory
        $0.instanceBytesMax = file.bytes.count
      }) { service async throws in
        #expect(await service.storeSingle(file.bytes, .v2).status == 200)
      }
      try await ServiceFixture.run({
        $0.instanceMemoryBytesMax = memory
        $0.instanceBytesMax = file.bytes.count - 1
      }) { service async throws in
        let reply = await service.storeSingle(file.bytes, .v2)
        #expect(reply.status == 413)
        #expect(reply.text == "The request exceeded the allowed limit of \(file.bytes.count - 1) bytes.")
        let part = await service.store([try TestFile(), file], .v2)
        #expect(part.status == 413)
        #expect(try await isEmpty(service))
      }
    }
  }

  @Test func `many instances are stored in several transactions`() async throws {
    try await ServiceFixture.run({
      $0.batchInstancesMax = 7
      $0.pendingInstancesMax = 3
    }) { service async throws in
      let files = try (0..<50).map { _ in try TestFile() }
      let reply = await service.store(files, .v2)
      #expect(reply.status == 200)
      #expect(
        try reply.dataSet().items(.referencedSOPSequence).map { $0.string(.referencedSOPInstanceUID) }
          == files.map(\.instance))
    }
  }

  private static func nested(_ depth: Int) throws -> [UInt8] {
    // Sequences of undefined length, explicit VR.
    var bytes = try TestFile().bytes
    for _ in 0..<depth {
      bytes += [0x99, 0x00, 0x01, 0x00, 0x53, 0x51, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]
      bytes += [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]
    }
    return bytes
  }

  @Test(arguments: DICOMVersion.allCases) func `what is no DICOM, or too deep, is told with its reason`(
    version: DICOMVersion
  ) async throws {
    let text = Array(String(repeating: "This is no DICOM. ", count: 5_000).utf8)
    let inputs: [([UInt8], Bool)] = [
      (text, false), (Array(text.prefix(20)), false), (try Self.nested(10_000), true),
      ([UInt8](repeating: 0, count: 50_000), false), (Array("DICM".utf8), false), ([0], false),
    ]
    for memory in [1_000, 1_000_000] {
      try await ServiceFixture.run({ $0.instanceMemoryBytesMax = memory }) { service async throws in
        for (bytes, isLimit) in inputs {
          let reply = await service.storeSingle(bytes, version)
          #expect(reply.status == 409)
          let dataSet = try reply.dataSet()
          let failures = dataSet.items(.failedSOPSequence) + dataSet.items(Tag(0x0008, 0x119A))
          #expect(failures.count == 1)
          let reason = failures.first?.integer(.failureReason)
          // What can be read so far that required attributes are missing is told so.
          let expected = isLimit && version == .standard ? [0xC000] : [272, 43_264]
          #expect(expected.contains(reason ?? 0), "\(bytes.prefix(4)), \(memory): \(reason ?? 0)")
        }
        #expect(try await isEmpty(service))
      }
    }
  }

  @Test func `a deflated bomb is refused`() async throws {
    let file = try TestFile(pixels: 20_000_000, transferSyntax: .deflatedExplicitVRLittleEndian)
    for memory in [1_000, 100_000_000] {
      try await ServiceFixture.run({
        $0.instanceMemoryBytesMax = memory
        $0.parsing.inflatedBytesMax = 10_000_000
      }) { service async throws in
        let reply = await service.storeSingle(file.bytes, .v2)
        #expect(reply.status == 409)
        #expect(try await isEmpty(service))
      }
    }
  }

  @Test func `a file that is cut off is stored with a warning`() async throws {
    try await ServiceFixture.run({ $0.instanceMemoryBytesMax = 100_000 }) { service async throws in
      for size in [10_000, 300_000] {
        let file = try TestFile(pixels: size)
        let bytes = Array(file.bytes.dropLast(size / 2))
        let reply = await service.storeSingle(bytes, .v2)
        #expect(reply.status == 202)
        let stored = try #require(reply.dataSet().items(.referencedSOPSequence).first)
        #expect(stored.integer(.warningReason) == 45_063)
        #expect(
          try reply.comments(.referencedSOPSequence)
            == [["DICOM100: (7fe0,0010) - The file is cut off within this attribute."]])
        #expect(await service.stored(file) == bytes)
      }
    }
  }

  @Test func `a directory is no instance`() async throws {
    try await ServiceFixture.run { service async throws in
      let reply = await service.storeSingle(
        try TestFile(without: [.sopClassUID, .sopInstanceUID, .studyInstanceUID, .seriesInstanceUID, .patientID]).bytes,
        .v2)
      #expect(reply.status == 409)
    }
  }

  @Test(arguments: ["../../etc/passwd", "1.2/3", "1.2\\..", "%2e%2e", "1.2 3", "a"])
  func `UIDs with path tricks are refused`(uid: String) async throws {
    try await ServiceFixture.run { service async throws in
      for file in [try TestFile(study: uid), try TestFile(series: uid), try TestFile(instance: uid)] {
        for version in DICOMVersion.allCases {
          // Of several values the first counts.
          if uid.hasPrefix("1.2\\") { continue }
          #expect(await service.storeSingle(file.bytes, version).status == 409)
        }
      }
      #expect(try await isEmpty(service))
    }
  }

  @Test func `two requests with one instance store it once`() async throws {
    try await ServiceFixture.run { service async throws in
      let file = try TestFile(pixels: 100_000)
      let statuses = await withTaskGroup(of: Int.self) { group in
        for _ in 0..<8 { group.addTask { await service.storeSingle(file.bytes, .v2).status } }
        return await group.reduce(into: [Int]()) { $0.append($1) }
      }
      #expect(statuses.sorted() == [200] + Array(repeating: 409, count: 7))
      #expect(try await service.blobCount() == 1)
    }
  }

  @Test func `an answer may be XML`() async throws {
    try await ServiceFixture.run { service async throws in
      let file = try TestFile()
      let reply = await service.send(
        .post, "studies", accept: ["application/dicom+xml"], contentType: "application/dicom",
        body: .whole(file.bytes))
      #expect(reply.header("Content-Type") == "application/dicom+xml")
      let dataSet = try NativeXMLReader.dataSet(reply.bytes)
      #expect(dataSet.items(.referencedSOPSequence).first?.string(.referencedSOPInstanceUID) == file.instance)
    }
  }

  /// Real files of many devices and archives: each is stored and comes back the same, or is refused with a reason; and
  /// received in pieces it is treated the same as received whole.
  @Test(.enabled(if: ConformanceData.has("dicom"), "needs data set dicom"), arguments: DICOMVersion.allCases)
  func `real files are stored and come back the same`(version: DICOMVersion) async throws {
    var files: [String] = []
    let enumerator = FileManager.default.enumerator(atPath: ConformanceData.path("dicom"))
    while let name = enumerator?.nextObject() as? String {
      let path = ConformanceData.path("dicom/" + name)
      let type = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
      if type == .typeRegular, !name.hasSuffix(".txt") { files.append(path) }
    }
    files.sort()
    try #require(files.count > 300)
    var stored = 0
    try await ServiceFixture.run(hasPartitions: true) { whole async throws in
      try await ServiceFixture.run(hasPartitions: true, { $0.instanceMemoryBytesMax = 256 }) { streamed async throws in
        for (number, path) in files.enumerated() {
          let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
          // A partition for each: many of the files have the UIDs of others.
          let studies = "partitions/p\(number)/studies"
          let reply = await whole.storeSingle(bytes, version, path: studies)
          let again = await streamed.send(
            .post, studies, version, contentType: "application/dicom", body: Self.stream(bytes, piece: 10_000))
          #expect([200, 202, 409].contains(reply.status), "\(path): \(reply.status)")
          #expect(reply.status == again.status, "\(path): \(again.text.prefix(200))")
          guard reply.status != 409 else {
            let failures = try reply.dataSet().items(.failedSOPSequence) + reply.dataSet().items(Tag(0x0008, 0x119A))
            #expect(failures.count == 1)
            continue
          }
          let item = try #require(reply.dataSet().items(.referencedSOPSequence).first)
          let address = try #require(item.string(.retrieveURL)).dropFirst(ServiceFixture.base(version).utf8.count + 1)
          var expected = bytes
          if bytes.count > 132, bytes[128..<132].elementsEqual("DICM".utf8) {
            for place in 0..<128 { expected[place] = 0 }
          }
          for service in [whole, streamed] {
            let retrieved = await service.send(
              .get, String(address), version, accept: ["application/dicom; transfer-syntax=*"])
            #expect(retrieved.status == 200 && retrieved.bytes == expected, "\(path)")
          }
          stored += 1
        }
      }
    }
    // What is refused lacks what every instance has: UIDs, in v1 and v2 a patient's ID; or is a directory.
    #expect(stored >= [.v1: 310, .v2: 320, .standard: 345][version] ?? 0, "\(stored) of \(files.count)")
  }
}
