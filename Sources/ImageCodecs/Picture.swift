internal import CImageCodecs

/// A picture for the eye: 8 bits, greyscale or RGB, interleaved.
public struct Picture: Sendable, Equatable {
  public let columns: Int
  public let rows: Int
  /// 1 or 3.
  public let samples: Int
  public let bytes: [UInt8]

  public init(columns: Int, rows: Int, samples: Int, bytes: [UInt8]) {
    self.columns = columns
    self.rows = rows
    self.samples = samples
    self.bytes = bytes
  }

  private var described: ic_image {
    ic_image(
      columns: UInt32(columns), rows: UInt32(rows), samples: UInt32(samples), bytes: 1, bits: 8, is_signed: 0,
      is_transformed: 0)
  }

  /// - Parameter quality: 1 to 100.
  public func jpeg(quality: Int) throws(ImageError) -> [UInt8] {
    guard (1...100).contains(quality) else { throw ImageError(.invalidParameter) }
    var image = described
    return try encodedStream(bytes) { ic_jpeg_encode(&image, $0, Int32(quality), quality < 90 ? 1 : 0, &$1) }
  }

  public func png() throws(ImageError) -> [UInt8] {
    var image = described
    // Level 3: half the time of zlib's usual 6 for a few percent of size.
    return try encodedStream(bytes) { ic_png_encode(&image, $0, 3, &$1) }
  }

  public func gif() throws(ImageError) -> [UInt8] {
    var writer = try GIFWriter(self, isMoving: false)
    try writer.append(self)
    writer.end()
    return writer.take()
  }

  // MARK: Size

  /// The part of the picture that a viewport shows, as large as fits in it.
  /// - Throws: `invalidParameter` if the part lies outside of the picture; `tooLarge`.
  func shown(in viewport: Viewport, limits: CodecLimits) throws(ImageError) -> Picture {
    let width = viewport.width.map { abs($0) } ?? Double(columns) - viewport.left
    let height = viewport.height.map { abs($0) } ?? Double(rows) - viewport.top
    guard width > 0, height > 0, viewport.left + width <= Double(columns), viewport.top + height <= Double(rows) else {
      throw ImageError(.invalidParameter)
    }
    guard viewport.columns <= limits.renderedSideMax, viewport.rows <= limits.renderedSideMax else {
      throw ImageError(.tooLarge)
    }
    let scale = min(Double(viewport.columns) / width, Double(viewport.rows) / height)
    let across = max(1, Int((width * scale).rounded()))
    let down = max(1, Int((height * scale).rounded()))
    let area = across.multipliedReportingOverflow(by: down)
    guard !area.overflow, area.partialValue <= limits.renderedPixelsMax else { throw ImageError(.tooLarge) }
    return scaled(
      Resampling(from: viewport.left, width, of: columns, to: across, isMirrored: (viewport.width ?? 1) < 0),
      Resampling(from: viewport.top, height, of: rows, to: down, isMirrored: (viewport.height ?? 1) < 0))
  }

  /// The picture with no side longer than `side`.
  func reduced(to side: Int) -> Picture {
    guard max(columns, rows) > side else { return self }
    let scale = Double(side) / Double(max(columns, rows))
    return scaled(
      Resampling(from: 0, Double(columns), of: columns, to: max(1, Int((Double(columns) * scale).rounded()))),
      Resampling(from: 0, Double(rows), of: rows, to: max(1, Int((Double(rows) * scale).rounded()))))
  }

  private func scaled(_ across: Resampling, _ down: Resampling) -> Picture {
    let (width, height) = (across.taps.count, down.taps.count)
    let stride = width * samples
    var result = [UInt8](repeating: 0, count: stride * height)
    // Rows of the source, resampled across; each is needed by a few neighbouring rows of the result at most.
    var held: [Int: [Float]] = [:]
    bytes.withUnsafeBufferPointer { source in
      for (row, tap) in down.taps.enumerated() {
        let needed = tap.start..<tap.start + tap.weights.count
        held = held.filter { needed.contains($0.key) }
        var line = [Float](repeating: 0.5, count: stride)
        for (place, weight) in zip(needed, tap.weights) {
          let resampled = held[place] ?? resample(source, place, across)
          held[place] = resampled
          for index in 0..<stride { line[index] += resampled[index] * weight }
        }
        for index in 0..<stride { result[row * stride + index] = UInt8(min(255, max(0, line[index]))) }
      }
    }
    return Picture(columns: width, rows: height, samples: samples, bytes: result)
  }

  private func resample(_ source: UnsafeBufferPointer<UInt8>, _ row: Int, _ across: Resampling) -> [Float] {
    var line = [Float](repeating: 0, count: across.taps.count * samples)
    let start = row * columns * samples
    for (column, tap) in across.taps.enumerated() {
      for sample in 0..<samples {
        var sum: Float = 0
        var place = start + tap.start * samples + sample
        for weight in tap.weights {
          sum += Float(source[place]) * weight
          place += samples
        }
        line[column * samples + sample] = sum
      }
    }
    return line
  }
}

/// Which pixels of a line make each pixel of a longer or shorter one: the mean of those it covers where it gets
/// shorter, the two nearest where it gets longer.
struct Resampling {
  struct Tap {
    let start: Int
    let weights: [Float]
  }

  let taps: [Tap]

  init(from start: Double, _ length: Double, of count: Int, to resultCount: Int, isMirrored: Bool = false) {
    let step = length / Double(resultCount)
    let taps = (0..<resultCount).map { place in
      step >= 1
        ? Self.mean(start + Double(place) * step, start + Double(place + 1) * step, count)
        : Self.between(start + (Double(place) + 0.5) * step - 0.5, count)
    }
    self.taps = isMirrored ? taps.reversed() : taps
  }

  private static func mean(_ from: Double, _ to: Double, _ count: Int) -> Tap {
    let first = Int(from).clamped(to: 0...count - 1)
    let last = max(first, (Int(to.rounded(.up)) - 1).clamped(to: 0...count - 1))
    let covers = (first...last).map { Float(max(1e-6, min(to, Double($0 + 1)) - max(from, Double($0)))) }
    let sum = covers.reduce(0, +)
    return Tap(start: first, weights: covers.map { $0 / sum })
  }

  private static func between(_ place: Double, _ count: Int) -> Tap {
    let first = Int(place.rounded(.down)).clamped(to: 0...count - 1)
    let share = Float(place - Double(first)).clamped01
    return first + 1 < count && share > 0
      ? Tap(start: first, weights: [1 - share, share]) : Tap(start: first, weights: [1])
  }
}

extension Float {
  fileprivate var clamped01: Float { Swift.min(1, Swift.max(0, self)) }
}
