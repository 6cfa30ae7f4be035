public import DICOMCore

/// What a compressed frame says of itself: enough to describe the pixels of an instance that is made of it (PS3.18
/// §10.5.2 lets the Image Pixel Description Macro be left out).
public struct StreamDescription: Sendable, Equatable {
  /// The transfer syntax that such streams have; nil for a JPEG process that none is for.
  public let transferSyntax: TransferSyntax?
  public let columns: Int
  public let rows: Int
  public let samples: Int
  /// Bits of a sample.
  public let precision: Int
  public let isSigned: Bool
  public let photometricInterpretation: String

  /// Reads the beginning of a JPEG, JPEG-LS or JPEG 2000 stream; nil if it is none of these, or has measures that a
  /// data set cannot say.
  public init?(_ stream: [UInt8]) {
    let found = stream.withUnsafeBytes { bytes -> StreamDescription? in
      if let header = JPEGHeader(bytes) { return StreamDescription(header, bytes) }
      return JPEG2000Header(bytes).map { StreamDescription($0) }
    }
    guard let found, (1...65_535).contains(found.columns), (1...65_535).contains(found.rows),
      found.samples == 1 || found.samples == 3, (1...16).contains(found.precision)
    else { return nil }
    self = found
  }

  private init(_ header: JPEGHeader, _ stream: UnsafeRawBufferPointer) {
    columns = header.columns
    rows = header.rows
    samples = header.samples
    precision = header.precision
    isSigned = false
    let selector = Self.selector(stream)
    switch header.process {
    case .sequential: transferSyntax = header.precision == 8 ? .jpegBaseline : .jpegExtended
    // T.81 B.2.3: the predictor; without a scan to be seen the most general.
    case .lossless:
      transferSyntax = selector == 1 ? .jpegLosslessSV1 : TransferSyntax(uid: "1.2.840.10008.1.2.4.57")
    // T.87 C.2.3: the largest difference from the original.
    case .jpegLS: transferSyntax = selector == 0 ? .jpegLSLossless : .jpegLSNearLossless
    case .progressive, .other: transferSyntax = nil
    }
    let isHalved = header.components.first.map { $0.horizontal > 1 } ?? false
    photometricInterpretation =
      header.samples == 1
      ? "MONOCHROME2" : header.process == .sequential ? (isHalved ? "YBR_FULL_422" : "YBR_FULL") : "RGB"
  }

  /// The first parameter behind the components of the first scan's header.
  private static func selector(_ stream: UnsafeRawBufferPointer) -> Int? {
    var segments = JPEGSegments(stream)
    while let (marker, segment) = segments.next() {
      guard marker == 0xDA else { continue }
      guard let count = segment.first.map(Int.init), segment.count > 1 + 2 * count else { return nil }
      return Int(segment[1 + 2 * count])
    }
    return nil
  }

  private init(_ header: JPEG2000Header) {
    transferSyntax = header.isReversible ? .jpeg2000Lossless : .jpeg2000
    columns = header.columns
    rows = header.rows
    samples = header.samples
    precision = header.precision
    isSigned = header.isSigned
    photometricInterpretation =
      header.samples == 1
      ? "MONOCHROME2" : header.isTransformed ? (header.isReversible ? "YBR_RCT" : "YBR_ICT") : "RGB"
  }
}
