/// The file meta information of a DICOM file (PS3.10 §7.1): group 0002.
public struct FileMetaInformation: Sendable {
  public let dataSet: DataSet

  public var mediaStorageSOPClassUID: UID? { dataSet.uid(.mediaStorageSOPClassUID) }
  public var mediaStorageSOPInstanceUID: UID? { dataSet.uid(.mediaStorageSOPInstanceUID) }
  public var transferSyntaxUID: UID? { dataSet.uid(.transferSyntaxUID) }
  public var implementationClassUID: UID? { dataSet.uid(.implementationClassUID) }
  public var implementationVersionName: String? { dataSet.string(.implementationVersionName) }

  /// A parser for group 2, which is always explicit little endian (PS3.10 §7.1) though some write it implicit.
  static func parser(_ bytes: UnsafeRawBufferPointer, at offset: Int, limits: DICOMLimits) -> DataSetParser {
    let isImplicit =
      bytes.count - offset >= 8 && VR(bytes[offset + 4], bytes[offset + 5]) == nil && bytes[offset] == 2
      && bytes[offset + 1] == 0
    var parser = DataSetParser(
      at: offset, encoding: isImplicit ? .implicitLittleEndian : .explicitLittleEndian, limits: limits, onlyGroup: 2)
    if isImplicit { parser.tolerances.note(.implicitFileMetaInformation, at: offset) }
    return parser
  }

  /// Notes a group length that does not lead to the end of the group.
  static func checkLength(_ dataSet: DataSet, _ tolerances: inout Tolerances) {
    let element = dataSet[.fileMetaInformationGroupLength]
    let groupEnd = element.flatMap { element in element.integer.map { element.valueRange.upperBound + $0 } }
    if groupEnd != dataSet.tape.end {
      tolerances.note(
        .wrongFileMetaInformationLength, tag: .fileMetaInformationGroupLength, at: dataSet.range.lowerBound)
    }
  }
}
