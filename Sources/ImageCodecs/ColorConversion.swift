/// From the colour spaces of PS3.3 C.7.6.3.1.2 to RGB of the same depth.
enum ColorConversion {
  /// The frame in RGB; unchanged if it is that, or has no colour.
  /// - Throws: `unsupportedImage` for colours of more than 16 bits, and XYB.
  static func rgb(_ frame: Frame) throws(ImageError) -> Frame {
    switch frame.image.photometricInterpretation {
    case .ybrFull, .ybrFull422: return try convert(frame, isFull: true)
    case .ybrPartial420, .ybrPartial422: return try convert(frame, isFull: false)
    case .xyb: throw ImageError(.unsupportedImage)
    case .ybrRCT, .ybrICT:
      var frame = frame
      frame.image.photometricInterpretation = .rgb
      return frame
    default: return frame
    }
  }

  private static func convert(_ frame: Frame, isFull: Bool) throws(ImageError) -> Frame {
    guard frame.image.samplesPerPixel == 3, frame.image.bitsAllocated <= 16, frame.image.isInteger else {
      throw ImageError(.unsupportedImage)
    }
    var converted = frame
    converted.image.photometricInterpretation = .rgb
    let bits = frame.image.bitsStored
    let most = (1 << bits) - 1
    let center = 1 << (bits - 1)
    let size = frame.image.sampleBytes
    // ITU-R BT.601, in 65536ths; of the partial ranges 219 and 224 of 256 steps are used.
    let luma = isFull ? 65_536 : 76_309
    let black = isFull ? 0 : 16 << (bits - 8).clamped(to: 0...8)
    let factors = isFull ? (91_881, 22_554, 46_802, 116_130) : (104_597, 25_675, 53_279, 132_201)
    frame.bytes.withUnsafeBufferPointer { from in
      converted.bytes.withUnsafeMutableBufferPointer { to in
        func sample(_ index: Int) -> Int {
          size == 1 ? Int(from[index]) : Int(from[2 * index]) | Int(from[2 * index + 1]) << 8
        }
        func store(_ index: Int, _ value: Int) {
          let value = ((value + 32_768) >> 16).clamped(to: 0...most)
          if size == 1 {
            to[index] = UInt8(truncatingIfNeeded: value)
          } else {
            to[2 * index] = UInt8(truncatingIfNeeded: value)
            to[2 * index + 1] = UInt8(truncatingIfNeeded: value >> 8)
          }
        }
        for start in stride(from: 0, to: from.count / size - 2, by: 3) {
          let y = (sample(start) - black) * luma
          let (blue, red) = (sample(start + 1) - center, sample(start + 2) - center)
          store(start, y + factors.0 * red)
          store(start + 1, y - factors.1 * blue - factors.2 * red)
          store(start + 2, y + factors.3 * blue)
        }
      }
    }
    return converted
  }
}
