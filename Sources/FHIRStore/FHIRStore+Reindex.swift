import Base
public import FHIRModel
public import FHIRSearch
import Storage

/// Some of a type's resources that a job must index.
public struct ReindexBatch: Sendable {
  public struct Item: Sendable {
    public let resource: StoredVersion
    /// What the index lacks; nil where the resource is indexed anew as a whole.
    public let missing: Set<Int32>?
    /// What the index says, where the whole is made anew.
    let indexed: IndexedRows
  }

  /// A resource with what is to be written.
  public struct Result: Sendable {
    let key: Int64
    let version: Int64
    let added: [IndexRow]
    let removed: [IndexRow]
    let failure: String?
  }

  public let type: Schema.TypeID
  /// The parameters that the resources are to be indexed for.
  public let catalog: SearchCatalog
  public var items: [Item] = []
  /// The last key that was looked at.
  public internal(set) var through: Int64
  /// Whether the type has no more.
  public internal(set) var isLast = true

  init(type: Schema.TypeID, catalog: SearchCatalog, through: Int64) {
    self.type = type
    self.catalog = catalog
    self.through = through
  }
}

extension ReindexBatch.Item {
  /// - Parameter rows: what the resource says under what it lacks, or under all parameters.
  public func result(_ rows: [IndexRow]) -> ReindexBatch.Result {
    let (added, removed) = missing == nil ? indexed.difference(to: rows) : (rows, [])
    return ReindexBatch.Result(
      key: resource.key, version: resource.version, added: added, removed: removed, failure: nil)
  }

  /// The resource cannot be indexed.
  public func failure(_ text: String) -> ReindexBatch.Result {
    ReindexBatch.Result(
      key: resource.key, version: resource.version, added: [], removed: [],
      failure: "\(resource.typeName)/\(resource.id): \(text)")
  }
}

extension FHIRStore {
  /// Makes a job.
  /// - Throws: `.conflict` while another one is active.
  public func scheduleReindex(_ id: String, _ options: ReindexJob.Options) async throws -> ReindexJob {
    let job = try await faulting {
      try await database.write { transaction in
        if let active = try ReindexJob.activeID(transaction) {
          throw Fault(
            .conflict,
            "A reindex job is active already: '\(active)'. There is one at a time; wait for it, or cancel it.")
        }
        return try ReindexJob.schedule(id, self, transaction, options)
      }
    }
    guard let job else { throw Fault(.internal, "The job was not made.") }
    return job
  }

  /// The job that is active; nil for none.
  public func activeReindex() async throws -> ReindexJob? {
    try await faulting { try await database.read { try ReindexJob.active($0, self) } }
  }

  private static let cancel = Statement("UPDATE reindex_job SET status = 4, updated = ? WHERE id = ? AND status < 2")

  /// Where a resource could not be indexed, the next job looks at all of its type again.
  private static let reopen = Statement(
    """
    UPDATE type_index SET through = 0, next = 0 WHERE type IN
      (SELECT type FROM reindex_progress WHERE job = ? AND failed > 0)
    """)

  /// Cancels a job. What it did stays, and is not done again.
  /// - Returns: nil where there is no such job.
  /// - Throws: `.conflict` if it has ended.
  public func cancelReindex(_ id: String) async throws -> ReindexJob? {
    try await faulting {
      try await database.write { transaction in
        guard let job = try ReindexJob.find(id, transaction, self) else { return nil }
        guard job.status.isActive else {
          throw Fault(.conflict, "The reindex job '\(id)' has ended already and cannot be canceled.")
        }
        try transaction.execute(Self.reopen, [.integer(job.number)])
        try transaction.execute(Self.cancel, [.integer(self.clock.now().milliseconds), .text(id)])
        return try ReindexJob.find(id, transaction, self)
      }
    }
  }

  // MARK: - Carrying out

  private static let countOutdated = Statement(
    """
    SELECT count(*) FROM resource AS r INDEXED BY resource_live JOIN type_index AS t ON t.type = r.type
    WHERE r.type = ? AND r.method <> 3 AND r.key <= ? AND r.key > (CASE WHEN t.next = ? THEN t.through ELSE 0 END)
      AND max(r.indexed, t.generation) < ?
    """)
  private static let begin = Statement(
    "UPDATE reindex_job SET status = 1, started = ?, updated = ? WHERE number = ? AND status = 0")
  private static let setTotal = Statement("UPDATE reindex_progress SET total = ? WHERE job = ? AND type = ?")
  private static let openType = Statement(
    "UPDATE type_index SET through = 0, next = ? WHERE type = ? AND next <> ?")

