/// An engine that keeps rows: readers see snapshots, writers share commits, what is acknowledged is on the disk.
///
/// Errors are `StorageError`s, or whatever the closure threw.
public protocol Database: Sendable {
  var dialect: Dialect { get }

  /// A short read on the calling thread: for a few look-ups by key, which cost less than any change of thread.
  /// Each statement sees the newest commit; several statements do *not* share a snapshot (use `read`).
  func point<R>(_ body: (any Reader) throws -> R) throws -> R

  /// A read on a reader's thread: every statement of `body` sees the same snapshot, taken at its first statement.
  ///
  /// Throws `.busy` when too many reads wait, `.interrupted` after the caller's task was cancelled and
  /// `.deadlineExceeded` when the deadline passes, waiting or running.
  func read<R: Sendable>(
    deadline: ContinuousClock.Instant?, _ body: @escaping @Sendable (any Reader) throws -> R
  ) async throws -> R

  /// A read that may see the store as it was some seconds ago, if the engine has a copy to read from; else as `read`.
  func readRecent<R: Sendable>(
    deadline: ContinuousClock.Instant?, _ body: @escaping @Sendable (any Reader) throws -> R
  ) async throws -> R

  /// Runs `body` in a transaction; returns only after the commit is on the disk. Jobs that wait at the same time
  /// share one commit; one that throws takes back its own writes only, and its error comes out here.
  ///
  /// `body` may run more than once (its effects but the last time's are taken back), so it must have none outside.
  /// A cancelled task's job is withdrawn if it has not begun; once begun, it is carried through.
  /// Throws `.outcomeUnknown` when the commit failed in a way that leaves open whether it is on the disk; from then
  /// on `isWritable` is false and writes throw `.broken`.
  func write<R: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> R) async throws -> R

  /// Brings the schema up: runs in order what is not recorded yet, each in one transaction, and puts the result
  /// durably on the disk before it returns. Throws `.misuse` when the store is newer than the list, or when a
  /// recorded migration has another name than the list's.
  func migrate(_ migrations: [Migration]) async throws

  /// False for good after a failed sync: what the disk holds is no longer certain.
  var isWritable: Bool { get }

  /// Counts since the start.
  var statistics: StorageStatistics { get }

  // MARK: Several processes

  /// Whether other processes may have the same store open.
  var isShared: Bool { get }

  /// False while the store is away: reads and writes throw `.busy` then. It comes back by itself.
  var isReachable: Bool { get }

  /// From now on `receive` hears what other processes do with the same store. It is called on a thread of the
  /// engine's, one notice after the other, and must not wait.
  func listen(_ receive: @escaping @Sendable (Notice) -> Void)

  /// Whether this process is the one to do a piece of work that one at a time does, of all that share the store. Asked
  /// before each part of it: once true it stays so until `release`, as long as this process lives and reaches the
  /// store; if it does not, another one is told true after some seconds. So for a moment two may do the work, and it
  /// must bear that.
  func lease(_ work: String) async -> Bool

  /// Leaves a piece of work to whoever asks next.
  func release(_ work: String) async

  /// Finishes the writes that wait, refuses new work with `.closed`, and leaves a tidy store.
  func close() async
}

extension Database {
  /// A read without a deadline of its own.
  public func read<R: Sendable>(_ body: @escaping @Sendable (any Reader) throws -> R) async throws -> R {
    try await read(deadline: nil, body)
  }

  public func readRecent<R: Sendable>(
    deadline: ContinuousClock.Instant?, _ body: @escaping @Sendable (any Reader) throws -> R
  ) async throws -> R {
    try await read(deadline: deadline, body)
  }
}

/// What an engine did since its start. Times are nanoseconds.
public struct StorageStatistics: Sendable, Equatable {
  /// Transactions committed.
  public var commits = 0
  /// Write jobs acknowledged.
  public var jobs = 0
  /// Write jobs that threw or were rolled back.
  public var jobsFailed = 0
  /// The most jobs in one commit.
  public var jobsPerCommitMax = 0
  /// Spent in COMMIT, the sync included.
  public var commitNanoseconds: UInt64 = 0
  /// Checkpoints the writer ran by itself between commits or at close.
  public var checkpoints = 0
  /// Reads finished on reader threads.
  public var reads = 0
  /// Reads refused because too many waited.
  public var readsRefused = 0
  /// Writes refused because too many waited.
  public var writesRefused = 0

  public init() {}
}
