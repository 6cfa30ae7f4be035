public import DICOMCore

/// Where each frame of an instance is in its file, found once when it is stored: a frame is a range to read.
///
/// Native frames follow one another without a gap, so of them three numbers are kept. Of encapsulated ones each
/// fragment is kept, as its distance from the one before and its length.
public struct FrameTable: Sendable, Hashable {
  /// A frame's place in the file.
  public struct Frame: Sendable, Hashable {
    /// The bytes; of an encapsulated frame one range for each fragment.
    public let ranges: [Range<Int>]
    /// Of native frames with one bit for each pixel: bits to pass over in the first byte.
    public let bitOffset: Int

    public var count: Int { ranges.reduce(0) { $0 + $1.count } }
  }

  private enum Kind: UInt8 { case none, native, encapsulated }

  /// Frames that are there.
  public let count: Int
  /// Whether the frames are compressed, each a stream of its own.
  public let isEncapsulated: Bool
  /// Whether the ranges count bytes of the data set inflated (PS3.5 A.5), not of the file.
  public let isInflated: Bool
  /// The compact form.
  public let encoded: [UInt8]

  /// Of an instance without frames.
  public static let none = FrameTable(count: 0, isEncapsulated: false, isInflated: false, encoded: [])

  private init(count: Int, isEncapsulated: Bool, isInflated: Bool, encoded: [UInt8]) {
    self.count = count
    self.isEncapsulated = isEncapsulated
    self.isInflated = isInflated
    self.encoded = encoded
  }

  /// The frames of an instance's pixel data.
  public init(_ file: DICOMFile) {
    guard let pixels = PixelData(file.dataSet) else {
      self = .none
      return
    }
    self.init(pixels, isInflated: file.isDeflated)
  }

  public init(_ pixels: PixelData, isInflated: Bool = false) {
    let kind: Kind = pixels.isEncapsulated ? .encapsulated : .native
    var bytes: [UInt8] = [kind.rawValue | (isInflated ? 0x80 : 0)]
    let count: Int
    if kind == .native {
      count = Self.appendNative(pixels, to: &bytes)
    } else {
      count = Self.appendEncapsulated(pixels.frames, to: &bytes)
    }
    self.init(
      count: count, isEncapsulated: kind == .encapsulated, isInflated: isInflated, encoded: count == 0 ? [] : bytes)
  }

  private static func appendNative(_ pixels: PixelData, to bytes: inout [UInt8]) -> Int {
    guard let bits = pixels.frameBits, pixels.element.length <= Int.max / 8 else { return 0 }
    let count = min(pixels.declaredFrames, pixels.element.length * 8 / bits)
    VariableInteger.append(count, to: &bytes)
    VariableInteger.append(pixels.element.valueRange.lowerBound, to: &bytes)
    VariableInteger.append(bits, to: &bytes)
    return count
  }

  private static func appendEncapsulated(_ frames: [PixelData.Frame], to bytes: inout [UInt8]) -> Int {
    VariableInteger.append(frames.count, to: &bytes)
    var end = 0
    for frame in frames {
      VariableInteger.append(frame.ranges.count, to: &bytes)
      for range in frame.ranges {
        VariableInteger.append(range.lowerBound - end, to: &bytes)
        VariableInteger.append(range.count, to: &bytes)
        end = range.upperBound
      }
    }
    return frames.count
  }

  /// From the compact form; nil if it is damaged.
  public init?(encoded: [UInt8]) {
    guard let first = encoded.first else {
      self = .none
      return
    }
    var reader = ByteReader(encoded, from: 1)
    guard let kind = Kind(rawValue: first & 0x7F), kind != .none, let count = reader.integer() else { return nil }
    self.init(
      count: count, isEncapsulated: kind == .encapsulated, isInflated: first & 0x80 != 0, encoded: encoded)
  }

  /// A frame by its number from 1, as the standard counts; nil if it is not there.
  public func frame(_ number: Int) -> Frame? { frames([number])?.first }

  /// Frames by their numbers from 1, in this order; nil if one of them is not there.
  public func frames(_ numbers: [Int]) -> [Frame]? {
    guard let last = numbers.max(), (numbers.min() ?? 0) >= 1, last <= count else { return nil }
    if !isEncapsulated { return nativeFrames(numbers) }
    let wanted = Set(numbers)
    var found: [Int: Frame] = [:]
    var reader = ByteReader(encoded, from: 1)
    _ = reader.integer()
    var end = 0
    for number in 1...last {
      guard let ranges = Self.readRanges(&reader, &end, isKept: wanted.contains(number)) else { return nil }
      if wanted.contains(number) { found[number] = Frame(ranges: ranges, bitOffset: 0) }
    }
    let frames = numbers.compactMap { found[$0] }
    return frames.count == numbers.count ? frames : nil
  }

  private static func readRanges(_ reader: inout ByteReader, _ end: inout Int, isKept: Bool) -> [Range<Int>]? {
    guard let fragments = reader.integer() else { return nil }
    var ranges: [Range<Int>] = []
    var left = fragments
    while left > 0 {
      guard let gap = reader.integer(), let length = reader.integer() else { return nil }
      let (start, overflow) = end.addingReportingOverflow(gap)
      let (next, overflows) = start.addingReportingOverflow(length)
      guard !overflow, !overflows else { return nil }
      if isKept { ranges.append(start..<next) }
      end = next
      left -= 1
    }
    return ranges
  }

  private func nativeFrames(_ numbers: [Int]) -> [Frame]? {
    var reader = ByteReader(encoded, from: 1)
    guard reader.integer() != nil, let start = reader.integer(), let bits = reader.integer() else { return nil }
    var frames: [Frame] = []
    for number in numbers {
      let (first, overflow) = (number - 1).multipliedReportingOverflow(by: bits)
      let (last, overflows) = first.addingReportingOverflow(bits)
      guard !overflow, !overflows, last / 8 < Int.max - start - 1 else { return nil }
      frames.append(Frame(ranges: [start + first / 8..<start + (last + 7) / 8], bitOffset: first % 8))
    }
    return frames
  }
}