  /// Counts what a queued job has to do, and begins.
  public func beginReindex(_ job: ReindexJob) async throws {
    try await faulting {
      let totals = try await database.read { reader in
        try job.progress.map { progress in
          let type = self.numbers.number(progress.type)
          let binds: [SQLValue] = [.integer(type), .integer(job.last), .integer(job.target), .integer(job.target)]
          return (type, try reader.first(Self.countOutdated, binds) { $0.integer(0) } ?? 0)
        }
      }
      try await database.write { transaction in
        let now = SQLValue.integer(self.clock.now().milliseconds)
        guard try transaction.execute(Self.begin, [now, now, .integer(job.number)]) > 0 else { return }
        for (type, total) in totals {
          try transaction.execute(Self.setTotal, [.integer(total), .integer(job.number), .integer(type)])
          try transaction.execute(Self.openType, [.integer(job.target), .integer(type), .integer(job.target)])
        }
      }
    }
  }

  private static let batchRows = Statement(
    """
    SELECT r.key, r.id, r.version, r.updated, r.method, max(r.indexed, t.generation), r.body
    FROM (SELECT key FROM resource INDEXED BY resource_live
          WHERE type = ? AND method <> 3 AND key > ? AND key <= ? ORDER BY key LIMIT ?) AS s
      CROSS JOIN resource AS r ON r.key = s.key CROSS JOIN type_index AS t ON t.type = r.type
    ORDER BY r.key
    """)

  /// The next resources of a job.
  /// - Parameter bytesMax: a batch whose resources reach this many bytes ends there.
  public func reindexBatch(
    _ job: ReindexJob, _ progress: ReindexJob.Progress, after: Int64?, bytesMax: Int
  ) async throws -> ReindexBatch {
    let after = after ?? progress.through
    if catalogs.current.generation != job.target { try await refreshCatalog() }
    let catalog = catalogs.current
    return try await faulting {
      try await database.read { reader in
        let view = StoreView(store: self, reader: reader, restriction: .none)
        var batch = ReindexBatch(type: progress.type, catalog: catalog, through: after)
        var bytes = 0
        var seen = 0
        let binds: [SQLValue] = [
          .integer(self.numbers.number(progress.type)), .integer(after), .integer(job.last),
          .integer(job.options.resourcesPerQuery),
        ]
        var found: [(StoredVersion, Int64)] = []
        try reader.query(Self.batchRows, binds) { row in
          seen += 1
          batch.through = row.integer(0)
          let generation = row.integer(5)
          if generation >= job.target { return true }
          let version = try view.version(
            row, key: row.integer(0), type: progress.type, id: row.text(1), version: row.integer(2),
            updated: row.integer(3), method: row.integer(4), bodyColumn: 6)
          found.append((version, generation))
          bytes += version.body?.bytes.count ?? 0
          return bytes < bytesMax
        }
        batch.isLast = seen < job.options.resourcesPerQuery && bytes < bytesMax
        batch.items = try found.map { version, generation in
          let missing = catalog.missing(progress.type, since: generation)
          let rows = try missing == nil ? view.indexRows(of: version.key) : []
          return ReindexBatch.Item(
            resource: version, missing: missing, indexed: IndexedRows(rows: rows, generation: generation))
        }
        return batch
      }
    }
  }

  private static let versionRow = Statement("SELECT version FROM resource WHERE key = ? AND method <> 3")
  private static let isRunning = Statement("SELECT 1 FROM reindex_job WHERE number = ? AND status = 1")
  private static let advance = Statement("UPDATE type_index SET through = ? WHERE type = ? AND next = ?")
  private static let addProgress = Statement(
    "UPDATE reindex_progress SET done = done + ?, failed = failed + ?, complete = ? WHERE job = ? AND type = ?")
  private static let touch = Statement("UPDATE reindex_job SET updated = ? WHERE number = ?")
  private static let addFailures = Statement(
    "UPDATE reindex_job SET failures = failures || ? WHERE number = ? AND length(failures) < 20000")

  /// Writes a part of a batch's rows, with where the job is then, in one transaction. A resource that was written since
  /// is left alone: it was indexed with what it said then.
  /// - Parameters:
  ///   - through: the last key that is done with.
  ///   - isLast: whether the type is done with.
  /// - Returns: false where the job was canceled.
  public func write(
    _ results: ArraySlice<ReindexBatch.Result>, of batch: ReindexBatch, _ job: ReindexJob, isEnd: Bool
  ) async throws -> Bool {
    let type = numbers.number(batch.type)
    let through = isEnd ? batch.through : results.last?.key ?? batch.through
    let failures = results.compactMap(\.failure)
    let grown: StoreNumbers.Grown? = try await faulting {
      try await database.write { transaction in
        guard try transaction.first(Self.isRunning, [.integer(job.number)], { _ in true }) != nil else { return nil }
        guard try SearchCatalog.generation(transaction) == job.target else { throw StaleCatalog() }
        let grown = try self.index(results, transaction)
        try transaction.execute(Self.advance, [.integer(through), .integer(type), .integer(job.target)])
        try transaction.execute(
          Self.addProgress,
          [
            .integer(results.count - failures.count), .integer(failures.count),
            .integer(isEnd && batch.isLast ? 1 : 0), .integer(job.number), .integer(type),
          ])
        try transaction.execute(Self.touch, [.integer(self.clock.now().milliseconds), .integer(job.number)])
        if !failures.isEmpty {
          let lines = failures.prefix(20).joined(separator: "\n") + "\n"
          try transaction.execute(Self.addFailures, [.text(lines), .integer(job.number)])
        }
        return grown
      }
    }
    if let grown { numbers.merge(grown) }
    return grown != nil
  }

