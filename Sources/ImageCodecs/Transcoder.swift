public import DICOMCore

/// Writes an instance in another transfer syntax, one frame at a time: memory does not grow with their number.
public struct Transcoder: Sendable {
  public let file: DICOMFile
  public let encoder: FrameEncoder
  private let reader: FrameReader?
  private let first: Frame?

  /// Looks at the instance and decodes its first frame, so that what cannot be transcoded is refused before a byte is
  /// written.
  /// - Throws: `unsupportedTransferSyntax` or `unsupportedImage` if there is no way from here to there; what decoding
  ///   throws.
  public init(
    _ file: DICOMFile, to transferSyntax: TransferSyntax, parameters: LossyParameters = LossyParameters(),
    limits: CodecLimits = CodecLimits()
  ) throws(ImageError) {
    self.file = file
    encoder = try FrameEncoder(transferSyntax, parameters: parameters)
    let pixelData = PixelData(file.dataSet)
    let isEncapsulated = pixelData?.isEncapsulated ?? false
    let staysNative = !isEncapsulated && encoder.target == .native
    if pixelData == nil || staysNative || file.transferSyntax == transferSyntax {
      reader = nil
      first = nil
      return
    }
    let reader = try FrameReader(file, limits: limits)
    guard reader.count > 0 else { throw ImageError(.malformedStream) }
    // Pixels of one bit stay such: packed in native form, or with a precision of 1 in JPEG 2000.
    if reader.image.bitsAllocated == 1, encoder.transferSyntax != .jpeg2000Lossless, encoder.target != .native {
      throw ImageError(.unsupportedImage)
    }
    let frame = try Self.converted(try reader.frame(0), from: reader.codec, for: encoder)
    _ = try encoder.described(frame.image)
    self.reader = reader
    first = frame
  }

  /// Partial ranges are of no use to readers of other transfer syntaxes, and what lossy JPEG made YCbCr they expect as
  /// RGB.
  static func converted(_ frame: Frame, from codec: Codec, for encoder: FrameEncoder) throws(ImageError)
    -> Frame
  {
    switch frame.image.photometricInterpretation {
    case .ybrPartial420, .ybrPartial422: return try ColorConversion.rgb(frame)
    case .ybrFull where encoder.target != .jpegBaseline && codec == .jpeg: return try ColorConversion.rgb(frame)
    default: return frame
    }
  }

  /// Writes the file.
  /// - Throws: what decoding, encoding or `sink` throws; `unencodable`. Then what was written is of no use.
  public func write(to sink: (UnsafeRawBufferPointer) throws(ImageError) -> Void) throws(ImageError) {
    guard let reader, let first else {
      try writeAsIs(sink)
      return
    }
    let stream = try encoder.encode(first)
    let edits = try edits(first, stream.count, count: reader.count)
    if encoder.transferSyntax.encoding.isDeflated {
      try writeDeflated(reader, edits, sink)
      return
    }
    let head = try encoded(edits) { $0 < .extendedOffsetTable }
    try head.withUnsafeBytesThrowing(sink)
    if encoder.transferSyntax.isEncapsulated {
      try writeFragments(reader, stream, sink)
    } else {
      try writeNative(reader, first, sink)
    }
    // Signatures (FFFA) of what was and padding (FFFC) are not taken along.
    guard file.dataSet.elements.contains(where: { Self.isTail($0.tag) }) else { return }
    let tail = try rethrowing { () throws(DICOMError) in
      try file.dataSet.encoded(as: encoder.transferSyntax.encoding, edits: removals { Self.isTail($0) })
    }
    try tail.withUnsafeBytesThrowing(sink)
  }

  /// The file in memory.
  public func encoded() throws(ImageError) -> [UInt8] {
    var bytes: [UInt8] = []
    try write { piece throws(ImageError) in bytes.append(contentsOf: piece) }
    return bytes
  }

  private static func isTail(_ tag: Tag) -> Bool { tag > .pixelData && tag.group != 0xFFFA && tag.group != 0xFFFC }

  // MARK: The data set

