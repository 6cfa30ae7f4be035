import DICOMCore
import DICOMweb
import ImageCodecs

/// An instance made for a test: 16 bit greyscale whose frames are all different, with an icon in a sequence.
struct Instance: Sendable {
  let study: UID
  let series: UID
  let instance: UID
  let transferSyntax: TransferSyntax
  let bytes: [UInt8]

  static let rows = 24
  static let columns = 32
  static let icon: [UInt8] = (0..<64).map { UInt8($0 * 3) }

  var target: Target { Target(study: study, series: series, instance: instance) }
  var seriesTarget: Target { Target(study: study, series: series) }
  var studyTarget: Target { Target(study: study) }

  /// The pixels of a frame, from 1, little endian.
  static func frame(_ number: Int) -> [UInt8] {
    (0..<rows * columns).flatMap { place -> [UInt8] in
      let value = (place * 5 + number * 700) % 4_096
      return [UInt8(value & 0xFF), UInt8(value >> 8)]
    }
  }

  /// An uncompressed one, or with `streams` an encapsulated one whose frames these are.
  init(
    _ study: UID, _ series: UID, _ instance: UID, frames: Int = 1,
    as transferSyntax: TransferSyntax = .explicitVRLittleEndian, streams: [[UInt8]]? = nil
  ) throws {
    var builder = DataSetBuilder()
    try builder.append(.specificCharacterSet, .CS, "ISO_IR 192")
    try builder.append(.sopClassUID, .UI, "1.2.840.10008.5.1.4.1.1.7.3")
    try builder.append(.sopInstanceUID, .UI, instance.value)
    try builder.append(.studyDate, .DA, "20240229")
    try builder.append(.modality, .CS, "OT")
    try builder.append(Tag(0x0009, 0x0010), .LO, "ACESO TEST")
    try builder.append(Tag(0x0009, 0x1001), .LO, "known")
    try builder.append(.patientName, .PN, "Grün^Ada")
    try builder.append(.patientID, .LO, "P1")
    try builder.append(.studyInstanceUID, .UI, study.value)
    try builder.append(.seriesInstanceUID, .UI, series.value)
    try builder.append(.instanceNumber, .IS, "1")
    if frames > 0 {
      try Self.describe(&builder, frames)
      try Self.appendIcon(&builder)
      if let streams {
        try builder.appendFragments(offsetTable: [], streams)
      } else {
        try builder.append(.pixelData, .OW, bytes: (1...frames).flatMap { Self.frame($0) })
      }
    }
    let meta = try FileMetaInformation.encoded(
      mediaStorageSOPClassUID: "1.2.840.10008.5.1.4.1.1.7.3", mediaStorageSOPInstanceUID: instance,
      transferSyntax: streams == nil ? .explicitVRLittleEndian : transferSyntax)
    let explicit = DICOMFile.prefix + meta + builder.bytes
    if streams != nil || transferSyntax == .explicitVRLittleEndian {
      bytes = explicit
    } else {
      bytes = try Transcoder(try DICOMFile(explicit), to: transferSyntax).encoded()
    }
    (self.study, self.series, self.instance) = (study, series, instance)
    self.transferSyntax = transferSyntax
  }

  private static func describe(_ builder: inout DataSetBuilder, _ frames: Int) throws {
    try builder.append(.samplesPerPixel, .US, integers: [1])
    try builder.append(.photometricInterpretation, .CS, "MONOCHROME2")
    try builder.append(.numberOfFrames, .IS, "\(frames)")
    try builder.append(.rows, .US, integers: [rows])
    try builder.append(.columns, .US, integers: [columns])
    try builder.append(.bitsAllocated, .US, integers: [16])
    try builder.append(.bitsStored, .US, integers: [12])
    try builder.append(.highBit, .US, integers: [11])
    try builder.append(.pixelRepresentation, .US, integers: [0])
    try builder.append(.windowCenter, .DS, "2048")
    try builder.append(.windowWidth, .DS, "4096")
  }

  private static func appendIcon(_ builder: inout DataSetBuilder) throws {
    builder.beginSequence(Tag(0x0088, 0x0200))
    builder.beginItem()
    try builder.append(.rows, .US, integers: [8])
    try builder.append(.columns, .US, integers: [8])
    try builder.append(.pixelData, .OB, bytes: icon)
    try builder.endItem()
    try builder.endSequence()
  }

  /// The pixels of an instance that came back in explicit little endian.
  static func pixels(_ bytes: [UInt8]) throws -> [UInt8] {
    let file = try DICOMFile(bytes)
    return Array(file.dataSet[.pixelData]?.value ?? [])
  }
}

extension TransferSyntax {
  static let mpeg2 = TransferSyntax(uid: "1.2.840.10008.1.2.4.100")
  static let hevc = TransferSyntax(uid: "1.2.840.10008.1.2.4.107")
}
