public import Storage

/// How a store is opened. The defaults suit a server with its own disk.
public struct SQLiteConfiguration: Sendable {
  /// What a power cut may take.
  public enum Durability: String, Sendable {
    /// Nothing that was acknowledged: every commit is synced.
    case full
    /// Commits since the last checkpoint. For scratch stores and for tests that must lose.
    case normal
    /// Anything, the whole file included. For scratch stores and for tests that must lose.
    case off
  }

  public var durability = Durability.full
  /// The SQLite VFS, by its registered name; nil for the system's own.
  public var vfs: String?
  /// Puts a folder's entries on the disk. Tests that play a disk give their own.
  public var syncFolder: @Sendable (_ path: String) throws(StorageError) -> Void = Folder.sync

  // Threads and queues
  /// Threads for `read`, each with a connection.
  public var readerThreads = 2
  /// Reads that wait for a thread; past it `.busy`.
  public var readsWaitingMax = 1_000
  /// Connections for `point`, opened as needed; past it `.busy`.
  public var pointConnectionsMax = 64
  /// Writes that wait; past it `.busy`.
  public var writesWaitingMax = 10_000
  /// Write jobs in one commit.
  public var jobsPerCommitMax = 1_024
  /// Jobs of one commit run for this long, then those that wait are left for the next.
  public var commitMillisecondsMax = 25
  /// A read without a deadline of its own is given up after this.
  public var readSecondsMax = 100
  /// A lock that someone outside holds is waited for this long.
  public var busyMillisecondsMax = 5_000

  // Memory
  /// Pages kept by each connection, in KiB: the writer's.
  public var writerCacheKiB = 64 * 1024
  /// Pages kept by each connection, in KiB: each reader's.
  public var readerCacheKiB = 16 * 1024
  /// Bytes of the file mapped into memory by each connection.
  public var mappedBytesMax: Int64 = 1 << 36
  /// Dynamic statements kept prepared on each connection.
  public var dynamicStatementsMax = 128

  // Log
  /// The writer copies the log into the file when it has this many pages.
  public var checkpointPages = 10_000
  /// Past this many times `checkpointPages` the writer waits a moment for readers, so that the log starts anew.
  public var logGrowthMax = 8

  public init() {}
}
