import Base
import FHIRStore
import Synchronization

/// Jobs that index resources, and the removal of index rows that are no longer needed: both go on beside requests and
/// are taken up again after a restart.
extension FHIRService {
  /// Index rows removed in one transaction, from each table.
  private static let removedRowsMax = 2_000

  /// Where several processes share the store, work that another one does is looked at this often: it may be left over.
  private static let sharedPause = Duration.seconds(2)

  /// Begins the work beside requests. Whoever calls it calls `stop()` before the store is closed.
  public func start() {
    reindexing.start { [weak self] in try await self?.reindexActive() }
    removal.start { [weak self] in try await self?.removeRetired() }
  }

  /// Ends the work beside requests, in the middle of what it does; it goes on there after the next start.
  public func stop() async {
    await reindexing.stop()
    await removal.stop()
    await store.release(.reindex)
    await store.release(.removal)
  }

  /// Removes the index rows of parameters that were no more at the last run already: no search can be under way that
  /// still asks for them. At the first run none can be at all, unless it is another process's.
  private func removeRetired() async throws -> Duration? {
    let pause = Duration.seconds(limits.requestDeadlineSecondsMax)
    let retired = try await store.retiredParameters()
    guard await store.lease(.removal) else {
      removable.withLock { $0 = Set(retired) }
      return pause
    }
    let ripe = removable.withLock { $0 ?? (store.isShared ? [] : nil) }
    var pace = WriterPace(store)
    for number in retired where ripe?.contains(number) ?? true {
      let remove = { try await self.store.removeRows(ofRetired: number, rowsMax: Self.removedRowsMax) }
      while try await pace.pacing(.zero, remove) { try Task.checkCancellation() }
    }
    removable.withLock { $0 = Set(retired) }
    return pause
  }

  // MARK: - Jobs

  private func reindexActive() async throws -> Duration? {
    while let job = try await store.activeReindex() {
      try Task.checkCancellation()
      guard await store.lease(.reindex) else { return Self.sharedPause }
      guard let catalog = try await store.catalog(of: job) else {
        try await store.failReindex(job, "The search parameters changed while the job was running.")
        continue
      }
      if job.status == .queued {
        try await store.beginReindex(job, catalog)
      } else if let progress = job.next {
        try await ReindexFlow(self, job, progress, catalog).run()
      } else {
        try await store.finishReindex(job)
      }
    }
    await store.release(.reindex)
    // A job of another process that ends before it.
    return store.isShared ? Self.sharedPause : nil
  }
}
