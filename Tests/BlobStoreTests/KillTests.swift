import BlobStore
import Foundation
import Glibc
import TestSupport
import Testing

/// A child process writes blobs from several tasks and is killed in the midst of it. Whatever is there under a blob's
/// name is whole, and what was acknowledged is there.
@Suite(.serialized) struct KillTests {
  static let variable = "ACESO_TEST_BLOB_CHILD"

  /// The child: this test executable once more, with the folder in its environment. It never ends by itself.
  @Test(.enabled(if: ProcessInfo.processInfo.environment[variable] != nil, "runs in the child process of another test"))
  func child() async throws {
    let folder = try #require(ProcessInfo.processInfo.environment[Self.variable])
    let store = try FolderBlobStore(path: folder + "/blobs")
    let log = open(folder + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<6 {
        group.addTask {
          var generator = SeededGenerator(seed: UInt64(task))
          while true {
            let bytes = Self.content(Int.random(in: 0..<300_000, using: &generator), &generator)
            guard let name = try? await Self.write(bytes, store, inPieces: task % 2 == 0) else { return }
            let line = Array((name.text + "\n").utf8)
            _ = Glibc.write(log, line, line.count)
          }
        }
      }
    }
  }

  private static func write(_ bytes: [UInt8], _ store: FolderBlobStore, inPieces: Bool) async throws -> BlobName {
    guard inPieces else { return try await store.put([bytes[...]]).name }
    let writer = try await store.create()
    for start in stride(from: 0, to: bytes.count, by: 10_000) {
      try await writer.append(Array(bytes[start..<min(start + 10_000, bytes.count)]))
    }
    return try await writer.finish()
  }

  /// Bytes behind their own digest and count, so that anyone can tell whether they are whole.
  private static func content(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
    let body = [UInt8](repeating: UInt8.random(in: 0...255, using: &generator), count: count)
    return withUnsafeBytes(of: XXH64.digest(body)) { Array($0) } + withUnsafeBytes(of: UInt64(count)) { Array($0) }
      + body
  }

  private static func isWhole(_ bytes: [UInt8]) -> Bool {
    guard bytes.count >= 16 else { return false }
    let digest = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self) }
    let count = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self) }
    let body = Array(bytes[16...])
    return UInt64(body.count) == count && XXH64.digest(body) == digest
  }

  @Test("a kill in the midst of writing leaves only whole blobs", arguments: 0..<3)
  func kill(round: Int) async throws {
    let folder = try TemporaryFolder()
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    child.arguments = ["--testing-library", "swift-testing", "--filter", "BlobStoreTests.KillTests/child"]
    child.environment = ProcessInfo.processInfo.environment.merging([Self.variable: folder.path]) { _, new in new }
    child.standardOutput = FileHandle.nullDevice
    child.standardError = FileHandle.nullDevice
    try child.run()
    defer { if child.isRunning { Glibc.kill(child.processIdentifier, SIGKILL) } }
    var acknowledged: [String] = []
    for _ in 0..<600 where acknowledged.count < 40 + 30 * round {
      try await Task.sleep(for: .milliseconds(50))
      acknowledged = Self.lines(folder.file("acknowledged"))
    }
    Glibc.kill(child.processIdentifier, SIGKILL)
    child.waitUntilExit()
    acknowledged = Self.lines(folder.file("acknowledged"))
    #expect(acknowledged.count >= 40, "the child wrote too little")

    let store = try FolderBlobStore(path: folder.file("blobs"))
    var names: [BlobName] = []
    try await store.names(olderThan: 0) { names.append($0) }
    for name in names { #expect(Self.isWhole(try await store.open(name).readAll()), "\(name) is torn") }
    let there = Set(names.map(\.text))
    #expect(acknowledged.allSatisfy { there.contains($0) })
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("blobs/unfinished")).isEmpty)
    await store.close()
  }

  /// Whole lines: the last one may have been cut.
  private static func lines(_ path: String) -> [String] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").map(String.init).filter { $0.utf8.count == 32 }
  }
}
