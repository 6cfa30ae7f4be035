import Base
import BlobStore
import DICOMCore
import DICOMStore
import DICOMweb
import Foundation
import Glibc
import JSONCore
import Storage
import TestSupport
import Testing

/// Figures of the store itself, without a network. They mean something in a release build on a quiet machine only, so
/// they run when they are asked for.
@Suite(
  .serialized,
  .enabled(if: ProcessInfo.processInfo.environment["ACESO_TEST_SPEED"] != nil, "runs with ACESO_TEST_SPEED set"))
struct SpeedTests {
  private static func attributes(_ number: Int) -> [(Tag, VR, String)] {
    [
      (.patientID, .LO, "P\(number / 100)"), (.patientName, .PN, "Family\(number / 100)^Given^Middle"),
      (.patientBirthDate, .DA, "19700501"), (.patientSex, .CS, "F"), (.studyDate, .DA, "20240131"),
      (.studyTime, .TM, "101530"), (.accessionNumber, .SH, "A\(number / 100)"), (.modality, .CS, "CT"),
      (.studyDescription, .LO, "CT of the chest"), (.seriesDescription, .LO, "Thin slices"),
      (.referringPhysicianName, .PN, "House^Gregory"), (.studyID, .SH, "\(number / 100)"),
      (.seriesNumber, .IS, "1"), (.instanceNumber, .IS, "\(number % 100)"), (.rows, .US, "512"),
      (.columns, .US, "512"), (.bitsAllocated, .US, "16"), (.imagePositionPatient, .DS, "-120.5\\-110.25\\\(number)"),
      (.imageOrientationPatient, .DS, "1\\0\\0\\0\\1\\0"), (.pixelSpacing, .DS, "0.5\\0.5"),
      (.sliceThickness, .DS, "1.25"), (.windowCenter, .DS, "40"), (.windowWidth, .DS, "400"),
      (.frameOfReferenceUID, .UI, "1.2.3.4.5"), (.manufacturer, .LO, "Maker"), (.manufacturerModelName, .LO, "Model"),
      (.institutionName, .LO, "Hospital"), (.patientComments, .LT, String(repeating: "comment \(number) ", count: 120)),
    ]
  }

