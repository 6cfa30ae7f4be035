/// A parsed data set as a flat list of records, in the order of the bytes; nothing is decoded or copied.
///
/// Record 0 is the outermost data set. A sequence is followed by its items, an item by its data elements, an
/// encapsulated pixel data by its fragments; `next` leads behind a record and all it holds.
final class DataSetTape: Sendable {
  /// 32 bytes.
  struct Record: Sendable {
    var tag: Tag
    /// The VR; of an item the number of its character set.
    var code: UInt8
    /// Bytes of tag, VR and length in front of the value.
    var header: UInt8
    var flags: Flags
    /// Of the value, from the start of the source.
    var offset: Int
    /// Of the value; for undefined lengths up to the delimiter.
    var length: Int
    var next: UInt32
    /// The record it is in.
    var parent: UInt32

    @inline(__always)
    var vr: VR { VR(rawValue: code) ?? .UN }
  }

  struct Flags: OptionSet, Sendable {
    let rawValue: UInt16

    static let item = Flags(rawValue: 1)
    /// Holds items.
    static let sequence = Flags(rawValue: 2)
    /// Holds fragments.
    static let fragments = Flags(rawValue: 4)
    static let fragment = Flags(rawValue: 8)
    static let undefinedLength = Flags(rawValue: 16)
    static let bigEndian = Flags(rawValue: 32)
    static let implicit = Flags(rawValue: 64)
    /// Of a data set: its tags do not ascend strictly.
    static let unordered = Flags(rawValue: 128)
    /// Encoded with VR UN, known by its tag.
    static let encodedUN = Flags(rawValue: 256)
    /// Encoded with letters that are no VR.
    static let unknownVR = Flags(rawValue: 512)
  }

  let source: ByteSource
  let records: [Record]
  let characterSets: [SpecificCharacterSet]
  let tolerances: Tolerances
  /// The first byte after what was parsed.
  let end: Int

  init(source: ByteSource, parser: consuming DataSetParser) {
    self.source = source
    records = parser.records
    characterSets = parser.characterSets
    tolerances = parser.tolerances
    end = parser.position
  }

  /// The value's bytes, nil if a stream did not keep them.
  @inline(__always)
  func bytes(_ record: borrowing Record) -> UnsafeRawBufferPointer? {
    source.bytes(at: record.offset, count: record.length)
  }

  /// Bytes that change places between little and big endian.
  ///
  /// PS3.5 A.3 has OW in words of 16 bits; pixels of 32 and 64 bits in big endian are met as whole numbers only.
  func wordSize(_ record: borrowing Record) -> Int {
    guard record.tag == .pixelData, record.vr == .OW,
      let bits = find(.bitsAllocated, in: Int(record.parent)).flatMap({ DataElement(self, record: $0).integer })
    else { return record.vr.wordSize }
    return Self.wordSize(bitsAllocated: bits)
  }

  /// Of pixel data in OW.
  static func wordSize(bitsAllocated: Int) -> Int { bitsAllocated == 64 ? 8 : bitsAllocated == 32 ? 4 : 2 }

  /// The record of an element, searched in a data set's records. Of several with the same tag it is the last.
  func find(_ tag: Tag, in dataSet: Int) -> Int? {
    let end = Int(records[dataSet].next)
    let isOrdered = !records[dataSet].flags.contains(.unordered)
    var found: Int?
    var index = dataSet + 1
    while index < end {
      let candidate = records[index].tag
      if candidate == tag {
        if isOrdered { return index }
        found = index
      } else if isOrdered, candidate > tag {
        return nil
      }
      index = Int(records[index].next)
    }
    return found
  }

  /// A data set's elements in ascending order, the last of those with the same tag, as records.
  func orderedElements(_ dataSet: Int) -> [Int] {
    var indices: [Int] = []
    let end = Int(records[dataSet].next)
    var index = dataSet + 1
    while index < end {
      indices.append(index)
      index = Int(records[index].next)
    }
    guard records[dataSet].flags.contains(.unordered) else { return indices }
    indices.sort { (records[$0].tag, $0) < (records[$1].tag, $1) }
    return indices.indices.compactMap { place in
      let isLast = place + 1 == indices.count || records[indices[place + 1]].tag != records[indices[place]].tag
      return isLast ? indices[place] : nil
    }
  }

  func characterSet(ofDataSet index: Int) -> SpecificCharacterSet { characterSets[Int(records[index].code)] }
}
