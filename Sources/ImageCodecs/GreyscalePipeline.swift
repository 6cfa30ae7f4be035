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
    let samples = StoredSamples(frame)
    var voi = voi
    if voi == nil { voi = VOITransformation(range(frame, samples)) }
    guard let voi else { return [] }
    // Of the values that 16 bits have a frame uses few, and each costs as much as some pixels.
    var table = [UInt8](repeating: 0, count: samples.count)
    for place in samples.used { table[place] = brightness(voi, Double(samples.value(place))) }
    return table.withUnsafeBufferPointer { table in
      frame.bytes.withUnsafeBytes { bytes in
        [UInt8](unsafeUninitializedCapacity: image.pixelCount) { result, filled in
          if samples.isWide {
            for index in 0..<image.pixelCount { result[index] = table[samples.place(word: bytes, index)] }
          } else {
            for index in 0..<image.pixelCount { result[index] = table[samples.place(byte: bytes, index)] }
          }
          filled = image.pixelCount
        }
      }
    }
  }

  /// The modality values that occur, without padding. Of up to 8 bits all that could.
  private func range(_ frame: Frame, _ samples: StoredSamples) -> ClosedRange<Double> {
    var occurs = [Bool](repeating: !samples.isWide, count: samples.count)
    if samples.isWide {
      frame.bytes.withUnsafeBytes { bytes in
        for index in 0..<frame.image.pixelCount { occurs[samples.place(word: bytes, index)] = true }
      }
    }
    var (low, high) = (Double.infinity, -Double.infinity)
    for place in samples.used where occurs[place] && !(padding?.contains(samples.value(place)) ?? false) {
      let value = modality(Double(samples.value(place)))
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

/// The samples of a frame of at most 16 bits as places in a table, in the order of their values.
private struct StoredSamples {
  /// Values there can be.
  let count: Int
  /// Whether samples take two bytes.
  let isWide: Bool
  /// The places from the lowest value that occurs to the highest; of up to 12 bits all that there are.
  private(set) var used: ClosedRange<Int>
  private let drop: UInt32
  private let mask: UInt32
  /// Makes two's complement ascend.
  private let flip: UInt32

  init(_ frame: Frame) {
    let image = frame.image
    count = 1 << image.bitsStored
    drop = UInt32(truncatingIfNeeded: image.highBit - image.bitsStored + 1)
    mask = UInt32(count - 1)
    flip = image.isSigned ? UInt32(count / 2) : 0
    isWide = image.sampleBytes == 2
    used = 0...count - 1
    // Of up to 12 bits all values together cost less than a look at each pixel.
    if image.bitsStored > 12 { used = range(frame.bytes, image.pixelCount) }
  }

  /// The places of the lowest and of the highest value, sixteen words at a time.
  private func range(_ bytes: [UInt8], _ words: Int) -> ClosedRange<Int> {
    typealias Words = SIMD16<UInt16>
    let (drop, mask, flip) = (
      Words(repeating: UInt16(drop)), Words(repeating: UInt16(mask)), Words(repeating: UInt16(flip))
    )
    var lows = Words(repeating: .max)
    var highs = Words(repeating: 0)
    var (low, high) = (count - 1, 0)
    bytes.withUnsafeBytes { bytes in
      var index = 0
      while index + 16 <= words {
        let found = bytes.loadUnaligned(fromByteOffset: 2 * index, as: Words.self)
        let places = ((found &>> drop) & mask) ^ flip
        lows.replace(with: places, where: places .< lows)
        highs.replace(with: places, where: places .> highs)
        index += 16
      }
      if index > 0 { (low, high) = (Int(lows.min()), Int(highs.max())) }
      while index < words {
        let place = place(word: bytes, index)
        (low, high) = (min(low, place), max(high, place))
        index += 1
      }
    }
    return low <= high ? low...high : 0...count - 1
  }

  @inline(__always)
  func place(word bytes: UnsafeRawBufferPointer, _ index: Int) -> Int {
    let word = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
    return Int(UInt32(word) >> drop & mask ^ flip)
  }

  @inline(__always)
  func place(byte bytes: UnsafeRawBufferPointer, _ index: Int) -> Int {
    Int(UInt32(bytes[index]) >> drop & mask ^ flip)
  }

  /// The stored value at a place.
  func value(_ place: Int) -> Int { place - Int(flip) }
}
