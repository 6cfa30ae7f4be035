import DICOMCore
import DICOMweb

/// Where the attributes of a search's answers come from, decided once for all its matches.
struct AnswerForm {
  /// Where an attribute's value is.
  enum Source: Hashable {
    /// Kept in the row of a level.
    case kept(Target.Level)
    /// In the metadata of the newest instance.
    case metadata
    case modalitiesInStudy
    case numberOfStudyRelatedSeries, numberOfStudyRelatedInstances, numberOfSeriesRelatedInstances
    case retrieveURL
    case availableTransferSyntaxUID
    case instanceAvailability
  }

  /// Ascending by tag.
  let attributes: [(tag: Tag, source: Source)]
  /// Whether some are in metadata only.
  let needsMetadata: Bool

  init(_ query: DICOMQuery) {
    let level = query.scope.level
    attributes = query.matchSet.tags.map { ($0, Self.source($0, level)) }
    needsMetadata = attributes.contains { $0.source == .metadata }
  }

  private static func source(_ tag: Tag, _ level: Target.Level) -> Source {
    switch tag {
    case .modalitiesInStudy: return .modalitiesInStudy
    case .numberOfStudyRelatedSeries: return .numberOfStudyRelatedSeries
    case .numberOfStudyRelatedInstances: return .numberOfStudyRelatedInstances
    case .numberOfSeriesRelatedInstances where level >= .series: return .numberOfSeriesRelatedInstances
    case .retrieveURL: return .retrieveURL
    case .instanceAvailability: return .instanceAvailability
    case .availableTransferSyntaxUID where level == .instance: return .availableTransferSyntaxUID
    default: break
    }
    let kept: [(Target.Level, Set<UInt32>)] = [
      (.instance, instance), (.series, series), (.study, study),
    ]
    for (own, tags) in kept where own <= level && tags.contains(tag.rawValue) { return .kept(own) }
    return .metadata
  }

  private static let study = Set(KeptAttributes.study)
  private static let series = Set(KeptAttributes.series)
  private static let instance = Set(KeptAttributes.instance)
}
