import Base
import Glibc
import Storage

// Group commit, as on the other engine: a commit waits for a disk (and for standbys), and one wait serves every job
// before it. A thread takes the jobs that wait, runs each between SAVEPOINT and RELEASE, and commits them together.
// BEGIN, SAVEPOINT and RELEASE travel with the jobs' statements and cost no round trip; statements whose count nobody
// needs travel with the next that is asked for something, or with COMMIT. So a job that reads once and then writes
// costs a round trip, and the commit another.
//
// Four things can go wrong besides a job's own error:
// - Others collided with the group (40001, 40P01). PostgreSQL takes the transaction back, and all its jobs are run
//   again: once together, then one by one with a growing pause, at most `runsMax` times.
// - A statement fails that a job had put off, when the next job runs already, or at COMMIT. Whose fault it is shows
//   when all are run again one by one.
// - The connection is lost before COMMIT was sent. The server takes everything back by itself, and the jobs are run
//   again on a new connection.
// - The connection is lost, or no answer comes, after COMMIT was sent. It may be on the disk or not. So each
//   transaction changes the writer's row of `outcome` to a number of its own, in the round trip that begins it; on a
//   new connection the row tells whether the transaction was committed. While that is still under way the row is
//   locked, and it is waited for. (`pg_xact_status` would do without a row, but a number of a transaction that was lost
//   in a crash or failover is given to another one.) Only where there is no new connection in time, or no answer, the
//   outcome is *unknown*, and that is what the callers are told. The store takes writes again as soon as there is a
//   connection: what is committed is the server's to know, and it stops by itself when a sync fails (it panics, and
//   recovers).

/// A thread that writes, with its connection.
final class Writer {
  private let writers: Writers
  private let connection: Connection
  private let configuration: PostgreSQLConfiguration
  /// Taken from the queue, not yet run; the next at the end.
  private var pending: [any WriteJob] = []
  /// So many of the next jobs are run one by one, since a group they were in was taken back.
  private var aloneCount = 0
  /// Whose row of `outcome` is this writer's.
  private let name = Node.randomName()
  /// The transaction's number, 0 where it has none.
  private var number: Int64 = 0
  private var numbers: Int64 = 0
  /// Since when there is no connection.
  private var downSince: UInt64?

  /// The last commit's jobs, and its duration.
  private var lastCount = 0
  private var lastNanoseconds: UInt64 = 0

  private static let napMicroseconds: UInt32 = 30
  private static let pauseMicrosecondsMax: UInt32 = 100_000
  private static let reconnectNapMicroseconds: UInt32 = 50_000

  init(_ writers: Writers, _ connection: Connection, _ configuration: PostgreSQLConfiguration) {
    self.writers = writers
    self.connection = connection
    self.configuration = configuration
  }

  func run() {
    while let jobs = writers.take(isPolling: !pending.isEmpty) {
      queue(jobs)
      gather()
      do throws(StorageError) {
        try connect()
        runGroup()
      } catch {
        while let job = pending.popLast() { fail([job], error) }
      }
    }
  }

  private func queue(_ jobs: [any WriteJob]) { pending.insert(contentsOf: jobs.reversed(), at: 0) }

  /// Callers that write one row after another come back together a moment after their commit: waits for as many as
  /// there were, as long as they keep coming, for at most a quarter of what the last commit took.
  private func gather() {
    let start = monotonicNanoseconds()
    while pending.count < lastCount, monotonicNanoseconds() &- start < lastNanoseconds / 4 {
      usleep(Writer.napMicroseconds)
      guard let jobs = writers.take(isPolling: true), !jobs.isEmpty else { return }
      queue(jobs)
    }
  }

  /// Makes a connection if there is none, trying for a while after it was lost.
  private func connect() throws(StorageError) {
    if connection.isOpen {
      downSince = nil
      return
    }
    let patience = UInt64(max(0, configuration.reconnectMillisecondsMax)) &* 1_000_000
    while true {
      let start = monotonicNanoseconds()
      let since = downSince ?? start
      downSince = since
      do throws(StorageError) {
        try connection.open()
        downSince = nil
        return connection.faults.count { $0.reconnections += 1 }
      } catch {
        guard error.code == .busy, monotonicNanoseconds() &- since < patience else { throw error }
        usleep(Writer.reconnectNapMicroseconds)
      }
    }
  }

