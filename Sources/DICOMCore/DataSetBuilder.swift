/// Makes a data set from values: explicit little endian with defined lengths, text in UTF-8.
///
/// The caller appends elements in ascending order; lengths are filled in when a sequence or item ends.
public struct DataSetBuilder: Sendable {
  /// What has been appended so far.
  public private(set) var bytes: [UInt8] = []
  /// Values that the caller has: which range of his bytes goes in front of which place of `bytes`. Ascending.
  public private(set) var outside: [Outside] = []
  /// Their bytes together.
  private var outsideCount = 0
  /// Where the lengths of open sequences and items are, and the bytes outside in front.
  private var open: [(place: Int, outsideCount: Int)] = []

  public struct Outside: Sendable, Equatable {
    public let place: Int
    public let range: Range<Int>
  }

  /// Bytes of the data set with the values outside.
  public var count: Int { bytes.count + outsideCount }

  public init() {}

  /// Appends a value in its encoded form, little endian; an odd length is padded.
  /// - Throws: `unencodable` for 4 GB or more.
  public mutating func append(_ tag: Tag, _ vr: VR, bytes value: some Collection<UInt8>) throws(DICOMError) {
    let length = value.count + (value.count & 1)
    guard length < Int(DataSetParser.undefined) else { throw DICOMError(.unencodable, tag: tag, at: bytes.count) }
    // PS3.5 6.2.2: what a short length has no room for is UN.
    let written = !vr.hasLongLength && length > DataSetEncoder.shortLengthMax ? VR.UN : vr
    appendHeader(tag, written, UInt32(length))
    bytes.append(contentsOf: value)
    if value.count & 1 != 0 { bytes.append(vr.padding) }
  }

  /// Appends a value that the caller has, little endian; an odd length is padded.
  /// - Throws: `unencodable` for 4 GB or more.
  public mutating func append(_ tag: Tag, _ vr: VR, outside range: Range<Int>) throws(DICOMError) {
    let length = range.count + (range.count & 1)
    guard length < Int(DataSetParser.undefined) else { throw DICOMError(.unencodable, tag: tag, at: count) }
    appendHeader(tag, !vr.hasLongLength && length > DataSetEncoder.shortLengthMax ? .UN : vr, UInt32(length))
    append(outside: range, padding: vr.padding)
  }

  private mutating func append(outside range: Range<Int>, padding: UInt8) {
    if !range.isEmpty { outside.append(Outside(place: bytes.count, range: range)) }
    outsideCount += range.count
    if range.count & 1 != 0 { bytes.append(padding) }
  }

  /// Appends tag, VR and length of a value that the caller puts behind `bytes`; an odd length is counted with its
  /// padding. Nothing may be appended after it.
  /// - Throws: `unencodable` for 4 GB or more.
  public mutating func appendHeader(_ tag: Tag, _ vr: VR, length: Int) throws(DICOMError) {
    let limit = vr.hasLongLength ? Int(DataSetParser.undefined) - 1 : DataSetEncoder.shortLengthMax
    guard length >= 0, length <= limit else { throw DICOMError(.unencodable, tag: tag, at: bytes.count) }
    appendHeader(tag, vr, UInt32(length + (length & 1)))
  }

  /// Appends text, several values separated by `\`.
  public mutating func append(_ tag: Tag, _ vr: VR, _ text: String) throws(DICOMError) {
    try append(tag, vr, bytes: text.utf8)
  }

  /// Appends whole numbers: as binary ones of the VR's size, or as text for IS and DS. Too large ones lose their
  /// upper bits.
  public mutating func append(_ tag: Tag, _ vr: VR, integers: [Int]) throws(DICOMError) {
    if vr.valueSize == 0 {
      try append(tag, vr, integers.map { "\($0)" }.joined(separator: "\\"))
      return
    }
    var value: [UInt8] = []
    for integer in integers {
      BinaryWord.append(UInt64(bitPattern: Int64(integer)), size: vr.valueSize, isBigEndian: false, to: &value)
    }
    try append(tag, vr, bytes: value)
  }

  /// Appends numbers: FL, FD, or as text for DS.
  public mutating func append(_ tag: Tag, _ vr: VR, doubles: [Double]) throws(DICOMError) {
    var value: [UInt8] = []
    for double in doubles {
      switch vr {
      case .FL: BinaryWord.append(UInt64(Float(double).bitPattern), size: 4, isBigEndian: false, to: &value)
      case .FD: BinaryWord.append(double.bitPattern, size: 8, isBigEndian: false, to: &value)
      default:
        if !value.isEmpty { value.append(UInt8(ascii: "\\")) }
        value += Array("\(double)".utf8.prefix(16))
      }
    }
    try append(tag, vr, bytes: value)
  }

