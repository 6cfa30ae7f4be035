import Base
import Glibc
import Storage
import Synchronization

// Group commit. A sync costs as much as dozens of inserts, and one sync serves every row written before it. So one
// thread owns the only connection that writes; it takes the jobs that wait, runs each between SAVEPOINT and RELEASE
// (a job that throws takes back its own rows only), and commits them together. Callers are resumed after the sync
// of that commit. Whoever arrives during it shares the next one. Callers that write one row after another all come
// back together a moment after their commit, and the first of them alone would cost a sync; so the writer waits for as
// many as there were, as long as they keep coming, for at most a quarter of what the last commit took.
//
// Only this thread checkpoints as well: SQLite before 3.51.3 can damage its log when two connections write or
// checkpoint at the same instant. And it checkpoints after the callers are resumed, not inside their commit.
//
// When a COMMIT fails, three things may be true. The disk was full: nothing reached the log as a whole, SQLite rolled
// back, go on. Anything else (a sync or a write failed): the frames may or may not be there after a crash, so the
// outcome is *unknown*, and since the kernel may now call pages clean that never reached the disk, a later sync
// that succeeds proves nothing. Hence no retry and no further write in this process.

/// The writer: a queue, a thread, the writing connection.
final class Writer: Sendable {
  struct Queue {
    var jobs: [any WriteJob] = []
    var isClosed = false
  }

  private let queue = Monitor(Queue())
  private let configuration: SQLiteConfiguration
  private let broken = Atomic<Bool>(false)
  private let counts = Mutex(StorageStatistics())

  init(_ configuration: SQLiteConfiguration) { self.configuration = configuration }

  var isWritable: Bool { !broken.load(ordering: .acquiring) }

  var statistics: StorageStatistics { counts.withLock { $0 } }

  func count(_ change: (inout StorageStatistics) -> Void) { counts.withLock { change(&$0) } }

  /// No write is taken from now on.
  func markBroken() { broken.store(true, ordering: .releasing) }

  /// Starts the thread. It owns the connection and the lock until it ends, then calls `onEnd`.
  func start(
    _ connection: Connection, lock: StoreLock, openReader: @escaping @Sendable () throws(StorageError) -> Connection,
    onEnd: @escaping @Sendable () -> Void
  ) throws(StorageError) {
    let started = WorkerThread.start(stackBytes: SQLiteDatabase.stackBytes) { [self] in
      WriterLoop(self, connection, configuration).run()
      if isWritable { connection.close() } else { closeWithoutCheckpoint(connection, openReader) }
      // Before the end is told: whoever waits for it may open the store again at once.
      lock.release()
      onEnd()
    }
    guard started else { throw StorageError(.other, detail: "no thread for the writer") }
  }

  /// Closing the last connection copies the log into the file. After a failed sync that could put doubtful pages where
  /// good ones are, while recovery at the next start reads the log anew. So a read-only connection, which never
  /// copies, is the last one; and if there can be none, the writing one is left to the end of the process.
  private func closeWithoutCheckpoint(
    _ connection: Connection, _ openReader: () throws(StorageError) -> Connection
  ) {
    guard let last = try? openReader(), (try? last.run("SELECT count(*) FROM sqlite_schema")) != nil else { return }
    connection.close()
    last.close()
  }

  /// Queues a job, or fails it at once.
  func submit(_ job: any WriteJob) {
    let refusal: StorageError? = queue.withLock { queue in
      if queue.isClosed { return StorageError(.closed) }
      if !isWritable { return StorageError(.broken) }
      if queue.jobs.count >= configuration.writesWaitingMax {
        return StorageError(.busy, detail: "too many writes wait")
      }
      queue.jobs.append(job)
      return nil
    }
    guard let refusal else { return queue.signal() }
    if refusal.code == .busy { count { $0.writesRefused += 1 } }
    job.fail(refusal)
  }

