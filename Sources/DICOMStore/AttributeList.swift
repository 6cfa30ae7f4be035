import DICOMCore

/// Some attributes of a data set as finished JSON, ascending, so that one of them is found without parsing: for each
/// the tag in four bytes, the length, and the value `{"vr":…}`. A length of 0 says that the value is too large to be
/// here.
struct AttributeList: Sendable, Hashable {
  /// Larger values are not kept here.
  static let valueBytesMax = 4 * 1024

  private(set) var encoded: [UInt8] = []

  init() {}

  init(encoded: [UInt8]) { self.encoded = encoded }

  /// Adds an attribute behind all others.
  mutating func append(_ tag: UInt32, _ json: UnsafeBufferPointer<UInt8>) {
    for shift in stride(from: UInt32(24), through: 0, by: -8) {
      encoded.append(UInt8(truncatingIfNeeded: tag >> shift))
    }
    let isKept = json.count <= Self.valueBytesMax
    VariableInteger.append(isKept ? json.count : 0, to: &encoded)
    if isKept { encoded.append(contentsOf: json) }
  }

  /// An attribute's place in a list's bytes.
  struct Entry {
    let tag: UInt32
    let range: Range<Int>
  }

  /// The attributes, ascending; what is damaged is left out.
  var entries: [Entry] {
    var entries: [Entry] = []
    entries.reserveCapacity(32)
    var position = 0
    while position < encoded.count {
      var reader = ByteReader(encoded, from: position)
      guard let tag = reader.word32(), let count = reader.integer(), count <= encoded.count - reader.position else {
        break
      }
      position = reader.position + count
      entries.append(Entry(tag: tag, range: position - count..<position))
    }
    return entries
  }

  /// This list with one attribute from another, or without it where the other has none.
  func taking(_ tag: Tag, from other: AttributeList) -> AttributeList {
    var result = AttributeList()
    var taken = other.entries.first { $0.tag == tag.rawValue }
    for entry in entries {
      if let new = taken, entry.tag >= tag.rawValue {
        result.append(new.tag, other, new.range)
        taken = nil
      }
      if entry.tag != tag.rawValue { result.append(entry.tag, self, entry.range) }
    }
    if let new = taken { result.append(new.tag, other, new.range) }
    return result
  }

  private mutating func append(_ tag: UInt32, _ other: AttributeList, _ range: Range<Int>) {
    other.encoded.withUnsafeBufferPointer { append(tag, UnsafeBufferPointer(rebasing: $0[range])) }
  }
}

/// Which attributes the rows keep as finished JSON, by level: whatever searches answer by default (PS3.18 tables
/// 10.6.3-3 to 10.6.3-5, Microsoft's defaults) and what viewers ask for besides. All others are read from the metadata.
enum KeptAttributes {
  static let study: [UInt32] = [
    0x0008_0005, 0x0008_0020, 0x0008_0030, 0x0008_0050, 0x0008_0056, 0x0008_0063, 0x0008_0090, 0x0008_0201, 0x0008_1030,
    0x0008_1032, 0x0008_1060, 0x0008_1080, 0x0008_1110, 0x0010_0010, 0x0010_0020, 0x0010_0021, 0x0010_0030, 0x0010_0040,
    0x0010_1010, 0x0010_1020, 0x0010_1030, 0x0010_2180, 0x0010_21B0, 0x0020_000D, 0x0020_0010,
  ]

  static let series: [UInt32] = [
    0x0008_0005, 0x0008_0021, 0x0008_0031, 0x0008_0056, 0x0008_0060, 0x0008_0070, 0x0008_0080, 0x0008_0201, 0x0008_1010,
    0x0008_103E, 0x0008_1050, 0x0008_1070, 0x0008_1090, 0x0018_0015, 0x0018_1030, 0x0018_5100, 0x0020_000E, 0x0020_0011,
    0x0020_0060, 0x0040_0244, 0x0040_0245, 0x0040_0275,
  ]

  static let instance: [UInt32] = [
    0x0008_0005, 0x0008_0008, 0x0008_0016, 0x0008_0018, 0x0008_0023, 0x0008_0033, 0x0008_0056, 0x0008_0201, 0x0020_0012,
    0x0020_0013, 0x0028_0008, 0x0028_0010, 0x0028_0011, 0x0028_0100,
  ]
}