  private func writeAsIs(_ sink: (UnsafeRawBufferPointer) throws(ImageError) -> Void) throws(ImageError) {
    var failure: ImageError?
    do {
      try file.encode(as: encoder.transferSyntax) { piece throws(DICOMError) in
        do throws(ImageError) { try sink(piece) } catch {
          failure = error
          throw DICOMError(.unencodable, at: 0)
        }
      }
    } catch { throw failure ?? ImageError(.unencodable) }
  }

  /// What the data set says of its pixels from now on.
  private func edits(_ frame: Frame, _ streamCount: Int, count: Int) throws(ImageError) -> [DataSetEdit] {
    var image = try encoder.described(frame.image)
    if reader?.image.bitsAllocated == 1 { image.bitsAllocated = 1 }
    var edits = [
      DataSetEdit(setting: .photometricInterpretation, .CS, image.photometricInterpretation.rawValue),
      DataSetEdit(setting: .bitsAllocated, .US, Self.word(image.bitsAllocated)),
    ]
    if image.isInteger {
      edits.append(DataSetEdit(setting: .bitsStored, .US, Self.word(image.bitsStored)))
      edits.append(DataSetEdit(setting: .highBit, .US, Self.word(image.highBit)))
    }
    if image.samplesPerPixel > 1 { edits.append(DataSetEdit(setting: .planarConfiguration, .US, Self.word(0))) }
    if let declared = file.dataSet.integer(.numberOfFrames), declared != count {
      edits.append(DataSetEdit(setting: .numberOfFrames, .IS, "\(count)"))
    }
    if encoder.isLossy {
      let tenths = frame.bytes.count * 10 / max(1, streamCount)
      edits.append(DataSetEdit(setting: .lossyImageCompression, .CS, "01"))
      edits.append(
        DataSetEdit(
          setting: .lossyImageCompressionRatio, .DS,
          appending("\(tenths / 10).\(tenths % 10)", to: .lossyImageCompressionRatio)))
      edits.append(
        DataSetEdit(
          setting: .lossyImageCompressionMethod, .CS, appending(encoder.method, to: .lossyImageCompressionMethod)))
    }
    return edits
  }

  /// PS3.3 C.7.6.1.1.5: each lossy step adds a value.
  private func appending(_ value: String, to tag: Tag) -> String {
    ((file.dataSet[tag]?.strings ?? []) + [value]).joined(separator: "\\")
  }

  private static func word(_ value: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
  }

  private func removals(except stays: (Tag) -> Bool) -> [DataSetEdit] {
    Set(file.dataSet.elements.map(\.tag)).filter { !stays($0) }.sorted().map { DataSetEdit(removing: $0) }
  }

  private func encoded(_ edits: [DataSetEdit], _ stays: (Tag) -> Bool) throws(ImageError) -> [UInt8] {
    let all = (edits + removals(except: stays)).sorted { $0.tag < $1.tag }
    return try rethrowing { () throws(DICOMError) in try file.encoded(as: encoder.transferSyntax, edits: all) }
  }

  private func rethrowing<R>(_ body: () throws(DICOMError) -> R) throws(ImageError) -> R {
    do { return try body() } catch { throw ImageError(.unencodable) }
  }

  // MARK: Pixel data

  /// PS3.5 A.4: an empty Basic Offset Table, then a fragment for each frame.
  private func writeFragments(
    _ reader: FrameReader, _ first: [UInt8], _ sink: (UnsafeRawBufferPointer) throws(ImageError) -> Void
  ) throws(ImageError) {
    let head: [UInt8] = [0xE0, 0x7F, 0x10, 0, 0x4F, 0x42, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]
    try (head + Self.itemHeader(0)).withUnsafeBytesThrowing(sink)
    for number in 0..<reader.count {
      let stream =
        number == 0 ? first : try encoder.encode(Self.converted(reader.frame(number), from: reader.codec, for: encoder))
      guard stream.count < 0xFFFF_FFFE else { throw ImageError(.unencodable) }
      let isOdd = stream.count % 2 != 0
      try Self.itemHeader(stream.count + (isOdd ? 1 : 0)).withUnsafeBytesThrowing(sink)
      try stream.withUnsafeBytesThrowing(sink)
      if isOdd { try [0].withUnsafeBytesThrowing(sink) }
    }
    try [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0].withUnsafeBytesThrowing(sink)
  }