  /// Takes no more jobs; the thread ends after those that wait.
  func close() {
    queue.withLock { $0.isClosed = true }
    queue.broadcast()
  }

  /// Everything that waits; sleeps while there is nothing, unless `isPolling`. Nil when closed and empty.
  fileprivate func take(isPolling: Bool) -> [any WriteJob]? {
    queue.wait { queue -> [any WriteJob]?? in
      guard queue.jobs.isEmpty else {
        defer { queue.jobs = [] }
        return .some(queue.jobs)
      }
      if isPolling { return .some([]) }
      return queue.isClosed ? .some(nil) : .none
    }
  }
}

/// What the writer's thread keeps to itself.
private final class WriterLoop {
  private let writer: Writer
  private let connection: Connection
  private let configuration: SQLiteConfiguration
  private var checkpoint: Checkpoint
  /// Taken from the queue, not yet run; the next at the end.
  private var pending: [any WriteJob] = []
  /// So many of the next jobs are run one by one, since a group they were in was rolled back whole.
  private var aloneCount = 0

  /// The last commit's jobs, and its duration.
  private var lastCount = 0
  private var lastNanoseconds: UInt64 = 0

  private static let napMicroseconds: UInt32 = 30
  private static let begin = Statement("BEGIN IMMEDIATE")
  private static let commit = Statement("COMMIT")
  private static let rollback = Statement("ROLLBACK")
  private static let savepoint = Statement("SAVEPOINT job")
  private static let release = Statement("RELEASE job")
  private static let rollbackJob = Statement("ROLLBACK TO job")

  init(_ writer: Writer, _ connection: Connection, _ configuration: SQLiteConfiguration) {
    self.writer = writer
    self.connection = connection
    self.configuration = configuration
    checkpoint = Checkpoint(connection, configuration)
  }

  func run() {
    while let jobs = writer.take(isPolling: !pending.isEmpty) {
      queue(jobs)
      gather()
      guard writer.isWritable else {
        failPending(StorageError(.broken))
        continue
      }
      if pending.last?.isAlone == true { runAlone() } else { runGroup() }
      noteSync()
      runCheckpoint()
    }
    guard writer.isWritable else { return }
    do {
      try checkpoint.run(.truncate)
      writer.count { $0.checkpoints += 1 }
    } catch {
      writer.markBroken()
    }
  }

  private func queue(_ jobs: [any WriteJob]) { pending.insert(contentsOf: jobs.reversed(), at: 0) }

  private func gather() {
    let start = monotonicNanoseconds()
    while pending.count < lastCount, monotonicNanoseconds() &- start < lastNanoseconds / 4 {
      usleep(WriterLoop.napMicroseconds)
      guard let jobs = writer.take(isPolling: true), !jobs.isEmpty else { return }
      queue(jobs)
    }
  }

  private func failPending(_ error: StorageError) {
    while let job = pending.popLast() { job.fail(error) }
  }

  private func nextJob(alone: Bool) -> (any WriteJob)? {
    while let job = pending.last, job.isAlone == alone {
      pending.removeLast()
      guard job.isWithdrawn else { return job }
      job.fail(StorageError(.interrupted))
    }
    return nil
  }

  private func runAlone() {
    guard let job = nextJob(alone: true) else { return }
    do {
      try job.run(connection)
      job.succeed()
    } catch {
      noteSync()
      rollback()
      writer.count { $0.jobsFailed += 1 }
      job.fail(error)
    }
  }

  /// A sync can fail inside a job too, when its pages outgrow the cache. Whatever the job made of the error counts not.
  private func noteSync() {
    if connection.sawFailedSync { writer.markBroken() }
  }

  private func step(_ statement: Statement) throws { try connection.query(statement, []) { _ in true } }

  // MARK: A group

