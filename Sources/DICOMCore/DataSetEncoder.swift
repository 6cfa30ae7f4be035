/// Writes a parsed data set, as another encoding or as it was read.
///
/// Lengths are measured first, so that the bytes can be handed out in order, and long values straight from where they
/// are: writing a large instance takes little memory.
struct DataSetEncoder {
  /// How a data set is written.
  enum Form: Equatable {
    /// As PS3.5 would have it: defined lengths, ascending tags, even lengths, no group lengths (PS3.5 §7.2).
    case canonical(isImplicit: Bool, isBigEndian: Bool)
    /// Each record in the encoding, order and kind of length that it was read with.
    case asRead
  }

  typealias Sink = (UnsafeRawBufferPointer) throws(DICOMError) -> Void

  private let tape: DataSetTape
  private let form: Form
  private let edits: [DataSetEdit]
  /// Of containers the bytes inside, in the form that is written.
  private var contents: [Int]
  private var buffer: [UInt8] = []

  private static let bufferCount = 64 * 1024
  /// Longer values of an explicit VR with a length of 16 bits are written as UN (PS3.5 §6.2.2).
  static let shortLengthMax = 0xFFFE

  init(_ dataSet: DataSet, form: Form, edits: [DataSetEdit] = []) {
    tape = dataSet.tape
    self.form = form
    self.edits = edits.sorted { $0.tag < $1.tag }
    contents = [Int](repeating: 0, count: dataSet.tape.records.count)
    buffer.reserveCapacity(Self.bufferCount + 4096)
    measure(dataSet.record)
  }

  // MARK: Measure

  private mutating func measure(_ root: Int) {
    let end = Int(tape.records[root].next)
    for index in stride(from: end - 1, to: root, by: -1) where isWritten(index) {
      let record = tape.records[index]
      contents[Int(record.parent)] += size(index, record)
    }
    guard form != .asRead else { return }
    // Duplicates in a data set are counted above and left out of what is written: count again.
    for index in root..<end where tape.records[index].flags.contains([.item, .unordered]) {
      if tape.orderedElements(index).count != DataSet(tape, record: index).elements.reduce(0, { n, _ in n + 1 }) {
        recount(root)
        return
      }
    }
  }

  /// Measures only what is reached through `elements`; slower, for data sets with duplicates.
  private mutating func recount(_ root: Int) {
    let end = Int(tape.records[root].next)
    var isReached = [Bool](repeating: false, count: tape.records.count)
    isReached[root] = true
    for index in root..<end where isReached[index] {
      for child in children(index) { isReached[child] = true }
    }
    for index in root..<end { contents[index] = 0 }
    for index in stride(from: end - 1, to: root, by: -1) where isReached[index] {
      contents[Int(tape.records[index].parent)] += size(index, tape.records[index])
    }
  }

  private func isWritten(_ index: Int) -> Bool {
    let record = tape.records[index]
    guard form != .asRead, !record.flags.contains(.item), !record.flags.contains(.fragment) else { return true }
    return !(record.tag.isGroupLength && record.tag.group != 2)
  }

  /// A data set's elements, a sequence's items or the fragments, in the order they are written.
  private func children(_ index: Int) -> [Int] {
    let record = tape.records[index]
    if record.flags.contains(.item), form != .asRead { return tape.orderedElements(index).filter(isWritten) }
    guard !record.flags.isDisjoint(with: [.item, .sequence, .fragments]) else { return [] }
    var result: [Int] = []
    var child = index + 1
    while child < Int(record.next) {
      result.append(child)
      child = Int(tape.records[child].next)
    }
    return result
  }

  private func isUndefined(_ record: DataSetTape.Record) -> Bool {
    if record.flags.contains(.fragments) { return true }
    return form == .asRead && record.flags.contains(.undefinedLength)
  }

  /// Bytes of a record with its header and delimiter.
  private func size(_ index: Int, _ record: DataSetTape.Record) -> Int {
    let delimiter = isUndefined(record) ? 8 : 0
    if record.flags.contains(.fragment) { return 8 + padded(record.length) }
    if record.flags.contains(.item) { return 8 + contents[index] + delimiter }
    return headerSize(record, length: contentLength(index, record)) + contentLength(index, record) + delimiter
  }

  private func contentLength(_ index: Int, _ record: DataSetTape.Record) -> Int {
    record.flags.isDisjoint(with: [.sequence, .fragments]) ? padded(record.length) : contents[index]
  }