  private func nextJob() -> (any WriteJob)? {
    while let job = pending.popLast() {
      guard job.isWithdrawn else { return job }
      job.fail(StorageError(.interrupted))
    }
    return nil
  }

  // MARK: A group

  private static let lock = Statement(Node.writeLock)
  private static let begin = Statement(
    """
    INSERT INTO outcome (writer, number) VALUES (?, ?)
    ON CONFLICT (writer) DO UPDATE SET number = excluded.number, written = now()
    """)
  private static let found = Statement(
    """
    INSERT INTO outcome (writer, number) VALUES (?, 0)
    ON CONFLICT (writer) DO UPDATE SET number = outcome.number RETURNING number
    """)

  private func begin() {
    connection.failure = nil
    switch configuration.isolation {
    case .exclusive:
      connection.queue = [.command("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")]
      // The lock is a statement of its own, so that the next one sees what was committed while it waited.
      queueOwn(Self.lock, [])
    case .serializable: connection.queue = [.command("BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE")]
    case .readCommitted: connection.queue = [.command("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")]
    }
    connection.transaction = .queued
    number = 0
    guard connection.node.isMigrated else { return }
    numbers += 1
    number = numbers
    queueOwn(Self.begin, [.text(name), .integer(number)])
  }

  private func queueOwn(_ statement: Statement, _ binds: [SQLValue]) {
    let execution = Execution(source: .fixed(statement), values: binds, columns: binds.count, rowCount: 1)
    connection.queue.append(.statement(execution, job: nil))
  }

  private func rollback() {
    defer { connection.transaction = .none }
    connection.queue = []
    guard connection.transaction == .begun, connection.isOpen else { return }
    if (try? connection.command("ROLLBACK", mayCancel: false)) == nil { connection.drop() }
  }

  private func runGroup() {
    var countMax = configuration.jobsPerCommitMax
    if aloneCount > 0 {
      aloneCount -= 1
      countMax = 1
    }
    begin()
    let isSingle = pending.count == 1 || countMax == 1
    let deadline = monotonicNanoseconds() &+ UInt64(configuration.commitMillisecondsMax) &* 1_000_000
    var done: [any WriteJob] = []
    while done.count < countMax, let job = nextJob() {
      do {
        if isSingle { try runSingle(job) } else { try runInSavepoint(job) }
        done.append(job)
      } catch {
        if let failure = connection.failure, failure.kind != .other {
          let jobs = done + [job]
          return failure.kind == .earlier ? takenBack(jobs) : runAgain(jobs, failure.kind, failure.error)
        }
        fail([job], error)
        // A single job has no savepoint to go back to: whatever it did is taken back with the transaction.
        if isSingle { return rollback() }
        guard connection.isOpen, connection.failure == nil else { return takenBack(done) }
      }
      if monotonicNanoseconds() > deadline { break }
    }
    done.isEmpty ? rollback() : commit(done)
  }

  private func runSingle(_ job: any WriteJob) throws {
    job.runs += 1
    connection.job &+= 1
    try job.run(connection)
    // An error that the job kept to itself: PostgreSQL carries out nothing more in this transaction.
    if let failure = connection.failure { throw failure.error }
  }

  private func runInSavepoint(_ job: any WriteJob) throws {
    let savepoint = connection.enterSavepoint("job")
    do {
      try runSingle(job)
      try connection.leave(savepoint)
    } catch {
      // Where this fails too, the failure stays noted, and the group is taken back.
      if connection.failure.map({ $0.kind == .other }) ?? true { try? connection.takeBack(savepoint) }
      throw error
    }
  }

  /// The transaction is gone through no fault of these jobs: they are run once more, one by one.
  private func takenBack(_ jobs: [any WriteJob]) {
    rollback()
    pending.append(contentsOf: jobs.reversed())
    aloneCount = jobs.count
  }

