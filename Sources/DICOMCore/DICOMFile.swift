/// A DICOM file (PS3.10 §7): preamble, file meta information, data set. Also a bare data set, of which many exist.
public struct DICOMFile: Sendable {
  /// The bytes of the file. Of a streamed one without long values.
  public let source: ByteSource
  /// The 128 bytes in front, nil if there are none.
  public let preamble: Range<Int>?
  /// Group 0002, nil if there is none.
  public let fileMetaInformation: FileMetaInformation?
  /// As declared, or as found where none is declared or what is declared is not so.
  public let transferSyntax: TransferSyntax
  /// Where the data set begins in the file: everything before is preamble and group 0002.
  public let dataSetOffset: Int
  /// The data set. Of a deflated one the offsets are those in its inflated form.
  public let dataSet: DataSet
  /// The faults that were read over.
  public let tolerances: Tolerances

  /// Whether the data set's offsets count bytes of its inflated form and not of the file.
  public var isDeflated: Bool { transferSyntax.encoding.isDeflated }

  /// Reads a file by mapping it.
  public init(path: String, limits: DICOMLimits = DICOMLimits()) throws(DICOMError) {
    try self.init(try ByteSource(file: path), limits: limits)
  }

  /// Reads a file from memory.
  public init(_ bytes: [UInt8], limits: DICOMLimits = DICOMLimits()) throws(DICOMError) {
    try self.init(ByteSource(bytes), limits: limits)
  }

  /// Reads a file. Real-world faults are read over and listed in `tolerances`.
  /// - Throws: `notDICOM` if it is no DICOM; `invalidDeflate`; a limit's error.
  public init(_ source: ByteSource, limits: DICOMLimits = DICOMLimits()) throws(DICOMError) {
    guard let bytes = source.allBytes else { throw DICOMError(.notResident, at: 0) }
    var head = FileHead(limits: limits)
    guard try head.read(bytes, isComplete: true), let encoding = head.encoding else {
      throw DICOMError(.notDICOM, at: 0)
    }
    let dataSet = try DataSet(source, encoding: encoding, from: head.position, limits: limits)
    self.init(head: head, source: source, dataSet: dataSet)
  }

  init(head: FileHead, source: ByteSource, dataSet: DataSet) {
    self.source = source
    preamble = head.preamble
    fileMetaInformation = head.fileMetaInformation
    transferSyntax = head.transferSyntax
    dataSetOffset = head.position
    self.dataSet = dataSet
    var tolerances = head.tolerances
    tolerances.note(dataSet.tolerances)
    self.tolerances = tolerances
  }

  /// SOP Class UID: of the data set, or of the file meta information if it is absent there.
  public var sopClassUID: UID? { dataSet.uid(.sopClassUID) ?? fileMetaInformation?.mediaStorageSOPClassUID }
  public var sopInstanceUID: UID? { dataSet.uid(.sopInstanceUID) ?? fileMetaInformation?.mediaStorageSOPInstanceUID }
  public var studyInstanceUID: UID? { dataSet.uid(.studyInstanceUID) }
  public var seriesInstanceUID: UID? { dataSet.uid(.seriesInstanceUID) }

  /// Whether it is a media directory (PS3.10 §8.6), which is no instance.
  public var isDirectory: Bool {
    fileMetaInformation?.mediaStorageSOPClassUID == "1.2.840.10008.1.3.10" || dataSet[.directoryRecordSequence] != nil
  }
}

/// All of a file that is before its data set, read from the file's first bytes.
struct FileHead {
  private let limits: DICOMLimits
  private(set) var preamble: Range<Int>?
  private(set) var fileMetaInformation: FileMetaInformation?
  private(set) var transferSyntax = TransferSyntax.explicitVRLittleEndian
  /// Nil until the head has been read.
  private(set) var encoding: TransferSyntax.Encoding?
  private(set) var tolerances: Tolerances
  /// Where the data set begins.
  private(set) var position = 0
  private var layout: FileLayout?
  private var parser: DataSetParser?

