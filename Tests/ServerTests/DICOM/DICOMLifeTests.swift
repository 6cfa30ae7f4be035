import DICOMCore
import DICOMSynthesis
import FoundationEssentials
import JSONCore
import Server
import Testing

/// An instance's life over sockets: stored, found, retrieved in every form, deleted.
@Suite struct DICOMLifeTests {
  static func study(_ instances: Int) throws -> [SyntheticInstance] {
    var options = StudyOptions.small
    options.modalities = [.ct]
    options.seriesPerStudy = 1
    options.instancesPerSeries = instances
    options.rows = 64
    options.columns = 96
    let study = StudySynthesis(seed: 7, options: options).study(0)
    var all: [SyntheticInstance] = []
    try study.eachInstance { all.append($0) }
    return all
  }

  static func path(_ instance: SyntheticInstance) -> String {
    "/studies/\(instance.studyInstanceUID)/series/\(instance.seriesInstanceUID)/instances/\(instance.sopInstanceUID)"
  }

  @Test(arguments: ["/v1", "/v2", ""]) func life(_ version: String) async throws {
    try await LiveDICOM.run { live in
      let instances = try Self.study(3)
      let stored = try await live.store(instances.map(\.bytes), version + "/studies")
      #expect(stored.status == 200, "\(stored.text)")
      #expect(stored.header("content-type") == "application/dicom+json")
      #expect((stored.header("api-supported-versions") != nil) == !version.isEmpty)
      let referenced = try #require(try stored.json()["00081199"]?["Value"]?.elements)
      #expect(
        Set(referenced.compactMap { $0["00081190"]?["Value"]?.elements.first?.string })
          == Set(instances.map { "http://127.0.0.1:\(live.port)/default/dicom\(version)\(Self.path($0))" }))
      let study = "\(version)/studies/\(instances[0].studyInstanceUID)"

      let whole = try await live.get(study, accept: "multipart/related; type=\"application/dicom\"; transfer-syntax=*")
      #expect(whole.status == 200)
      #expect(whole.header("content-length") == "\(whole.body.count)")
      #expect(Set(try whole.parts().map(\.body)) == Set(instances.map(\.bytes)))
      for instance in instances {
        let one = try await live.get(version + Self.path(instance), accept: "application/dicom; transfer-syntax=*")
        #expect(one.body == instance.bytes)
      }

      let metadata = try await live.get(study + "/metadata", accept: "application/dicom+json")
      #expect(try metadata.json().elements.count == 3)
      let tag = try #require(metadata.header("etag"))
      let same = try await live.ask(
        "GET", study + "/metadata", ["Accept": "application/dicom+json", "If-None-Match": tag])
      #expect(same.status == 304)
      #expect(same.body.isEmpty)

      let file = try DICOMFile(instances[0].bytes)
      let pixels = try #require(file.dataSet[.pixelData]?.value)
      let frame = try await live.get(
        version + Self.path(instances[0]) + "/frames/1", accept: "application/octet-stream")
      #expect(frame.body == pixels)
      let bad = try await live.get(version + Self.path(instances[0]) + "/frames/0", accept: "application/octet-stream")
      #expect(bad.status == 400)

      let picture = try await live.get(version + Self.path(instances[0]) + "/rendered", accept: "image/png")
      #expect(picture.header("content-type") == "image/png")
      // The sizes in a PNG's header: width and height behind eight bytes of signature and eight of the chunk's head.
      #expect(picture.body.starts(with: [0x89, 0x50, 0x4E, 0x47]))
      #expect(Array(picture.body[16..<24]) == [0, 0, 0, 96, 0, 0, 0, 64])
      let jpeg = try await live.get(version + Self.path(instances[0]) + "/rendered")
      #expect(jpeg.header("content-type") == "image/jpeg")
      #expect(jpeg.body.starts(with: [0xFF, 0xD8, 0xFF]) && jpeg.body.suffix(2) == [0xFF, 0xD9])

      let patient = try #require(file.dataSet.string(.patientID))
      let found = try await live.get(
        "\(version)/studies?PatientID=\(patient)&includefield=NumberOfStudyRelatedInstances",
        accept: "application/dicom+json")
      #expect(found.status == 200)
      let row = try #require(try found.json().elements.first)
      #expect(row["0020000D"]?["Value"]?.elements.first?.string == instances[0].studyInstanceUID.value)
      #expect(row["00201208"]?["Value"]?.elements.first?.integer == 3)

      #expect(try await live.ask("DELETE", version + Self.path(instances[0])).status == 204)
      #expect(try await live.get(version + Self.path(instances[0]), accept: "*/*").status == 404)
      #expect(try await live.ask("DELETE", study).status == 204)
      #expect(try await live.ask("DELETE", study).status == 404)
      #expect(try await live.get(study + "/metadata", accept: "application/dicom+json").status == 404)
      // What is gone may come again.
      #expect(try await live.store(instances.map(\.bytes), version + "/studies").status == 200)
    }
  }

  @Test func largeInstancesComeBackAsTheyWere() async throws {
    try await LiveDICOM.run { live in
      // Three of about 15 MB in one request, one of 50 MB by itself.
      let parts = try (1...3).map { try Self.large("1.2.3", UID("1.2.3.1.\($0)"), 15_000_000) }
      #expect(try await live.store(parts).status == 200)
      let study = try await live.get(
        "/v2/studies/1.2.3", accept: "multipart/related; type=\"application/dicom\"; transfer-syntax=*")
      #expect(study.header("content-length") == "\(study.body.count)")
      // Searching for boundaries in 45 MB takes long: parts begin behind the first empty line of theirs.
      for part in parts { #expect(Self.contains(study.body, part)) }
      let single = try Self.large("1.2.4", "1.2.4.1.1", 50_000_000)
      let stored = try await live.ask(
        "POST", "/v1/studies", ["Accept": "application/dicom+json", "Content-Type": "application/dicom"], body: single)
      #expect(stored.status == 200)
      let one = try await live.get(
        "/v1/studies/1.2.4/series/1.2.4.1/instances/1.2.4.1.1", accept: "application/dicom; transfer-syntax=*")
      #expect(one.body == single)
      let frame = try await live.get(
        "/v1/studies/1.2.4/series/1.2.4.1/instances/1.2.4.1.1/frames/1", accept: "application/octet-stream")
      #expect(frame.body.count == 50_000_000)
      #expect(single.suffix(50_000_000).elementsEqual(frame.body))
    }
  }

  static func contains(_ all: [UInt8], _ part: [UInt8]) -> Bool {
    let head = Array("application/dicom; transfer-syntax=1.2.840.10008.1.2.1\r\n\r\n".utf8)
    var place = 0
    while place + head.count + part.count <= all.count {
      if all[place] == head[0], all[place..<place + head.count].elementsEqual(head) {
        let start = place + head.count
        if all[start..<start + part.count].elementsEqual(part) { return true }
        place = start + part.count
      } else {
        place += 1
      }
    }
    return false
  }

  /// An instance with so many bytes of pixel data.
  static func large(_ study: UID, _ instance: UID, _ count: Int) throws -> [UInt8] {
    var builder = DataSetBuilder()
    try builder.append(.sopClassUID, .UI, "1.2.840.10008.5.1.4.1.1.7")
    try builder.append(.sopInstanceUID, .UI, instance.value)
    try builder.append(.modality, .CS, "OT")
    try builder.append(.patientID, .LO, "P1")
    try builder.append(.studyInstanceUID, .UI, study.value)
    try builder.append(.seriesInstanceUID, .UI, study.value + ".1")
    try builder.append(.samplesPerPixel, .US, integers: [1])
    try builder.append(.photometricInterpretation, .CS, "MONOCHROME2")
    try builder.append(.rows, .US, integers: [count / 5_000])
    try builder.append(.columns, .US, integers: [5_000])
    try builder.append(.bitsAllocated, .US, integers: [8])
    try builder.append(.bitsStored, .US, integers: [8])
    try builder.append(.highBit, .US, integers: [7])
    try builder.append(.pixelRepresentation, .US, integers: [0])
    let pixels = [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
      var state: UInt64 = 88_172_645_463_325_252
      for place in 0..<count {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        bytes[place] = UInt8(truncatingIfNeeded: state)
      }
      filled = count
    }
    try builder.append(.pixelData, .OW, bytes: pixels)
    let meta = try FileMetaInformation.encoded(
      mediaStorageSOPClassUID: "1.2.840.10008.5.1.4.1.1.7", mediaStorageSOPInstanceUID: instance,
      transferSyntax: .explicitVRLittleEndian)
    return DICOMFile.prefix + meta + builder.bytes
  }
}
