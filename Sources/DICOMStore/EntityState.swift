import DICOMCore
import DICOMweb
import Storage

/// A study's or series' row while a transaction changes it.
struct EntityState {
  let level: Target.Level
  /// The sequence number of its first instance.
  let key: Int64
  let partition: Int64
  let uid: String
  /// A series': its study's key.
  let study: Int64
  /// Whether there is no row yet.
  let isNew: Bool
  var newest: Int64
  var seriesCount: Int64
  var instanceCount: Int64
  var modalities: String
  /// What the row and its terms say; of a new one, nothing.
  private var stored: IndexedAttributes.Level?
  private(set) var attributes: IndexedAttributes.Level?

  /// A new one.
  init(_ level: Target.Level, key: Int64, partition: Int64, uid: String, study: Int64 = 0) {
    self.level = level
    self.key = key
    self.partition = partition
    self.uid = uid
    self.study = study
    isNew = true
    newest = key
    seriesCount = 0
    instanceCount = 0
    modalities = ""
  }

  /// One that there is a row of.
  private init(
    _ level: Target.Level, _ row: any Row, partition: Int64, uid: String, study: Int64 = 0
  ) {
    self.level = level
    key = row.integer(0)
    self.partition = partition
    self.uid = uid
    self.study = study
    isNew = false
    newest = row.integer(1)
    instanceCount = row.integer(2)
    let kept = AttributeList(encoded: row.blob(3))
    seriesCount = level == .study ? row.integer(4) : 0
    modalities = level == .study ? row.text(5) : ""
    let first = level == .study ? 6 : 4
    let values = SearchColumn.columns(level).indices.map { row.value(first + $0) }
    stored = IndexedAttributes.Level(values: values, kept: kept)
    attributes = stored
  }

  var isChanged: Bool { attributes != stored }
  var columns: [SearchColumn] { SearchColumn.columns(level) }
  var values: [SQLValue] { attributes?.values ?? [] }
  var kept: [UInt8] { attributes?.kept.encoded ?? [] }

  /// A series' modality, folded.
  var modality: SQLValue { values.isEmpty ? .null : values[SearchColumn.modalityPlace] }
  var storedModality: SQLValue { stored.map { $0.values[SearchColumn.modalityPlace] } ?? .null }

  /// Takes the values of a newer instance. A null PatientID does not take the place of another.
  mutating func take(_ new: IndexedAttributes.Level) {
    guard level == .study, let old = attributes, new.values[SearchColumn.patientIDPlace] == .null,
      old.values[SearchColumn.patientIDPlace] != .null
    else {
      attributes = new
      return
    }
    var values = new.values
    values[SearchColumn.patientIDPlace] = old.values[SearchColumn.patientIDPlace]
    attributes = IndexedAttributes.Level(values: values, kept: new.kept.taking(.patientID, from: old.kept))
  }

  /// Terms that the index lacks, and those that are no more.
  var changedTerms: (added: Set<Term>, removed: Set<Term>) {
    let old = stored.map { Term.terms(columns, $0.values) } ?? []
    let new = attributes.map { Term.terms(columns, $0.values) } ?? []
    return (new.subtracting(old), old.subtracting(new))
  }

  /// All its terms in the index.
  var storedTerms: Set<Term> { stored.map { Term.terms(columns, $0.values) } ?? [] }

  // MARK: Rows

  private static let selectStudy = Statement(
    """
    SELECT key, newest, instance_count, attributes, series_count, modalities\(SearchColumn.names(SearchColumn.study))
    FROM study WHERE partition = ? AND uid = ?
    """)
  private static let selectSeries = Statement(
    """
    SELECT key, newest, instance_count, attributes\(SearchColumn.names(SearchColumn.series))
    FROM series WHERE partition = ? AND uid = ? AND study = ?
    """)

  static func study(_ uid: String, partition: Int64, _ reader: any Reader) throws -> EntityState? {
    try reader.first(selectStudy, [.integer(partition), .text(uid)]) {
      EntityState(.study, $0, partition: partition, uid: uid)
    }
  }

  static func series(_ uid: String, study: Int64, partition: Int64, _ reader: any Reader) throws -> EntityState? {
    try reader.first(selectSeries, [.integer(partition), .text(uid), .integer(study)]) {
      EntityState(.series, $0, partition: partition, uid: uid, study: study)
    }
  }
}
