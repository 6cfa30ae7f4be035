public import DICOMCore
public import DICOMweb

/// A page of a search.
public struct SearchResult: Sendable {
  /// Newest first.
  public let matches: [SearchMatch]
  /// Matches behind the page; `isRemainingExact` false: at least so many.
  public let remaining: Int
  public let isRemainingExact: Bool

  static let none = SearchResult(matches: [], remaining: 0, isRemainingExact: true)
}

/// A study, series or instance that was found, with the attributes asked for.
public struct SearchMatch: Sendable {
  public let studyUID: UID
  /// Nil for a study.
  public let seriesUID: UID?
  /// Nil for a study or series.
  public let instanceUID: UID?
  /// The finished DICOM JSON object.
  public let json: [UInt8]

  public var target: Target {
    guard let seriesUID else { return Target(study: studyUID) }
    guard let instanceUID else { return Target(study: studyUID, series: seriesUID) }
    return Target(study: studyUID, series: seriesUID, instance: instanceUID)
  }
}