  /// Writes rows of resources that are still as they were.
  private func index(_ results: ArraySlice<ReindexBatch.Result>, _ transaction: any Transaction) throws
    -> StoreNumbers.Grown
  {
    var writer = IndexWriter(numbers)
    var keys = RowBatch(columns: 1)
    for result in results { keys.append(.integer(result.key)) }
    var versions: [Int: Int64] = [:]
    if !keys.isEmpty {
      try transaction.query(Self.versionRow, rows: keys) { place, row in versions[place] = row.integer(0) }
    }
    for (place, result) in results.enumerated() where versions[place] == result.version {
      try writer.remove(result.removed, key: result.key, in: transaction)
      try writer.add(result.added, key: result.key, in: transaction)
    }
    try writer.flush(in: transaction)
    return writer.grown
  }

  private static let closeType = Statement(
    """
    UPDATE type_index SET generation = max(generation, ?), through = 0, next = 0 WHERE type IN
      (SELECT type FROM reindex_progress WHERE job = ? AND complete = 1 AND failed = 0)
    """)
  private static let enable = Statement(
    """
    UPDATE parameter SET state = 1 WHERE state = 0 AND since <= ? AND type IN
      (SELECT t.name FROM reindex_progress AS p JOIN resource_type AS t ON t.number = p.type
       WHERE p.job = ? AND p.complete = 1 AND p.failed = 0)
    """)
  private static let finish = Statement(
    """
    UPDATE reindex_job SET updated = ?,
      status = CASE WHEN EXISTS (SELECT 1 FROM reindex_progress WHERE job = ? AND failed > 0) THEN 3 ELSE 2 END
    WHERE number = ? AND status = 1
    """)

  /// Ends a job whose types are all done with; the parameters of those without failures answer from now on.
  public func finishReindex(_ job: ReindexJob) async throws {
    try await faulting {
      try await database.write { transaction in
        let now = SQLValue.integer(self.clock.now().milliseconds)
        guard try transaction.execute(Self.finish, [now, .integer(job.number), .integer(job.number)]) > 0 else {
          return
        }
        try transaction.execute(Self.reopen, [.integer(job.number)])
        try transaction.execute(Self.closeType, [.integer(job.target), .integer(job.number)])
        try transaction.execute(Self.enable, [.integer(job.target), .integer(job.number)])
        _ = try SearchCatalog.advance(transaction)
      }
    }
    try await refreshCatalog()
  }

  private static let fail = Statement(
    "UPDATE reindex_job SET status = 3, updated = ?, failures = failures || ? WHERE number = ? AND status < 2")

  /// Ends a job that cannot go on.
  public func failReindex(_ job: ReindexJob, _ reason: String) async throws {
    try await faulting {
      try await database.write { transaction in
        _ = try transaction.execute(
          Self.fail, [.integer(self.clock.now().milliseconds), .text(reason + "\n"), .integer(job.number)])
      }
    }
  }

  // MARK: - One resource

  private static let setIndexed = Statement("UPDATE resource SET indexed = ? WHERE key = ?")

  /// Indexes one resource anew.
  /// - Parameter rows: what it says under the parameters of `catalog`.
  /// - Returns: false where the resource, its index or the parameters changed meanwhile; nothing is written then.
  public func reindex(
    _ resource: StoredVersion, _ indexed: IndexedRows, rows: [IndexRow], for catalog: SearchCatalog
  ) async throws -> Bool {
    let (added, removed) = indexed.difference(to: rows)
    let result = ReindexBatch.Result(
      key: resource.key, version: resource.version, added: added, removed: removed, failure: nil)
    let grown: StoreNumbers.Grown? = try await faulting {
      try await database.write { transaction in
        let view = StoreView(store: self, reader: transaction, restriction: .none)
        guard try SearchCatalog.generation(transaction) == catalog.generation,
          let now = try view.current(resource.type, resource.id), now.version == resource.version, !now.isDeleted,
          try view.indexed(now).generation == indexed.generation
        else { return nil }
        let grown = try self.index([result], transaction)
        try transaction.execute(Self.setIndexed, [.integer(catalog.generation), .integer(resource.key)])
        return grown
      }
    }
    if let grown { numbers.merge(grown) } else { try await refreshCatalog() }
    return grown != nil
  }
}

extension StoreView {
  /// A job by its id; nil if there is none.
  public func reindexJob(_ id: String) throws -> ReindexJob? {
    try takeCatalog()
    return try ReindexJob.find(id, reader, store)
  }

  /// The job that is active; nil for none.
  public func activeReindexJob() throws -> ReindexJob? { try ReindexJob.active(reader, store) }
}
