internal import DICOMCore

/// Which values are shown how bright (PS3.3 C.11.2).
public struct Window: Sendable, Equatable {
  /// VOI LUT Function (0028,1056).
  public enum Function: String, Sendable, CaseIterable {
    case linear = "LINEAR"
    case linearExact = "LINEAR_EXACT"
    case sigmoid = "SIGMOID"
  }

  public let center: Double
  public let width: Double
  public let function: Function

  /// Nil if the width is not as PS3.3 C.11.2.1.2 has it: at least 1 for LINEAR, above 0 otherwise.
  public init?(center: Double, width: Double, function: Function = .linear) {
    guard center.isFinite, width.isFinite, function == .linear ? width >= 1 : width > 0 else { return nil }
    self.center = center
    self.width = width
    self.function = function
  }

  /// The brightness of a value, from 0 to 1.
  @inline(__always)
  public func callAsFunction(_ value: Double) -> Double {
    switch function {
    case .linear:
      // C.11.2.1.2.1
      let (center, width) = (center - 0.5, width - 1)
      if value <= center - width / 2 { return 0 }
      if value > center + width / 2 { return 1 }
      return (value - center) / width + 0.5
    case .linearExact:
      // C.11.2.1.3.2
      if value <= center - width / 2 { return 0 }
      if value > center + width / 2 { return 1 }
      return (value - center) / width + 0.5
    case .sigmoid:
      // C.11.2.1.3.1
      return 1 / (1 + exponential(-4 * (value - center) / width))
    }
  }
}

/// The window or table of a frame.
enum VOITransformation {
  case window(Window)
  case table(LookupTable)

  /// The first of what the data set offers; nil if it offers nothing.
  init?(_ groups: FrameGroups, isSigned: Bool) {
    if let item = groups.dataSet[.voiLUTSequence]?.items.first(where: { _ in true })?.dataSet,
      let table = LookupTable(descriptor: item[.lutDescriptor], data: item[.lutData], isSigned: isSigned)
    {
      self = .table(table)
      return
    }
    let holder = groups.item(.frameVOILUTSequence) ?? groups.dataSet
    guard let center = holder[.windowCenter]?.double, let width = holder[.windowWidth]?.double else { return nil }
    let function = holder.string(.voiLUTFunction).flatMap { Window.Function(rawValue: $0) } ?? .linear
    guard let window = Window(center: center, width: width, function: function) else { return nil }
    self = .window(window)
  }

  /// The whole of a range.
  init(_ range: ClosedRange<Double>) {
    let width = max(range.upperBound - range.lowerBound, 1e-12)
    let center = range.lowerBound + width / 2
    if let window = Window(center: center, width: width, function: .linearExact) {
      self = .window(window)
    } else {
      self = .table(LookupTable(firstMapped: 0, bits: 1, entries: [0]))
    }
  }

  /// The brightness of a value, from 0 to 1.
  @inline(__always)
  func callAsFunction(_ value: Double) -> Double {
    switch self {
    case .window(let window): window(value)
    case .table(let table):
      Double(table[value > 1e9 ? 1 << 30 : value < -1e9 ? -(1 << 30) : Int(value.rounded(.down))]) / Double(table.most)
    }
  }
}

/// e to the power of x, to double precision, without a library for it: by halving until a short series suffices.
private func exponential(_ x: Double) -> Double {
  if x > 700 { return .infinity }
  if x < -700 { return 0 }
  let reduced = x / 1024
  var term = 1.0
  var sum = 1.0
  for place in 1...8 {
    term *= reduced / Double(place)
    sum += term
  }
  for _ in 0..<10 { sum *= sum }
  return sum
}