  init(limits: DICOMLimits) {
    self.limits = limits
    tolerances = Tolerances(limit: limits.tolerancesMax)
  }

  /// Reads on.
  /// - Parameter bytes: the file from its first byte, as far as it is there.
  /// - Returns: false if more bytes are needed.
  mutating func read(_ bytes: UnsafeRawBufferPointer, isComplete: Bool) throws(DICOMError) -> Bool {
    if layout == nil {
      guard bytes.count >= FileLayout.headCount || isComplete else { return false }
      try begin(bytes)
    }
    if var parser {
      self.parser = nil
      let isDone = try parser.parse(bytes, from: 0, isComplete: isComplete)
      self.parser = parser
      guard isDone else { return false }
      endMetaInformation(parser, bytes)
    }
    guard bytes.count - position >= 12 || isComplete else { return false }
    try chooseEncoding(bytes)
    return true
  }

  private mutating func begin(_ bytes: UnsafeRawBufferPointer) throws(DICOMError) {
    guard bytes.count >= 8 else { throw DICOMError(.notDICOM, at: 0) }
    let layout = FileLayout(bytes)
    self.layout = layout
    if layout.hasPreamble {
      preamble = 0..<FileLayout.preambleCount
    } else {
      tolerances.note(.missingPreamble, at: 0)
    }
    position = layout.start
    let isMeta = bytes.count - position >= 8 && bytes[position] == 2 && bytes[position + 1] == 0
    if isMeta {
      parser = FileMetaInformation.parser(bytes, at: position, limits: limits)
    } else {
      tolerances.note(.missingFileMetaInformation, at: position)
    }
  }

  private mutating func endMetaInformation(_ parser: DataSetParser, _ bytes: UnsafeRawBufferPointer) {
    position = parser.position
    let source = ByteSource(UnsafeRawBufferPointer(rebasing: bytes[..<min(position, bytes.count)]))
    let dataSet = DataSet(DataSetTape(source: source, parser: parser), record: 0)
    self.parser = nil
    tolerances.note(dataSet.tolerances)
    FileMetaInformation.checkLength(dataSet, &tolerances)
    fileMetaInformation = FileMetaInformation(dataSet: dataSet)
  }

  private mutating func chooseEncoding(_ bytes: UnsafeRawBufferPointer) throws(DICOMError) {
    let uid = fileMetaInformation?.transferSyntaxUID
    let declared = uid.map { TransferSyntax(uid: $0) }
    if let declared {
      if !declared.isKnown {
        tolerances.note(.unknownTransferSyntax, tag: .transferSyntaxUID, at: position)
      }
    } else {
      tolerances.note(.missingTransferSyntax, tag: .transferSyntaxUID, at: position)
    }
    let isPart10 = layout?.hasPrefix == true || fileMetaInformation != nil
    let encoding = try FileLayout.Encoding.choose(
      bytes, at: position, declared: declared, isPart10: isPart10, &tolerances)
    self.encoding = encoding
    transferSyntax = declared ?? TransferSyntax(encoding: encoding)
    if transferSyntax.encoding != encoding { transferSyntax = transferSyntax.encoded(as: encoding) }
  }
}

extension TransferSyntax {
  /// The transfer syntax without compression for an encoding.
  init(encoding: Encoding) {
    switch encoding {
    case .implicitLittleEndian, .implicitBigEndian: self = .implicitVRLittleEndian
    case .explicitLittleEndian: self = .explicitVRLittleEndian
    case .explicitBigEndian: self = .explicitVRBigEndian
    case .deflatedExplicitLittleEndian: self = .deflatedExplicitVRLittleEndian
    }
  }

  /// What is declared falsely: the pixel data may be as declared, so a compressed syntax keeps its name.
  func encoded(as encoding: Encoding) -> TransferSyntax {
    isEncapsulated ? TransferSyntax(uid: uid, encoding, isEncapsulated: true) : TransferSyntax(encoding: encoding)
  }
}