  /// Appends an element as another data set has it, with its value only: no sequence.
  public mutating func append(_ element: DataElement) throws(DICOMError) {
    let size = element.tape.wordSize(element.record)
    let value = element.bytes
    guard element.isBigEndian, size > 1 else {
      try append(element.tag, element.vr, bytes: value)
      return
    }
    var swapped: [UInt8] = []
    for word in 0..<value.count / size {
      for place in stride(from: size - 1, through: 0, by: -1) { swapped.append(value[word * size + place]) }
    }
    try append(element.tag, element.vr, bytes: swapped)
  }

  public mutating func beginSequence(_ tag: Tag) {
    appendHeader(tag, .SQ, 0)
    open.append((bytes.count, outsideCount))
  }

  public mutating func endSequence() throws(DICOMError) { try close() }

  public mutating func beginItem() {
    appendTag(.item)
    BinaryWord.append(0, size: 4, isBigEndian: false, to: &bytes)
    open.append((bytes.count, outsideCount))
  }

  public mutating func endItem() throws(DICOMError) { try close() }

  /// Appends encapsulated pixel data (PS3.5 A.4): the Basic Offset Table may be empty.
  public mutating func appendFragments(
    _ tag: Tag = .pixelData, offsetTable: [UInt32], _ fragments: [[UInt8]]
  ) throws(DICOMError) {
    appendHeader(tag, .OB, DataSetParser.undefined)
    var table: [UInt8] = []
    for offset in offsetTable { BinaryWord.append(UInt64(offset), size: 4, isBigEndian: false, to: &table) }
    for fragment in [table] + fragments {
      guard fragment.count < Int(DataSetParser.undefined) - 1 else {
        throw DICOMError(.unencodable, tag: tag, at: bytes.count)
      }
      appendTag(.item)
      BinaryWord.append(UInt64(fragment.count + fragment.count & 1), size: 4, isBigEndian: false, to: &bytes)
      bytes.append(contentsOf: fragment)
      if fragment.count & 1 != 0 { bytes.append(0) }
    }
    appendTag(.sequenceDelimitationItem)
    BinaryWord.append(0, size: 4, isBigEndian: false, to: &bytes)
  }

  /// Appends fragments that the caller has, with an empty Basic Offset Table.
  /// - Throws: `unencodable` for a fragment of 4 GB or more.
  public mutating func appendFragments(_ tag: Tag = .pixelData, outside ranges: [Range<Int>]) throws(DICOMError) {
    appendHeader(tag, .OB, DataSetParser.undefined)
    for range in [0..<0] + ranges {
      guard range.count < Int(DataSetParser.undefined) - 1 else {
        throw DICOMError(.unencodable, tag: tag, at: count)
      }
      appendTag(.item)
      BinaryWord.append(UInt64(range.count + range.count & 1), size: 4, isBigEndian: false, to: &bytes)
      append(outside: range, padding: 0)
    }
    appendTag(.sequenceDelimitationItem)
    BinaryWord.append(0, size: 4, isBigEndian: false, to: &bytes)
  }

  /// Appends what a BulkDataURI refers to.
  mutating func append(_ tag: Tag, _ vr: VR, _ value: BulkDataValue) throws(DICOMError) {
    switch value {
    case .bytes(let bytes): try append(tag, vr, bytes: bytes)
    case .outside(let range): try append(tag, vr, outside: range)
    case .fragments(let ranges): try appendFragments(tag, outside: ranges)
    }
  }

  /// The data set, which has no values outside.
  public func dataSet(limits: DICOMLimits = DICOMLimits()) throws(DICOMError) -> DataSet {
    try DataSet(ByteSource(bytes), encoding: .explicitLittleEndian, limits: limits)
  }

  private mutating func close() throws(DICOMError) {
    guard let start = open.popLast() else { return }
    let length = bytes.count - start.place + outsideCount - start.outsideCount
    guard length < Int(DataSetParser.undefined) else { throw DICOMError(.unencodable, at: start.place) }
    for place in 0..<4 { bytes[start.place - 4 + place] = UInt8(truncatingIfNeeded: length >> (8 * place)) }
  }

  private mutating func appendTag(_ tag: Tag) {
    BinaryWord.append(UInt64(tag.group), size: 2, isBigEndian: false, to: &bytes)
    BinaryWord.append(UInt64(tag.element), size: 2, isBigEndian: false, to: &bytes)
  }

  private mutating func appendHeader(_ tag: Tag, _ vr: VR, _ length: UInt32) {
    appendTag(tag)
    bytes.append(vr.letters.0)
    bytes.append(vr.letters.1)
    if vr.hasLongLength { bytes += [0, 0] }
    BinaryWord.append(UInt64(length), size: vr.hasLongLength ? 4 : 2, isBigEndian: false, to: &bytes)
  }
}
