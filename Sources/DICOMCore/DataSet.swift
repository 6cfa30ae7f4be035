/// A data set (PS3.5 §7): the outermost of a file, or that of an item. A view into the parsed bytes; copying it costs
/// nothing.
public struct DataSet: Sendable {
  let tape: DataSetTape
  /// The record of the item, 0 for the outermost.
  let record: Int

  init(_ tape: DataSetTape, record: Int) {
    self.tape = tape
    self.record = record
  }

  /// Parses a data set that is nothing but a data set.
  ///
  /// Real-world faults are read over and listed in `tolerances`.
  /// - Throws: `notDICOM` if nothing of it can be read; a limit's error.
  public init(
    _ source: ByteSource, encoding: TransferSyntax.Encoding, from offset: Int = 0, limits: DICOMLimits = DICOMLimits()
  ) throws(DICOMError) {
    if encoding.isDeflated {
      let inflated = try ByteSource.inflating(source, from: offset, limits: limits)
      try self.init(inflated.source, encoding: .explicitLittleEndian, limits: limits, noting: inflated.tolerances)
    } else {
      try self.init(source, encoding: encoding, from: offset, limits: limits, noting: nil)
    }
  }

  init(
    _ source: ByteSource, encoding: TransferSyntax.Encoding, from offset: Int = 0, limits: DICOMLimits,
    onlyGroup: UInt16? = nil, noting tolerances: Tolerances?
  ) throws(DICOMError) {
    var parser = DataSetParser(at: offset, encoding: encoding, limits: limits, onlyGroup: onlyGroup)
    if let tolerances { parser.tolerances.note(tolerances) }
    guard let bytes = source.bytes(at: offset, count: source.count - offset) else {
      throw DICOMError(.notResident, at: offset)
    }
    _ = try parser.parse(bytes, from: offset, isComplete: true)
    self.init(DataSetTape(source: source, parser: parser), record: 0)
  }

  /// The bytes it was read from.
  public var source: ByteSource { tape.source }

  /// The faults that were read over, in the whole of what was parsed.
  public var tolerances: Tolerances { tape.tolerances }

  /// Where the data set's bytes are in the source.
  public var range: Range<Int> {
    let item = tape.records[record]
    return item.offset..<item.offset + item.length
  }

  /// Data elements, items and fragments it holds, nested ones included.
  public var recordCount: Int { Int(tape.records[record].next) - record - 1 }

  /// The repertoire of its text: its own, or that of the data set around it.
  public var specificCharacterSet: SpecificCharacterSet { tape.characterSet(ofDataSet: record) }

  /// Its data elements in the order of the bytes.
  public var elements: Elements { Elements(tape: tape, index: record + 1, end: Int(tape.records[record].next)) }

  /// Its data elements in ascending order of their tags; of several with the same tag the last.
  public var orderedElements: [DataElement] {
    tape.orderedElements(record).map { DataElement(tape, record: $0) }
  }

  /// The data element with this tag, nil if there is none.
  public subscript(tag: Tag) -> DataElement? { tape.find(tag, in: record).map { DataElement(tape, record: $0) } }

  /// A private data element: group, creator, and element within the creator's block (PS3.5 §7.8.1).
  public subscript(privateGroup group: UInt16, creator creator: String, element element: UInt8) -> DataElement? {
    for candidate in elements where candidate.tag.group == group && candidate.tag.isPrivateCreator {
      guard candidate.string == creator else { continue }
      if let found = self[Tag(group, candidate.tag.element << 8 | UInt16(element))] { return found }
    }
    return nil
  }

  /// The data element that a path leads to: sequences, of each the first item, and an attribute at the end.
  public subscript(path: [Tag]) -> DataElement? {
    var dataSet = self
    for tag in path.dropLast() {
      guard let item = dataSet[tag]?.items.first(where: { _ in true }) else { return nil }
      dataSet = item.dataSet
    }
    return path.last.flatMap { dataSet[$0] }
  }

  /// The first value as text without padding, nil if absent or empty.
  public func string(_ tag: Tag) -> String? { self[tag]?.string }

  /// The first value as a whole number, nil if absent, empty or none.
  public func integer(_ tag: Tag) -> Int? { self[tag]?.integer }

  /// The first value as a unique identifier, nil if absent or empty.
  public func uid(_ tag: Tag) -> UID? { self[tag]?.string.map { UID($0) } }

  public struct Elements: Sequence, IteratorProtocol {
    let tape: DataSetTape
    var index: Int
    let end: Int

    public mutating func next() -> DataElement? {
      guard index < end else { return nil }
      defer { index = Int(tape.records[index].next) }
      return DataElement(tape, record: index)
    }
  }
}

/// An item of a sequence (PS3.5 §7.5).
public struct SequenceItem: Sendable {
  let tape: DataSetTape
  let record: Int

  /// The data set in it.
  public var dataSet: DataSet { DataSet(tape, record: record) }

  /// Whether its length was left undefined.
  public var hasUndefinedLength: Bool { tape.records[record].flags.contains(.undefinedLength) }

  /// From the start of the source to the item's tag: what directory records of PS3.10 refer to.
  public var offset: Int { tape.records[record].offset - Int(tape.records[record].header) }
}

/// A sequence's items.
public struct SequenceItems: Sequence, IteratorProtocol, Sendable {
  let tape: DataSetTape
  var index: Int
  let end: Int

  public mutating func next() -> SequenceItem? {
    guard index < end else { return nil }
    defer { index = Int(tape.records[index].next) }
    return SequenceItem(tape: tape, record: index)
  }
}
