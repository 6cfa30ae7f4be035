import DICOMweb
import Storage

/// Writes the rows of studies and series, with their terms.
enum EntityWriter {
  private static let insertStudy = Statement(
    """
    INSERT INTO study (key, partition, uid, newest, series_count, instance_count, modalities, \
    attributes\(SearchColumn.names(SearchColumn.study)))
    VALUES (?, ?, ?, ?, ?, ?, ?, ?\(SearchColumn.marks(SearchColumn.study)))
    """)
  private static let insertSeries = Statement(
    """
    INSERT INTO series (key, partition, study, uid, newest, instance_count, \
    attributes\(SearchColumn.names(SearchColumn.series)))
    VALUES (?, ?, ?, ?, ?, ?, ?\(SearchColumn.marks(SearchColumn.series)))
    """)
  // An update that names a column writes its index anew, changed or not: so most updates name the counts alone.
  private static let countStudy = Statement(
    "UPDATE study SET newest = ?, series_count = ?, instance_count = ?, modalities = ? WHERE key = ?")
  private static let countSeries = Statement("UPDATE series SET newest = ?, instance_count = ? WHERE key = ?")
  private static let updateStudy = Statement(
    """
    UPDATE study SET newest = ?, series_count = ?, instance_count = ?, modalities = ?, \
    attributes = ?\(SearchColumn.assignments(SearchColumn.study)) WHERE key = ?
    """)
  private static let updateSeries = Statement(
    """
    UPDATE series SET newest = ?, instance_count = ?, attributes = ?\(SearchColumn.assignments(SearchColumn.series))
    WHERE key = ?
    """)
  private static let insertTerm = Statement(
    "INSERT INTO term (partition, attribute, text, key) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
  private static let deleteTerm = Statement(
    "DELETE FROM term WHERE partition = ? AND attribute = ? AND text = ? AND key = ?")

  /// Writes a study's or series' row as it is now.
  static func write(_ entity: EntityState, _ transaction: any Transaction) throws {
    switch entity.level {
    case .study: try writeStudy(entity, transaction)
    case .series, .instance: try writeSeries(entity, transaction)
    }
    guard entity.isNew || entity.isChanged else { return }
    let terms = entity.changedTerms
    try remove(terms.removed, of: entity, transaction)
    try add(terms.added, of: entity, transaction)
  }

  private static func writeStudy(_ study: EntityState, _ transaction: any Transaction) throws {
    let counts: [SQLValue] = [
      .integer(study.newest), .integer(study.seriesCount), .integer(study.instanceCount), .text(study.modalities),
    ]
    if study.isNew {
      let binds: [SQLValue] = [.integer(study.key), .integer(study.partition), .text(study.uid)]
      try transaction.send(insertStudy, binds + counts + [.blob(study.kept)] + study.values)
    } else if study.isChanged {
      try transaction.send(updateStudy, counts + [.blob(study.kept)] + study.values + [.integer(study.key)])
    } else {
      try transaction.send(countStudy, counts + [.integer(study.key)])
    }
  }

  private static func writeSeries(_ series: EntityState, _ transaction: any Transaction) throws {
    let counts: [SQLValue] = [.integer(series.newest), .integer(series.instanceCount)]
    if series.isNew {
      let binds: [SQLValue] = [
        .integer(series.key), .integer(series.partition), .integer(series.study), .text(series.uid),
      ]
      try transaction.send(insertSeries, binds + counts + [.blob(series.kept)] + series.values)
    } else if series.isChanged {
      try transaction.send(updateSeries, counts + [.blob(series.kept)] + series.values + [.integer(series.key)])
    } else {
      try transaction.send(countSeries, counts + [.integer(series.key)])
    }
  }

  // MARK: Terms

  static func add(_ terms: Set<Term>, of entity: EntityState, _ transaction: any Transaction) throws {
    try write(insertTerm, terms, entity, transaction)
  }

  static func remove(_ terms: Set<Term>, of entity: EntityState, _ transaction: any Transaction) throws {
    try write(deleteTerm, terms, entity, transaction)
  }

  private static func write(
    _ statement: Statement, _ terms: Set<Term>, _ entity: EntityState, _ transaction: any Transaction
  ) throws {
    if terms.isEmpty { return }
    var rows = RowBatch(columns: 4)
    for term in terms {
      rows.append(
        .integer(entity.partition), .integer(term.attribute.rawValue), .text(term.text), .integer(entity.key))
    }
    try transaction.send(statement, rows: rows)
  }

  // MARK: Modalities

  private static let selectModalities = Statement(
    "SELECT DISTINCT modality FROM series WHERE study = ? AND modality IS NOT NULL ORDER BY modality")

  /// Brings a study's modalities to what its series' rows say.
  static func refreshModalities(_ study: inout EntityState, _ transaction: any Transaction) throws {
    let modalities = try transaction.all(selectModalities, [.integer(study.key)]) { $0.text(0) }
    let old = Set(modalityTexts(study.modalities))
    let new = Set(modalities)
    // CS is in upper case (PS3.5 table 6.2-1); folded text has lost that.
    study.modalities = modalities.map { $0.uppercased() }.joined(separator: "\\")
    try remove(terms(old.subtracting(new)), of: study, transaction)
    try add(terms(new.subtracting(old)), of: study, transaction)
  }

  /// Terms of a study's modalities.
  static func modalityTerms(_ study: EntityState) -> Set<Term> { terms(Set(modalityTexts(study.modalities))) }

  private static func terms(_ modalities: Set<String>) -> Set<Term> {
    Set(modalities.map { Term(attribute: .modalitiesInStudy, text: $0) })
  }

  private static func modalityTexts(_ text: String) -> [String] {
    text.split(separator: "\\").map { $0.lowercased() }
  }
}
