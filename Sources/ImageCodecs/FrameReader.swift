public import DICOMCore

/// Decodes the frames of an instance, one at a time.
public struct FrameReader: Sendable {
  /// The data set's description; a frame's own is in `Frame.image`.
  public let image: ImagePixel
  public let codec: Codec
  let source: ByteSource
  let isBigEndian: Bool
  /// 8-bit samples in words of 16 bits, the first in the lower half (PS3.5 §8.1.2): of a big endian word that is the
  /// second byte. Holds where the pixel data is.
  private let pairs: Range<Int>?
  let places: [PixelData.Frame]
  let limits: CodecLimits

  /// - Throws: `noPixelData`, `unsupportedTransferSyntax`, `unsupportedImage`; `tooLarge` if a frame passes the limit.
  public init(_ file: DICOMFile, limits: CodecLimits = CodecLimits()) throws(ImageError) {
    guard let pixelData = PixelData(file.dataSet) else { throw ImageError(.noPixelData) }
    image = try ImagePixel(file.dataSet, pixelData)
    guard image.frameBytes <= limits.frameBytesMax else { throw ImageError(.tooLarge) }
    if pixelData.isEncapsulated {
      guard let codec = Codec(file.transferSyntax), codec != .native else {
        throw ImageError(.unsupportedTransferSyntax)
      }
      self.codec = codec
    } else {
      // Pixel data that is not encapsulated is native, whatever the transfer syntax says (PS3.5 A.4).
      codec = .native
    }
    source = file.dataSet.source
    isBigEndian = pixelData.element.isBigEndian || file.transferSyntax == .geImplicitBigEndianPixels
    let isPaired = isBigEndian && codec == .native && image.bitsAllocated <= 8 && pixelData.element.vr == .OW
    pairs = isPaired ? pixelData.element.valueRange : nil
    places = pixelData.frames
    self.limits = limits
  }

  /// Frames that are there, which may be fewer than Number of Frames.
  public var count: Int { places.count }

  /// Decodes a frame.
  /// - Parameter number: from 0.
  /// - Throws: `noSuchFrame`, `malformedStream`, `mismatch`, `unsupportedTransferSyntax`, `tooLarge`, `unreadable`.
  public func frame(_ number: Int) throws(ImageError) -> Frame {
    guard places.indices.contains(number) else { throw ImageError(.noSuchFrame) }
    let place = places[number]
    if let pairs, let range = place.ranges.first { return try pairedFrame(range, place.bitOffset, in: pairs) }
    return try withStream(of: place) { stream throws(ImageError) in
      if codec == .native { return try NativeFrames(image, isBigEndian: isBigEndian).decode(stream, place.bitOffset) }
      return try FrameDecoder(image).decode(stream, codec.asFound(in: stream))
    }
  }

  private func pairedFrame(_ range: Range<Int>, _ bitOffset: Int, in pairs: Range<Int>) throws(ImageError) -> Frame {
    let skipped = (range.lowerBound - pairs.lowerBound) % 2
    let end = min(range.upperBound + (range.upperBound - pairs.lowerBound) % 2, pairs.upperBound)
    guard var bytes = source.withBytes(range.lowerBound - skipped..<end, { Array($0) }) else {
      throw ImageError(.unreadable)
    }
    NativeFrames.swap(&bytes, 2)
    return try bytes.withUnsafeBytesThrowing { words throws(ImageError) in
      try NativeFrames(image).decode(UnsafeRawBufferPointer(rebasing: words[skipped...]), bitOffset)
    }
  }

  /// The bytes of a frame as they are stored: of an encapsulated one its fragments put together.
  public func stream(_ number: Int) throws(ImageError) -> [UInt8] {
    guard places.indices.contains(number) else { throw ImageError(.noSuchFrame) }
    return try withStream(of: places[number]) { Array($0) }
  }

  private func withStream<R>(
    of place: PixelData.Frame, _ body: (UnsafeRawBufferPointer) throws(ImageError) -> R
  ) throws(ImageError) -> R {
    guard place.count <= limits.streamBytesMax || codec == .native else { throw ImageError(.tooLarge) }
    var result: Result<R, ImageError>?
    if place.ranges.count == 1 {
      result = source.withBytes(place.ranges[0]) { bytes in
        Result { () throws(ImageError) in try body(bytes) }
      }
    } else {
      var joined: [UInt8] = []
      joined.reserveCapacity(place.count)
      for range in place.ranges {
        guard source.withBytes(range, { joined.append(contentsOf: $0) }) != nil else { throw ImageError(.unreadable) }
      }
      result = joined.withUnsafeBytes { bytes in Result { () throws(ImageError) in try body(bytes) } }
    }
    guard let result else { throw ImageError(.unreadable) }
    return try result.get()
  }
}
