public import DICOMCore

/// Which attributes a search's answer has: defaults by version and level, what was searched for, what was asked for.
public struct MatchSet: Hashable, Sendable {
  /// Ascending. Those that a match has no value for are simply not there, or empty.
  public let tags: [Tag]

  public init(_ tags: some Sequence<Tag>) { self.tags = Set(tags).sorted() }

  public func contains(_ tag: Tag) -> Bool {
    var low = 0
    var high = tags.count
    while low < high {
      let middle = (low + high) / 2
      if tags[middle] < tag { low = middle + 1 } else { high = middle }
    }
    return low < tags.count && tags[low] == tag
  }

  /// - Parameters:
  ///   - includesAll: `includefield=all`.
  ///   - includes: attributes of `includefield`; of one within a sequence, the sequence.
  ///   - keys: what is searched for.
  public init(
    _ version: DICOMVersion, _ scope: SearchScope, includesAll: Bool = false, includes: [Tag] = [],
    keys: [SearchKey] = []
  ) {
    var tags = Set(includes)
    for level in Target.Level.allCases where level <= scope.level && !scope.names(level) {
      tags.formUnion(includesAll ? Self.all(version, level) : Self.defaults(version, level))
    }
    for key in keys { if let tag = key.path.first { tags.insert(tag) } }
    if scope.study != nil { tags.insert(.studyInstanceUID) }
    if scope.series != nil { tags.insert(.seriesInstanceUID) }
    self.init(tags)
  }

  /// PS3.18 tables 10.6.3-3 to 10.6.3-5 for the standard's form; else what Microsoft's service answers, whose v1 names
  /// InstanceAvailability, too, but never has it: here it is answered where it is asked for.
  private static func defaults(_ version: DICOMVersion, _ level: Target.Level) -> [Tag] {
    switch (version, level) {
    case (.v1, .study): v1Study
    case (.v1, .series): v1Series
    case (.v1, .instance): v1Instance
    case (.v2, .study):
      [
        .studyInstanceUID, .studyDate, .studyDescription, .accessionNumber, .referringPhysicianName, .patientName,
        .patientID, .patientBirthDate,
      ]
    case (.v2, .series): [.seriesInstanceUID, .modality, .performedProcedureStepStartDate, .manufacturerModelName]
    case (.v2, .instance): [.sopInstanceUID]
    case (.standard, .study):
      v1Study + [
        .instanceAvailability, .modalitiesInStudy, .retrieveURL, .numberOfStudyRelatedSeries,
        .numberOfStudyRelatedInstances,
      ]
    case (.standard, .series): v1Series + [.seriesNumber, .retrieveURL, .numberOfSeriesRelatedInstances]
    case (.standard, .instance): v1Instance + [.instanceAvailability, .retrieveURL, .availableTransferSyntaxUID]
    }
  }

  private static let v1Study: [Tag] = [
    .specificCharacterSet, .studyDate, .studyTime, .accessionNumber, .referringPhysicianName, .timezoneOffsetFromUTC,
    .patientName, .patientID, .patientBirthDate, .patientSex, .studyInstanceUID, .studyID,
  ]
  private static let v1Series: [Tag] = [
    .specificCharacterSet, .modality, .timezoneOffsetFromUTC, .seriesDescription, .seriesInstanceUID,
    .performedProcedureStepStartDate, .performedProcedureStepStartTime, .requestAttributesSequence,
  ]
  private static let v1Instance: [Tag] = [
    .specificCharacterSet, .sopClassUID, .sopInstanceUID, .timezoneOffsetFromUTC, .instanceNumber, .rows, .columns,
    .bitsAllocated, .numberOfFrames,
  ]

  private static func all(_ version: DICOMVersion, _ level: Target.Level) -> [Tag] {
    let own = version == .standard ? defaults(.standard, level) : []
    switch level {
    case .study:
      // StudyDescription, AnatomicRegionsInStudyCodeSequence, ProcedureCodeSequence, NameOfPhysiciansReadingStudy,
      // AdmittingDiagnosesDescription, ReferencedStudySequence, Occupation, AdditionalPatientHistory.
      return own + v1Study + [
        .studyDescription, Tag(0x0008, 0x0063), Tag(0x0008, 0x1032), Tag(0x0008, 0x1060), Tag(0x0008, 0x1080),
        Tag(0x0008, 0x1110), .patientAge, .patientSize, .patientWeight, Tag(0x0010, 0x2180), Tag(0x0010, 0x21B0),
      ]
    case .series:
      // Laterality.
      return own + v1Series + [.seriesNumber, Tag(0x0020, 0x0060), .seriesDate, .seriesTime, .manufacturerModelName]
    case .instance: return own + v1Instance
    }
  }
}

extension SearchScope {
  /// Whether the address itself names the entity of a level, so that its attributes need not be told.
  func names(_ level: Target.Level) -> Bool {
    switch level {
    case .study: study != nil
    case .series: series != nil
    case .instance: false
    }
  }
}
