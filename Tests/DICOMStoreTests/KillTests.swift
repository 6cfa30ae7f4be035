import BlobStore
import DICOMCore
import DICOMStore
import DICOMweb
import Foundation
import Glibc
import JSONCore
import TestStores
import TestSupport
import Testing

/// A child process stores instances, small ones and blobs, and is killed in the midst of it: an instance is there with
/// its bytes, index and change, or nothing of it is.
@Suite(.serialized) struct KillTests {
  static let variable = "ACESO_TEST_DICOM_CHILD"

  /// The child: this test executable once more, with the folder in its environment. It never ends by itself.
  @Test(.enabled(if: ProcessInfo.processInfo.environment[variable] != nil, "runs in the child process of another test"))
  func child() async throws {
    let folder = try #require(ProcessInfo.processInfo.environment[Self.variable])
    let fixture = try await StoreFixture(folder)
    let log = open(folder + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<6 {
        group.addTask {
          var number = 0
          while true {
            number += 1
            var instance = TestInstance("1.\(task)", "\(number % 5)", "\(number)")
            instance.pixels = [UInt8](repeating: UInt8(number & 255), count: number % 2 == 0 ? 200 : 100_000)
            guard let bytes = try? instance.bytes(), let file = try? DICOMFile(bytes),
              let new = try? await fixture.new(bytes, file), (try? await fixture.store.store([new])) != nil
            else { return }
            let line = Array("\(instance.study)/\(instance.series)/\(instance.instance)\n".utf8)
            _ = Glibc.write(log, line, line.count)
          }
        }
      }
    }
  }

  @Test("a kill while storing leaves whole instances only", arguments: 0..<3)
  func kill(round: Int) async throws {
    let folder = try TemporaryFolder()
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    child.arguments = ["--testing-library", "swift-testing", "--filter", "DICOMStoreTests.KillTests/child"]
    let own = try TestStores.childEnvironment().merging([Self.variable: folder.path]) { _, new in new }
    child.environment = ProcessInfo.processInfo.environment.merging(own) { _, new in new }
    child.standardOutput = FileHandle.nullDevice
    child.standardError = FileHandle.nullDevice
    try child.run()
    defer { if child.isRunning { Glibc.kill(child.processIdentifier, SIGKILL) } }
    for _ in 0..<600 where Self.lines(folder.file("acknowledged")).count < 40 + 30 * round {
      try await Task.sleep(for: .milliseconds(50))
    }
    Glibc.kill(child.processIdentifier, SIGKILL)
    child.waitUntilExit()
    let acknowledged = Set(Self.lines(folder.file("acknowledged")))
    #expect(acknowledged.count >= 40, "the child stored too little")

    var configuration = DICOMStoreConfiguration()
    configuration.orphanSecondsMin = 0
    let fixture = try await StoreFixture(folder.path, configuration: configuration)
    let found = try await fixture.search(SearchScope(.instance), limit: 100_000).matches
    #expect(acknowledged.subtracting(found.map { $0.target.short }).isEmpty)
    for match in found {
      let stored = try #require(
        try await fixture.store.instances(match.target, partition: DICOMStore.defaultPartition).first)
      let content = try await fixture.store.content(stored)
      #expect(XXH64.digest(try await content.read(0..<content.count)) == stored.digest, "\(match.target.short)")
      let uid = try #require(match.target.instance).value
      #expect(try await fixture.metadata(match.target).first?.texts(.sopInstanceUID) == [uid])
    }
    #expect(
      try await fixture.store.changes(after: 0, limit: 1_000_000, withMetadata: false).count == found.count)
    // Blobs of instances that were not stored any more are found by a sweep; the others stay.
    _ = try await fixture.store.sweep()
    var blobs = 0
    try await fixture.blobs.names(olderThan: 0) { _ in blobs += 1 }
    let all = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<6 {
        group.addTask {
          try await fixture.store.instances(Target(study: UID("1.\(task)")), partition: DICOMStore.defaultPartition)
            .filter { $0.blob != nil }.count
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(blobs == all)
    await fixture.close()
    #expect(try IndexFile(folder.file("index")).complaints() == [])
  }

  private static func lines(_ path: String) -> [String] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
    let isCut = !text.hasSuffix("\n")
    return text.split(separator: "\n").map(String.init).dropLast(isCut ? 1 : 0)
  }
}