  private func padded(_ length: Int) -> Int { form == .asRead ? length : length + (length & 1) }

  private func headerSize(_ record: DataSetTape.Record, length: Int) -> Int {
    if form == .asRead { return Int(record.header) }
    return isImplicit(record) ? 8 : vr(record, length: length).hasLongLength ? 12 : 8
  }

  private func isImplicit(_ record: DataSetTape.Record) -> Bool {
    switch form {
    case .asRead: record.flags.contains(.implicit)
    case .canonical(let isImplicit, _): isImplicit
    }
  }

  private func isBigEndian(_ record: DataSetTape.Record) -> Bool {
    switch form {
    case .asRead: record.flags.contains(.bigEndian)
    case .canonical(_, let isBigEndian): isBigEndian
    }
  }

  /// The value of a UN is little endian in big endian data sets too, but its header is not (PS3.5 §6.2.2).
  private func isHeaderBigEndian(_ record: DataSetTape.Record) -> Bool {
    let isUN = form == .asRead && record.flags.contains(.encodedUN)
    return isUN ? tape.records[Int(record.parent)].flags.contains(.bigEndian) : isBigEndian(record)
  }

  private func vr(_ record: DataSetTape.Record, length: Int) -> VR {
    if form == .asRead, record.flags.contains(.encodedUN) { return .UN }
    return !record.vr.hasLongLength && length > Self.shortLengthMax ? .UN : record.vr
  }

  // MARK: Write

  /// Writes a data set without a header of its own.
  mutating func write(_ root: Int, _ sink: Sink) throws(DICOMError) {
    // Depth is what the parser let in.
    var open: [(record: Int, children: ArraySlice<Int>)] = [(root, children(root)[...])]
    var edits = self.edits[...]
    while let last = open.indices.last {
      if open.count == 1 { try writeEdits(&edits, before: open[0].children.first, &open[0].children, sink) }
      guard let child = open[last].children.popFirst() else {
        let closed = open.removeLast().record
        if closed != root { writeDelimiter(tape.records[closed]) }
        continue
      }
      let record = tape.records[child]
      let isContainer = !record.flags.isDisjoint(with: [.item, .sequence, .fragments])
      let length = record.flags.contains(.item) ? contents[child] : contentLength(child, record)
      try writeHeader(record, length: length)
      if isContainer {
        open.append((child, children(child)[...]))
      } else {
        try writeValue(record, sink)
      }
      if buffer.count >= Self.bufferCount { try flush(sink) }
    }
    try flush(sink)
  }

  private mutating func flush(_ sink: Sink) throws(DICOMError) {
    let full = buffer
    let result = full.withUnsafeBytes { bytes in Result { () throws(DICOMError) in try sink(bytes) } }
    try result.get()
    buffer.removeAll(keepingCapacity: true)
  }

  private mutating func writeHeader(_ record: DataSetTape.Record, length: Int) throws(DICOMError) {
    let isBigEndian = isHeaderBigEndian(record)
    let isUndefined = isUndefined(record)
    guard isUndefined || length < Int(DataSetParser.undefined) else {
      throw DICOMError(.unencodable, tag: record.tag, at: record.offset)
    }
    let written = isUndefined ? DataSetParser.undefined : UInt32(length)
    let isItem = !record.flags.isDisjoint(with: [.item, .fragment])
    BinaryWord.append(UInt64(record.tag.group), size: 2, isBigEndian: isBigEndian, to: &buffer)
    BinaryWord.append(UInt64(record.tag.element), size: 2, isBigEndian: isBigEndian, to: &buffer)
    if isItem || isImplicit(record) {
      BinaryWord.append(UInt64(written), size: 4, isBigEndian: isBigEndian, to: &buffer)
      return
    }
    let vr = vr(record, length: length)
    var letters = vr.letters
    if form == .asRead, record.flags.contains(.unknownVR),
      let header = tape.source.bytes(at: record.offset - Int(record.header), count: 8)
    {
      letters = (header[4], header[5])
    }
    buffer.append(letters.0)
    buffer.append(letters.1)
    if headerSize(record, length: length) == 12 {
      buffer.append(0)
      buffer.append(0)
      BinaryWord.append(UInt64(written), size: 4, isBigEndian: isBigEndian, to: &buffer)
    } else {
      BinaryWord.append(UInt64(written), size: 2, isBigEndian: isBigEndian, to: &buffer)
    }
  }

