internal import DICOMCore

/// From stored values to values of the modality (PS3.3 C.11.1), such as Hounsfield units.
enum ModalityTransformation {
  case identity
  case rescale(slope: Double, intercept: Double)
  case table(LookupTable)

  /// The frame's: of functional groups (PS3.3 C.7.6.16.2.9) or of the data set.
  init(_ groups: FrameGroups, isSigned: Bool) {
    if let item = groups.dataSet[.modalityLUTSequence]?.items.first(where: { _ in true })?.dataSet,
      let table = LookupTable(descriptor: item[.lutDescriptor], data: item[.lutData], isSigned: isSigned)
    {
      self = .table(table)
      return
    }
    let holder = groups.item(.pixelValueTransformationSequence) ?? groups.dataSet
    guard let slope = holder[.rescaleSlope]?.double, let intercept = holder[.rescaleIntercept]?.double,
      slope.isFinite, intercept.isFinite, slope != 0
    else {
      self = .identity
      return
    }
    self = .rescale(slope: slope, intercept: intercept)
  }

  @inline(__always)
  func callAsFunction(_ value: Double) -> Double {
    switch self {
    case .identity: value
    case .rescale(let slope, let intercept): value * slope + intercept
    case .table(let table): Double(table[value > 1e9 ? 1 << 30 : value < -1e9 ? -(1 << 30) : Int(value)])
    }
  }
}

/// Where the attributes of one frame are: in its functional groups, in those shared by all frames, or in the data set
/// (PS3.3 C.7.6.16).
struct FrameGroups {
  let dataSet: DataSet
  private let own: DataSet?
  private let shared: DataSet?

  init(_ dataSet: DataSet, frame: Int) {
    self.dataSet = dataSet
    shared = dataSet[.sharedFunctionalGroupsSequence]?.items.first(where: { _ in true })?.dataSet
    var items = dataSet[.perFrameFunctionalGroupsSequence]?.items
    var found: DataSet?
    for number in 0...frame {
      guard let item = items?.next() else { break }
      if number == frame { found = item.dataSet }
    }
    own = found
  }

  /// The item of a functional group.
  func item(_ group: Tag) -> DataSet? {
    for holder in [own, shared] {
      if let item = holder?[group]?.items.first(where: { _ in true })?.dataSet { return item }
    }
    return nil
  }
}
