/// What may be done with a FHIR service: Azure's data actions, with the bits of Microsoft's open-source server.
public struct DataActions: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Reading, searching and history: Azure's old action for all of it.
  public static let read = DataActions(rawValue: 1 << 0)
  /// Creating and updating: Azure's old action for both.
  public static let write = DataActions(rawValue: 1 << 1)
  public static let delete = DataActions(rawValue: 1 << 2)
  public static let hardDelete = DataActions(rawValue: 1 << 3)
  public static let export = DataActions(rawValue: 1 << 4)
  public static let resourceValidate = DataActions(rawValue: 1 << 5)
  public static let reindex = DataActions(rawValue: 1 << 6)
  public static let convertData = DataActions(rawValue: 1 << 7)
  public static let editProfileDefinitions = DataActions(rawValue: 1 << 8)
  public static let `import` = DataActions(rawValue: 1 << 9)
  public static let searchParameter = DataActions(rawValue: 1 << 10)
  public static let bulkOperator = DataActions(rawValue: 1 << 11)
  public static let search = DataActions(rawValue: 1 << 12)
  public static let readByID = DataActions(rawValue: 1 << 13)
  public static let create = DataActions(rawValue: 1 << 14)
  public static let update = DataActions(rawValue: 1 << 15)
  /// Puts the caller under SMART's rules: it takes away, so it is not part of `all`.
  public static let smart = DataActions(rawValue: 1 << 30)

  public static let all = DataActions(rawValue: 0xFFFF)

  /// Every action with the end of its name in Azure. The open-source server's name has no `/action`.
  static let names: [(DataActions, String)] = [
    (.read, "read"), (.write, "write"), (.delete, "delete"), (.hardDelete, "hardDelete/action"),
    (.export, "export/action"), (.resourceValidate, "resourceValidate/action"), (.reindex, "reindex/action"),
    (.convertData, "convertData/action"), (.editProfileDefinitions, "editProfileDefinitions/action"),
    (.import, "import/action"), (.searchParameter, "searchParameter/action"),
    (.bulkOperator, "bulkOperator/action"), (.search, "search/action"), (.readByID, "readById/action"),
    (.create, "create/action"), (.update, "update/action"), (.smart, "smart/action"),
  ]

  /// Azure Health Data Services, and Azure API for FHIR.
  static let prefixes = [
    "Microsoft.HealthcareApis/workspaces/fhirservices/resources/", "Microsoft.HealthcareApis/services/fhir/resources/",
  ]

  /// The names in Azure Health Data Services, in the order of the bits.
  public var azureNames: [String] {
    DataActions.names.filter { contains($0.0) }.map { DataActions.prefixes[0] + $0.1 }
  }
}

/// What may be done with a DICOM service.
public struct DICOMActions: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let read = DICOMActions(rawValue: 1)
  public static let write = DICOMActions(rawValue: 2)
  public static let delete = DICOMActions(rawValue: 4)
  public static let manageExtendedQueryTags = DICOMActions(rawValue: 8)
  public static let export = DICOMActions(rawValue: 16)

  public static let all = DICOMActions(rawValue: 0x1F)

  static let names: [(DICOMActions, String)] = [
    (.read, "read"), (.write, "write"), (.delete, "delete"),
    (.manageExtendedQueryTags, "manageExtendedQueryTags/action"), (.export, "export/action"),
  ]

  static let prefixes = ["Microsoft.HealthcareApis/workspaces/dicomservices/resources/"]

  /// The names in Azure Health Data Services, in the order of the bits.
  public var azureNames: [String] {
    DICOMActions.names.filter { contains($0.0) }.map { DICOMActions.prefixes[0] + $0.1 }
  }
}

/// A name of actions as roles have it: in full, with `*` for any characters, or short as in the open-source servers.
enum ActionPattern {
  static let bytesMax = 256

  /// The actions that a pattern names; nil if it names none, which is a misspelling.
  ///
  /// A short `*` is the open-source server's: everything but `smart`. In Azure's full form it is everything.
  static func actions(_ pattern: String, isDICOM: Bool) -> (DataActions, DICOMActions)? {
    guard (1...bytesMax).contains(pattern.utf8.count) else { return nil }
    var fhir: DataActions = []
    var dicom: DICOMActions = []
    if pattern == "*" {
      if isDICOM { dicom = .all } else { fhir = .all }
    } else if pattern.contains("/") {
      for (action, name) in DataActions.names {
        if DataActions.prefixes.contains(where: { matches(pattern, $0 + name) }) { fhir.insert(action) }
      }
      for (action, name) in DICOMActions.names {
        if DICOMActions.prefixes.contains(where: { matches(pattern, $0 + name) }) { dicom.insert(action) }
      }
    } else if isDICOM {
      for (action, name) in DICOMActions.names where matches(pattern, short(name)) { dicom.insert(action) }
    } else {
      for (action, name) in DataActions.names where matches(pattern, short(name)) { fhir.insert(action) }
    }
    return fhir.isEmpty && dicom.isEmpty ? nil : (fhir, dicom)
  }

  private static func short(_ name: String) -> String { String(name.prefix { $0 != "/" }) }

  /// Whether a name fits a pattern; the case of letters does not matter, as in Azure.
  static func matches(_ pattern: String, _ name: String) -> Bool {
    let pattern = Array(pattern.lowercased().utf8)
    let name = Array(name.lowercased().utf8)
    var place = 0
    var at = 0
    // The last star, and the first byte of the name that it has not taken.
    var star: (place: Int, at: Int)?
    while at < name.count {
      if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
        star = (place, at)
        place += 1
      } else if place < pattern.count, pattern[place] == name[at] {
        place += 1
        at += 1
      } else if let last = star {
        star = (last.place, last.at + 1)
        place = last.place + 1
        at = last.at + 1
      } else {
        return false
      }
    }
    return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}
