/// A data element (PS3.5 §7.1): a view into the parsed bytes.
public struct DataElement: Sendable {
  let tape: DataSetTape
  let index: Int

  init(_ tape: DataSetTape, record: Int) {
    self.tape = tape
    index = record
  }

  @inline(__always)
  var record: DataSetTape.Record { tape.records[index] }

  public var tag: Tag { record.tag }

  /// As encoded; for implicit encodings and UN as the dictionaries have it.
  public var vr: VR { record.vr }

  /// The value's length in bytes. Of a sequence or encapsulated pixel data all that is in it.
  public var length: Int { record.length }

  /// Where the value is in the source.
  public var valueRange: Range<Int> { record.offset..<record.offset + record.length }

  /// Where the whole element is in the source, with its tag; without a delimiter at its end.
  public var range: Range<Int> { record.offset - Int(record.header)..<record.offset + record.length }

  public var isEmpty: Bool { record.length == 0 }
  public var isSequence: Bool { record.flags.contains(.sequence) || vr == .SQ }

  /// Whether it is pixel data in fragments (PS3.5 A.4).
  public var isEncapsulated: Bool { record.flags.contains(.fragments) }

  /// Whether binary numbers and words in the value have their first byte last.
  public var isBigEndian: Bool { record.flags.contains(.bigEndian) }

  /// Whether it was encoded as UN and its VR is known by its tag.
  public var isEncodedAsUN: Bool { record.flags.contains(.encodedUN) }

  /// Whether the value's bytes are at hand; false for long ones that a stream passed over.
  public var isResident: Bool { tape.bytes(record) != nil }

  /// A copy of the value's bytes as they stand, padding included. None if a stream did not keep them.
  public var value: [UInt8] { tape.source.withBytes(valueRange) { Array($0) } ?? [] }

  /// The value's bytes as they stand, padding included. None if a stream did not keep them.
  ///
  /// Valid while the data set or its source lives, which may end with its last use: who cannot tell uses `value` or the
  /// source's `withBytes(valueRange)`.
  public var bytes: UnsafeRawBufferPointer { tape.bytes(record) ?? UnsafeRawBufferPointer(start: nil, count: 0) }

  /// The items of a sequence; none for any other element.
  public var items: SequenceItems {
    let isSequence = record.flags.contains(.sequence)
    return SequenceItems(tape: tape, index: index + 1, end: isSequence ? Int(record.next) : 0)
  }

  /// Of encapsulated pixel data the fragments' places in the source; the first is the Basic Offset Table.
  public var fragments: [Range<Int>] {
    guard isEncapsulated else { return [] }
    return (index + 1..<Int(record.next)).map {
      let fragment = tape.records[$0]
      return fragment.offset..<fragment.offset + fragment.length
    }
  }

  /// The creator of a private element, nil if it has none.
  public var privateCreator: String? {
    guard let creator = tag.privateCreatorTag, let found = tape.find(creator, in: Int(record.parent)) else {
      return nil
    }
    return DataElement(tape, record: found).string
  }

  /// The repertoire of the data set it is in.
  public var specificCharacterSet: SpecificCharacterSet { tape.characterSet(ofDataSet: Int(record.parent)) }
}
