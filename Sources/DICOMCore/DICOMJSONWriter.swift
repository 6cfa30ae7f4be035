internal import JSONCore

/// Writes data sets in the DICOM JSON model (PS3.18 Annex F).
///
/// Tags ascend; group lengths and group 0002 are left out (F.2.2); text is UTF-8, so (0008,0005) says ISO_IR 192
/// wherever it was present and not empty. DS and IS are numbers with the digits they were written with; what is no
/// number stays a string. Numbers of 64 bits that a JSON reader's doubles cannot hold are strings.
public struct DICOMJSONWriter {
  /// What has been written so far.
  public private(set) var bytes: [UInt8] = []
  private let bulkData: BulkDataChoice

  /// - Parameter bulkData: decides about streams of bytes; by itself the writer has them inline.
  public init(reserving capacity: Int = 0, bulkData: @escaping BulkDataChoice = { _ in .inline }) {
    bytes.reserveCapacity(capacity)
    self.bulkData = bulkData
  }

  /// Writes a data set as one object.
  public mutating func write(_ dataSet: DataSet) { write(dataSet.tape, dataSet.record) }

  /// Writes what the caller has, between the objects: brackets, commas.
  public mutating func writeRaw(_ text: StaticString) { append(text) }

  /// One data set as a JSON object.
  public static func json(
    _ dataSet: DataSet, bulkData: @escaping BulkDataChoice = { _ in .inline }
  ) -> [UInt8] {
    var writer = DICOMJSONWriter(reserving: 16 * 1024, bulkData: bulkData)
    writer.write(dataSet)
    return writer.bytes
  }

