import Base
import Storage

/// The queue of write jobs, and the threads that take from it.
final class Writers: Sendable {
  private struct Queue {
    var jobs: [any WriteJob] = []
    var threads = 0
    var isClosed = false
    var onEnd: (@Sendable () -> Void)?
  }

  private let queue = Monitor(Queue())
  private let configuration: PostgreSQLConfiguration
  let counts: Counts

  init(_ configuration: PostgreSQLConfiguration, counts: Counts) {
    self.configuration = configuration
    self.counts = counts
  }

  /// Starts a thread with this connection, which it closes at its end.
  func start(_ connection: Connection) throws(StorageError) {
    queue.withLock { $0.threads += 1 }
    let started = WorkerThread.start(stackBytes: PostgreSQLDatabase.stackBytes) { [self] in
      Writer(self, connection, configuration).run()
      connection.drop()
      ended()
    }
    guard !started else { return }
    connection.drop()
    ended()
    throw StorageError(.other, detail: "no thread for a writer")
  }

  private func ended() {
    let onEnd = queue.withLock { queue -> (@Sendable () -> Void)? in
      queue.threads -= 1
      return queue.threads == 0 ? queue.onEnd : nil
    }
    onEnd?()
  }

  /// Queues a job, or fails it at once.
  func submit(_ job: any WriteJob) {
    let refusal: StorageError? = queue.withLock { queue in
      if queue.isClosed { return StorageError(.closed) }
      if queue.jobs.count >= configuration.writesWaitingMax {
        return StorageError(.busy, detail: "too many writes wait")
      }
      queue.jobs.append(job)
      return nil
    }
    guard let refusal else { return queue.signal() }
    if refusal.code == .busy { counts.count { $0.writesRefused += 1 } }
    job.fail(refusal)
  }

  /// Takes no more jobs; calls `onEnd` after the last thread finished those that wait.
  func close(_ onEnd: @escaping @Sendable () -> Void) {
    let isOver = queue.withLock { queue in
      queue.isClosed = true
      if queue.threads > 0 { queue.onEnd = onEnd }
      return queue.threads == 0
    }
    queue.broadcast()
    if isOver { onEnd() }
  }

  /// A thread's share of what waits; sleeps while there is nothing, unless `isPolling`. Nil when closed and empty.
  func take(isPolling: Bool) -> [any WriteJob]? {
    queue.wait { queue -> [any WriteJob]?? in
      if !queue.jobs.isEmpty {
        let share = (queue.jobs.count + queue.threads - 1) / max(1, queue.threads)
        let taken = Array(queue.jobs.prefix(share))
        queue.jobs.removeFirst(taken.count)
        return .some(taken)
      }
      if isPolling { return .some([]) }
      return queue.isClosed ? .some(nil) : .none
    }
  }
}