  private static func instance(_ number: Int, pixels: Int) -> TestInstance {
    var instance = TestInstance("1.2.826.0.1.\(number / 100)", "1", "\(number)", attributes(number))
    instance.pixels = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: pixels)
    return instance
  }

  /// Time of this process, in seconds.
  private struct Processor {
    let user: Double
    let system: Double

    init() {
      var usage = rusage()
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      user = Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
      system = Double(usage.ru_stime.tv_sec) + Double(usage.ru_stime.tv_usec) / 1e6
    }

    /// What one of so many took since then, in milliseconds.
    static func each(_ start: Processor, _ count: Int) -> String {
      let now = Processor()
      let user = Int((now.user - start.user) / Double(count) * 1e6)
      let system = Int((now.system - start.system) / Double(count) * 1e6)
      return "CPU \(user + system) us each (user \(user), system \(system))"
    }
  }

  /// Eight clients store files one by one, each read from its bytes as a service does.
  private static func load(_ fixture: StoreFixture, _ files: [[UInt8]]) async throws -> String {
    let (start, used) = (monotonicNanoseconds(), Processor())
    try await withThrowingTaskGroup(of: Void.self) { group in
      for client in 0..<8 {
        group.addTask {
          for place in stride(from: client, to: files.count, by: 8) {
            let new = try await fixture.new(files[place], DICOMFile(files[place]))
            _ = try await fixture.store.store([new])
          }
        }
      }
      try await group.waitForAll()
    }
    let seconds = Double(monotonicNanoseconds() - start) / 1e9
    return "\(Int(Double(files.count) / seconds))/s, \(Processor.each(used, files.count))"
  }

  /// The median of some runs in milliseconds.
  private static func median(_ runs: Int = 21, _ body: () async throws -> Void) async throws -> Double {
    var times: [UInt64] = []
    for _ in 0..<runs {
      let start = monotonicNanoseconds()
      try await body()
      times.append(monotonicNanoseconds() - start)
    }
    return Double(times.sorted()[runs / 2]) / 1e6
  }

  /// What storing a large one is made of.
  private static func parts(_ fixture: StoreFixture, _ files: [[UInt8]]) async throws {
    var used = Processor()
    let parsed = try files.map { try DICOMFile($0) }
    print("speed: · reading the data set: \(Processor.each(used, files.count))")
    used = Processor()
    for (file, bytes) in zip(parsed, files) {
      _ = try InstanceExtractor.extract(file, partition: "p", content: .inline(bytes), digest: 0)
    }
    print("speed: · extraction: \(Processor.each(used, files.count))")
    used = Processor()
    for bytes in files { #expect(XXH64.digest(bytes) != 0) }
    print("speed: · digest: \(Processor.each(used, files.count))")
    used = Processor()
    var names: [BlobName] = []
    for bytes in files { names.append(try await fixture.blobs.put([bytes[...]]).name) }
    print("speed: · a blob, one after the other: \(Processor.each(used, files.count))")
    // Pages that a virtual machine's host has to find cost many times the copy into them.
    try await fixture.blobs.remove(names)
    used = Processor()
    names = []
    for bytes in files { names.append(try await fixture.blobs.put([bytes[...]]).name) }
    print("speed: · a blob, in memory used before: \(Processor.each(used, files.count))")
    try await fixture.blobs.remove(names)
  }

  @Test func figures() async throws {
    let folder = try TemporaryFolder()
    let fixture = try await StoreFixture(folder.path)
    let partition = DICOMStore.defaultPartition
    let large = try (0..<400).map { try Self.instance($0, pixels: 524_288).bytes() }
    print("speed: 526 kB, 8 clients: \(try await Self.load(fixture, large))")
    try await Self.parts(fixture, large)
    let again = try (1_000..<1_400).map { try Self.instance($0, pixels: 524_288).bytes() }
    print("speed: 526 kB, 8 clients, in memory used before: \(try await Self.load(fixture, again))")
    let small = try (10_000..<20_000).map { try Self.instance($0, pixels: 4_000).bytes() }
    print("speed: a small instance has \(small[0].count) bytes")
    print("speed: small, 8 clients: \(try await Self.load(fixture, small))")

    let study = (20_000..<20_500).map { number in
      var instance = Self.instance(number, pixels: 1_000)
      (instance.study, instance.series, instance.instance) = ("1.9", "1.9.1", "1.9.1.\(number)")
      return instance
    }
    var start = monotonicNanoseconds()
    _ = try await fixture.store.store(study.map { try $0.new() })
    print("speed: 500 in one request: \(Double(monotonicNanoseconds() - start) / 1e6) ms")
    let series = Target(study: "1.9", series: "1.9.1")
    var bytes = 0
    let metadata = try await Self.median {
      bytes = 0
      var pages = fixture.store.metadata(series, partition: partition)
      while let page = try await pages.next() { bytes += page.json.count }
    }
    print("speed: metadata of 500 instances: \(metadata) ms, \(bytes) bytes")
    let addresses = try await Self.median {
      var pages = fixture.store.metadata(series, partition: partition, bulkDataRoot: "http://host/dicom")
      while try await pages.next() != nil {}
    }
    print("speed: the same with addresses: \(addresses) ms")
    print("speed: version: \(try await Self.median { _ = try fixture.store.version(series, partition: partition) }) ms")

    let patient = DICOMQuery(
      SearchScope(.study), conditions: [.match(.patientID, .text("P150"))],
      matchSet: MatchSet(.v2, SearchScope(.study)),
      limit: 100, offset: 0)
    let one = try await Self.median(201) { _ = try await fixture.store.search(patient, partition: partition) }
    print("speed: QIDO by PatientID: \(one) ms")
    let page = DICOMQuery(
      SearchScope(.study), conditions: [], matchSet: MatchSet(.standard, SearchScope(.study)), limit: 100, offset: 0)
    var count = 0
    let hundred = try await Self.median(51) {
      count = try await fixture.store.search(page, partition: partition).matches.count
    }
    print("speed: QIDO page of \(count) studies: \(hundred) ms")
    let all = DICOMQuery(
      SearchScope(.study), conditions: [], matchSet: MatchSet([Tag(0x0018, 0x0050), .patientID]), limit: 100, offset: 0)
    let parsed = try await Self.median { _ = try await fixture.store.search(all, partition: partition) }
    print("speed: the same with an attribute of the metadata: \(parsed) ms")

    start = monotonicNanoseconds()
    let deleted = try await fixture.store.delete(Target(study: "1.2.826.0.1.100"), partition: partition)
    print("speed: DELETE of a study of \(deleted): \(Double(monotonicNanoseconds() - start) / 1e6) ms")
    await fixture.close()
  }
}
