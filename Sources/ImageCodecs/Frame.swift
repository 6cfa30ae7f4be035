/// A decoded frame: rows from the top, the samples of a pixel beside one another, words little endian, no gaps.
///
/// `image` describes these bytes and may differ from the data set's: Planar Configuration is 0; frames of one bit have
/// a byte for each pixel; subsampled chrominance is expanded (YBR_FULL_422 becomes YBR_FULL); what JPEG 2000
/// transformed is RGB again.
public struct Frame: Sendable, Equatable {
  public var image: ImagePixel
  public var bytes: [UInt8]

  public init(image: ImagePixel, bytes: [UInt8]) {
    self.image = image
    self.bytes = bytes
  }

  /// The samples as numbers, without bits that Bits Stored and High Bit leave out (PS3.5 §8.1.1: overlays once were
  /// there). None for floating point or more than 32 bits.
  public var samples: [Int32] {
    guard image.isInteger, image.bitsAllocated <= 32 else { return [] }
    let size = image.sampleBytes
    return (0..<bytes.count / size).map { clean(word(at: $0, size)) }
  }

  /// The bits of one sample.
  @inline(__always)
  func word(at index: Int, _ size: Int) -> UInt32 {
    var word: UInt32 = 0
    for place in 0..<size { word |= UInt32(bytes[index * size + place]) << UInt32(8 * place) }
    return word
  }

  /// Drops bits that are not stored, and extends the sign.
  @inline(__always)
  func clean(_ word: UInt32) -> Int32 { Self.clean(word, image) }

  @inline(__always)
  static func clean(_ word: UInt32, _ image: ImagePixel) -> Int32 {
    let shift = UInt32(truncatingIfNeeded: 32 - image.bitsStored)
    let raised = (word >> UInt32(truncatingIfNeeded: image.highBit - image.bitsStored + 1)) << shift
    return image.isSigned
      ? Int32(bitPattern: raised) >> Int32(shift) : Int32(bitPattern: raised >> shift)
  }
}