  private mutating func writeDelimiter(_ record: DataSetTape.Record) {
    guard isUndefined(record) else { return }
    let tag: Tag = record.flags.contains(.item) ? .itemDelimitationItem : .sequenceDelimitationItem
    let isBigEndian = isBigEndian(record)
    BinaryWord.append(UInt64(tag.group), size: 2, isBigEndian: isBigEndian, to: &buffer)
    BinaryWord.append(UInt64(tag.element), size: 2, isBigEndian: isBigEndian, to: &buffer)
    BinaryWord.append(0, size: 4, isBigEndian: isBigEndian, to: &buffer)
  }

  private mutating func writeValue(_ record: DataSetTape.Record, _ sink: Sink) throws(DICOMError) {
    guard let value = tape.bytes(record) else { throw DICOMError(.notResident, tag: record.tag, at: record.offset) }
    let turns = record.flags.contains(.bigEndian) != isBigEndian(record) && !record.flags.contains(.fragment)
    let size = turns ? tape.wordSize(record) : 1
    if size > 1 {
      appendSwapped(value, size)
    } else if value.count > Self.bufferCount {
      try flush(sink)
      try sink(value)
    } else {
      buffer.append(contentsOf: value)
    }
    if form != .asRead, record.length & 1 != 0 { buffer.append(record.vr.padding) }
  }

  private mutating func appendSwapped(_ value: UnsafeRawBufferPointer, _ size: Int) {
    let words = value.count / size
    buffer.reserveCapacity(buffer.count + value.count)
    for word in 0..<words {
      for place in stride(from: size - 1, through: 0, by: -1) { buffer.append(value[word * size + place]) }
    }
    buffer.append(contentsOf: value[(words * size)...])
  }

  // MARK: Edits

  /// Writes the new elements whose place is before the next one, and leaves out the one they replace.
  private mutating func writeEdits(
    _ edits: inout ArraySlice<DataSetEdit>, before next: Int?, _ rest: inout ArraySlice<Int>, _ sink: Sink
  ) throws(DICOMError) {
    var next = next
    while let edit = edits.first {
      if let record = next, tape.records[record].tag < edit.tag { return }
      edits.removeFirst()
      if let record = next, tape.records[record].tag == edit.tag {
        rest.removeFirst()
        next = rest.first
      }
      if let value = edit.value { try writeNew(edit, value) }
    }
  }

  private mutating func writeNew(_ edit: DataSetEdit, _ value: [UInt8]) throws(DICOMError) {
    var record = DataSetTape.Record(
      tag: edit.tag, code: edit.vr.rawValue, header: 8, flags: [], offset: 0, length: value.count, next: 0, parent: 0)
    if case .asRead = form {
      let root = tape.records[0].flags
      record.flags = root.intersection([.implicit, .bigEndian])
      record.header = record.flags.contains(.implicit) || !edit.vr.hasLongLength ? 8 : 12
    }
    let length = value.count + (value.count & 1)
    try writeHeader(record, length: length)
    let size = wordSize(edit)
    if isBigEndian(record), size > 1 {
      value.withUnsafeBytes { appendSwapped($0, size) }
    } else {
      buffer.append(contentsOf: value)
    }
    if value.count & 1 != 0 { buffer.append(edit.vr.padding) }
  }

  /// As `DataSetTape.wordSize`, of a value that is new.
  private func wordSize(_ edit: DataSetEdit) -> Int {
    guard edit.tag == .pixelData, edit.vr == .OW else { return edit.vr.wordSize }
    let told = edits.first { $0.tag == .bitsAllocated }?.value.map { $0.reversed().reduce(0) { $0 << 8 | Int($1) } }
    return DataSetTape.wordSize(
      bitsAllocated: told ?? DataSet(tape, record: 0).integer(.bitsAllocated) ?? 16)
  }
}

/// A change to one data element of a data set's outermost level, made when it is written.
public struct DataSetEdit: Sendable {
  public let tag: Tag
  public let vr: VR
  /// The new value in little endian, nil to leave the element out.
  public let value: [UInt8]?

  /// Puts a value in, or in another's place.
  public init(setting tag: Tag, _ vr: VR, _ value: [UInt8]) {
    self.tag = tag
    self.vr = vr
    self.value = value
  }

  /// Puts in a text that is in the data set's own repertoire.
  public init(setting tag: Tag, _ vr: VR, _ text: String) { self.init(setting: tag, vr, Array(text.utf8)) }

  /// Leaves an element out.
  public init(removing tag: Tag) {
    self.tag = tag
    vr = .UN
    value = nil
  }
}
