import DICOMCore

/// How long each frame of a cine is shown (PS3.3 C.7.6.5).
struct FrameTiming {
  /// Where the data set does not say.
  private static let milliseconds = 100.0
  /// Longer or shorter is taken for an error.
  private static let range = 1.0...60_000.0

  /// Milliseconds from the frame before, for each frame; empty if all are shown equally long.
  private let steps: [Double]
  private let step: Double

  init(_ dataSet: DataSet) {
    func milliseconds(perSecond tag: Tag) -> Double? {
      dataSet[tag]?.double.flatMap { $0 > 0 ? 1_000 / $0 : nil }
    }
    // Frame Time Vector, Frame Time, Cine Rate, Recommended Display Frame Rate.
    steps = dataSet[Tag(0x0018, 0x1065)]?.doubles ?? []
    let step =
      dataSet[Tag(0x0018, 0x1063)]?.double ?? milliseconds(perSecond: Tag(0x0018, 0x0040))
      ?? milliseconds(perSecond: Tag(0x0008, 0x2144))
    self.step = step.flatMap { Self.range.contains($0) ? $0 : nil } ?? Self.milliseconds
  }

  /// - Parameter number: of the frame, from 0.
  func hundredths(_ number: Int) -> Int {
    // A frame stays until the next one's time has come.
    let next = number + 1
    let time = steps.indices.contains(next) && Self.range.contains(steps[next]) ? steps[next] : step
    return Int((time / 10).rounded())
  }
}
