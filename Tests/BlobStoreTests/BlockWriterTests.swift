import FoundationEssentials
import TestSupport
import Testing

@testable import BlobStore

/// Blobs go to the disk in whole blocks, past the kernel's cache; what is less than one goes through it.
@Suite struct BlockWriterTests {
  /// About blocks, about the pieces that are written at once, about buffers.
  private static let counts: [Int] = [
    0, 1, 4_095, 4_096, 4_097, 12_289, 524_287, 524_288, 524_289, 1_048_575, 1_048_576, 1_048_577, 2_097_153,
  ]

  private static func bytes(_ count: Int) -> [UInt8] {
    var generator = SeededGenerator(seed: UInt64(count))
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }

  @Test("whatever its length, and however it is cut, a blob is what was written", arguments: counts)
  func everyLength(_ count: Int) async throws {
    let folder = try TemporaryFolder()
    try await check(FolderBlobStore(path: folder.file("blobs")), count)
  }

  @Test(
    "the same on a file system in memory",
    .enabled(if: FileManager.default.isWritableFile(atPath: "/dev/shm"), "needs /dev/shm"),
    arguments: [0, 4_097, 1_048_577])
  func inMemory(_ count: Int) async throws {
    let path = "/dev/shm/aceso-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    try await check(FolderBlobStore(path: path), count)
  }

  private func check(_ store: FolderBlobStore, _ count: Int) async throws {
    let bytes = Self.bytes(count)
    let whole = try await store.put([bytes[...]])
    #expect(whole.digest == XXH64.digest(bytes))
    #expect(try await store.open(whole.name).readAll() == bytes)
    for piece in [1_000, 65_536, 700_001] {
      let writer = try await store.create()
      for start in stride(from: 0, to: count, by: piece) {
        try await writer.append(Array(bytes[start..<min(count, start + piece)]))
      }
      #expect(writer.count == count && writer.digest == XXH64.digest(bytes))
      let name = try await writer.finish()
      let blob = try store.open(name)
      #expect(blob.count == count)
      #expect(try await blob.readAll() == bytes)
    }
    await store.close()
  }
}
