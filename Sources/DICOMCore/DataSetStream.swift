/// Parses a data set whose bytes come in pieces, keeping all but long values.
struct DataSetStream {
  private let limits: DICOMLimits
  /// Nil only while it is at work, so that its records are not copied.
  private var parser: DataSetParser?
  private var kept: [UInt8] = []
  private var parts: [ByteSource.Part] = []
  /// The run of kept bytes that is still growing: where it begins in the stream, and in `kept`.
  private var partOffset: Int
  private var partStart = 0
  /// Bytes that have come, counted from the start of the file.
  private var received: Int
  /// Bytes up to here are not kept.
  private var passUntil: Int
  private var isDone = false

  /// Bytes given to the parser at once.
  private static let pieceCount = 64 * 1024

  init(at offset: Int, encoding: TransferSyntax.Encoding, limits: DICOMLimits) {
    self.limits = limits
    parser = DataSetParser(at: offset, encoding: encoding, limits: limits)
    partOffset = offset
    received = offset
    passUntil = offset
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) throws(DICOMError) {
    var place = 0
    while place < bytes.count {
      if isDone || passUntil > received {
        let count = isDone ? bytes.count - place : min(bytes.count - place, passUntil - received)
        received += count
        place += count
        continue
      }
      if partStart == kept.count { partOffset = received }
      let count = min(bytes.count - place, Self.pieceCount)
      kept.append(contentsOf: bytes[place..<place + count])
      guard kept.count <= limits.residentBytesMax else { throw DICOMError(.valueTooLarge, at: received) }
      received += count
      place += count
      try parse(isComplete: false)
    }
  }

  private mutating func parse(isComplete: Bool) throws(DICOMError) {
    guard var parser = self.parser else { return }
    self.parser = nil
    let (partStart, partOffset) = (partStart, partOffset)
    let result = kept.withUnsafeBytes { kept in
      Result { () throws(DICOMError) in
        try parser.parse(UnsafeRawBufferPointer(rebasing: kept[partStart...]), from: partOffset, isComplete: isComplete)
      }
    }
    self.parser = parser
    isDone = try result.get()
    guard !isDone, parser.position > received, let last = parser.records.last,
      last.length > limits.residentValueBytesMax
    else { return }
    // A long value goes on: what has come of it is dropped, and what will come is not kept.
    kept.removeLast(min(max(0, received - last.offset), kept.count - partStart))
    endPart()
    passUntil = parser.position
  }

  private mutating func endPart() {
    if kept.count > partStart {
      parts.append(ByteSource.Part(offset: partOffset, kept: partStart, count: kept.count - partStart))
    }
    partStart = kept.count
  }

  /// All bytes have come.
  mutating func finish() throws(DICOMError) -> DataSet {
    if !isDone {
      if partStart == kept.count { partOffset = received }
      try parse(isComplete: true)
    }
    endPart()
    guard let parser else { throw DICOMError(.notDICOM, at: 0) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(kept.count, 1), alignment: 8)
    buffer.copyBytes(from: kept)
    let source = ByteSource(taking: buffer, parts: parts, count: received)
    return DataSet(DataSetTape(source: source, parser: parser), record: 0)
  }
}

/// Reads a DICOM file whose bytes come in pieces, as from a network.
///
/// Values longer than `DICOMLimits.residentValueBytesMax` are passed over: the data set knows their place and length,
/// but not their bytes. So an instance of any size takes the memory of its header. Who needs the long values writes the
/// pieces to a file beside, and maps it.
public struct DICOMStream {
  private let limits: DICOMLimits
  private var head: FileHead
  private var headBytes: [UInt8] = []
  private var dataSet: DataSetStream?
  private var inflater: Inflater?

  public init(limits: DICOMLimits = DICOMLimits()) {
    self.limits = limits
    head = FileHead(limits: limits)
  }

  /// Takes the next bytes of the file.
  /// - Throws: as `DICOMFile.init`.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(DICOMError) {
    guard dataSet == nil else {
      try appendToDataSet(bytes)
      return
    }
    headBytes.append(contentsOf: bytes)
    guard headBytes.count <= limits.residentBytesMax + bytes.count else {
      throw DICOMError(.valueTooLarge, at: headBytes.count)
    }
    try readHead(isComplete: false)
  }

  public mutating func append(_ bytes: [UInt8]) throws(DICOMError) {
    let result = bytes.withUnsafeBytes { buffer in Result { () throws(DICOMError) in try append(buffer) } }
    try result.get()
  }

  /// All bytes have come.
  public mutating func finish() throws(DICOMError) -> DICOMFile {
    if dataSet == nil { try readHead(isComplete: true) }
    guard var stream = dataSet else { throw DICOMError(.notDICOM, at: 0) }
    let dataSet = try stream.finish()
    return DICOMFile(head: head, source: dataSet.source, dataSet: dataSet)
  }

  private mutating func readHead(isComplete: Bool) throws(DICOMError) {
    var head = self.head
    let result = headBytes.withUnsafeBytes { bytes in
      Result { () throws(DICOMError) in try head.read(bytes, isComplete: isComplete) }
    }
    self.head = head
    guard try result.get(), let encoding = head.encoding else { return }
    let rest = Array(headBytes[min(head.position, headBytes.count)...])
    headBytes = []
    if encoding.isDeflated {
      inflater = try Inflater(limit: limits.inflatedBytesMax, hasHeader: false)
      dataSet = DataSetStream(at: 0, encoding: .explicitLittleEndian, limits: limits)
    } else {
      dataSet = DataSetStream(at: head.position, encoding: encoding, limits: limits)
    }
    let appended = rest.withUnsafeBytes { bytes in
      Result { () throws(DICOMError) in try appendToDataSet(bytes) }
    }
    try appended.get()
  }

  private mutating func appendToDataSet(_ bytes: UnsafeRawBufferPointer) throws(DICOMError) {
    guard let inflater else {
      try dataSet?.append(bytes)
      return
    }
    try inflater.inflate(bytes) { piece throws(DICOMError) in try dataSet?.append(piece) }
  }
}
