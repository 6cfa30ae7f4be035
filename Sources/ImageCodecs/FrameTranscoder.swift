public import DICOMCore

/// Gives single frames of an instance as another transfer syntax has them: what `Transcoder` writes, frame by frame.
public struct FrameTranscoder: Sendable {
  public let encoder: FrameEncoder
  private let reader: FrameReader

  /// - Throws: `unsupportedTransferSyntax` or `unsupportedImage` if there is no way from here to there; `noPixelData`.
  public init(
    _ file: DICOMFile, to transferSyntax: TransferSyntax, parameters: LossyParameters = LossyParameters(),
    limits: CodecLimits = CodecLimits()
  ) throws(ImageError) {
    encoder = try FrameEncoder(transferSyntax, parameters: parameters)
    reader = try FrameReader(file, limits: limits)
  }

  /// Frames that are there.
  public var count: Int { reader.count }

  /// The bytes of a frame. Native frames of one bit for each pixel begin with a whole byte each (PS3.18 §8.7.3.3.2).
  /// - Parameter number: from 0.
  public func frame(_ number: Int) throws(ImageError) -> [UInt8] {
    let frame = try Transcoder.converted(try reader.frame(number), from: reader.codec, for: encoder)
    guard encoder.target == .native else { return try encoder.encode(frame) }
    return reader.image.bitsAllocated == 1 ? Self.packed(frame.bytes) : frame.bytes
  }

  /// Eight pixels to a byte, the first in its lowest bit (PS3.5 §8.1.1).
  private static func packed(_ pixels: [UInt8]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: (pixels.count + 7) / 8)
    for (place, pixel) in pixels.enumerated() { bytes[place >> 3] |= (pixel & 1) << UInt8(place & 7) }
    return bytes
  }
}
