internal import DICOMCore

/// The three tables of PALETTE COLOR (PS3.3 C.7.6.3.1.5 and C.7.9), plain or segmented.
struct PaletteColor {
  private let tables: [LookupTable]

  /// - Throws: `unsupportedImage` if a table is missing or makes no sense.
  init(_ dataSet: DataSet, isSigned: Bool) throws(ImageError) {
    let tags: [(descriptor: Tag, data: Tag, segmented: Tag)] = [
      (.redPaletteColorLookupTableDescriptor, .redPaletteColorLookupTableData, Tag(0x0028, 0x1221)),
      (.greenPaletteColorLookupTableDescriptor, .greenPaletteColorLookupTableData, Tag(0x0028, 0x1222)),
      (.bluePaletteColorLookupTableDescriptor, .bluePaletteColorLookupTableData, Tag(0x0028, 0x1223)),
    ]
    var tables: [LookupTable] = []
    for tag in tags {
      let plain = LookupTable(descriptor: dataSet[tag.descriptor], data: dataSet[tag.data], isSigned: isSigned)
      guard let table = plain ?? Self.segmented(dataSet[tag.descriptor], dataSet[tag.segmented], isSigned) else {
        throw ImageError(.unsupportedImage)
      }
      tables.append(table)
    }
    self.tables = tables
  }

  /// Red, green and blue of a value, in 8 bits.
  @inline(__always)
  func color(_ value: Int) -> (UInt8, UInt8, UInt8) {
    func component(_ table: LookupTable) -> UInt8 {
      let entry = table[value]
      return UInt8(truncatingIfNeeded: table.bits > 8 ? entry >> (table.bits - 8) : entry)
    }
    return (component(tables[0]), component(tables[1]), component(tables[2]))
  }

  /// PS3.3 C.7.9.2: segments of single values, of lines, and of repetitions of segments before.
  private static func segmented(_ descriptor: DataElement?, _ data: DataElement?, _ isSigned: Bool) -> LookupTable? {
    guard let descriptor, let data, let numbers = LookupTable.descriptor(descriptor, isSigned: isSigned) else {
      return nil
    }
    let isWide = numbers.bits > 8
    let bytes = data.value
    let words: [Int] =
      isWide
      ? (0..<bytes.count / 2).map {
        let (first, second) = (Int(bytes[2 * $0]), Int(bytes[2 * $0 + 1]))
        return data.isBigEndian ? first << 8 | second : second << 8 | first
      } : bytes.map { Int($0) }
    var expansion = SegmentExpansion(words: words, isWide: isWide, limit: numbers.count)
    guard expansion.expand(from: 0, segments: Int.max, depth: 0), expansion.entries.count == numbers.count else {
      return nil
    }
    return LookupTable(firstMapped: numbers.first, bits: numbers.bits, entries: expansion.entries)
  }
}

private struct SegmentExpansion {
  let words: [Int]
  let isWide: Bool
  let limit: Int
  var entries: [UInt16] = []
  private var place = 0

  init(words: [Int], isWide: Bool, limit: Int) {
    self.words = words
    self.isWide = isWide
    self.limit = limit
  }

  /// - Returns: false if the segments make no sense.
  mutating func expand(from start: Int, segments: Int, depth: Int) -> Bool {
    place = start
    var left = segments
    while left > 0, place + 1 < words.count, entries.count < limit {
      let (opcode, count) = (words[place], words[place + 1])
      place += 2
      left -= 1
      let isSound =
        switch opcode {
        case 0: copy(count)
        case 1: line(count)
        case 2: depth == 0 && again(count)
        default: false
        }
      guard isSound else { return false }
    }
    return true
  }

  private mutating func copy(_ count: Int) -> Bool {
    guard count <= words.count - place, count <= limit - entries.count else { return false }
    entries.append(contentsOf: words[place..<place + count].map { UInt16(truncatingIfNeeded: $0) })
    place += count
    return true
  }

  private mutating func line(_ count: Int) -> Bool {
    guard count > 0, place < words.count, count <= limit - entries.count, let start = entries.last.map(Int.init) else {
      return false
    }
    let end = words[place]
    place += 1
    for step in 1...count {
      let value = Double(start) + Double(end - start) * Double(step) / Double(count)
      entries.append(UInt16(truncatingIfNeeded: Int(value.rounded())))
    }
    return true
  }

  /// An indirect segment: so many segments from an offset in bytes, low word first.
  private mutating func again(_ count: Int) -> Bool {
    let size = isWide ? 2 : 4
    guard place + size <= words.count else { return false }
    var offset = 0
    for part in 0..<size { offset |= words[place + part] << (isWide ? 16 * part : 8 * part) }
    place += size
    let after = place
    let target = isWide ? offset / 2 : offset
    guard target < after, expand(from: target, segments: count, depth: 1) else { return false }
    place = after
    return true
  }
}
