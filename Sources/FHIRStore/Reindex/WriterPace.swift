import Storage

/// Leaves half of the machine to whoever writes at the same time: after each piece of work it waits as long as that
/// took, if others wrote meanwhile. Where nobody writes it waits for nothing.
public struct WriterPace: Sendable {
  private let store: FHIRStore
  /// Write jobs of the store's, after the last piece of work.
  private var jobs: Int
  /// Whether others wrote during the last piece of work.
  public private(set) var isShared = false

  public init(_ store: FHIRStore) {
    self.store = store
    jobs = store.statistics.jobs
  }

  /// - Parameters:
  ///   - before: what was done for the piece of work before it is written.
  ///   - write: one write job.
  public mutating func pacing<R>(_ before: Duration, _ write: () async throws -> R) async throws -> R {
    let start = ContinuousClock.now
    let result = try await write()
    let end = ContinuousClock.now
    let jobsNow = store.statistics.jobs
    isShared = jobsNow > jobs + 1
    jobs = jobsNow
    // What is written next is made in the pause, which is as long as both pieces of work.
    if isShared { try await Task.sleep(until: end + before * 2 + (end - start)) }
    return result
  }
}