  private func runAgain(_ jobs: [any WriteJob], _ kind: Failure, _ error: StorageError) {
    rollback()
    if kind == .lost, downSince == nil { downSince = monotonicNanoseconds() }
    let (over, again) = jobs.reduce(into: ([any WriteJob](), [any WriteJob]())) {
      if $1.runs >= configuration.runsMax { $0.0.append($1) } else { $0.1.append($1) }
    }
    fail(over, error)
    connection.faults.count { $0.jobsRepeated += again.count }
    pending.append(contentsOf: again.reversed())
    guard kind == .collision, let runs = again.map(\.runs).max() else { return }
    if runs > 1 { aloneCount = again.count }
    // Those who collided must not meet again: a pause of random length, twice as long each time.
    let longest = min(UInt32(500) << UInt32(min(runs, 8)), Writer.pauseMicrosecondsMax)
    usleep(UInt32.random(in: 0...longest))
  }

  private func commit(_ done: [any WriteJob]) {
    connection.trimQueue()
    // Not one statement among all the jobs: there is no transaction.
    guard connection.transaction == .begun || connection.hasPutOff else {
      rollback()
      return succeed(done, 0)
    }
    connection.sawLocalCommit = false
    let start = monotonicNanoseconds()
    let limit = UInt64(max(1, configuration.commitSecondsMax)) &* 1_000_000_000 &+ connection.statementNanosecondsMax
    do throws(StorageError) {
      // What tells the outcome must be there before it can be in doubt.
      if connection.transaction == .queued { try connection.settleQueue() }
      let tag = try connection.command("COMMIT", mayCancel: false, nanosecondsMax: limit)
      connection.transaction = .none
      // The answer to COMMIT where there was nothing left to commit.
      guard tag == "COMMIT" else {
        if done.count > 1 { return takenBack(done) }
        return fail(done, StorageError(.other, detail: "the transaction was taken back at its end"))
      }
    } catch {
      return commitFailed(done, error)
    }
    if connection.sawLocalCommit { return unknown(done, StorageError(.outcomeUnknown)) }
    succeed(done, monotonicNanoseconds() &- start)
  }

  private func succeed(_ done: [any WriteJob], _ nanoseconds: UInt64) {
    lastNanoseconds = nanoseconds
    lastCount = done.count
    writers.counts.count { counts in
      counts.commits += 1
      counts.jobs += done.count
      counts.jobsPerCommitMax = max(counts.jobsPerCommitMax, done.count)
      counts.commitNanoseconds &+= nanoseconds
    }
    for job in done { job.succeed() }
  }

  private func commitFailed(_ done: [any WriteJob], _ error: StorageError) {
    // An answer that is an error: taken back as a whole. Anything else leaves open what happened.
    guard connection.isOpen, let failure = connection.failure, failure.kind != .lost else {
      return lostAtCommit(done, error)
    }
    if failure.kind == .collision { return runAgain(done, .collision, failure.error) }
    rollback()
    if done.count > 1 { return takenBack(done) }
    fail(done, error)
  }

  /// Nobody answered: the database is asked on a new connection whether it is committed.
  private func lostAtCommit(_ done: [any WriteJob], _ error: StorageError) {
    connection.transaction = .none
    let isThere = number == 0 ? nil : isCommitted(number)
    switch isThere {
    case true?:
      connection.faults.count { $0.outcomesFound += done.count }
      succeed(done, 0)
    case false?:
      connection.faults.count { $0.outcomesFound += done.count }
      runAgain(done, .lost, error)
    case nil: unknown(done, error)
    }
  }

  /// Nil where the database cannot be reached in time, or does not say.
  private func isCommitted(_ number: Int64) -> Bool? {
    if downSince == nil { downSince = monotonicNanoseconds() }
    do {
      try connect()
      connection.queue = []
      connection.sawLocalCommit = false
      // It changes the row to what it is: so its own commit waits for the standbys, and they have the other one too.
      let found = try connection.first(Self.found, [.text(name)]) { $0.integer(0) }
      return connection.sawLocalCommit ? nil : found.map { $0 == number }
    } catch {
      return nil
    }
  }

  private func unknown(_ jobs: [any WriteJob], _ error: StorageError) {
    connection.transaction = .none
    connection.faults.count { $0.outcomesUnknown += jobs.count }
    fail(jobs, StorageError(.outcomeUnknown, engineCode: error.engineCode, detail: error.detail))
  }

  private func fail(_ jobs: [any WriteJob], _ error: any Error) {
    writers.counts.count { $0.jobsFailed += jobs.count }
    for job in jobs { job.fail(error) }
  }
}
