internal import DICOMCore

/// Where a slice is in the patient (PS3.3 C.7.6.2): one series' slices lie side by side.
struct SliceGeometry {
  let plane: Phantom.Plane
  /// Millimetres between the centres of neighbouring pixels.
  let rowSpacing: Micro
  let columnSpacing: Micro
  let thickness: Micro
  /// Of the slice's centre along its normal, millimetres.
  let location: Micro
  /// Of the first pixel's centre, millimetres.
  let position: [Micro]

  /// The side of the picture, millimetres.
  static let fieldOfView = 400.0
  /// Of the phantom that is looked at, along the normal.
  private static func depth(_ plane: Phantom.Plane) -> Double {
    switch plane {
    case .axial: 480
    case .sagittal: 300
    case .coronal: 200
    }
  }

  init(_ modality: StudyOptions.Modality, _ options: StudyOptions, series: Int, slice: Int) {
    let planes: [Phantom.Plane] = modality == .mr ? [.axial, .sagittal, .coronal] : [.axial]
    plane = planes[(series - 1) % planes.count]
    rowSpacing = Micro(Self.fieldOfView / Double(options.rows))
    columnSpacing = Micro(Self.fieldOfView / Double(options.columns))
    let count = options.instancesPerSeries
    // Slices of more than 5 mm leave gaps between them out; they are thin where there are many.
    thickness = Micro(min(5, max(0.1, Self.depth(plane) / Double(count))))
    let first = -thickness.millionths * (count - 1) / 2
    location = Micro(millionths: first + thickness.millionths * slice)
    let left = Micro(millionths: Int(-Self.fieldOfView * 5e5) + columnSpacing.millionths / 2)
    let top = Micro(millionths: Int(-Self.fieldOfView * 5e5) + rowSpacing.millionths / 2)
    let bottomUp = Micro(millionths: -top.millionths)
    switch plane {
    case .axial: position = [left, top, location]
    case .sagittal: position = [location, left, bottomUp]
    case .coronal: position = [left, location, bottomUp]
    }
  }

  /// Directions of rows and columns (PS3.3 C.7.6.2.1.1).
  var orientation: String {
    switch plane {
    case .axial: #"1\0\0\0\1\0"#
    case .sagittal: #"0\1\0\0\0\-1"#
    case .coronal: #"1\0\0\0\0\-1"#
    }
  }

  var slice: Phantom.Slice {
    Phantom.Slice(plane: plane, place: location.value / 200, reach: Self.fieldOfView / 400)
  }
}
