import Base
import BlobStore
import DICOMCore
import DICOMStore
import DICOMweb
import JSONCore
import TestSupport
import Testing

@Suite struct StoreTests {
  private static func name(_ text: String) -> DICOMQuery.Condition { .match(.patientName, .text(text)) }

  @Test("an instance is read as it was stored")
  func roundTrip() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    var instance = TestInstance()
    instance.pixels = (0..<512).map { UInt8(truncatingIfNeeded: $0) }
    instance.set(.rows, .US, "16")
    instance.set(.columns, .US, "8")
    instance.set(.bitsAllocated, .US, "16")
    instance.set(.numberOfFrames, .IS, "2")
    #expect(try await fixture.store(instance) == [.stored(watermark: 1)])
    let target = Target(study: "1.2.3", series: "1.2.3.1", instance: "1.2.3.1.1")
    let stored = try #require(
      try await fixture.store.instances(target, partition: DICOMStore.defaultPartition).first)
    let bytes = try instance.bytes()
    #expect(stored.watermark == 1)
    #expect(stored.target == target)
    #expect(stored.sopClassUID == "1.2.840.10008.5.1.4.1.1.2")
    #expect(stored.transferSyntaxUID == "1.2.840.10008.1.2.1")
    #expect(stored.count == bytes.count)
    #expect(stored.frameCount == 2)
    #expect(stored.digest == XXH64.digest(bytes))
    let content = try await fixture.store.content(stored)
    #expect(try await content.read(0..<bytes.count) == bytes)
    // A frame is a range of the file.
    let frame = try #require(try fixture.store.frameTable(stored).frame(2))
    #expect(try await content.read(frame.ranges[0]) == Array(instance.pixels[256...]))
    #expect(try fixture.store.frameTable(stored).frame(3) == nil)
    #expect(try fixture.store.frameTable(stored).frame(0) == nil)
    // Streams are left out of Microsoft's form, and are addresses in the standard's.
    let bulk = try #require(try fixture.store.bulkData(stored).item(["7fe00010"]))
    #expect(try await content.read(bulk.range) == instance.pixels)
    let plain = try #require(try await fixture.metadata(target).first)
    #expect(plain.texts(.patientID) == ["P1"])
    #expect(!plain.tags.contains("7FE00010"))
    let full = try #require(try await fixture.metadata(target, root: "http://h/d").first)
    let value = try #require(full.member(full.root, "7FE00010"))
    #expect(
      full.member(value, "BulkDataURI").flatMap { full.string($0) }
        == "http://h/d/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.1/bulkdata/7FE00010")
    await fixture.close()
    // All of it is on the disk.
    let again = try await StoreFixture(folder.path)
    #expect(try await again.store.instances(target, partition: DICOMStore.defaultPartition) == [stored])
    await again.close()
  }

  @Test("what is not there is not found")
  func absent() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    try await fixture.store(TestInstance())
    for target in [
      Target(study: "9"), Target(study: "1.2.3", series: "9"), Target(study: "1.2.3", series: "1.2.3.1", instance: "9"),
      Target(study: "9", series: "1.2.3.1", instance: "1.2.3.1.1"),
    ] {
      #expect(try await fixture.store.instances(target, partition: DICOMStore.defaultPartition).isEmpty)
      #expect(try fixture.store.version(target, partition: DICOMStore.defaultPartition) == nil)
      #expect(try await fixture.metadata(target).isEmpty)
      #expect(try await fixture.store.delete(target, partition: DICOMStore.defaultPartition) == 0)
    }
    let target = Target(study: "1.2.3")
    #expect(try await fixture.store.instances(target, partition: "other").isEmpty)
    #expect(try await fixture.store.delete(target, partition: "other") == 0)
    #expect(try await fixture.search(SearchScope(.study), partition: "other").matches.isEmpty)
    await fixture.close()
  }

  @Test("of several with the same UIDs one is stored, and the others' blobs go")
  func duplicates() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    func blob() async throws -> NewInstance {
      var new = try TestInstance().new()
      let put = try await fixture.blobs.put([[1, 2, 3][...]])
      (new.content, new.digest) = (.blob(put.name, count: 3), put.digest)
      return new
    }
    let outcomes = try await fixture.store.store([try await blob(), try await blob()])
    #expect(outcomes == [.stored(watermark: 1), .exists])
    #expect(try await fixture.store.store([try await blob()]) == [.exists])
    var names = 0
    try await fixture.blobs.names(olderThan: 0) { _ in names += 1 }
    #expect(names == 1)
    let version = try fixture.store.version(Target(study: "1.2.3"), partition: DICOMStore.defaultPartition)
    #expect(version == TargetVersion(watermark: 1, count: 1))
    // The same SOP Instance UID in another series is another instance.
    var other = TestInstance("1.2.3", "2")
    other.instance = "1.2.3.1.1"
    #expect(try await fixture.store(other) == [.stored(watermark: 2)])
    await fixture.close()
  }

  @Test("64 at once with the same UIDs: one is stored")
  func race() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    let outcomes = try await withThrowingTaskGroup(of: StoreOutcome?.self) { group in
      for number in 0..<64 {
        group.addTask {
          var new = try TestInstance("1.2.3", "1", "1", [(.patientComments, .LT, "\(number)")]).new()
          let put = try await fixture.blobs.put([[UInt8(number)][...]])
          (new.content, new.digest) = (.blob(put.name, count: 1), put.digest)
          return try await fixture.store.store([new]).first
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(outcomes.filter { $0 == .exists }.count == 63)
    #expect(outcomes.filter { $0 == .stored(watermark: 1) }.count == 1)
    var names: [BlobName] = []
    try await fixture.blobs.names(olderThan: 0) { names.append($0) }
    let stored = try await fixture.store.instances(Target(study: "1.2.3"), partition: DICOMStore.defaultPartition)
    #expect(stored.count == 1)
    #expect(names == stored.compactMap(\.blob))
    // Metadata and bytes are of the same one.
    let content = try await fixture.store.content(try #require(stored.first))
    let metadata = try #require(try await fixture.metadata(Target(study: "1.2.3")).first)
    #expect(metadata.texts(.patientComments) == ["\(try await content.read(0..<1)[0])"])
    await fixture.close()
  }

  @Test("a later instance's values are the study's and the series'; a null PatientID takes nothing away")
  func laterWins() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    func study(_ tag: Tag) async throws -> String? {
      try await fixture.search(SearchScope(.study), tags: [tag]).matches.first?.text(tag)
    }
    try await fixture.store(
      TestInstance("1.2", "1", "1", [(.patientID, .LO, "A"), (.patientName, .PN, "Old^One"), (.modality, .CS, "CT")]))
    try await fixture.store(
      TestInstance("1.2", "1", "2", [(.patientID, .LO, ""), (.patientName, .PN, "New^One"), (.modality, .CS, "MR")]))
    #expect(try await study(.patientID) == "A")
    #expect(try await study(.patientName) == "New^One")
    #expect(try await fixture.found(SearchScope(.study), .match(.patientID, .text("a"))) == ["1.2"])
    #expect(try await fixture.found(SearchScope(.study), Self.name("old^one")) == [])
    #expect(try await fixture.found(SearchScope(.study), Self.name("new^one")) == ["1.2"])
    #expect(try await fixture.found(SearchScope(.study), .match(.patientName, .words(["old"]))) == [])
    #expect(try await fixture.found(SearchScope(.series), .match(.modality, .text("CT"))) == [])
    #expect(try await fixture.found(SearchScope(.study), .match(.modalitiesInStudy, .text("CT"))) == [])
    #expect(try await fixture.found(SearchScope(.study), .match(.modalitiesInStudy, .text("mr"))) == ["1.2"])
    try await fixture.store(TestInstance("1.2", "1", "3", [(.patientID, .LO, "B")]))
    #expect(try await study(.patientID) == "B")
    // It has no name: nor has the study.
    #expect(try await study(.patientName) == nil)
    #expect(try await fixture.found(SearchScope(.study), .match(.patientName, .empty)) == ["1.2"])
    // When the newest goes, the next one's values are the study's.
    let target = Target(study: "1.2", series: "1.2.1", instance: "1.2.1.3")
    #expect(try await fixture.store.delete(target, partition: DICOMStore.defaultPartition) == 1)
    #expect(try await study(.patientName) == "New^One")
    #expect(try await fixture.found(SearchScope(.study), Self.name("NEW^ONE")) == ["1.2"])
    #expect(try await fixture.found(SearchScope(.series), .match(.modality, .text("MR"))) == ["1.2/1.2.1"])
    await fixture.close()
  }

  @Test("attributes that a service drops are neither shown nor found")
  func dropped() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    var instance = TestInstance("1.2", "1", "1", [(.studyDate, .DA, "20200101"), (.accessionNumber, .SH, "ACC")])
    instance.pixels = [1, 2, 3, 4]
    let bytes = try instance.bytes()
    let new = try await fixture.new(bytes, DICOMFile(bytes), dropping: [.studyDate])
    _ = try await fixture.store.store([new])
    let metadata = try #require(try await fixture.metadata(Target(study: "1.2"), root: "http://h").first)
    #expect(metadata.texts(.studyDate).isEmpty)
    #expect(!metadata.tags.contains("00080020"))
    #expect(metadata.texts(.accessionNumber) == ["ACC"])
    #expect(metadata.tags.last == "7FE00010")
    let day = DICOMQuery.Condition.match(.studyDate, .range(low: 20_200_101, high: 20_200_101))
    #expect(try await fixture.found(SearchScope(.study), day).isEmpty)
    #expect(try await fixture.found(SearchScope(.study), .match(.studyDate, .empty)) == ["1.2"])
    await fixture.close()
  }

  @Test("versions tell states apart, also after a deletion of the newest")
  func versions() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    let study = Target(study: "1.2")
    let partition = DICOMStore.defaultPartition
    func tag() throws -> String? { try fixture.store.version(study, partition: partition)?.entityTag(.study) }
    var seen: [String] = []
    for number in ["1", "2", "3"] {
      try await fixture.store(TestInstance("1.2", "1", number))
      seen.append(try #require(try tag()))
    }
    #expect(seen == ["1-1", "2-2", "3-3"])
    let newest = Target(study: "1.2", series: "1.2.1", instance: "1.2.1.3")
    #expect(try fixture.store.version(newest, partition: partition)?.entityTag(.instance) == "3")
    _ = try await fixture.store.delete(newest, partition: partition)
    seen.append(try #require(try tag()))
    try await fixture.store(TestInstance("1.2", "1", "3"))
    seen.append(try #require(try tag()))
    #expect(seen == ["1-1", "2-2", "3-3", "2-2", "5-3"])
    await fixture.close()
  }
}