  @inline(__always)
  private mutating func append(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Recurses as deep as items are nested, which the parser limits (`sequenceDepthMax`).
  private mutating func write(_ tape: DataSetTape, _ dataSet: Int) {
    bytes.append(UInt8(ascii: "{"))
    var isFirst = true
    if tape.records[dataSet].flags.contains(.unordered) {
      for index in tape.orderedElements(dataSet) { write(tape, dataSet, element: index, &isFirst) }
    } else {
      let end = Int(tape.records[dataSet].next)
      var index = dataSet + 1
      while index < end {
        write(tape, dataSet, element: index, &isFirst)
        index = Int(tape.records[index].next)
      }
    }
    bytes.append(UInt8(ascii: "}"))
  }

  private mutating func write(_ tape: DataSetTape, _ dataSet: Int, element index: Int, _ isFirst: inout Bool) {
    let record = tape.records[index]
    if record.tag.isGroupLength || record.tag.group == 2 { return }
    let value = tape.bytes(record)
    let vr = record.vr
    var bulk: BulkData?
    if record.length > 0, vr != .SQ, vr.isBinary || value == nil || record.flags.contains(.fragments) {
      bulk = bulkData(DataElement(tape, record: index))
      if bulk == .omitted { return }
    }
    if !isFirst { bytes.append(UInt8(ascii: ",")) }
    isFirst = false
    bytes.append(UInt8(ascii: "\""))
    record.tag.appendHexadecimal(to: &bytes)
    append("\":{\"vr\":\"")
    let letters = vr.letters
    bytes.append(letters.0)
    bytes.append(letters.1)
    bytes.append(UInt8(ascii: "\""))
    if let bulk {
      write(bulk, tape, record, value)
    } else if record.length > 0, let value {
      writeValue(tape, dataSet, index, record, value)
    } else if vr == .SQ {
      writeItems(tape, index, record)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  // MARK: Values

  private mutating func write(
    _ bulk: BulkData, _ tape: DataSetTape, _ record: DataSetTape.Record, _ value: UnsafeRawBufferPointer?
  ) {
    switch bulk {
    case .uri(let uri):
      append(",\"BulkDataURI\":")
      var uri = uri
      uri.withUTF8 { JSONWriter.appendQuoted($0, to: &bytes) }
    case .inline:
      guard let value, !record.flags.contains(.fragments) else { return }
      append(",\"InlineBinary\":\"")
      // PS3.18 F.2.7: little endian.
      let swap = record.flags.contains(.bigEndian) ? tape.wordSize(record) : 1
      Base64Text.append(value, swapping: swap, to: &bytes)
      bytes.append(UInt8(ascii: "\""))
    case .withoutValue, .omitted: break
    }
  }

  private mutating func writeValue(
    _ tape: DataSetTape, _ dataSet: Int, _ index: Int, _ record: DataSetTape.Record, _ value: UnsafeRawBufferPointer
  ) {
    let vr = record.vr
    if vr == .SQ {
      writeItems(tape, index, record)
    } else if vr.isText {
      if record.tag == .specificCharacterSet {
        let isDefault = tape.characterSet(ofDataSet: dataSet).terms.isEmpty
        append(isDefault ? "" : ",\"Value\":[\"ISO_IR 192\"]")
      } else {
        writeText(vr, value, tape.characterSet(ofDataSet: dataSet))
      }
    } else if vr.valueSize > 0, value.count >= vr.valueSize {
      writeNumbers(record, vr, value)
    }
  }

  private mutating func writeItems(_ tape: DataSetTape, _ index: Int, _ record: DataSetTape.Record) {
    guard Int(record.next) > index + 1 else { return }
    append(",\"Value\":[")
    var item = index + 1
    while item < Int(record.next) {
      if item > index + 1 { bytes.append(UInt8(ascii: ",")) }
      write(tape, item)
      item = Int(tape.records[item].next)
    }
    bytes.append(UInt8(ascii: "]"))
  }

  private mutating func writeText(_ vr: VR, _ value: UnsafeRawBufferPointer, _ characterSet: SpecificCharacterSet) {
    let start = bytes.count
    append(",\"Value\":[")
    // PS3.5 §6.2: NUL pads UIDs. Elsewhere it is a fault of the value, which a reader has to see; numbers do without.
    let isNumber = vr == .DS || vr == .IS
    var values = ValueText(value, vr: vr, characterSet: characterSet, keepsNULs: !isNumber)
    var count = 0
    var isEmpty = true
    while values.next({ text in
      if count > 0 { bytes.append(UInt8(ascii: ",")) }
      count += 1
      if text.isEmpty {
        append("null")
      } else {
        isEmpty = false
        writeText(vr, text)
      }
    }) {}
    // Nothing but padding is no value (PS3.18 F.2.5).
    if isEmpty, count <= 1 {
      bytes.removeLast(bytes.count - start)
    } else {
      bytes.append(UInt8(ascii: "]"))
    }
  }

  private mutating func writeText(_ vr: VR, _ text: UnsafeBufferPointer<UInt8>) {
    switch vr {
    case .PN: writePersonName(text)
    case .DS, .IS:
      if !DecimalText.appendNumber(text, to: &bytes) { JSONWriter.appendQuoted(text, to: &bytes) }
    default: JSONWriter.appendQuoted(text, to: &bytes)
    }
  }

  /// PS3.18 F.2.2: the groups that are not empty, by name. Delimiters at a group's end say nothing, but are kept as
  /// they were written.
  private mutating func writePersonName(_ text: UnsafeBufferPointer<UInt8>) {
    bytes.append(UInt8(ascii: "{"))
    var start = 0
    var isFirst = true
    for name in ["\"Alphabetic\":", "\"Ideographic\":", "\"Phonetic\":"] as [StaticString] where start <= text.count {
      var end = start
      while end < text.count, text[end] != UInt8(ascii: "=") { end += 1 }
      if end > start {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
        append(name)
        JSONWriter.appendQuoted(UnsafeBufferPointer(rebasing: text[start..<end]), to: &bytes)
      }
      start = end + 1
    }
    bytes.append(UInt8(ascii: "}"))
  }

  private mutating func writeNumbers(_ record: DataSetTape.Record, _ vr: VR, _ value: UnsafeRawBufferPointer) {
    append(",\"Value\":[")
    let size = vr.valueSize
    let isBigEndian = record.flags.contains(.bigEndian)
    for place in stride(from: 0, through: value.count - size, by: size) {
      if place > 0 { bytes.append(UInt8(ascii: ",")) }
      if vr == .AT {
        writeTag(value, place, isBigEndian)
        continue
      }
      let word = BinaryWord.load(value, at: place, size: size, isBigEndian: isBigEndian)
      // PS3.3 C.11.1.1: the first value of a LUT descriptor, its number of entries, is never negative.
      let isEntries = place == 0 && vr == .SS && record.tag.isLUTDescriptor
      writeNumber(isEntries ? .US : vr, word)
    }
    bytes.append(UInt8(ascii: "]"))
  }

  private mutating func writeTag(_ value: UnsafeRawBufferPointer, _ place: Int, _ isBigEndian: Bool) {
    let group = BinaryWord.load(value, at: place, size: 2, isBigEndian: isBigEndian)
    let element = BinaryWord.load(value, at: place + 2, size: 2, isBigEndian: isBigEndian)
    bytes.append(UInt8(ascii: "\""))
    Tag(UInt32(truncatingIfNeeded: group << 16 | element)).appendHexadecimal(to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func writeNumber(_ vr: VR, _ word: UInt64) {
    switch vr {
    case .SS: DecimalText.append(Int64(Int16(truncatingIfNeeded: word)), to: &bytes)
    case .SL: DecimalText.append(Int64(Int32(truncatingIfNeeded: word)), to: &bytes)
    case .SV:
      let value = Int64(bitPattern: word)
      writeQuoted(value.magnitude > 1 << 53) { DecimalText.append(value, to: &$0) }
    case .UV: writeQuoted(word > 1 << 53) { DecimalText.append(word, to: &$0) }
    case .FL, .FD:
      let value =
        vr == .FD
        ? Double(bitPattern: word) : Double(Float(bitPattern: UInt32(truncatingIfNeeded: word)))
      if !DecimalText.append(value, isFloat: vr == .FL, to: &bytes) {
        writeQuoted(true) { bytes in
          let name = DecimalText.name(value)
          bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        }
      }
    default: DecimalText.append(word, to: &bytes)
    }
  }

  private mutating func writeQuoted(_ isString: Bool, _ body: (inout [UInt8]) -> Void) {
    if isString { bytes.append(UInt8(ascii: "\"")) }
    body(&bytes)
    if isString { bytes.append(UInt8(ascii: "\"")) }
  }
}

extension Tag {
  /// LUT Descriptor, and those of the palettes and of the presentation states.
  var isLUTDescriptor: Bool {
    self == .lutDescriptor || group == 0x28 && (element >= 0x1101 && element <= 0x1104 || element & 0xFFFC == 0x1110)
  }
}
