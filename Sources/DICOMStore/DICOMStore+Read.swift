import BlobStore
import DICOMCore
public import DICOMweb
import Storage

extension DICOMStore {
  // MARK: Keys

  private static let studyRow = Statement(
    "SELECT key, newest, instance_count FROM study WHERE partition = ? AND uid = ?")
  private static let seriesRow = Statement(
    "SELECT key, newest, instance_count FROM series WHERE partition = ? AND uid = ? AND study = ?")
  private static let instanceRow = Statement(
    "SELECT key, key, 1 FROM instance WHERE partition = ? AND uid = ? AND series = ?")

  /// A target's row.
  struct Place: Sendable {
    let level: Target.Level
    let key: Int64
    let version: TargetVersion
  }

  /// Finds a target's row by three look-ups at most; nil if it is not there.
  func place(_ target: Target, partition: String, _ reader: any Reader) throws -> Place? {
    guard let number = try number(ofPartition: partition, reader) else { return nil }
    return try Self.place(target, partition: number, reader)
  }

  static func place(_ target: Target, partition: Int64, _ reader: any Reader) throws -> Place? {
    func row(_ level: Target.Level, _ statement: Statement, _ uid: UID, _ parent: Int64?) throws -> Place? {
      let binds: [SQLValue] = [.integer(partition), .text(uid.value)] + (parent.map { [.integer($0)] } ?? [])
      return try reader.first(statement, binds) { row in
        Place(
          level: level, key: row.integer(0),
          version: TargetVersion(watermark: row.integer(1), count: Int(row.integer(2))))
      }
    }
    guard let study = try row(.study, studyRow, target.study, nil) else { return nil }
    guard let uid = target.series else { return study }
    guard let series = try row(.series, seriesRow, uid, study.key) else { return nil }
    guard let uid = target.instance else { return series }
    return try row(.instance, instanceRow, uid, series.key)
  }

  /// What tells a target's state from all others; nil if it is not there. Reads its row and those above it.
  public func version(_ target: Target, partition: String) throws -> TargetVersion? {
    try faulting { try database.point { try place(target, partition: partition, $0)?.version } }
  }

  // MARK: Instances

  private static let instanceColumns: SQL = """
    SELECT i.key, i.uid, r.uid, s.uid, c.text, t.text, i.bytes, i.frames, i.digest, i.blob
    FROM instance i JOIN series r ON r.key = i.series JOIN study s ON s.key = i.study
    JOIN uid c ON c.number = i.sop_class JOIN uid t ON t.number = i.transfer_syntax
    """
  private static let byKey = Statement("\(instanceColumns) WHERE i.key = ? AND i.key > ? ORDER BY i.key LIMIT ?")
  private static let bySeries = Statement("\(instanceColumns) WHERE i.series = ? AND i.key > ? ORDER BY i.key LIMIT ?")
  private static let byStudy = Statement("\(instanceColumns) WHERE i.study = ? AND i.key > ? ORDER BY i.key LIMIT ?")

  /// The instances of a target in the order in which they were stored; none if it is not there.
  /// - Parameters:
  ///   - watermark: only those behind it, to go on from a page.
  ///   - limit: at most so many.
  public func instances(
    _ target: Target, partition: String, after watermark: Int64 = 0, limit: Int = .max
  ) async throws -> [StoredInstance] {
    try await faulting {
      // One row costs less than a change of thread.
      if target.level == .instance {
        return try database.point { try instances($0, target, partition, watermark, limit) }
      }
      return try await database.read { [self] in try instances($0, target, partition, watermark, limit) }
    }
  }

  private func instances(
    _ reader: any Reader, _ target: Target, _ partition: String, _ watermark: Int64, _ limit: Int
  ) throws -> [StoredInstance] {
    guard let place = try place(target, partition: partition, reader) else { return [] }
    let statement =
      switch place.level {
      case .study: Self.byStudy
      case .series: Self.bySeries
      case .instance: Self.byKey
      }
    return try reader.all(statement, [.integer(place.key), .integer(watermark), .integer(limit)]) { row in
      StoredInstance(
        watermark: row.integer(0), partition: partition, studyUID: UID(row.text(3)), seriesUID: UID(row.text(2)),
        instanceUID: UID(row.text(1)), sopClassUID: UID(row.text(4)), transferSyntaxUID: UID(row.text(5)),
        count: Int(row.integer(6)), frameCount: Int(row.integer(7)), digest: UInt64(bitPattern: row.integer(8)),
        blob: row.optionalText(9).flatMap { BlobName($0) })
    }
  }

  // MARK: Bytes

  private static let contentRow = Statement("SELECT bytes FROM instance_content WHERE key = ?")

  /// An instance's file. An instance that was deleted a moment ago is `.notFound`.
  public func content(_ instance: StoredInstance) async throws -> InstanceContent {
    try faulting {
      if let blob = instance.blob { return .blob(try blobs.open(blob)) }
      let bytes = try database.point { try $0.first(Self.contentRow, [.integer(instance.watermark)]) { $0.blob(0) } }
      guard let bytes else { throw BlobError(.notFound) }
      return .bytes(bytes)
    }
  }

  private static let framesRow = Statement("SELECT frames FROM instance_metadata WHERE key = ?")
  private static let bulkRow = Statement("SELECT bulk FROM instance_metadata WHERE key = ?")

  /// Where an instance's frames are in its file.
  public func frameTable(_ instance: StoredInstance) throws -> FrameTable {
    try faulting {
      let encoded = try database.point { try $0.first(Self.framesRow, [.integer(instance.watermark)]) { $0.blob(0) } }
      guard let encoded else { throw BlobError(.notFound) }
      guard let table = FrameTable(encoded: encoded) else { throw StorageError(.corrupt, detail: "a frame table") }
      return table
    }
  }

  /// The streams of bytes of an instance, which its metadata leaves out.
  public func bulkData(_ instance: StoredInstance) throws -> BulkDataList {
    try faulting {
      let encoded = try database.point { try $0.first(Self.bulkRow, [.integer(instance.watermark)]) { $0.blob(0) } }
      guard let encoded else { throw BlobError(.notFound) }
      guard let list = BulkDataList(encoded: encoded) else { throw StorageError(.corrupt, detail: "a bulk data list") }
      return list
    }
  }
}
