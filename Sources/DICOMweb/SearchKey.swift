public import DICOMCore

/// The attributes that a search may ask for: all that PS3.18 table 10.6.1-5 requires, and those that Microsoft's
/// service has beside them.
public enum SearchKey: UInt8, Hashable, Sendable, CaseIterable {
  // Study
  case studyInstanceUID, studyDate, studyTime, studyDescription, studyID, accessionNumber, modalitiesInStudy
  case referringPhysicianName, patientName, patientID, patientBirthDate
  // Series
  case seriesInstanceUID, modality, seriesNumber, performedProcedureStepStartDate, performedProcedureStepStartTime
  case manufacturerModelName
  /// Of the items of RequestAttributesSequence.
  case scheduledProcedureStepID, requestedProcedureID
  // Instance
  case sopInstanceUID, sopClassUID, instanceNumber

  /// The attribute: one tag, or a sequence's and one within its items.
  public var path: [Tag] {
    switch self {
    case .studyInstanceUID: [.studyInstanceUID]
    case .studyDate: [.studyDate]
    case .studyTime: [.studyTime]
    case .studyDescription: [.studyDescription]
    case .studyID: [.studyID]
    case .accessionNumber: [.accessionNumber]
    case .modalitiesInStudy: [.modalitiesInStudy]
    case .referringPhysicianName: [.referringPhysicianName]
    case .patientName: [.patientName]
    case .patientID: [.patientID]
    case .patientBirthDate: [.patientBirthDate]
    case .seriesInstanceUID: [.seriesInstanceUID]
    case .modality: [.modality]
    case .seriesNumber: [.seriesNumber]
    case .performedProcedureStepStartDate: [.performedProcedureStepStartDate]
    case .performedProcedureStepStartTime: [.performedProcedureStepStartTime]
    case .manufacturerModelName: [.manufacturerModelName]
    case .scheduledProcedureStepID: [.requestAttributesSequence, .scheduledProcedureStepID]
    case .requestedProcedureID: [.requestAttributesSequence, .requestedProcedureID]
    case .sopInstanceUID: [.sopInstanceUID]
    case .sopClassUID: [.sopClassUID]
    case .instanceNumber: [.instanceNumber]
    }
  }

  /// How its values are written and compared.
  public var vr: VR {
    switch self {
    case .studyInstanceUID, .seriesInstanceUID, .sopInstanceUID, .sopClassUID: .UI
    case .studyDate, .patientBirthDate, .performedProcedureStepStartDate: .DA
    case .studyTime, .performedProcedureStepStartTime: .TM
    case .studyID, .accessionNumber, .scheduledProcedureStepID, .requestedProcedureID: .SH
    case .studyDescription, .patientID, .manufacturerModelName: .LO
    case .patientName, .referringPhysicianName: .PN
    case .modality, .modalitiesInStudy: .CS
    case .seriesNumber, .instanceNumber: .IS
    }
  }

  /// The level whose entity has it.
  public var level: Target.Level {
    switch self {
    case .studyInstanceUID, .studyDate, .studyTime, .studyDescription, .studyID, .accessionNumber, .modalitiesInStudy,
      .referringPhysicianName, .patientName, .patientID, .patientBirthDate:
      .study
    case .seriesInstanceUID, .modality, .seriesNumber, .performedProcedureStepStartDate,
      .performedProcedureStepStartTime, .manufacturerModelName, .scheduledProcedureStepID, .requestedProcedureID:
      .series
    case .sopInstanceUID, .sopClassUID, .instanceNumber: .instance
    }
  }

  /// The keyword of PS3.6, with its sequence's in front.
  public var keyword: String { path.compactMap(\.keyword).joined(separator: ".") }

  /// The key of an attribute, nil for one that cannot be searched for.
  public init?(path: [Tag]) {
    guard let key = SearchKey.byPath[path] else { return nil }
    self = key
  }

  private static let byPath = Dictionary(uniqueKeysWithValues: allCases.map { ($0.path, $0) })

  /// Whether `*` and `?` are wildcards in its values (PS3.4 C.2.2.2.4).
  public var hasWildcards: Bool {
    switch vr {
    case .CS, .LO, .PN, .SH: true
    default: false
    }
  }
}
