internal import CImageCodecs
public import DICOMCore

/// How a lossy encoder is to trade size for likeness.
public struct LossyParameters: Sendable, Equatable {
  /// JPEG baseline: 1 to 100.
  public var quality = 90
  /// JPEG 2000: compression ratio.
  public var ratio = 10.0
  /// JPEG-LS: the largest difference of a sample.
  public var near = 2

  public init() {}
}

/// Encodes frames for a transfer syntax.
public struct FrameEncoder: Sendable {
  public let transferSyntax: TransferSyntax
  public let parameters: LossyParameters
  let target: Target

  enum Target: Sendable { case native, rle, deflatedFrame, jpegBaseline, jpegLS, jpeg2000, htj2k }

  /// - Throws: `unsupportedTransferSyntax` if there is no encoder for it; `invalidParameter`.
  public init(
    _ transferSyntax: TransferSyntax, parameters: LossyParameters = LossyParameters()
  ) throws(ImageError) {
    guard (1...100).contains(parameters.quality), parameters.ratio > 1, parameters.ratio <= 1000,
      (0...255).contains(parameters.near)
    else { throw ImageError(.invalidParameter) }
    guard let target = Self.target(transferSyntax) else { throw ImageError(.unsupportedTransferSyntax) }
    self.transferSyntax = transferSyntax
    self.parameters = parameters
    self.target = target
  }

  private static func target(_ transferSyntax: TransferSyntax) -> Target? {
    switch transferSyntax {
    case .implicitVRLittleEndian, .explicitVRLittleEndian, .explicitVRBigEndian, .deflatedExplicitVRLittleEndian:
      .native
    case .rleLossless: .rle
    case .deflatedImageFrame: .deflatedFrame
    case .jpegBaseline: .jpegBaseline
    case .jpegLSLossless, .jpegLSNearLossless: .jpegLS
    case .jpeg2000Lossless, .jpeg2000: .jpeg2000
    case .htj2kLossless, .htj2kLosslessRPCL: .htj2k
    default: nil
    }
  }

  /// Whether frames can be encoded in a transfer syntax, if the image is fit for it.
  public static func supports(_ transferSyntax: TransferSyntax) -> Bool { target(transferSyntax) != nil }

  /// Whether the samples that come out may differ from those that went in.
  public var isLossy: Bool {
    transferSyntax == .jpegBaseline || transferSyntax == .jpegLSNearLossless || transferSyntax == .jpeg2000
  }

  /// What a data set with frames of this description, encoded, has to say about its pixels.
  /// - Throws: `unsupportedImage` if the transfer syntax has no room for the image (PS3.5 §8.2).
  public func described(_ image: ImagePixel) throws(ImageError) -> ImagePixel {
    var described = image
    described.planarConfiguration = 0
    let isColor = image.samplesPerPixel == 3
    switch target {
    case .native: return described
    case .rle:
      guard image.samplesPerPixel * image.sampleBytes <= RLE.segmentsMax else { throw ImageError(.unsupportedImage) }
      return described
    case .deflatedFrame: return described
    case .jpegBaseline:
      guard image.isInteger, image.bitsAllocated == 8, image.bitsStored == 8, !image.isSigned,
        image.photometricInterpretation.isMonochrome || isColor
      else { throw ImageError(.unsupportedImage) }
      if isColor { described.photometricInterpretation = .ybrFull422 }
    case .jpegLS:
      guard image.isInteger, image.bitsAllocated <= 16, !isLossy || !image.isSigned else {
        throw ImageError(.unsupportedImage)
      }
      described.highBit = image.bitsStored - 1
    case .jpeg2000, .htj2k:
      guard image.isInteger, image.bitsAllocated <= 16, image.samplesPerPixel != 2 else {
        throw ImageError(.unsupportedImage)
      }
      described.highBit = image.bitsStored - 1
      if isColor, image.photometricInterpretation == .rgb, !image.isSigned {
        described.photometricInterpretation = transferSyntax == .jpeg2000 ? .ybrICT : .ybrRCT
      }
    }
    return described
  }

