/// The pixel data of an image (PS3.3 C.7.6.3, PS3.5 §8 and A.4): where each frame is in the source.
public struct PixelData: Sendable {
  public enum Kind: Sendable { case integer, float, double }

  public let element: DataElement
  public let kind: Kind
  public let rows: Int
  public let columns: Int
  public let samplesPerPixel: Int
  public let bitsAllocated: Int
  /// (0028,0008) as it stands; 1 if absent, empty or less than 1.
  public let declaredFrames: Int
  /// Whether two pixels share their chrominance: YBR_FULL_422 and the retired YBR_PARTIAL_422.
  private let isSubsampled: Bool
  private let extendedOffsets: [UInt64]
  private let extendedLengths: [UInt64]

  /// A frame's place in the source.
  public struct Frame: Sendable, Equatable {
    /// The bytes; of an encapsulated frame one range for each fragment.
    public let ranges: [Range<Int>]
    /// Of native pixel data with one bit for each pixel: bits to pass over in the first byte (PS3.5 §8.1.1: frames
    /// follow one another without a gap).
    public let bitOffset: Int

    public var count: Int { ranges.reduce(0) { $0 + $1.count } }
  }

  /// Nil if the data set has no pixel data.
  public init?(_ dataSet: DataSet) {
    let candidates: [(Tag, Kind)] = [
      (.pixelData, .integer), (.floatPixelData, .float), (.doubleFloatPixelData, .double),
    ]
    guard
      let found = candidates.lazy.compactMap({ tag, kind in dataSet[tag].map { (element: $0, kind: kind) } }).first
    else { return nil }
    element = found.element
    kind = found.kind
    func value(_ tag: Tag, _ otherwise: Int) -> Int { max(0, dataSet.integer(tag) ?? otherwise) }
    rows = value(.rows, 0)
    columns = value(.columns, 0)
    samplesPerPixel = max(1, value(.samplesPerPixel, 1))
    bitsAllocated = kind == .float ? 32 : kind == .double ? 64 : value(.bitsAllocated, 8)
    declaredFrames = max(1, value(.numberOfFrames, 1))
    let interpretation = dataSet.string(.photometricInterpretation)
    isSubsampled =
      (interpretation == "YBR_FULL_422" || interpretation == "YBR_PARTIAL_422") && samplesPerPixel == 3
      && bitsAllocated == 8 && columns % 2 == 0
    extendedOffsets = dataSet[.extendedOffsetTable]?.words64 ?? []
    extendedLengths = dataSet[.extendedOffsetTableLengths]?.words64 ?? []
  }

  /// Whether the frames are compressed, in fragments.
  public var isEncapsulated: Bool { element.isEncapsulated }

  /// Bits of a native frame; nil if the image's measures make no sense.
  ///
  /// Of pixels that share their chrominance two samples each are stored (PS3.3 C.7.6.3.1.2), unless there are bytes for
  /// three, as some writers have it.
  public var frameBits: Int? {
    guard let whole = bits(ofSamples: samplesPerPixel) else { return nil }
    let isShort = isSubsampled && !isEncapsulated && element.length / declaredFrames < whole / 8
    return isShort ? bits(ofSamples: 2) : whole
  }

  /// Bits of a frame with so many samples for each pixel.
  private func bits(ofSamples samples: Int) -> Int? {
    var bits = samples
    for factor in [rows, columns, bitsAllocated] {
      let (product, overflow) = bits.multipliedReportingOverflow(by: factor)
      if overflow { return nil }
      bits = product
    }
    return bits > 0 ? bits : nil
  }

  /// The frames that are there: no more than declared, and fewer if the bytes do not suffice (PS3.3 C.7.6.6).
  ///
  /// Encapsulated frames are told apart by the extended offset table, the Basic Offset Table, one fragment for each
  /// frame, or else by where a fragment begins a compressed stream.
  public var frames: [Frame] {
    isEncapsulated ? encapsulatedFrames : nativeFrames
  }

  // MARK: Native

  private var nativeFrames: [Frame] {
    guard let bits = frameBits else { return [] }
    let available = element.length.multipliedReportingOverflow(by: 8)
    guard !available.overflow else { return [] }
    let start = element.valueRange.lowerBound
    let count = min(declaredFrames, available.partialValue / bits)
    return (0..<count).map { number in
      let first = number * bits
      let last = first + bits
      return Frame(ranges: [start + first / 8..<start + (last + 7) / 8], bitOffset: first % 8)
    }
  }

  // MARK: Encapsulated

  private var encapsulatedFrames: [Frame] {
    let all = element.fragments
    guard let table = all.first, all.count > 1 else { return [] }
    let fragments = Array(all[1...])
    if declaredFrames == 1 { return [Frame(ranges: fragments, bitOffset: 0)] }
    let starts = offsets(table, fragments) ?? beginnings(fragments)
    var frames: [Frame] = []
    for (place, first) in starts.enumerated() where frames.count < declaredFrames {
      let end = place + 1 < starts.count ? starts[place + 1] : fragments.count
      frames.append(Frame(ranges: Array(fragments[first..<end]), bitOffset: 0))
    }
    return frames
  }

  /// The first fragment of each frame by an offset table; nil if there is none that agrees with the fragments.
  private func offsets(_ table: Range<Int>, _ fragments: [Range<Int>]) -> [Int]? {
    var offsets = extendedOffsets
    if offsets.isEmpty, let bytes = element.tape.source.bytes(at: table.lowerBound, count: table.count) {
      offsets = (0..<bytes.count / 4).map {
        BinaryWord.load(bytes, at: 4 * $0, size: 4, isBigEndian: element.isBigEndian)
      }
    }
    guard !offsets.isEmpty, offsets.first == 0 else { return nil }
    // PS3.5 A.4: offsets count from the first byte of the first fragment's item tag.
    let base = fragments[0].lowerBound - 8
    var starts: [Int] = []
    var place = 0
    for offset in offsets {
      guard offset < UInt64(Int.max - base) else { return nil }
      while place < fragments.count, fragments[place].lowerBound - 8 < base + Int(offset) { place += 1 }
      guard place < fragments.count, fragments[place].lowerBound - 8 == base + Int(offset) else { return nil }
      if let last = starts.last, last >= place { return nil }
      starts.append(place)
    }
    return starts
  }

  /// The first fragment of each frame where no table tells it.
  private func beginnings(_ fragments: [Range<Int>]) -> [Int] {
    if fragments.count <= declaredFrames { return Array(fragments.indices) }
    let starts = fragments.indices.filter { beginsStream(fragments[$0]) }
    return starts.first == 0 ? starts : Array(fragments.indices.prefix(declaredFrames))
  }

  /// JPEG and JPEG-LS begin with SOI, JPEG 2000 with SOC and SIZ, JPEG XL with FF0A or its container's signature.
  private func beginsStream(_ fragment: Range<Int>) -> Bool {
    guard let head = element.tape.source.bytes(at: fragment.lowerBound, count: min(4, fragment.count)), head.count == 4
    else { return false }
    switch (head[0], head[1], head[2]) {
    case (0xFF, 0xD8, 0xFF), (0xFF, 0x4F, 0xFF), (0xFF, 0x0A, _): return true
    default: return false
    }
  }
}

extension DataElement {
  /// A table of 64-bit numbers, whatever the VR says.
  fileprivate var words64: [UInt64] {
    let value = bytes
    return (0..<value.count / 8).map { BinaryWord.load(value, at: 8 * $0, size: 8, isBigEndian: isBigEndian) }
  }
}
