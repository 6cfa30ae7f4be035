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
    let outcome = Swift.Result { try connection.snapshot(body) }
    // Only a statement that was given up takes the ticket's reason; a result that came in time is given.
    if case .failure(let error) = outcome, (error as? StorageError)?.code == .interrupted, let refusal = ticket.refusal
    {
      continuation.resume(throwing: refusal)
    } else {
      continuation.resume(with: outcome)
    }
  }

  func fail(_ error: StorageError) { continuation.resume(throwing: error) }
}

extension Connection {
  private static let begin = Statement("BEGIN")
  private static let commit = Statement("COMMIT")

  /// Runs `body` in a read transaction: its statements see what the first of them saw.
  func snapshot<R>(_ body: (any Reader) throws -> R) throws -> R {
    try query(Connection.begin, []) { _ in true }
    // Ending a read transaction cannot fail in a way that matters, and must not hide the error of the body.
    defer { if !isAutocommit { try? query(Connection.commit, []) { _ in true } } }
    return try body(self)
  }
}

/// Threads that each have a read-only connection and take reads from one queue.
final class ReaderThreads: Sendable {
  private struct State {
    var waiting: [any ReadJob] = []
    var threads = 0
    var isClosed = false
    var onEnd: (@Sendable () -> Void)?
  }

  private let state = Monitor(State())
  private let waitingMax: Int
  private let writer: Writer

  init(waitingMax: Int, writer: Writer) {
    self.waitingMax = waitingMax
    self.writer = writer
  }

  /// Starts a thread with this connection, which it closes at its end.
  func start(_ connection: Connection) throws(StorageError) {
    state.withLock { $0.threads += 1 }
    let started = WorkerThread.start(stackBytes: SQLiteDatabase.stackBytes) { [self] in
      connection.watchInterrupts()
      while let job = take() { run(job, connection) }
      connection.close()
      ended()
    }
    guard !started else { return }
    connection.close()
    ended()
    throw StorageError(.other, detail: "no thread for a reader")
  }

  private func run(_ job: any ReadJob, _ connection: Connection) {
    let ticket = job.ticket
    if let refusal = ticket.refusal { return job.fail(refusal) }
    connection.shouldInterrupt = { ticket.refusal != nil }
    writer.count { $0.reads += 1 }
    job.run(connection)
    connection.shouldInterrupt = nil
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
    if refusal.code == .busy { writer.count { $0.readsRefused += 1 } }
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
