import Base
import Storage
import Synchronization

/// One read on its way to a reader's thread.
protocol ReadJob: AnyObject, Sendable {
  var ticket: ReadTicket { get }
  func run(_ connection: Connection)
  func fail(_ error: StorageError)
}

/// What a read's caller and its thread share: whether it is still wanted.
final class ReadTicket: Sendable {
  let deadline: ContinuousClock.Instant
  private let cancelled = Atomic<Bool>(false)

  init(deadline: ContinuousClock.Instant) { self.deadline = deadline }

  func cancel() { cancelled.store(true, ordering: .relaxed) }

  /// Why the read should be given up, if it should.
  var refusal: StorageError? {
    if cancelled.load(ordering: .relaxed) { return StorageError(.interrupted) }
    if ContinuousClock.now >= deadline { return StorageError(.deadlineExceeded) }
    return nil
  }
}

/// A read that carries its result to a waiting task.
final class TypedReadJob<Result: Sendable>: ReadJob {
  let ticket: ReadTicket
  private let body: @Sendable (any Reader) throws -> Result
  private let continuation: CheckedContinuation<Result, any Error>

  init(
    _ ticket: ReadTicket, _ continuation: CheckedContinuation<Result, any Error>,
    _ body: @escaping @Sendable (any Reader) throws -> Result
  ) {
    self.ticket = ticket
    self.continuation = continuation
    self.body = body
  }

  func run(_ connection: Connection) {
    continuation.resume(with: Swift.Result { try connection.snapshot(body) })
  }

  func fail(_ error: StorageError) { continuation.resume(throwing: error) }
}

/// Threads that each have a connection for reads and take them from one queue.
final class ReaderThreads: Sendable {
  private struct State {
    var waiting: [any ReadJob] = []
    var threads = 0
    var isClosed = false
    var onEnd: (@Sendable () -> Void)?
  }

  private let state = Monitor(State())
  private let waitingMax: Int
  private let counts: Counts

  init(waitingMax: Int, counts: Counts) {
    self.waitingMax = waitingMax
    self.counts = counts
  }

  /// Starts a thread with this connection, which it closes at its end.
  func start(_ connection: Connection) throws(StorageError) {
    state.withLock { $0.threads += 1 }
    let started = WorkerThread.start(stackBytes: PostgreSQLDatabase.stackBytes) { [self] in
      while let job = take() { run(job, connection) }
      connection.drop()
      ended()
    }
    guard !started else { return }
    connection.drop()
    ended()
    throw StorageError(.other, detail: "no thread for a reader")
  }

  private func run(_ job: any ReadJob, _ connection: Connection) {
    let ticket = job.ticket
    if let refusal = ticket.refusal { return job.fail(refusal) }
    connection.refusal = { ticket.refusal }
    counts.count { $0.reads += 1 }
    job.run(connection)
    connection.refusal = nil
  }

  private func take() -> (any ReadJob)? {
    state.wait { state -> (any ReadJob)?? in
      if !state.waiting.isEmpty { return .some(state.waiting.removeFirst()) }
      return state.isClosed ? .some(nil) : .none
    }
  }

  private func ended() {
    let onEnd = state.withLock { state -> (@Sendable () -> Void)? in
      state.threads -= 1
      guard state.threads == 0 else { return nil }
      return state.onEnd
    }
    onEnd?()
  }

  func submit(_ job: any ReadJob) {
    let refusal: StorageError? = state.withLock { state in
      if state.isClosed { return StorageError(.closed) }
      if state.waiting.count >= waitingMax { return StorageError(.busy, detail: "too many reads wait") }
      state.waiting.append(job)
      return nil
    }
    guard let refusal else { return state.signal() }
    if refusal.code == .busy { counts.count { $0.readsRefused += 1 } }
    job.fail(refusal)
  }

  /// Gives up a read: out of the queue at once, or out of its statement soon.
  func cancel(_ ticket: ReadTicket) {
    ticket.cancel()
    let job: (any ReadJob)? = state.withLock { state in
      guard let place = state.waiting.firstIndex(where: { $0.ticket === ticket }) else { return nil }
      return state.waiting.remove(at: place)
    }
    job?.fail(StorageError(.interrupted))
  }

  /// Takes no more reads; calls `onEnd` after the last thread finished those that wait.
  func close(_ onEnd: @escaping @Sendable () -> Void) {
    let isOver = state.withLock { state in
      state.isClosed = true
      if state.threads > 0 { state.onEnd = onEnd }
      return state.threads == 0
    }
    state.broadcast()
    if isOver { onEnd() }
  }
}
