/// Why a frame could not be decoded, encoded or rendered.
public struct ImageError: Error, Sendable, Equatable {
  public enum Code: String, Sendable {
    /// The data set has no pixel data, or no rows and columns.
    case noPixelData
    /// There is no frame of that number.
    case noSuchFrame
    /// There is no codec for the transfer syntax, or for this variant of it.
    case unsupportedTransferSyntax
    /// Bits Allocated, Samples per Pixel or Photometric Interpretation that no codec here handles.
    case unsupportedImage
    /// The compressed stream is damaged, cut off, or of another format.
    case malformedStream
    /// The compressed stream has other measures than the data set says.
    case mismatch
    /// The frame, or the picture asked for, is larger than a limit of `CodecLimits`.
    case tooLarge
    /// The bytes of the pixel data are not at hand.
    case unreadable
    /// A parameter of a rendering or an encoding is out of its range.
    case invalidParameter
    /// Memory ran out.
    case outOfMemory
    /// The data set could not be written.
    case unencodable
  }

  public let code: Code

  public init(_ code: Code) { self.code = code }

  /// For the client. Holds no value of the data set.
  public var message: String {
    switch code {
    case .noPixelData: "the instance has no pixel data"
    case .noSuchFrame: "the instance has no frame of that number"
    case .unsupportedTransferSyntax: "the transfer syntax is not supported for this image"
    case .unsupportedImage: "the kind of image is not supported"
    case .malformedStream: "the compressed frame is damaged or cut off"
    case .mismatch: "the compressed frame does not have the size that the data set says"
    case .tooLarge: "the image is too large"
    case .unreadable: "the pixel data cannot be read"
    case .invalidParameter: "a parameter is out of its range"
    case .outOfMemory: "there is not enough memory for the image"
    case .unencodable: "the data set cannot be written in that transfer syntax"
    }
  }
}

extension ImageError: CustomStringConvertible {
  public var description: String { "ImageError(\(code.rawValue))" }
}
