import DICOMCore
import DICOMweb
import Storage

/// How a search key is kept: the table from which extraction, writing and searching go.
///
/// UIDs of studies, series and instances, the SOP class and ModalitiesInStudy have columns of their own that are not
/// values of one attribute; they are not here.
struct SearchColumn: Sendable {
  enum Kind: Sendable {
    /// Folded text of the first value.
    case text
    /// A folded name; its groups and words are terms.
    case name
    /// All values of a sequence's items, folded, between backslashes; each is a term.
    case list
    /// yyyymmdd
    case date
    /// Microseconds since midnight.
    case time
    case number
  }

  let key: SearchKey
  let column: StaticString
  let kind: Kind
  /// Whether there is an index that begins with partition and column.
  let isIndexed: Bool

  private init(_ key: SearchKey, _ column: StaticString, _ kind: Kind, indexed isIndexed: Bool = false) {
    self.key = key
    self.column = column
    self.kind = kind
    self.isIndexed = isIndexed
  }

  static let study = [
    SearchColumn(.patientID, "patient_id", .text, indexed: true),
    SearchColumn(.patientName, "patient_name", .name),
    SearchColumn(.patientBirthDate, "patient_birth_date", .date, indexed: true),
    SearchColumn(.studyDate, "study_date", .date, indexed: true),
    SearchColumn(.studyTime, "study_time", .time),
    SearchColumn(.accessionNumber, "accession_number", .text, indexed: true),
    SearchColumn(.studyID, "study_id", .text, indexed: true),
    SearchColumn(.studyDescription, "study_description", .text, indexed: true),
    SearchColumn(.referringPhysicianName, "referring_physician_name", .name),
  ]

  static let series = [
    SearchColumn(.modality, "modality", .text, indexed: true),
    SearchColumn(.seriesNumber, "series_number", .number),
    SearchColumn(.performedProcedureStepStartDate, "performed_date", .date, indexed: true),
    SearchColumn(.performedProcedureStepStartTime, "performed_time", .time),
    SearchColumn(.manufacturerModelName, "manufacturer_model_name", .text, indexed: true),
    SearchColumn(.scheduledProcedureStepID, "scheduled_procedure_step_id", .list),
    SearchColumn(.requestedProcedureID, "requested_procedure_id", .list),
  ]

  static let instance = [SearchColumn(.instanceNumber, "instance_number", .number)]

  static func columns(_ level: Target.Level) -> [SearchColumn] {
    switch level {
    case .study: study
    case .series: series
    case .instance: instance
    }
  }

  /// Where PatientID is among a study's columns.
  static let patientIDPlace = 0
  /// Where Modality is among a series' columns.
  static let modalityPlace = 0

  static func column(_ key: SearchKey) -> SearchColumn? { columns(key.level).first { $0.key == key } }

  // MARK: SQL

  /// The columns' names in order, with a comma before each.
  static func names(_ columns: [SearchColumn]) -> SQL {
    columns.reduce(into: SQL()) { $0 += ", \(unsafe: $1.column)" }
  }

  /// `, column = ?` for each.
  static func assignments(_ columns: [SearchColumn]) -> SQL {
    columns.reduce(into: SQL()) { $0 += ", \(unsafe: $1.column) = ?" }
  }

  /// `, ?` for each.
  static func marks(_ columns: [SearchColumn]) -> SQL {
    columns.reduce(into: SQL()) { result, _ in result += ", ?" }
  }
}

/// A row of `term`: one of several values of a study or series. The numbers are what stands in the tables.
struct Term: Hashable, Sendable {
  enum Attribute: Int64, Sendable {
    /// The groups of a name, and all of it where it has several.
    case patientName = 1
    case patientNameWord = 2
    case referringPhysicianName = 3
    case referringPhysicianNameWord = 4
    case scheduledProcedureStepID = 5
    case requestedProcedureID = 6
    case modalitiesInStudy = 7

    /// What a key's values are found under, and their words.
    init?(_ key: SearchKey, isWord: Bool = false) {
      switch key {
      case .patientName: self = isWord ? .patientNameWord : .patientName
      case .referringPhysicianName: self = isWord ? .referringPhysicianNameWord : .referringPhysicianName
      case .scheduledProcedureStepID: self = .scheduledProcedureStepID
      case .requestedProcedureID: self = .requestedProcedureID
      case .modalitiesInStudy: self = .modalitiesInStudy
      default: return nil
      }
    }
  }

  let attribute: Attribute
  let text: String

  /// Words of a name that are found by.
  static let wordsMax = 64

  /// The terms that values of a level's columns are found by.
  static func terms(_ columns: [SearchColumn], _ values: [SQLValue]) -> Set<Term> {
    var terms: Set<Term> = []
    for (column, value) in zip(columns, values) {
      guard case .text(let text) = value, let attribute = Attribute(column.key) else { continue }
      switch column.kind {
      case .name:
        terms.insert(Term(attribute: attribute, text: text))
        for group in text.split(separator: "=") { terms.insert(Term(attribute: attribute, text: String(group))) }
        guard let word = Attribute(column.key, isWord: true) else { continue }
        for text in Folding.words(text).prefix(wordsMax) { terms.insert(Term(attribute: word, text: text)) }
      case .list:
        for text in text.split(separator: "\\") { terms.insert(Term(attribute: attribute, text: String(text))) }
      case .text, .date, .time, .number: continue
      }
    }
    return terms
  }
}
