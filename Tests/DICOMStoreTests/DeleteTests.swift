import BlobStore
import DICOMCore
import DICOMweb
import TestSupport
import Testing

@testable import DICOMStore

@Suite struct DeleteTests {
  private static let partition = DICOMStore.defaultPartition

  /// Two studies; the first with two series of two instances and one instance.
  private static func fill(_ fixture: StoreFixture) async throws {
    try await fixture.store(
      TestInstance("1.2", "1", "1", [(.patientName, .PN, "A^B")]), TestInstance("1.2", "1", "2"),
      TestInstance("1.2", "2", "1", [(.modality, .CS, "MR")]), TestInstance("1.3", "1", "1"))
  }

  private static func all(_ fixture: StoreFixture) async throws -> [String] {
    try await fixture.found(SearchScope(.instance)).sorted()
  }

  private static func delete(_ fixture: StoreFixture, _ target: Target) async throws -> Int {
    try await fixture.store.delete(target, partition: partition)
  }

  @Test("an instance goes alone; the last one takes series and study with it")
  func instance() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    try await Self.fill(fixture)
    let first = Target(study: "1.2", series: "1.2.1", instance: "1.2.1.1")
    #expect(try await Self.delete(fixture, first) == 1)
    #expect(try await Self.delete(fixture, first) == 0)
    #expect(try await Self.all(fixture) == ["1.2/1.2.1/1.2.1.2", "1.2/1.2.2/1.2.2.1", "1.3/1.3.1/1.3.1.1"])
    #expect(try await fixture.metadata(first).isEmpty)
    #expect(try await Self.delete(fixture, Target(study: "1.2", series: "1.2.2", instance: "1.2.2.1")) == 1)
    #expect(try await fixture.found(SearchScope(.series)).sorted() == ["1.2/1.2.1", "1.3/1.3.1"])
    #expect(try await fixture.found(SearchScope(.study), .match(.modalitiesInStudy, .text("MR"))) == [])
    let found = try await fixture.search(
      SearchScope(.study), [.match(.studyInstanceUID, .uids(["1.2"]))],
      tags: [.modalitiesInStudy, .numberOfStudyRelatedSeries, .numberOfStudyRelatedInstances])
    #expect(
      found.matches.map { String(decoding: $0.json, as: UTF8.self) } == [
        #"{"00080061":{"vr":"CS","Value":["CT"]},"00201206":{"vr":"IS","Value":[1]},"00201208":{"vr":"IS","Value":[1]}}"#
      ])
    #expect(try await Self.delete(fixture, Target(study: "1.2", series: "1.2.1", instance: "1.2.1.2")) == 1)
    #expect(try await fixture.found(SearchScope(.study)) == ["1.3"])
    #expect(try fixture.store.version(Target(study: "1.2"), partition: Self.partition) == nil)
    await fixture.close()
  }

  @Test("a series, a study; siblings survive; the same UIDs may come again")
  func levels() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    try await Self.fill(fixture)
    #expect(try await Self.delete(fixture, Target(study: "1.2", series: "1.2.1")) == 2)
    #expect(try await Self.all(fixture) == ["1.2/1.2.2/1.2.2.1", "1.3/1.3.1/1.3.1.1"])
    #expect(try await Self.delete(fixture, Target(study: "1.2")) == 1)
    #expect(try await Self.delete(fixture, Target(study: "1.2")) == 0)
    #expect(try await Self.all(fixture) == ["1.3/1.3.1/1.3.1.1"])
    #expect(try await fixture.found(SearchScope(.study), .match(.patientName, .words(["a"]))) == [])
    let outcomes = try await fixture.store(TestInstance("1.2", "1", "1", [(.patientName, .PN, "A^B")]))
    // Four were stored and three deleted before.
    #expect(outcomes == [.stored(watermark: 8)])
    #expect(try await fixture.found(SearchScope(.study), .match(.patientName, .words(["a"]))) == ["1.2"])
    let entries = try await fixture.store.changes(after: 4, limit: 4, withMetadata: false)
    #expect(entries.map(\.action) == [.delete, .delete, .delete, .create])
    #expect(entries.map(\.instanceUID.value) == ["1.2.1.1", "1.2.1.2", "1.2.2.1", "1.2.1.1"])
    #expect(entries.map(\.state) == [.replaced, .deleted, .deleted, .current])
    await fixture.close()
  }

  @Test("nothing of what is deleted stays in any table")
  func tidiness() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    try await Self.fill(fixture)
    var requested = TestInstance("1.4", "1", "1")
    requested.requested = [("S1", "R1"), ("S2", "R2")]
    try await fixture.store(requested)
    for study in ["1.2", "1.3", "1.4"] { _ = try await Self.delete(fixture, Target(study: UID(study))) }
    await fixture.close()
    let file = try IndexFile(folder.file("index"))
    for table in ["study", "series", "instance", "instance_metadata", "instance_content", "term"] {
      #expect(try file.count(table) == 0, "\(table)")
    }
    #expect(try file.count("change_feed") == 10)
  }

  @Test("blobs of deleted instances go after the delay, blobs without a row when they are old")
  func sweep() async throws {
    let folder = try TemporaryFolder()
    var configuration = DICOMStoreConfiguration()
    configuration.removalDelaySeconds = 100
    configuration.orphanSecondsMin = 0
    let fixture = try await StoreFixture(folder.path, configuration: configuration)
    func blobs() async throws -> Set<BlobName> {
      var names: Set<BlobName> = []
      try await fixture.blobs.names(olderThan: 0) { names.insert($0) }
      return names
    }
    var kept = try TestInstance("1.2", "1", "1").new()
    var deleted = try TestInstance("1.2", "1", "2").new()
    let keptBlob = try await fixture.blobs.put([[1][...]])
    let deletedBlob = try await fixture.blobs.put([[2][...]])
    let orphan = try await fixture.blobs.put([[3][...]])
    (kept.content, deleted.content) = (.blob(keptBlob.name, count: 1), .blob(deletedBlob.name, count: 1))
    _ = try await fixture.store.store([kept, deleted])
    let target = Target(study: "1.2", series: "1.2.1", instance: "1.2.1.2")
    let reading = try await fixture.store.content(
      try #require(try await fixture.store.instances(target, partition: Self.partition).first))
    _ = try await Self.delete(fixture, target)
    #expect(try await fixture.store.sweep(searchingOrphans: false) == SweepResult())
    #expect(try await blobs() == [keptBlob.name, deletedBlob.name, orphan.name])
    var expected = SweepResult()
    expected.orphans = 1
    #expect(try await fixture.store.sweep() == expected)
    #expect(try await blobs() == [keptBlob.name, deletedBlob.name])
    fixture.pass(milliseconds: 99_999)
    #expect(try await fixture.store.sweep() == SweepResult())
    fixture.pass(milliseconds: 1)
    expected = SweepResult()
    expected.removed = 1
    #expect(try await fixture.store.sweep() == expected)
    #expect(try await blobs() == [keptBlob.name])
    // Whoever was reading reads on.
    #expect(try await reading.read(0..<1) == [2])
    await fixture.close()
  }

  @Test("sweeping in the background ends with the store")
  func background() async throws {
    let folder = try TemporaryFolder()
    var configuration = DICOMStoreConfiguration()
    configuration.orphanSecondsMin = 0
    let fixture = try await StoreFixture(folder.path, configuration: configuration)
    _ = try await fixture.blobs.put([[1][...]])
    fixture.store.startSweeping()
    for _ in 0..<200 {
      var count = 0
      try await fixture.blobs.names(olderThan: 0) { _ in count += 1 }
      if count == 0 { break }
      try await Task.sleep(for: .milliseconds(10))
    }
    var count = 0
    try await fixture.blobs.names(olderThan: 0) { _ in count += 1 }
    #expect(count == 0)
    await fixture.close()
  }
}