  /// The stream of a frame. Of native frames the samples little endian.
  public func encode(_ frame: Frame) throws(ImageError) -> [UInt8] {
    let described = try described(frame.image)
    guard frame.bytes.count == frame.image.frameBytes else { throw ImageError(.mismatch) }
    switch target {
    case .native: return frame.bytes
    case .rle: return try RLE(frame.image).encode(frame)
    default: return try compress(frame, described)
    }
  }

  private func compress(_ frame: Frame, _ described: ImagePixel) throws(ImageError) -> [UInt8] {
    let isTransformed = described.photometricInterpretation == .ybrRCT || described.photometricInterpretation == .ybrICT
    switch target {
    case .deflatedFrame:
      return try stream(frame.bytes) { pixels, stream in ic_deflate(pixels, frame.bytes.count, &stream) }
    case .jpegBaseline:
      let rgb = try ColorConversion.rgb(frame)
      var image = ic_image(rgb.image)
      let quality = Int32(parameters.quality)
      return try stream(rgb.bytes) { ic_jpeg_encode(&image, $0, quality, 1, &$1) }
    case .jpegLS:
      // JPEG-LS has no negative numbers: their bits are encoded. It has no precision of 1 (ISO/IEC 14495-1 C.2.2).
      var image = ic_image(frame.image)
      image.bits = max(2, image.bits)
      image.is_signed = 0
      let near = isLossy ? Int32(parameters.near) : 0
      var bytes = frame.cleaned(extendsSign: false)
      if image.bits <= 8, image.bytes == 2 {
        // CharLS takes samples of up to 8 bits from bytes only.
        bytes = stride(from: 0, to: bytes.count, by: 2).map { bytes[$0] }
        image.bytes = 1
      }
      return try stream(bytes) { ic_jpegls_encode(&image, $0, near, &$1) }
    default:
      var image = ic_image(frame.image)
      image.is_transformed = isTransformed ? 1 : 0
      let bytes = frame.cleaned(extendsSign: true)
      if target == .htj2k { return try stream(bytes) { ic_htj2k_encode(&image, $0, &$1) } }
      let ratio: Float = isLossy ? Float(parameters.ratio) : 0
      return try stream(bytes) { ic_jpeg2000_encode(&image, $0, ratio, &$1) }
    }
  }

  private func stream(
    _ bytes: [UInt8], _ encode: (UnsafePointer<UInt8>, inout ic_buffer) -> ic_status
  ) throws(ImageError) -> [UInt8] { try encodedStream(bytes, encode) }
}

/// What an encoder of the shim makes of pixels.
func encodedStream(
  _ bytes: [UInt8], _ encode: (UnsafePointer<UInt8>, inout ic_buffer) -> ic_status
) throws(ImageError) -> [UInt8] {
  var buffer = ic_buffer()
  defer { ic_buffer_free(&buffer) }
  let status = bytes.withUnsafeBufferPointer { pixels in
    pixels.baseAddress.map { encode($0, &buffer) } ?? IC_MISMATCH
  }
  try check(status)
  return Array(UnsafeBufferPointer(start: buffer.bytes, count: buffer.count))
}

extension Frame {
  /// The samples without bits that are not stored; with the sign in the bits above, or zeros there.
  func cleaned(extendsSign: Bool) -> [UInt8] {
    let size = image.sampleBytes
    let isWhole = image.bitsStored == 8 * size
    if isWhole { return bytes }
    let mask = (UInt32(1) << UInt32(image.bitsStored)) &- 1
    var cleaned = bytes
    for index in 0..<bytes.count / size {
      var value = UInt32(bitPattern: clean(word(at: index, size)))
      if !extendsSign { value &= mask }
      for place in 0..<size { cleaned[index * size + place] = UInt8(truncatingIfNeeded: value >> UInt32(8 * place)) }
    }
    return cleaned
  }
}
