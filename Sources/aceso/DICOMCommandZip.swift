import DICOMCore

/// A ZIP archive (PKWARE APPNOTE 6.3.10), read in place: stored and deflated entries, ZIP64.
///
/// What the directory claims is checked before anything is read by it. Entries whose bytes overlap are refused: only so
/// can a small archive unpack to more than a thousand times its size. No entry is ever unpacked as a whole.
final class ZipArchive: Sendable {
  struct Entry: Sendable {
    let name: String
    /// Unpacked.
    let count: Int
    fileprivate let packed: Range<Int>
    fileprivate let isDeflated: Bool
    fileprivate let checksum: UInt32
    /// Why it cannot be unpacked, if so.
    let obstacle: String?
  }

  static let entriesMax = 20_000_000

  let entries: [Entry]
  private let source: ByteSource

  init(path: String) throws {
    do throws(DICOMError) {
      source = try ByteSource(file: path)
    } catch {
      throw CommandError("\(path): \(error.message)")
    }
    guard let entries = ZipDirectory(source)?.entries else {
      throw CommandError("\(path) is no ZIP archive, or one that is not whole, or whose entries overlap.")
    }
    self.entries = entries
  }

  /// Whether the file begins as an archive does: with an entry, or with the end of an empty directory.
  static func isArchive(_ path: String) -> Bool {
    guard let source = try? ByteSource(file: path), let head = source.bytes(at: 0, count: 4) else { return false }
    return Array(head) == [0x50, 0x4B, 3, 4] || Array(head) == [0x50, 0x4B, 5, 6]
  }

  /// Unpacks an entry in pieces.
  /// - Throws: `CommandError` if the bytes are not what the directory says; what `consume` throws.
  func read(_ entry: Entry, _ consume: (UnsafeRawBufferPointer) throws -> Void) throws {
    if let obstacle = entry.obstacle { throw CommandError(obstacle) }
    var checksum = ZipChecksum()
    var failure: (any Error)?
    var count = 0
    let result: Void? = try source.withBytes(entry.packed) { packed throws(CommandError) in
      guard entry.isDeflated else {
        checksum.update(packed)
        count = packed.count
        do { try consume(packed) } catch { failure = error }
        return
      }
      do throws(DICOMError) {
        let inflater = try Inflater(limit: entry.count, hasHeader: false)
        try inflater.inflate(packed) { piece throws(DICOMError) in
          checksum.update(piece)
          count += piece.count
          do { try consume(piece) } catch {
            failure = error
            throw DICOMError(.unreadable, at: 0)
          }
        }
      } catch {
        if failure == nil { throw CommandError("its compressed bytes are damaged") }
      }
    }
    if let failure { throw failure }
    guard result != nil, count == entry.count, checksum.value == entry.checksum else {
      throw CommandError("its bytes are not those the archive's directory tells of")
    }
  }
}

/// The central directory of an archive (APPNOTE 4.3.12 to 4.3.16).
private struct ZipDirectory {
  private let source: ByteSource
  private(set) var entries: [ZipArchive.Entry] = []

  init?(_ source: ByteSource) {
    self.source = source
    guard let (start, count) = end() else { return nil }
    var position = start
    // An entry of the directory has 46 bytes at least.
    guard count <= ZipArchive.entriesMax, count <= (source.count - start) / 46 else { return nil }
    var packedCount = 0
    for _ in 0..<count {
      guard let entry = entry(at: &position) else { return nil }
      packedCount += entry.packed.count
      // Entries that share bytes.
      guard packedCount <= source.count else { return nil }
      if !entry.name.hasSuffix("/") { entries.append(entry) }
    }
  }

  private func number(_ offset: Int, _ count: Int) -> Int? {
    source.withBytes(offset..<max(offset, offset + count)) { bytes in
      var value: UInt64 = 0
      for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
      return Int(exactly: value)
    } ?? nil
  }

  /// Where the directory begins, and how many entries it has.
  private func end() -> (start: Int, count: Int)? {
    // The longest comment behind it is 65,535 bytes.
    let first = max(0, source.count - 22 - 65_535)
    var position = source.count - 22
    while position >= first, number(position, 4) != 0x0605_4B50 { position -= 1 }
    guard position >= first, let count = number(position + 10, 2), let start = number(position + 16, 4) else {
      return nil
    }
    // ZIP64: the end of the directory says all of it with more bits, and a locator in front of this one where it is.
    if count == 0xFFFF || start == 0xFFFF_FFFF, position >= 20, number(position - 20, 4) == 0x0706_4B50,
      let place = number(position - 12, 8), place <= source.count - 56, number(place, 4) == 0x0606_4B50,
      let wideCount = number(place + 32, 8), let wideStart = number(place + 48, 8)
    {
      return wideStart <= source.count ? (wideStart, wideCount) : nil
    }
    return start <= source.count ? (start, count) : nil
  }

  private func entry(at position: inout Int) -> ZipArchive.Entry? {
    let start = position
    guard number(start, 4) == 0x0201_4B50, let flags = number(start + 8, 2), let method = number(start + 10, 2),
      let checksum = number(start + 16, 4), var packed = number(start + 20, 4), var count = number(start + 24, 4),
      let nameCount = number(start + 28, 2), let extraCount = number(start + 30, 2),
      let commentCount = number(start + 32, 2), var header = number(start + 42, 4),
      let name = source.withBytes(start + 46..<start + 46 + nameCount, { String(decoding: $0, as: UTF8.self) })
    else { return nil }
    let extra = start + 46 + nameCount
    guard widen(extra..<extra + extraCount, &count, &packed, &header) else { return nil }
    position = extra + extraCount + commentCount
    // The local header has a name and extra fields of its own lengths.
    guard header <= source.count - 30, number(header, 4) == 0x0403_4B50, let localName = number(header + 26, 2),
      let localExtra = number(header + 28, 2)
    else { return nil }
    let data = header + 30 + localName + localExtra
    guard data <= source.count, packed <= source.count - data else { return nil }
    let obstacle: String? =
      flags & 1 != 0
      ? "it is encrypted"
      : method != 0 && method != 8
        ? "compression method \(method) is not supported"
        : method == 0 && packed != count ? "its lengths disagree" : nil
    return ZipArchive.Entry(
      name: name, count: count, packed: data..<data + packed, isDeflated: method == 8,
      checksum: UInt32(truncatingIfNeeded: checksum), obstacle: obstacle)
  }

  /// The ZIP64 extended information (4.5.3) has those of the fields that are all ones, in this order.
  private func widen(_ extra: Range<Int>, _ count: inout Int, _ packed: inout Int, _ header: inout Int) -> Bool {
    var position = extra.lowerBound
    while position + 4 <= extra.upperBound {
      guard let kind = number(position, 2), let length = number(position + 2, 2) else { return false }
      var field = position + 4
      position = field + length
      guard kind == 1, position <= extra.upperBound else { continue }
      func next(_ value: inout Int) -> Bool {
        guard value == 0xFFFF_FFFF else { return true }
        guard field + 8 <= position, let wide = number(field, 8) else { return false }
        field += 8
        value = wide
        return true
      }
      return next(&count) && next(&packed) && next(&header)
    }
    return true
  }
}

/// CRC-32 as ISO/IEC 3309 has it, by bytes.
struct ZipChecksum {
  private var state: UInt32 = 0xFFFF_FFFF

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 != 0 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var state = self.state
    Self.table.withUnsafeBufferPointer { table in
      for byte in bytes { state = table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ state >> 8 }
    }
    self.state = state
  }

  var value: UInt32 { ~state }
}
