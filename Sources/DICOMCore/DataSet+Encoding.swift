extension DataSet {
  /// Writes the data set with defined lengths, ascending tags and even lengths, and hands out the bytes in pieces.
  ///
  /// Pixel data is written as it is, in fragments if it is in fragments: to compress it is another's work. Text stays
  /// in its character set.
  /// - Throws: `unencodable` for a value of 4 GB or more; `notResident` for one that a stream passed over; what `sink`
  ///   throws.
  public func encode(
    as encoding: TransferSyntax.Encoding, edits: [DataSetEdit] = [],
    to sink: (UnsafeRawBufferPointer) throws(DICOMError) -> Void
  ) throws(DICOMError) {
    var encoder = DataSetEncoder(
      self, form: .canonical(isImplicit: encoding.isImplicit, isBigEndian: encoding.isBigEndian), edits: edits)
    if encoding.isDeflated {
      var bytes: [UInt8] = []
      try encoder.write(record) { piece throws(DICOMError) in bytes.append(contentsOf: piece) }
      let deflated = try ByteSource.deflated(bytes)
      let result = deflated.withUnsafeBytes { piece in Result { () throws(DICOMError) in try sink(piece) } }
      try result.get()
    } else {
      try encoder.write(record, sink)
    }
  }

  /// The data set in an encoding, with defined lengths, ascending tags and even lengths.
  public func encoded(
    as encoding: TransferSyntax.Encoding, edits: [DataSetEdit] = []
  ) throws(DICOMError) -> [UInt8] {
    var bytes: [UInt8] = []
    try encode(as: encoding, edits: edits) { piece throws(DICOMError) in bytes.append(contentsOf: piece) }
    return bytes
  }

  /// The data set in the encoding it was read in, with every length defined or undefined as it was, in the order it
  /// was: the same bytes, unless what was read was faulty in another way.
  public func reencoded(edits: [DataSetEdit] = []) throws(DICOMError) -> [UInt8] {
    var bytes: [UInt8] = []
    var encoder = DataSetEncoder(self, form: .asRead, edits: edits)
    try encoder.write(record) { piece throws(DICOMError) in bytes.append(contentsOf: piece) }
    return bytes
  }
}

extension FileMetaInformation {
  /// What identifies us as the writer of a file (PS3.10 §7.1): a UID made from a UUID (PS3.5 B.2).
  public static let implementationClassUID: UID = "2.25.163041178294471963529880374811295347706"
  public static let implementationVersionName = "ACESO"

  /// Group 0002 as PS3.10 §7.1 wants it, explicit little endian, with its length in front.
  public static func encoded(
    mediaStorageSOPClassUID: UID, mediaStorageSOPInstanceUID: UID, transferSyntax: TransferSyntax,
    sourceApplicationEntityTitle: String? = nil
  ) throws(DICOMError) -> [UInt8] {
    var group = DataSetBuilder()
    try group.append(.fileMetaInformationVersion, .OB, bytes: [0, 1])
    try group.append(.mediaStorageSOPClassUID, .UI, mediaStorageSOPClassUID.value)
    try group.append(.mediaStorageSOPInstanceUID, .UI, mediaStorageSOPInstanceUID.value)
    try group.append(.transferSyntaxUID, .UI, transferSyntax.uid.value)
    try group.append(.implementationClassUID, .UI, implementationClassUID.value)
    try group.append(.implementationVersionName, .SH, implementationVersionName)
    if let title = sourceApplicationEntityTitle { try group.append(.sourceApplicationEntityTitle, .AE, title) }
    return try withGroupLength(group.bytes)
  }

  /// This group 0002 with another transfer syntax; its other elements stay.
  public func encoded(transferSyntax: TransferSyntax) throws(DICOMError) -> [UInt8] {
    let edits = [
      DataSetEdit(removing: .fileMetaInformationGroupLength),
      DataSetEdit(setting: .transferSyntaxUID, .UI, transferSyntax.uid.value),
    ]
    return try Self.withGroupLength(try dataSet.encoded(as: .explicitLittleEndian, edits: edits))
  }

  private static func withGroupLength(_ group: [UInt8]) throws(DICOMError) -> [UInt8] {
    var builder = DataSetBuilder()
    try builder.append(.fileMetaInformationGroupLength, .UL, integers: [group.count])
    return builder.bytes + group
  }
}

extension DICOMFile {
  /// Preamble of zeros and prefix (PS3.10 §7.1).
  public static let prefix = [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)

  /// Writes a file (PS3.10 §7): preamble, group 0002, and the data set in the encoding of a transfer syntax.
  ///
  /// Pixel data is written as it is; the caller sees to it that it is what the transfer syntax says.
  public func encode(
    as transferSyntax: TransferSyntax, edits: [DataSetEdit] = [],
    to sink: (UnsafeRawBufferPointer) throws(DICOMError) -> Void
  ) throws(DICOMError) {
    let meta =
      if let fileMetaInformation {
        try fileMetaInformation.encoded(transferSyntax: transferSyntax)
      } else {
        try FileMetaInformation.encoded(
          mediaStorageSOPClassUID: sopClassUID ?? "", mediaStorageSOPInstanceUID: sopInstanceUID ?? "",
          transferSyntax: transferSyntax)
      }
    let head = Self.prefix + meta
    let result = head.withUnsafeBytes { piece in Result { () throws(DICOMError) in try sink(piece) } }
    try result.get()
    try dataSet.encode(as: transferSyntax.encoding, edits: edits, to: sink)
  }

  /// The file in a transfer syntax.
  public func encoded(as transferSyntax: TransferSyntax, edits: [DataSetEdit] = []) throws(DICOMError) -> [UInt8] {
    var bytes: [UInt8] = []
    try encode(as: transferSyntax, edits: edits) { piece throws(DICOMError) in bytes.append(contentsOf: piece) }
    return bytes
  }
}
