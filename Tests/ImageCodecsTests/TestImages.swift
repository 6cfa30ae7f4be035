import DICOMCore
import TestSupport

@testable import ImageCodecs

/// Images made for tests.
enum TestImages {
  /// A frame with a gradient and noise, its samples over the whole of their range.
  static func frame(
    rows: Int = 37, columns: Int = 53, samples: Int = 1, allocated: Int = 16, stored: Int = 12, isSigned: Bool = false,
    photometric: PhotometricInterpretation = .monochrome2, seed: UInt64 = 1
  ) -> Frame {
    let image = ImagePixel(
      rows: rows, columns: columns, samplesPerPixel: samples, bitsAllocated: allocated, bitsStored: stored,
      isSigned: isSigned, photometricInterpretation: photometric)
    var random = SeededGenerator(seed: seed)
    let range = image.storedRange
    var bytes: [UInt8] = []
    for index in 0..<rows * columns * samples {
      let slope = range.lowerBound + (range.count - 1) * (index / samples % columns) / max(1, columns - 1)
      let value = (slope + Int(random.next() % 9) - 4).clamped(to: range)
      for place in 0..<image.sampleBytes { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * place))) }
    }
    return Frame(image: image, bytes: bytes)
  }

  /// A native instance of frames.
  static func file(_ frames: [Frame], _ more: (inout DataSetBuilder) throws -> Void = { _ in }) throws -> DICOMFile {
    let image = frames[0].image
    var builder = DataSetBuilder()
    try builder.append(.sopClassUID, .UI, "1.2.840.10008.5.1.4.1.1.7")
    try builder.append(.sopInstanceUID, .UI, "1.2.3.4")
    try builder.append(.samplesPerPixel, .US, integers: [image.samplesPerPixel])
    try builder.append(.photometricInterpretation, .CS, image.photometricInterpretation.rawValue)
    if image.samplesPerPixel > 1 { try builder.append(.planarConfiguration, .US, integers: [0]) }
    if frames.count > 1 { try builder.append(.numberOfFrames, .IS, "\(frames.count)") }
    try builder.append(.rows, .US, integers: [image.rows])
    try builder.append(.columns, .US, integers: [image.columns])
    try builder.append(.bitsAllocated, .US, integers: [image.bitsAllocated])
    try builder.append(.bitsStored, .US, integers: [image.bitsStored])
    try builder.append(.highBit, .US, integers: [image.highBit])
    try builder.append(.pixelRepresentation, .US, integers: [image.isSigned ? 1 : 0])
    try more(&builder)
    try builder.append(.pixelData, image.bitsAllocated > 8 ? .OW : .OB, bytes: frames.flatMap(\.bytes))
    return try file(builder.bytes, .explicitVRLittleEndian)
  }

  /// An encapsulated instance of one stream.
  static func file(_ image: ImagePixel, _ syntax: TransferSyntax, stream: [UInt8]) throws -> DICOMFile {
    var builder = DataSetBuilder()
    try builder.append(.samplesPerPixel, .US, integers: [image.samplesPerPixel])
    try builder.append(.photometricInterpretation, .CS, image.photometricInterpretation.rawValue)
    try builder.append(.rows, .US, integers: [image.rows])
    try builder.append(.columns, .US, integers: [image.columns])
    try builder.append(.bitsAllocated, .US, integers: [image.bitsAllocated])
    try builder.append(.bitsStored, .US, integers: [image.bitsStored])
    try builder.append(.highBit, .US, integers: [image.highBit])
    try builder.append(.pixelRepresentation, .US, integers: [image.isSigned ? 1 : 0])
    try builder.appendFragments(offsetTable: [], [stream])
    return try file(builder.bytes, syntax)
  }

  static func file(_ dataSet: [UInt8], _ syntax: TransferSyntax) throws -> DICOMFile {
    let meta = try FileMetaInformation.encoded(
      mediaStorageSOPClassUID: "1.2.840.10008.5.1.4.1.1.7", mediaStorageSOPInstanceUID: "1.2.3.4",
      transferSyntax: syntax)
    return try DICOMFile(DICOMFile.prefix + meta + dataSet)
  }
}
