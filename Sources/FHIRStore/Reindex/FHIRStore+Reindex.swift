import Base
import Storage

/// A job's life: made, begun, canceled or ended. What happens in between is in `ReindexRange`, `ReindexBatch` and
/// `ReindexPortion`.
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

  /// The parameters that a job indexes resources for; nil where they are others by now.
  public func catalog(of job: ReindexJob) async throws -> SearchCatalog? {
    if catalog.generation != job.target { try await refreshCatalog() }
    let catalog = catalog
    return catalog.generation == job.target ? catalog : nil
  }

  // MARK: - Beginning

  private static let countRow = Statement(
    sqlite: """
      SELECT count(*), coalesce(max(r.key), 0), coalesce(sum(max(r.indexed, t.generation) < ?), 0)
      FROM (SELECT key FROM resource INDEXED BY resource_live
            WHERE type = ? AND method <> 3 AND key > ? AND key <= ? ORDER BY key LIMIT ?) AS s
        CROSS JOIN resource AS r ON r.key = s.key CROSS JOIN type_index AS t ON t.type = r.type
      """,
    postgreSQL: """
      SELECT count(*), coalesce(max(r.key), 0), count(*) FILTER (WHERE greatest(r.indexed, t.generation) < ?)
      FROM (SELECT key FROM resource
            WHERE type = ? AND method <> 3 AND key > ? AND key <= ? ORDER BY key LIMIT ?) AS s
        JOIN resource AS r ON r.key = s.key JOIN type_index AS t ON t.type = r.type
      """)
  /// Resources counted in one read: a reader is kept for some milliseconds.
  private static let countedMax: Int64 = 20_000

  private static let begin = Statement(
    "UPDATE reindex_job SET status = 1, started = ?, updated = ? WHERE number = ? AND status = 0")
  private static let setTotal = Statement(
    "UPDATE reindex_progress SET total = ?, complete = ? WHERE job = ? AND type = ?")
  private static let openType = Statement(
    "UPDATE type_index SET through = 0, next = ? WHERE type = ? AND next <> ?")

  /// Counts what a queued job has to do, and begins. Types without such resources are done with: what is written from
  /// now on is indexed by who writes it.
  public func beginReindex(_ job: ReindexJob, _ catalog: SearchCatalog) async throws {
    var totals: [(type: Int64, total: Int64)] = []
    for progress in job.progress {
      totals.append((numbers.number(progress.type), try await count(job, progress, catalog)))
    }
    let counted = totals
    try await faulting {
      try await database.write { transaction in
        let now = SQLValue.integer(self.clock.now().milliseconds)
        guard try transaction.execute(Self.begin, [now, now, .integer(job.number)]) > 0 else { return }
        for (type, total) in counted {
          let isComplete: Int64 = total == 0 ? 1 : 0
          try transaction.execute(
            Self.setTotal, [.integer(total), .integer(isComplete), .integer(job.number), .integer(type)])
          try transaction.execute(Self.openType, [.integer(job.target), .integer(type), .integer(job.target)])
        }
      }
    }
  }

  /// How many of a type's resources need it.
  private func count(_ job: ReindexJob, _ progress: ReindexJob.Progress, _ catalog: SearchCatalog) async throws -> Int64
  {
    let needed = SQLValue.integer(catalog.needed(progress.type))
    let type = SQLValue.integer(numbers.number(progress.type))
    var (through, total) = (progress.through, Int64(0))
    while true {
      try Task.checkCancellation()
      let binds: [SQLValue] = [needed, type, .integer(through), .integer(job.last), .integer(Self.countedMax)]
      let found = try await faulting {
        try await database.read { try $0.first(Self.countRow, binds) { ($0.integer(0), $0.integer(1), $0.integer(2)) } }
      }
      guard let (seen, last, outdated) = found else { return total }
      total += outdated
      if seen < Self.countedMax { return total }
      through = last
    }
  }

  // MARK: - Ending

  private static let cancel = Statement("UPDATE reindex_job SET status = 4, updated = ? WHERE id = ? AND status < 2")
  /// Where a resource could not be indexed, the next job looks at all of its type again.
  private static let reopen = Statement(
    """
    UPDATE type_index SET through = 0, next = 0 WHERE type IN
      (SELECT type FROM reindex_progress WHERE job = ? AND failed > 0)
    """)
  private static let closeType = Statement(
    """
    UPDATE type_index SET generation = \(SQL.greatest)(generation, ?), through = 0, next = 0 WHERE type IN
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
  private static let fail = Statement(
    "UPDATE reindex_job SET status = 3, updated = ?, failures = failures || ? WHERE number = ? AND status < 2")

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

  /// Ends a job that cannot go on.
  public func failReindex(_ job: ReindexJob, _ reason: String) async throws {
    try await faulting {
      try await database.write { transaction in
        _ = try transaction.execute(
          Self.fail, [.integer(self.clock.now().milliseconds), .text(reason + "\n"), .integer(job.number)])
      }
    }
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