  private func runGroup() {
    var countMax = configuration.jobsPerCommitMax
    if aloneCount > 0 {
      aloneCount -= 1
      countMax = 1
    }
    do {
      try step(WriterLoop.begin)
    } catch {
      noteSync()
      for _ in 0..<countMax { nextJob(alone: false)?.fail(error) }
      return
    }
    let isSingle = pending.count == 1 || countMax == 1
    let deadline = monotonicNanoseconds() &+ UInt64(configuration.commitMillisecondsMax) &* 1_000_000
    var done: [any WriteJob] = []
    while done.count < countMax, let job = nextJob(alone: false) {
      do {
        if isSingle { try runSingle(job) } else { try runInSavepoint(job) }
        done.append(job)
      } catch {
        writer.count { $0.jobsFailed += 1 }
        job.fail(error)
        if connection.isAutocommit { return runAgain(done) }
        // A single job has no savepoint to go back to: whatever it did is taken back with the transaction.
        if isSingle { return rollback() }
      }
      if monotonicNanoseconds() > deadline { break }
    }
    noteSync()
    guard writer.isWritable else {
      rollback()
      return fail(done, StorageError(.broken))
    }
    done.isEmpty ? rollback() : commit(done)
  }

  private func runSingle(_ job: any WriteJob) throws {
    try job.run(connection)
    // The job caught an error after which SQLite had rolled back everything, or ended the transaction itself.
    if connection.isAutocommit { throw StorageError(.misuse, detail: "the transaction ended inside the job") }
  }

  private func runInSavepoint(_ job: any WriteJob) throws {
    try step(WriterLoop.savepoint)
    do {
      try job.run(connection)
      try step(WriterLoop.release)
    } catch {
      do {
        try step(WriterLoop.rollbackJob)
        try step(WriterLoop.release)
      } catch {
        // After some errors SQLite has rolled back the whole transaction, and the savepoint is gone with it. Where it
        // did not, half a job must not stay: everything goes, and the others are run again.
        rollback()
      }
      throw error
    }
  }

  private func rollback() {
    if !connection.isAutocommit { try? step(WriterLoop.rollback) }
  }

  /// SQLite rolled back the whole transaction because of one job: the others are run once more, one by one.
  private func runAgain(_ jobs: [any WriteJob]) {
    rollback()
    pending.append(contentsOf: jobs.reversed())
    aloneCount = jobs.count
  }

  private func commit(_ done: [any WriteJob]) {
    let start = monotonicNanoseconds()
    do {
      try step(WriterLoop.commit)
    } catch {
      return commitFailed(done, error)
    }
    lastNanoseconds = monotonicNanoseconds() &- start
    lastCount = done.count
    writer.count { counts in
      counts.commits += 1
      counts.jobs += done.count
      counts.jobsPerCommitMax = max(counts.jobsPerCommitMax, done.count)
      counts.commitNanoseconds &+= lastNanoseconds
    }
    for job in done { job.succeed() }
  }

  private func commitFailed(_ done: [any WriteJob], _ error: any Error) {
    let code = (error as? StorageError)?.code
    if code == .full || code == .busy || code == .constraint {
      rollback()
      if done.count > 1, code == .constraint { return runAgain(done) }
      return fail(done, error)
    }
    writer.markBroken()
    rollback()
    let engineCode = (error as? StorageError)?.engineCode ?? 0
    let detail = (error as? StorageError)?.detail ?? ""
    fail(done, StorageError(.outcomeUnknown, engineCode: engineCode, detail: detail))
  }

  private func fail(_ jobs: [any WriteJob], _ error: any Error) {
    writer.count { $0.jobsFailed += jobs.count }
    for job in jobs { job.fail(error) }
  }

  // MARK: Checkpoints

  private func runCheckpoint() {
    guard writer.isWritable, let mode = checkpoint.due() else { return }
    do {
      try checkpoint.run(mode)
      writer.count { $0.checkpoints += 1 }
    } catch {
      // What was acknowledged is in the log, synced. A full disk may find room; any other failure of the disk means
      // that what the file holds is no longer certain.
      if error.code != .full { writer.markBroken() }
    }
  }
}
