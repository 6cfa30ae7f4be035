import Base
import DICOMCore
public import DICOMweb
import Storage

extension DICOMStore {
  /// Deletes the instances of a target, and what they leave empty: a series without instances, a study without series.
  /// Each has its entry in the change feed, in the same transaction. Their blobs are removed by a later sweep; the same
  /// UIDs may be stored again at once.
  /// - Returns: how many instances were deleted; 0 if the target is not there.
  public func delete(_ target: Target, partition: String) async throws -> Int {
    try await faulting {
      try await database.write { [self] transaction in
        guard let number = try partitions[partition] ?? PartitionRows.number(partition, transaction) else { return 0 }
        guard var deletion = try Deletion(self, target, partition: number, transaction) else { return 0 }
        return try deletion.run()
      }
    }
  }
}

/// One transaction that deletes a study, a series or an instance.
private struct Deletion {
  private let store: DICOMStore
  private let transaction: any Transaction
  private let partition: Int64
  private let target: Target
  private let place: DICOMStore.Place
  private var study: EntityState

  /// Nil if the target is not there.
  init?(_ store: DICOMStore, _ target: Target, partition: Int64, _ transaction: any Transaction) throws {
    guard let place = try DICOMStore.place(target, partition: partition, transaction),
      let study = try EntityState.study(target.study.value, partition: partition, transaction)
    else { return nil }
    self.store = store
    self.transaction = transaction
    self.partition = partition
    self.target = target
    self.place = place
    self.study = study
  }

  mutating func run() throws -> Int {
    let count = try deleteInstances()
    switch place.level {
    case .study: try deleteStudy()
    case .series: try deleteSeries(key: place.key, count: count)
    case .instance: try leaveSeries()
    }
    return count
  }

  // MARK: Instances

  /// Statements over the instances of one level.
  private struct Statements {
    let feed: Statement
    let removal: Statement
    let metadata: Statement
    let content: Statement
    let instance: Statement

    init(_ column: StaticString) {
      let keys: SQL = "SELECT key FROM instance WHERE \(unsafe: column) = ?"
      feed = Statement(
        """
        INSERT INTO change_feed (sequence, timestamp, action, partition, watermark, study_uid, series_uid, instance_uid)
        SELECT ? + row_number() OVER (ORDER BY i.key), ?, ?, i.partition, i.key, s.uid, r.uid, i.uid
        FROM instance i JOIN series r ON r.key = i.series JOIN study s ON s.key = i.study
        WHERE i.\(unsafe: column) = ?
        """)
      removal = Statement(
        """
        INSERT INTO blob_removal (blob, due)
        SELECT blob, ? FROM instance WHERE \(unsafe: column) = ? AND blob IS NOT NULL
        """)
      metadata = Statement("DELETE FROM instance_metadata WHERE key IN (\(keys))")
      content = Statement("DELETE FROM instance_content WHERE key IN (\(keys))")
      instance = Statement("DELETE FROM instance WHERE \(unsafe: column) = ?")
    }
  }

  private static let ofStudy = Statements("study")
  private static let ofSeries = Statements("series")
  private static let ofInstance = Statements("key")

  private func deleteInstances() throws -> Int {
    let statements =
      switch place.level {
      case .study: Self.ofStudy
      case .series: Self.ofSeries
      case .instance: Self.ofInstance
      }
    let key = SQLValue.integer(place.key)
    let now = store.clock.now()
    let sequence = try ChangeSequence(now, transaction)
    let due = now.milliseconds + Int64(store.configuration.removalDelaySeconds) * 1_000
    try transaction.send(
      statements.feed,
      [
        .integer(sequence.next - 1), .integer(sequence.timestamp), .integer(ChangeSequence.Action.delete.rawValue), key,
      ])
    try transaction.send(statements.removal, [.integer(due), key])
    try transaction.send(statements.metadata, [key])
    try transaction.send(statements.content, [key])
    return try transaction.execute(statements.instance, [key])
  }

  // MARK: Series and studies

  private static let seriesUIDs = Statement("SELECT uid FROM series WHERE study = ?")
  private static let deleteSeriesRow = Statement("DELETE FROM series WHERE key = ?")
  private static let deleteStudyRow = Statement("DELETE FROM study WHERE key = ?")

  private func deleteStudy() throws {
    for uid in try transaction.all(Self.seriesUIDs, [.integer(study.key)], { $0.text(0) }) {
      guard let series = try series(uid) else { continue }
      try removeRow(of: series)
    }
    try EntityWriter.remove(study.storedTerms.union(EntityWriter.modalityTerms(study)), of: study, transaction)
    try transaction.send(Self.deleteStudyRow, [.integer(study.key)])
  }

  private func series(_ uid: String) throws -> EntityState? {
    try EntityState.series(uid, study: study.key, partition: partition, transaction)
  }

  private func removeRow(of series: EntityState) throws {
    try EntityWriter.remove(series.storedTerms, of: series, transaction)
    try transaction.send(Self.deleteSeriesRow, [.integer(series.key)])
  }

  private mutating func deleteSeries(key: Int64, count: Int) throws {
    guard let uid = target.series?.value, let series = try series(uid) else { return }
    try removeRow(of: series)
    study.seriesCount -= 1
    study.instanceCount -= Int64(count)
    if study.instanceCount <= 0 { return try deleteStudy() }
    if series.modality != .null { try EntityWriter.refreshModalities(&study, transaction) }
    try writeStudy()
  }

  private mutating func leaveSeries() throws {
    guard let uid = target.series?.value, var series = try series(uid) else { return }
    if series.instanceCount <= 1 { return try deleteSeries(key: series.key, count: 1) }
    series.instanceCount -= 1
    study.instanceCount -= 1
    if series.newest == place.key {
      series.newest = try newest(Self.newestOfSeries, series.key)
      if let attributes = try attributes(of: series.newest) { series.take(attributes.series) }
    }
    try EntityWriter.write(series, transaction)
    if series.modality != series.storedModality { try EntityWriter.refreshModalities(&study, transaction) }
    try writeStudy()
  }

  private static let newestOfSeries = Statement("SELECT max(key) FROM instance WHERE series = ?")
  private static let newestOfStudy = Statement("SELECT max(newest) FROM series WHERE study = ?")

  private func newest(_ statement: Statement, _ key: Int64) throws -> Int64 {
    try transaction.first(statement, [.integer(key)]) { $0.integer(0) } ?? 0
  }

  /// What is left of the study: values of a deleted instance make way for those of the newest that is left.
  private mutating func writeStudy() throws {
    let newest = try newest(Self.newestOfStudy, study.key)
    if newest != study.newest {
      study.newest = newest
      if let attributes = try attributes(of: newest) { study.take(attributes.study) }
    }
    try EntityWriter.write(study, transaction)
  }

  private static let metadataRow = Statement("SELECT body FROM instance_metadata WHERE key = ?")

  private func attributes(of watermark: Int64) throws -> IndexedAttributes? {
    var json: [UInt8] = []
    _ = try transaction.first(Self.metadataRow, [.integer(watermark)]) { row in
      try row.withBytes(0) { try store.compression.decompress($0, to: &json) }
    }
    return InstanceExtractor.document(json).map { IndexedAttributes($0) }
  }
}
