public import DICOMCore

/// A study, a series or an instance, by its unique identifiers (PS3.18 §10.1).
public struct Target: Hashable, Sendable {
  /// The levels of the hierarchy (PS3.4 C.6.1), from the top.
  public enum Level: Int, Hashable, Comparable, Sendable, CaseIterable {
    case study, series, instance

    public static func < (lhs: Level, rhs: Level) -> Bool { lhs.rawValue < rhs.rawValue }
  }

  public let study: UID
  public let series: UID?
  /// Nil wherever `series` is.
  public let instance: UID?

  public init(study: UID) {
    self.study = study
    series = nil
    instance = nil
  }

  public init(study: UID, series: UID) {
    self.study = study
    self.series = series
    instance = nil
  }

  public init(study: UID, series: UID, instance: UID) {
    self.study = study
    self.series = series
    self.instance = instance
  }

  public var level: Level { instance != nil ? .instance : series != nil ? .series : .study }

  /// The path below a service's address, `studies/1.2/series/3.4`, without a slash at either end.
  public var path: String {
    var path = "studies/\(study)"
    if let series { path += "/series/\(series)" }
    if let instance { path += "/instances/\(instance)" }
    return path
  }
}
