import DICOMCore
import TestSupport
import Testing

@testable import aceso

/// Archives as they come from other programs, and as they should not come.
@Suite("ZIP archives")
struct ZipArchiveTests {
  static func open(_ bytes: [UInt8]) throws -> (ZipArchive, TemporaryFolder) {
    let folder = try TemporaryFolder()
    let path = folder.file("a.zip")
    try folder.write("a.zip", bytes)
    return (try ZipArchive(path: path), folder)
  }

  static func contents(_ archive: ZipArchive) throws -> [[UInt8]] {
    try archive.entries.map { entry in
      var bytes: [UInt8] = []
      try archive.read(entry) { bytes += $0 }
      return bytes
    }
  }

  static func refusal(_ archive: ZipArchive, _ entry: ZipArchive.Entry) -> String? {
    do {
      try archive.read(entry) { _ in }
      return nil
    } catch {
      return "\(error)"
    }
  }

  static let long = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 * $0 >> 3) }

  @Test("stored, deflated, with descriptors, with sizes of 64 bits, behind other bytes and before a comment")
  func forms() throws {
    for isWide in [false, true] {
      var file = ZipFile([])
      for isDeflated in [false, true] {
        for hasDescriptor in [false, true] {
          for isEntryWide in [false, true] {
            for bytes in [[], [1, 2, 3], Self.long] as [[UInt8]] {
              file.entries.append(
                ZipFile.Entry("f\(file.entries.count)", bytes) {
                  $0.isDeflated = isDeflated
                  $0.hasDescriptor = hasDescriptor
                  $0.isWide = isEntryWide
                })
            }
          }
        }
      }
      file.entries.append(ZipFile.Entry("folder/", []))
      file.isWide = isWide
      file.comment = Array("a comment".utf8)
      let (archive, _) = try Self.open(file.bytes)
      // A folder is no entry.
      #expect(archive.entries.map(\.name) == file.entries.dropLast().map(\.name))
      #expect(archive.entries.allSatisfy { $0.obstacle == nil })
      #expect(try Self.contents(archive) == file.entries.dropLast().map(\.bytes))
      #expect(archive.entries.map(\.count) == file.entries.dropLast().map(\.bytes.count))
    }
    let (empty, _) = try Self.open(ZipFile([]).bytes)
    #expect(empty.entries.isEmpty)
  }

  @Test("what cannot be unpacked says why, and the others can")
  func obstacles() throws {
    let good = ZipFile.Entry("good", Self.long) { $0.isDeflated = true }
    var entries = [good]
    entries.append(ZipFile.Entry("encrypted", [1, 2]) { $0.flags = 1 })
    entries.append(ZipFile.Entry("bzip2", [1, 2]) { $0.method = 12 })
    entries.append(ZipFile.Entry("lengths", [1, 2]) { $0.claimedCount = 3 })
    entries.append(ZipFile.Entry("checksum", [1, 2]) { $0.checksum = 5 })
    entries.append(
      ZipFile.Entry("longer", Self.long) {
        $0.isDeflated = true
        $0.claimedCount = 10
      })
    entries.append(
      ZipFile.Entry("shorter", Self.long) {
        $0.isDeflated = true
        $0.claimedCount = 1_000_000
      })
    entries.append(ZipFile.Entry("no deflate", [0xFF, 0xFF, 0xFF]) { $0.method = 8 })
    let (archive, _) = try Self.open(ZipFile(entries).bytes)
    let told = archive.entries.map { Self.refusal(archive, $0) }
    #expect(told[0] == nil)
    #expect(told[1] == "it is encrypted")
    #expect(told[2] == "compression method 12 is not supported")
    #expect(told[3] == "its lengths disagree")
    #expect(told[4] == "its bytes are not those the archive's directory tells of")
    #expect(told[5...].allSatisfy { $0 == "its compressed bytes are damaged" || $0?.contains("directory") == true })
  }

  @Test("what the consumer throws comes through")
  func consumer() throws {
    struct Stop: Error {}
    let (archive, _) = try Self.open(
      ZipFile([ZipFile.Entry("a", Self.long) { $0.isDeflated = true }, ZipFile.Entry("b", [1])]).bytes)
    for entry in archive.entries { #expect(throws: Stop.self) { try archive.read(entry) { _ in throw Stop() } } }
  }

  @Test("a cut archive is refused, wherever it is cut")
  func truncated() throws {
    let whole = ZipFile([ZipFile.Entry("a", [1, 2, 3]), ZipFile.Entry("b", Self.long) { $0.isWide = true }]).bytes
    for end in (0..<300).map({ whole.count - 1 - $0 }) + [0, 1, 30, 1_000] {
      #expect(throws: (any Error).self, "\(end)") { try Self.open(Array(whole[..<end])) }
    }
  }

  @Test("numbers that lead out of the archive, or into one another, are refused")
  func claims() throws {
    for offset in [1, 1 << 31, 0xFFFF_FFFE] {
      let file = ZipFile([ZipFile.Entry("a", [1, 2, 3]) { $0.claimedOffset = offset }])
      #expect(throws: (any Error).self) { try Self.open(file.bytes) }
    }
    let wide = ZipFile([
      ZipFile.Entry("a", [1, 2, 3]) {
        $0.isWide = true
        $0.claimedOffset = .max - 3
      }
    ])
    #expect(throws: (any Error).self) { try Self.open(wide.bytes) }
    // Many entries that are all the same bytes: a small archive that would unpack to anything.
    var shared = ZipFile([ZipFile.Entry("e", Self.long)])
    for number in 0..<100 {
      shared.entries.append(
        ZipFile.Entry("e\(number)", []) {
          $0.claimedOffset = 0
          $0.claimedPacked = Self.long.count
          $0.claimedCount = Self.long.count
        })
    }
    #expect(throws: (any Error).self) { try Self.open(shared.bytes) }
    var count = ZipFile([ZipFile.Entry("a", [1])]).bytes
    count.replaceSubrange(count.count - 12..<count.count - 10, with: [9, 0])
    #expect(throws: (any Error).self) { try Self.open(count) }
  }

  @Test("garbage is no archive, and nothing crashes")
  func mutations() throws {
    let whole = ZipFile([
      ZipFile.Entry("a", [1, 2, 3]) { $0.isDeflated = true }, ZipFile.Entry("b", [4, 5]) { $0.isWide = true },
    ]).bytes
    var random = SeededGenerator(seed: 3)
    for _ in 0..<2_000 {
      var bytes = whole
      for _ in 0..<1 + Int(random.next() % 4) {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      if let (archive, _) = try? Self.open(bytes) {
        for entry in archive.entries { _ = Self.refusal(archive, entry) }
      }
    }
  }

  @Test("what is in an archive is told from what is a file")
  func candidates() throws {
    let folder = try TemporaryFolder()
    try folder.write("a.zip", ZipFile([ZipFile.Entry("../../etc/x", [1, 2]), ZipFile.Entry("/abs", [3])]).bytes)
    try folder.write("b.dcm", [1, 2, 3])
    let entries = try ImportCandidate.all(at: folder.file("a.zip"))
    // Names are shown and never opened: nothing is unpacked to the disk.
    #expect(entries.map(\.name) == ["../../etc/x", "/abs"])
    #expect(try entries.map { try $0.kind() } == [.other, .other])
    #expect(try ImportCandidate.all(at: folder.file("b.dcm")).map(\.count) == [3])
    #expect(throws: CommandError.self) { try ImportCandidate.all(at: folder.file("none")) }
  }
}
