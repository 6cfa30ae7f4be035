/// A body of ellipsoids, and pictures of it.
///
/// Lengths are in units of 200 mm from the centre: x to the patient's left, y to the back, z to the head, as in the
/// patient-based coordinate system (PS3.3 C.7.6.2.1.1).
struct Phantom: Sendable {
  /// What an ellipsoid is made of; its number is the place of its brightness in a table.
  enum Tissue: Int, CaseIterable, Sendable {
    case air, fat, muscle, lung, blood, liver, kidney, bone, marrow, lesion, table
  }

  struct Ellipsoid: Sendable {
    var center: SIMD3<Double>
    var radii: SIMD3<Double>
    let tissue: Tissue
  }

  /// Which way a picture's columns, rows and slices go.
  enum Plane: Int, CaseIterable, Sendable {
    case axial, sagittal, coronal

    /// Places of (x, y, z): along a row, down a column, from slice to slice.
    var axes: (u: Int, v: Int, n: Int) {
      switch self {
      case .axial: (0, 1, 2)
      case .sagittal: (1, 2, 0)
      case .coronal: (0, 2, 1)
      }
    }

    /// Whether rows go down from the head.
    var isUpright: Bool { self != .axial }
  }

  /// In painter's order.
  let ellipsoids: [Ellipsoid]

  /// A body a little unlike others.
  init(random: inout SyntheticRandom) {
    let girth = random.within(0.9...1.08)
    let height = random.within(0.95...1.05)
    var ellipsoids = Self.organs.map { organ in
      var organ = organ
      let scale = SIMD3(girth, girth, height)
      organ.center *= scale
      organ.radii *= scale
      return organ
    }
    let place = SIMD3(random.within(-0.45...0.45), random.within(-0.2...0.2), random.within(-0.6...0.6))
    let size = random.within(0.03...0.09)
    ellipsoids.append(Ellipsoid(center: place, radii: SIMD3(size, size, size), tissue: .lesion))
    self.ellipsoids = ellipsoids
  }

  private static let organs: [Ellipsoid] = [
    organ(.table, 0, 0.72, 0, 0.75, 0.05, 4),
    organ(.fat, 0, 0, 0, 0.82, 0.58, 1.4), organ(.muscle, 0, 0.01, 0, 0.77, 0.53, 1.36),
    organ(.lung, -0.38, -0.05, 0.4, 0.28, 0.37, 0.6), organ(.lung, 0.38, -0.05, 0.4, 0.27, 0.36, 0.6),
    organ(.blood, 0.1, -0.15, 0.2, 0.22, 0.2, 0.28), organ(.liver, -0.3, -0.06, -0.5, 0.38, 0.36, 0.35),
    organ(.liver, 0.5, 0.12, -0.45, 0.13, 0.18, 0.2), organ(.kidney, -0.3, 0.22, -0.75, 0.1, 0.11, 0.22),
    organ(.kidney, 0.3, 0.22, -0.72, 0.1, 0.11, 0.22), organ(.blood, 0.06, 0.2, 0, 0.055, 0.055, 1.3),
    organ(.bone, 0, 0.36, 0, 0.13, 0.12, 1.34), organ(.marrow, 0, 0.36, 0, 0.1, 0.09, 1.33),
    organ(.bone, 0, 0.47, 0, 0.08, 0.07, 1.33), organ(.muscle, 0, 0.46, 0, 0.045, 0.045, 1.33),
  ]

  private static func organ(
    _ tissue: Tissue, _ x: Double, _ y: Double, _ z: Double, _ a: Double, _ b: Double, _ c: Double
  ) -> Ellipsoid {
    Ellipsoid(center: SIMD3(x, y, z), radii: SIMD3(a, b, c), tissue: tissue)
  }

  // MARK: Slices

  /// What a slice is: its plane, where it is, and the size of the square picture.
  struct Slice {
    let plane: Plane
    /// From the centre.
    let place: Double
    /// Half the picture's side.
    let reach: Double
  }

