import FoundationEssentials
import TestSupport

extension TemporaryFolder {
  /// Writes a file.
  func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(filePath: file(name)))
  }
}

/// Makes ZIP archives byte by byte (APPNOTE 6.3.10), right ones and wrong ones.
struct ZipFile {
  struct Entry {
    var name: String
    var bytes: [UInt8]
    var isDeflated = false
    /// The sizes are behind the data, and zero in the local header (4.3.9).
    var hasDescriptor = false
    /// Sizes and offset are in an extra field (4.5.3).
    var isWide = false
    var flags: UInt16 = 0
    var method: UInt16?
    var checksum: UInt32?
    var claimedCount: Int?
    /// What the directory says of its packed bytes.
    var claimedPacked: Int?
    /// What the directory says of where the local header is.
    var claimedOffset: Int?

    init(_ name: String, _ bytes: [UInt8], _ change: (inout Entry) -> Void = { _ in }) {
      self.name = name
      self.bytes = bytes
      change(&self)
    }
  }

  var entries: [Entry]
  var comment: [UInt8] = []
  var prefix: [UInt8] = []
  /// The end of the directory says what it has to say in its 64-bit form only (4.3.14).
  var isWide = false

  init(_ entries: [Entry]) { self.entries = entries }

  static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// CRC-32 (ISO/IEC 3309), bit by bit.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var state = UInt32.max
    for byte in bytes {
      state ^= UInt32(byte)
      for _ in 0..<8 { state = state & 1 != 0 ? 0xEDB8_8320 ^ state >> 1 : state >> 1 }
    }
    return ~state
  }

  /// Deflate without compression (RFC 1951 §3.2.4).
  static func deflated(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var place = 0
    repeat {
      let count = min(65_535, bytes.count - place)
      let isLast = place + count == bytes.count
      result += [isLast ? 1 : 0] + little(count, 2) + little(~count, 2) + bytes[place..<place + count]
      place += count
    } while place < bytes.count
    return result
  }

  var bytes: [UInt8] {
    var file = prefix
    var directory: [UInt8] = []
    for entry in entries {
      let offset = file.count
      let packed = entry.isDeflated ? Self.deflated(entry.bytes) : entry.bytes
      let method = Int(entry.method ?? (entry.isDeflated ? 8 : 0))
      let flags = Int(entry.flags) | (entry.hasDescriptor ? 8 : 0)
      let checksum = Int(entry.checksum ?? Self.checksum(entry.bytes))
      let count = entry.claimedCount ?? entry.bytes.count
      let name = Array(entry.name.utf8)
      let sizes = Self.little(checksum, 4) + Self.little(packed.count, 4) + Self.little(count, 4)
      file += [0x50, 0x4B, 3, 4] + Self.little(20, 2) + Self.little(flags, 2) + Self.little(method, 2)
      file += [0, 0, 0, 0] + (entry.hasDescriptor ? [UInt8](repeating: 0, count: 12) : sizes)
      // Its own extra field, of another length than the directory's.
      file += Self.little(name.count, 2) + Self.little(5, 2) + name + [0x99, 0x99, 1, 0, 7] + packed
      if entry.hasDescriptor { file += [0x50, 0x4B, 7, 8] + sizes }
      var extra: [UInt8] = []
      let place = entry.claimedOffset ?? offset
      if entry.isWide {
        let fields = Self.little(count, 8) + Self.little(entry.claimedPacked ?? packed.count, 8) + Self.little(place, 8)
        extra = [0x55, 0x54, 1, 0, 3] + Self.little(1, 2) + Self.little(fields.count, 2) + fields
      }
      directory += [0x50, 0x4B, 1, 2] + Self.little(20, 2) + Self.little(20, 2) + Self.little(flags, 2)
      directory += Self.little(method, 2) + [0, 0, 0, 0] + Self.little(checksum, 4)
      directory +=
        Self.little(entry.isWide ? -1 : entry.claimedPacked ?? packed.count, 4)
        + Self.little(entry.isWide ? -1 : count, 4)
      directory += Self.little(name.count, 2) + Self.little(extra.count, 2) + Self.little(3, 2)
      directory += [UInt8](repeating: 0, count: 8) + Self.little(entry.isWide ? -1 : place, 4) + name + extra
      directory += Array("abc".utf8)
    }
    let start = file.count
    file += directory
    if isWide {
      let end = file.count
      file += [0x50, 0x4B, 6, 6] + Self.little(44, 8) + Self.little(45, 2) + Self.little(45, 2)
      file += [UInt8](repeating: 0, count: 8) + Self.little(entries.count, 8) + Self.little(entries.count, 8)
      file += Self.little(directory.count, 8) + Self.little(start, 8)
      file += [0x50, 0x4B, 6, 7] + Self.little(0, 4) + Self.little(end, 8) + Self.little(1, 4)
    }
    let count = isWide ? 0xFFFF : entries.count
    file += [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + Self.little(count, 2) + Self.little(count, 2)
    file += Self.little(isWide ? -1 : directory.count, 4) + Self.little(isWide ? -1 : start, 4)
    return file + Self.little(comment.count, 2) + comment
  }
}
