internal import DICOMCore

/// From stored values to brightness: modality, VOI, presentation.
struct GreyscalePipeline {
  let modality: ModalityTransformation
  /// Nil: from the lowest value of the frame to the highest.
  let voi: VOITransformation?
  let isInverse: Bool
  let padding: ClosedRange<Int>?

  /// A frame of at most 16 bits: each value that it can have is looked up.
  func throughTable(_ frame: Frame) -> [UInt8] {
    let image = frame.image
    let values = 1 << image.bitsStored
    let drop = UInt32(truncatingIfNeeded: image.highBit - image.bitsStored + 1)
    let mask = UInt32(values - 1)
    let size = image.sampleBytes
    func stored(_ bits: Int) -> Int { image.isSigned && bits >= values / 2 ? bits - values : bits }
    var voi = voi
    if voi == nil { voi = VOITransformation(range(frame, values, stored, drop, mask)) }
    guard let voi else { return [] }
    let table = (0..<values).map { brightness(voi, Double(stored($0))) }
    return table.withUnsafeBufferPointer { table in
      frame.bytes.withUnsafeBufferPointer { bytes in
        [UInt8](unsafeUninitializedCapacity: image.pixelCount) { result, filled in
          if size == 1 {
            for index in 0..<image.pixelCount { result[index] = table[Int(UInt32(bytes[index]) >> drop & mask)] }
          } else {
            for index in 0..<image.pixelCount {
              let word = UInt32(bytes[2 * index]) | UInt32(bytes[2 * index + 1]) << 8
              result[index] = table[Int(word >> drop & mask)]
            }
          }
          filled = image.pixelCount
        }
      }
    }
  }

  /// The modality values that occur, without padding. Of up to 8 bits all that could.
  private func range(
    _ frame: Frame, _ values: Int, _ stored: (Int) -> Int, _ drop: UInt32, _ mask: UInt32
  ) -> ClosedRange<Double> {
    var occurs = [Bool](repeating: frame.image.bitsStored <= 8, count: values)
    if frame.image.bitsStored > 8 {
      for index in 0..<frame.image.pixelCount { occurs[Int(frame.word(at: index, 2) >> drop & mask)] = true }
    }
    var (low, high) = (Double.infinity, -Double.infinity)
    for bits in 0..<values where occurs[bits] && !(padding?.contains(stored(bits)) ?? false) {
      let value = modality(Double(stored(bits)))
      low = min(low, value)
      high = max(high, value)
    }
    return low <= high ? low...high : 0...0
  }

  /// A frame of 32 or 64 bits, whole numbers or floating point.
  func eachPixel(_ frame: Frame) -> [UInt8] {
    let count = frame.image.pixelCount
    let size = frame.image.sampleBytes
    let number = Self.reader(frame)
    var voi = voi
    if voi == nil {
      var (low, high) = (Double.infinity, -Double.infinity)
      for index in 0..<count {
        let value = modality(number(frame.bytes, index * size))
        guard value.isFinite else { continue }
        low = min(low, value)
        high = max(high, value)
      }
      voi = VOITransformation(low <= high ? low...high : 0...0)
    }
    guard let voi else { return [] }
    return (0..<count).map { brightness(voi, number(frame.bytes, $0 * size)) }
  }

  @inline(__always)
  private func brightness(_ voi: VOITransformation, _ value: Double) -> UInt8 {
    let level = voi(modality(value)) * 255
    let byte = level.isNaN ? 0 : UInt8(max(0, min(255, level.rounded())))
    return isInverse ? 255 - byte : byte
  }

  /// How a sample's bytes are read as a number.
  private static func reader(_ frame: Frame) -> ([UInt8], Int) -> Double {
    let image = frame.image
    func word(_ bytes: [UInt8], _ start: Int, _ size: Int) -> UInt64 {
      var word: UInt64 = 0
      for place in 0..<size { word |= UInt64(bytes[start + place]) << UInt64(8 * place) }
      return word
    }
    switch (image.kind, image.bitsAllocated) {
    case (.float, _):
      return { Double(Float(bitPattern: UInt32(truncatingIfNeeded: word($0, $1, 4)))) }
    case (.double, _): return { Double(bitPattern: word($0, $1, 8)) }
    case (_, 64):
      return { image.isSigned ? Double(Int64(bitPattern: word($0, $1, 8))) : Double(word($0, $1, 8)) }
    default:
      return {
        let clean = Frame.clean(UInt32(truncatingIfNeeded: word($0, $1, 4)), image)
        return image.isSigned ? Double(clean) : Double(UInt32(bitPattern: clean))
      }
    }
  }
}
