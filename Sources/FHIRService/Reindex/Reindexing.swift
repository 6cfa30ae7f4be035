import Base
import FHIRSearch
public import FHIRStore
import Synchronization

/// Jobs that index resources, and the removal of index rows that are no longer needed: both go on beside requests and
/// are taken up again after a restart.
extension FHIRService {
  /// Resources of a batch, in bytes.
  private static let batchBytesMax = 16 * 1024 * 1024
  /// Index rows removed in one transaction, from each table.
  private static let removedRowsMax = 2_000

  /// Begins the work beside requests. Whoever calls it calls `stop()` before the store is closed.
  public func start() {
    reindexing.start { [weak self] in try await self?.reindexActive() }
    removal.start { [weak self] in try await self?.removeRetired() }
  }

  /// Ends the work beside requests, in the middle of what it does; it goes on there after the next start.
  public func stop() async {
    await reindexing.stop()
    await removal.stop()
  }

  /// Removes the index rows of parameters that were no more at the last run already: no search can be under way that
  /// still asks for them. At the first run none can be at all.
  private func removeRetired() async throws -> Duration? {
    let retired = try await store.retiredParameters()
    let ripe = removable.withLock { $0 }
    for number in retired where ripe?.contains(number) ?? true {
      while try await store.removeRows(ofRetired: number, rowsMax: Self.removedRowsMax) { try Task.checkCancellation() }
    }
    removable.withLock { $0 = Set(retired) }
    return .seconds(limits.requestDeadlineSecondsMax)
  }

  // MARK: - Jobs

  private func reindexActive() async throws -> Duration? {
    while let job = try await store.activeReindex() {
      try Task.checkCancellation()
      if job.status == .queued {
        try await store.beginReindex(job)
      } else if let progress = job.next {
        try await reindex(job, progress)
      } else {
        try await store.finishReindex(job)
      }
    }
    return nil
  }

  /// Indexes a type's resources from where the job is.
  private func reindex(_ job: ReindexJob, _ progress: ReindexJob.Progress) async throws {
    var after: Int64?
    while true {
      try Task.checkCancellation()
      let batch = try await store.reindexBatch(job, progress, after: after, bytesMax: Self.batchBytesMax)
      guard batch.catalog.generation == job.target else {
        return try await store.failReindex(job, "The search parameters changed while the job was running.")
      }
      let results = await extracted(batch, atOnce: job.options.concurrency)
      var start = 0
      repeat {
        let end = min(start + job.options.resourcesPerWrite, results.count)
        let isActive = try await store.write(results[start..<end], of: batch, job, isEnd: end == results.count)
        guard isActive else { return }
        start = end
      } while start < results.count
      if batch.isLast { return }
      after = batch.through
      if job.options.delayMilliseconds > 0 { try await Task.sleep(for: .milliseconds(job.options.delayMilliseconds)) }
    }
  }

  /// What a batch's resources say, in the order of their keys.
  private func extracted(_ batch: ReindexBatch, atOnce: Int) async -> [ReindexBatch.Result] {
    let length = max(1, (batch.items.count + atOnce - 1) / max(1, atOnce))
    let starts = Array(stride(from: 0, to: batch.items.count, by: length))
    return await withTaskGroup(of: (Int, [ReindexBatch.Result]).self) { group in
      for start in starts {
        group.addTask {
          (start, batch.items[start..<min(start + length, batch.items.count)].map { self.extracted($0, batch) })
        }
      }
      var parts: [Int: [ReindexBatch.Result]] = [:]
      for await (start, results) in group { parts[start] = results }
      return starts.flatMap { parts[$0] ?? [] }
    }
  }

  private func extracted(_ item: ReindexBatch.Item, _ batch: ReindexBatch) -> ReindexBatch.Result {
    guard let body = item.resource.body else { return item.result([]) }
    do {
      return item.result(try rows(body, batch.type, batch.catalog, only: item.missing))
    } catch {
      return item.failure((error as? Fault)?.reasons.first?.diagnostics ?? "The resource could not be indexed.")
    }
  }
}
