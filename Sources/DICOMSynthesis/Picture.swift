/// The pixels of an instance, painted from the phantom.
struct Picture {
  private let modality: StudyOptions.Modality
  private let rows: Int
  private let columns: Int
  private let frames: Int
  private let geometry: SliceGeometry
  /// Which of the contrasts an MR series has.
  private let weighting: Int

  init(_ modality: StudyOptions.Modality, _ options: StudyOptions, _ geometry: SliceGeometry, weighting: Int) {
    self.modality = modality
    self.geometry = geometry
    self.weighting = weighting
    rows = options.rows
    columns = options.columns
    frames = modality == .us ? options.frames : 1
  }

  /// Whether samples have 16 bits.
  var isWords: Bool { modality != .us }

  var byteCount: Int { rows * columns * (isWords ? 2 : 3 * frames) }

  /// Values of tissues, in the order of `Phantom.Tissue`: air, fat, muscle, lung, blood, liver, kidney, bone, marrow,
  /// lesion, table.
  private var brightness: [Int16] {
    switch modality {
    // Hounsfield units and 1024.
    case .ct: [24, 930, 1_070, 250, 1_190, 1_085, 1_150, 1_750, 1_230, 1_140, 1_110]
    case .mr where weighting % 2 == 1: [30, 1_150, 480, 90, 120, 560, 470, 60, 900, 420, 30]
    default: [30, 800, 260, 80, 100, 340, 780, 50, 620, 950, 30]
    }
  }

  /// The largest value of 12 bits.
  private static let most: Int16 = 4_095

  func paint(
    _ phantom: Phantom, slice: Int, of count: Int, _ random: inout SyntheticRandom,
    into pixels: UnsafeMutableRawBufferPointer
  ) {
    guard isWords, let words = pixels.baseAddress?.assumingMemoryBound(to: UInt16.self) else {
      paintUltrasound(phantom, slice, &random, into: pixels)
      return
    }
    if modality == .cr {
      paintProjection(phantom, &random, into: words)
    } else {
      phantom.paint(
        geometry.slice, rows: rows, columns: columns, brightness: brightness, most: Self.most, &random, into: words)
    }
  }

  /// How much of the rays tissues keep back.
  private static let weights = [0, 0.8, 1, -0.85, 0.1, 0.1, 0.1, 0.6, -0.2, 0.2, 0]

  private func paintProjection(
    _ phantom: Phantom, _ random: inout SyntheticRandom, into pixels: UnsafeMutablePointer<UInt16>
  ) {
    var row = [Int16](repeating: 0, count: columns)
    for number in 0..<rows {
      let z = 1 - (Double(number) + 0.5) / Double(rows) * 2
      for column in 0..<columns {
        let x = (Double(column) + 0.5) / Double(columns) * 2 - 1
        let kept = phantom.projection(x: x, z: z, weights: Self.weights)
        row[column] = Int16(max(0, min(4_000, 300 + kept * 2_400)))
      }
      row.withUnsafeMutableBufferPointer {
        Noise.shared.add(to: $0, most: Self.most, random.next(), into: pixels + number * columns)
      }
    }
  }

  // MARK: Ultrasound

  /// A sector with speckle, chambers that widen and narrow from frame to frame, and colour where blood flows.
  private func paintUltrasound(
    _ phantom: Phantom, _ slice: Int, _ random: inout SyntheticRandom, into pixels: UnsafeMutableRawBufferPointer
  ) {
    let frameBytes = rows * columns * 3
    pixels.initializeMemory(as: UInt8.self, repeating: 0)
    for frame in 0..<frames {
      let phase = Double((frame + slice) % 12) / 12
      let width = 0.16 + 0.06 * (phase < 0.5 ? phase : 1 - phase)
      for number in 0..<rows {
        let depth = (Double(number) + 0.5) / Double(rows)
        let start = frame * frameBytes + number * columns * 3
        paintRow(
          UnsafeMutableRawBufferPointer(rebasing: pixels[start..<start + columns * 3]), depth: depth, width: width,
          flowsIn: phase < 0.5, noise: Int(truncatingIfNeeded: random.next() >> 32))
      }
    }
  }

  private func paintRow(
    _ row: UnsafeMutableRawBufferPointer, depth: Double, width: Double, flowsIn: Bool, noise: Int
  ) {
    // The sector's sides fall away from the middle of the upper edge.
    let half = depth * 0.7
    let distance = (depth - 0.55) / 0.2
    let chamber = distance * distance < 1 ? width * (1 - distance * distance).squareRoot() : 0
    for column in 0..<columns {
      let across = (Double(column) + 0.5) / Double(columns) * 2 - 1
      let side = abs(across)
      guard side < half else { continue }
      let speckle = Noise.shared[noise &+ column]
      let isBlood = abs(side - 0.22) < chamber
      let grey = max(0, min(255, (isBlood ? 25 : 120) + speckle * 2))
      let (x, y) = (isBlood ? min(255, grey * 3 + 60) : grey, isBlood ? grey / 2 : grey)
      row[column * 3] = UInt8(truncatingIfNeeded: flowsIn ? x : y)
      row[column * 3 + 1] = UInt8(truncatingIfNeeded: isBlood ? grey / 3 : grey)
      row[column * 3 + 2] = UInt8(truncatingIfNeeded: flowsIn ? y : x)
    }
  }
}
