public import DICOMCore

/// What is asked of a DICOM service (PS3.18 §8.1.1, and Microsoft's additions to it).
public enum DICOMInteraction: Hashable, Sendable {
  /// STOW-RS (§10.5); with a study, all instances have to be its.
  case store(study: UID?)
  /// QIDO-RS (§10.6).
  case search(SearchScope)
  /// WADO-RS (§10.4): the instances of a target.
  case retrieve(Target)
  case metadata(Target)
  /// Frames of an instance, from 1, in the order they were asked for.
  case frames(Target, [Int])
  /// Nil frames: all that the target has.
  case rendered(Target, frames: [Int]?)
  case thumbnail(Target, frames: [Int]?)
  /// Bulk data: all of a target's where the path is empty, else the value that the path below `bulkdata` names.
  case bulkData(Target, path: [String])
  case pixelData(Target)
  /// Microsoft's; the standard has no deletion of studies.
  case delete(Target)
  /// Microsoft's feed of changes.
  case changeFeed
  case changeFeedLatest
  /// Microsoft's list of data partitions.
  case partitions
  /// Retrieve Capabilities (§8.9).
  case capabilities
  /// WADO-URI (§9): `requestType=WADO`.
  case wadoURI
}

extension DICOMInteraction {
  /// Whether it changes what is stored.
  public var isWrite: Bool {
    switch self {
    case .store, .delete: true
    default: false
    }
  }

  /// Whether it belongs to one partition where a service has partitions.
  public var isPartitioned: Bool {
    switch self {
    case .changeFeed, .changeFeedLatest, .partitions, .capabilities: false
    default: true
    }
  }
}

/// Where a search looks, from the path (PS3.18 table 10.6.1-1).
public struct SearchScope: Hashable, Sendable {
  /// What is searched for.
  public let level: Target.Level
  /// Within this study.
  public let study: UID?
  /// Within this series of the study.
  public let series: UID?

  public init(_ level: Target.Level, study: UID? = nil, series: UID? = nil) {
    self.level = level
    self.study = study
    self.series = series
  }
}
