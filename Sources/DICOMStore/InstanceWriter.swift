import Base
import BlobStore
import DICOMCore
import DICOMweb
import Storage

/// One transaction that stores the instances of a request. Studies and series that several of them belong to are read
/// and written once.
struct InstanceWriter {
  private struct StudyName: Hashable {
    let partition: Int64
    let uid: String
  }

  private struct SeriesName: Hashable {
    let study: Int64
    let uid: String
  }

  private let store: DICOMStore
  private let transaction: any Transaction
  private let now: Instant
  private var sequence: ChangeSequence
  private var studies: [StudyName: EntityState] = [:]
  private var series: [SeriesName: EntityState] = [:]
  /// Dictionary entries that were found or added.
  private(set) var partitions: [String: Int64] = [:]
  private(set) var uids: [String: Int64] = [:]

  init(_ store: DICOMStore, _ transaction: any Transaction) throws {
    self.store = store
    self.transaction = transaction
    now = store.clock.now()
    sequence = try ChangeSequence(now, transaction)
  }

  /// Stores instances in their order; what is there stays as it is.
  mutating func write(_ instances: [PreparedInstance]) throws -> [StoreOutcome] {
    var outcomes: [StoreOutcome] = []
    outcomes.reserveCapacity(instances.count)
    for instance in instances { outcomes.append(try write(instance)) }
    try finish()
    return outcomes
  }

  // MARK: An instance

  private mutating func write(_ prepared: PreparedInstance) throws -> StoreOutcome {
    let new = prepared.instance
    let partition = try number(ofPartition: new.partition)
    let studyName = StudyName(partition: partition, uid: new.studyUID.value)
    var study = try study(studyName)
    let seriesName = SeriesName(study: study.key, uid: new.seriesUID.value)
    var series = try series(seriesName, partition)
    let watermark = sequence.next
    let isNew = try insert(new, watermark, partition, study.key, series.key)
    // Nothing of a study or series is kept that exists for the sake of an instance which was there: it has both.
    guard isNew else { return .exists }
    try insertBytes(prepared, watermark)
    try sequence.addCreation(
      partition: partition, study: new.studyUID.value, series: new.seriesUID.value, instance: new.instanceUID.value,
      transaction)
    if series.isNew, series.instanceCount == 0 { study.seriesCount += 1 }
    series.instanceCount += 1
    series.newest = watermark
    series.take(new.attributes.series)
    study.instanceCount += 1
    study.newest = watermark
    study.take(new.attributes.study)
    studies[studyName] = study
    self.series[seriesName] = series
    return .stored(watermark: watermark)
  }

  private func study(_ name: StudyName) throws -> EntityState {
    if let known = studies[name] { return known }
    return try EntityState.study(name.uid, partition: name.partition, transaction)
      ?? EntityState(.study, key: sequence.next, partition: name.partition, uid: name.uid)
  }

  private func series(_ name: SeriesName, _ partition: Int64) throws -> EntityState {
    if let known = series[name] { return known }
    return try EntityState.series(name.uid, study: name.study, partition: partition, transaction)
      ?? EntityState(.series, key: sequence.next, partition: partition, uid: name.uid, study: name.study)
  }

  private static let insertInstance = Statement(
    """
    INSERT INTO instance (key, partition, study, series, uid, sop_class, transfer_syntax, bytes, frames, digest, blob, \
    attributes\(SearchColumn.names(SearchColumn.instance)))
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?\(SearchColumn.marks(SearchColumn.instance))) ON CONFLICT DO NOTHING
    """)
  private static let insertMetadata = Statement(
    "INSERT INTO instance_metadata (key, bulk, frames, body) VALUES (?, ?, ?, ?)")
  private static let insertContent = Statement("INSERT INTO instance_content (key, bytes) VALUES (?, ?)")

  /// - Returns: false if there is an instance of these UIDs.
  private mutating func insert(
    _ new: NewInstance, _ watermark: Int64, _ partition: Int64, _ study: Int64, _ series: Int64
  ) throws -> Bool {
    var blob = SQLValue.null
    if case .blob(let name, _) = new.content { blob = .text(name.text) }
    let binds: [SQLValue] = [
      .integer(watermark), .integer(partition), .integer(study), .integer(series), .text(new.instanceUID.value),
      .integer(try number(ofUID: new.sopClassUID.value)), .integer(try number(ofUID: new.transferSyntaxUID.value)),
      .integer(new.content.count), .integer(new.frames.count), .integer(Int64(bitPattern: new.digest)), blob,
      .blob(new.attributes.instance.kept.encoded),
    ]
    return try transaction.execute(Self.insertInstance, binds + new.attributes.instance.values) > 0
  }

  private func insertBytes(_ prepared: PreparedInstance, _ watermark: Int64) throws {
    let frames = prepared.instance.frames.encoded
    try transaction.send(
      Self.insertMetadata,
      [
        .integer(watermark), prepared.bulkData.isEmpty ? .null : .blob(prepared.bulkData),
        frames.isEmpty ? .null : .blob(frames), .blob(prepared.body),
      ])
    if case .inline(let bytes) = prepared.instance.content {
      try transaction.send(Self.insertContent, [.integer(watermark), .blob(bytes)])
    }
  }

  // MARK: Studies and series

  private mutating func finish() throws {
    var modalitiesChanged: Set<Int64> = []
    for entity in series.values {
      try EntityWriter.write(entity, transaction)
      if entity.modality != entity.storedModality { modalitiesChanged.insert(entity.study) }
    }
    for name in studies.keys {
      guard var study = studies[name] else { continue }
      if modalitiesChanged.contains(study.key) { try EntityWriter.refreshModalities(&study, transaction) }
      try EntityWriter.write(study, transaction)
    }
  }

  // MARK: Dictionaries

  private mutating func number(ofPartition name: String) throws -> Int64 {
    if let number = store.partitions[name] ?? partitions[name] { return number }
    let number = try PartitionRows.number(name, now, transaction)
    partitions[name] = number
    return number
  }

  private static let selectUID = Statement("SELECT number FROM uid WHERE text = ?")
  private static let insertUID = Statement(
    sqlite: "INSERT INTO uid (number, text) SELECT coalesce(max(number), 0) + 1, ? FROM uid",
    // Another node may have inserted it a moment ago.
    postgreSQL: "INSERT INTO uid (text) VALUES (?) ON CONFLICT DO NOTHING")

  private mutating func number(ofUID text: String) throws -> Int64 {
    if let number = store.uids[text] ?? uids[text] { return number }
    if try transaction.first(Self.selectUID, [.text(text)], { $0.integer(0) }) == nil {
      try transaction.execute(Self.insertUID, [.text(text)])
    }
    guard let number = try transaction.first(Self.selectUID, [.text(text)], { $0.integer(0) }) else {
      throw StorageError(.other, detail: "no number for a UID")
    }
    uids[text] = number
    return number
  }
}
