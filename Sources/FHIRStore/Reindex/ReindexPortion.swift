import Base
import FHIRModel
import FHIRSearch
import Storage

/// What one transaction writes: resources of a type that follow each other, whatever ranges they came in.
///
/// It is as large as there is something to write, up to its bounds: a disk that syncs slowly gets fewer and larger
/// transactions. Where others write too the bounds are narrow, so that nobody waits longer than a millisecond or two.
public struct ReindexPortion: Sendable {
  let type: Schema.TypeID
  private(set) var resources: [ReindexRows.Resource] = []
  /// The last key that is done with.
  private(set) var through: Int64
  /// Whether the type is done with.
  public private(set) var isLast = false
  /// What making the rows took.
  public private(set) var duration: Duration = .zero
  private var rowCount = 0
  private let resourcesMax: Int
  private let rowsMax: Int

  /// Index rows of one transaction; a single resource may have more.
  private static let rowsMax = 2_000
  /// Index rows, and resources, where others write at the same time.
  private static let sharedMax = 200

  /// - Parameter isShared: whether others write at the same time.
  public init(_ job: ReindexJob, _ progress: ReindexJob.Progress, isShared: Bool) {
    type = progress.type
    through = progress.through
    rowsMax = isShared ? Self.sharedMax : Self.rowsMax
    resourcesMax = isShared ? min(job.options.resourcesPerWrite, Self.sharedMax) : job.options.resourcesPerWrite
  }

  public var isFull: Bool { resources.count >= resourcesMax || rowCount >= rowsMax }

  /// Takes over what fits of a range's rows.
  /// - Returns: whether that was all.
  public mutating func take(from rows: inout ReindexRows) -> Bool {
    duration += rows.duration
    rows.duration = .zero
    while !isFull, let resource = rows.resources.popFirst() {
      rowCount += resource.added.count + resource.removed.count
      through = resource.key
      resources.append(resource)
    }
    guard rows.resources.isEmpty else { return false }
    through = rows.range.through
    isLast = rows.range.isLast
    return true
  }
}

extension FHIRStore {
  private static let isRunning = Statement("SELECT 1 FROM reindex_job WHERE number = ? AND status = 1")
  private static let advance = Statement("UPDATE type_index SET through = ? WHERE type = ? AND next = ?")
  private static let addProgress = Statement(
    "UPDATE reindex_progress SET done = done + ?, failed = failed + ? WHERE job = ? AND type = ?")
  private static let complete = Statement(
    "UPDATE reindex_progress SET total = done + failed, complete = 1 WHERE job = ? AND type = ?")
  private static let touch = Statement("UPDATE reindex_job SET updated = ? WHERE number = ?")
  private static let addFailures = Statement(
    "UPDATE reindex_job SET failures = failures || ? WHERE number = ? AND length(failures) < 20000")
  /// Failures of one transaction that are kept.
  private static let failuresMax = 20

  /// Writes index rows, with where the job is then, in one transaction. A resource that was written since is left
  /// alone: it was indexed with what it said then.
  /// - Returns: false where the job is no longer running, or another process's by now.
  public func write(_ portion: ReindexPortion, of job: ReindexJob) async throws -> Bool {
    guard await lease(.reindex) else { return false }
    let grown: StoreNumbers.Grown? = try await faulting {
      try await database.write { transaction in
        guard try transaction.first(Self.isRunning, [.integer(job.number)], { _ in true }) != nil else { return nil }
        guard try SearchCatalog.generation(transaction) == job.target else { throw StaleCatalog() }
        let standing = try self.standing(portion.resources, transaction)
        let grown = try self.index(standing, transaction)
        try self.note(portion, standing, job, transaction)
        return grown
      }
    }
    if let grown { numbers.merge(grown) }
    return grown != nil
  }

  private func note(
    _ portion: ReindexPortion, _ standing: [ReindexRows.Resource], _ job: ReindexJob, _ transaction: any Transaction
  ) throws {
    let (number, type) = (SQLValue.integer(job.number), SQLValue.integer(numbers.number(portion.type)))
    let failures = standing.compactMap(\.failure)
    try transaction.send(Self.advance, [.integer(portion.through), type, .integer(job.target)])
    try transaction.send(
      Self.addProgress, [.integer(standing.count - failures.count), .integer(failures.count), number, type])
    if portion.isLast { try transaction.send(Self.complete, [number, type]) }
    try transaction.send(Self.touch, [.integer(clock.now().milliseconds), number])
    guard !failures.isEmpty else { return }
    let lines = failures.prefix(Self.failuresMax).joined(separator: "\n") + "\n"
    try transaction.send(Self.addFailures, [.text(lines), number])
  }

  // MARK: - Rows of resources that stand

  private static let versionRow = Statement("SELECT version FROM resource WHERE key = ? AND method <> 3")

  /// Those that are still as they were read.
  private func standing(_ resources: [ReindexRows.Resource], _ transaction: any Transaction) throws
    -> [ReindexRows.Resource]
  {
    if resources.isEmpty { return [] }
    var keys = RowBatch(columns: 1)
    for resource in resources { keys.push(.integer(resource.key)) }
    var standing: [ReindexRows.Resource] = []
    standing.reserveCapacity(resources.count)
    try transaction.query(Self.versionRow, rows: keys) { place, row in
      if row.integer(0) == resources[place].version { standing.append(resources[place]) }
    }
    return standing
  }

  func index(_ resources: [ReindexRows.Resource], _ transaction: any Transaction) throws -> StoreNumbers.Grown {
    var writer = IndexWriter(numbers)
    for resource in resources {
      try writer.remove(resource.removed, key: resource.key, in: transaction)
      try writer.add(resource.added, key: resource.key, in: transaction)
    }
    try writer.flush(in: transaction)
    return writer.grown
  }
}
