/// The form of DICOMweb that a client speaks: the first segment below a DICOM service's address.
public enum DICOMVersion: String, Hashable, Sendable, CaseIterable {
  /// `/v1`, also `/v1.0-prerelease`: Microsoft's first, where an invalid attribute refuses its instance.
  case v1
  /// `/v2`: Microsoft's second, where an invalid attribute is a warning.
  case v2
  /// No version segment: PS3.18 to the letter.
  case standard

  /// By the path segment; nil for one that names no version.
  public init?(segment: some StringProtocol) {
    switch segment {
    case "v1", "v1.0-prerelease": self = .v1
    case "v2": self = .v2
    default: return nil
    }
  }

  /// The path segment, nil for the standard's form, which has none.
  public var segment: String? { self == .standard ? nil : rawValue }
}