  private static func itemHeader(_ count: Int) -> [UInt8] {
    [0xFE, 0xFF, 0x00, 0xE0] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
  }

  private func writeNative(
    _ reader: FrameReader, _ first: Frame, _ sink: (UnsafeRawBufferPointer) throws(ImageError) -> Void
  ) throws(ImageError) {
    let isOneBit = reader.image.bitsAllocated == 1
    let total = first.bytes.count.multipliedReportingOverflow(by: reader.count)
    let length = isOneBit ? total.partialValue / 8 + (total.partialValue % 8 > 0 ? 1 : 0) : total.partialValue
    guard !total.overflow, length < 0xFFFF_FFFE else { throw ImageError(.unencodable) }
    let padding = length % 2
    try header(length + padding, isWords: first.image.bitsAllocated > 8).withUnsafeBytesThrowing(sink)
    var bits = BitPacker()
    for number in 0..<reader.count {
      let frame = number == 0 ? first : try Self.converted(reader.frame(number), from: reader.codec, for: encoder)
      guard frame.bytes.count == first.bytes.count else { throw ImageError(.mismatch) }
      var bytes = frame.bytes
      if isOneBit { bytes = bits.pack(bytes) }
      if encoder.transferSyntax.encoding.isBigEndian { NativeFrames.swap(&bytes, frame.image.sampleBytes) }
      try bytes.withUnsafeBytesThrowing(sink)
    }
    let rest = bits.finish() + [UInt8](repeating: 0, count: padding)
    if !rest.isEmpty { try rest.withUnsafeBytesThrowing(sink) }
  }

  /// Tag, VR and length of native pixel data (PS3.5 §7.1 and A.1 to A.3). Implicit encodings have no VR.
  private func header(_ length: Int, isWords: Bool) -> [UInt8] {
    let encoding = encoder.transferSyntax.encoding
    let count = (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    if encoding.isImplicit { return [0xE0, 0x7F, 0x10, 0] + count }
    let vr: [UInt8] = [0x4F, isWords ? 0x57 : 0x42, 0, 0]
    return encoding.isBigEndian ? [0x7F, 0xE0, 0, 0x10] + vr + count.reversed() : [0xE0, 0x7F, 0x10, 0] + vr + count
  }

  /// A deflated data set is one stream: its pixel data has to be in memory, and may be no more than an inflated data
  /// set may hold.
  private func writeDeflated(
    _ reader: FrameReader, _ edits: [DataSetEdit], _ sink: (UnsafeRawBufferPointer) throws(ImageError) -> Void
  ) throws(ImageError) {
    var native: [UInt8] = []
    try writeNative(reader, try Self.converted(reader.frame(0), from: reader.codec, for: encoder)) {
      piece throws(ImageError) in
      guard native.count + piece.count <= DICOMLimits().inflatedBytesMax else { throw ImageError(.tooLarge) }
      native.append(contentsOf: piece)
    }
    let vr: VR = reader.image.bitsAllocated > 8 ? .OW : .OB
    let pixels = DataSetEdit(setting: .pixelData, vr, Array(native.dropFirst(12)))
    let bytes = try encoded(edits + [pixels]) { $0 < .extendedOffsetTable || $0 == .pixelData || Self.isTail($0) }
    try bytes.withUnsafeBytesThrowing(sink)
  }
}

/// Puts pixels of one bit together, frames without a gap between them (PS3.5 §8.1.1).
private struct BitPacker {
  private var held: UInt8 = 0
  private var count: UInt8 = 0

  mutating func pack(_ pixels: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(pixels.count / 8 + 1)
    for pixel in pixels {
      held |= (pixel & 1) << count
      count += 1
      if count == 8 {
        bytes.append(held)
        (held, count) = (0, 0)
      }
    }
    return bytes
  }

  func finish() -> [UInt8] { count > 0 ? [held] : [] }
}

extension FrameEncoder {
  /// Lossy Image Compression Method (PS3.3 C.7.6.1.1.5.1).
  var method: String {
    switch target {
    case .jpegBaseline: "ISO_10918_1"
    case .jpegLS: "ISO_14495_1"
    default: "ISO_15444_1"
    }
  }
}