  /// Paints one slice: each pixel the brightness of its tissue, and noise.
  /// - Parameters:
  ///   - brightness: by tissue.
  ///   - most: the largest value of a pixel.
  func paint(
    _ slice: Slice, rows: Int, columns: Int, brightness: [Int16], most: Int16, _ random: inout SyntheticRandom,
    into pixels: UnsafeMutablePointer<UInt16>
  ) {
    let axes = slice.plane.axes
    let cut = ellipsoids.compactMap { ellipsoid -> Ellipse? in
      let distance = (slice.place - ellipsoid.center[axes.n]) / ellipsoid.radii[axes.n]
      let rest = 1 - distance * distance
      guard rest > 0 else { return nil }
      let scale = rest.squareRoot()
      return Ellipse(
        u: ellipsoid.center[axes.u], v: ellipsoid.center[axes.v], a: ellipsoid.radii[axes.u] * scale,
        b: ellipsoid.radii[axes.v] * scale, value: brightness[ellipsoid.tissue.rawValue])
    }
    let scale = Double(columns) / (2 * slice.reach)
    var row = [Int16](repeating: 0, count: columns)
    for number in 0..<rows {
      let down = ((Double(number) + 0.5) / Double(rows) * 2 - 1) * slice.reach
      let v = slice.plane.isUpright ? -down : down
      row.withUnsafeMutableBufferPointer { row in
        row.update(repeating: brightness[Tissue.air.rawValue])
        for ellipse in cut {
          guard let span = ellipse.span(at: v) else { continue }
          let first = max(0, Int(((span.lowerBound + slice.reach) * scale).rounded()))
          let last = min(columns, Int(((span.upperBound + slice.reach) * scale).rounded()))
          if first < last { for place in first..<last { row[place] = ellipse.value } }
        }
        Noise.shared.add(to: row, most: most, random.next(), into: pixels + number * columns)
      }
    }
  }

  private struct Ellipse {
    let u: Double
    let v: Double
    let a: Double
    let b: Double
    let value: Int16

    func span(at row: Double) -> ClosedRange<Double>? {
      let distance = (row - v) / b
      let rest = 1 - distance * distance
      guard rest > 0 else { return nil }
      let half = a * rest.squareRoot()
      return u - half...u + half
    }
  }

  // MARK: Projections

  /// How much of each tissue a ray from front to back goes through, summed up with a weight for each tissue.
  func projection(x: Double, z: Double, weights: [Double]) -> Double {
    ellipsoids.reduce(0) { sum, ellipsoid in
      let (u, n) = ((x - ellipsoid.center.x) / ellipsoid.radii.x, (z - ellipsoid.center.z) / ellipsoid.radii.z)
      let rest = 1 - u * u - n * n
      return rest > 0 ? sum + weights[ellipsoid.tissue.rawValue] * ellipsoid.radii.y * rest.squareRoot() : sum
    }
  }
}

/// Noise of nearly normal distribution, drawn once and used from ever other places.
struct Noise: Sendable {
  /// The standard deviation of CT and MR noise, in steps of the pixels' values: with 6 a picture deflates to about
  /// 1 : 2.3, as pictures of patients do.
  static let deviation = 6.0
  private static let count = 1 << 20
  static let shared = Noise()

  private let values: [Int16]

  private init() {
    var random = SyntheticRandom(0x6E6F_6973_65)
    // The sum of four uniform numbers of 16 bits has a deviation of 2 × 65536 / √12.
    let scale = Noise.deviation / (2 * 65_536 / 12.0.squareRoot())
    values = (0..<Noise.count).map { _ in
      let word = random.next()
      let sum = (0..<4).reduce(0) { $0 + Int(word >> UInt64(16 * $1) & 0xFFFF) } - 2 * 65_535
      return Int16((Double(sum) * scale).rounded())
    }
  }

  /// Adds noise to a row, holds it between 0 and `most`, and writes it in little endian.
  /// - Parameter place: any number; rows with unlike ones have unlike noise.
  func add(
    to row: UnsafeMutableBufferPointer<Int16>, most: Int16, _ place: UInt64, into pixels: UnsafeMutablePointer<UInt16>
  ) {
    values.withUnsafeBufferPointer { values in
      var done = 0
      var start = Int(truncatingIfNeeded: place % UInt64(Noise.count))
      while done < row.count {
        let count = min(row.count - done, Noise.count - start)
        for index in 0..<count {
          let value = row[done + index] &+ values[start + index]
          pixels[done + index] = UInt16(bitPattern: min(max(value, 0), most)).littleEndian
        }
        done += count
        start = 0
      }
    }
  }

  subscript(place: Int) -> Int { Int(values[place & (Noise.count - 1)]) }
}
