import Base
import Glibc

/// Threads of our own for calls that block: the pool that runs tasks has only as many threads as cores, and event loops
/// must never wait. Jobs are taken in the order in which they came.
final class DiskThreads: Sendable {
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    /// The next in `jobs`.
    var first = 0
    var threads = 0
    var isClosed = false
    var ending: [CheckedContinuation<Void, Never>] = []

    var waiting: Int { jobs.count - first }

    mutating func next() -> (@Sendable () -> Void)? {
      guard first < jobs.count else { return nil }
      let job = jobs[first]
      first += 1
      if first == jobs.count {
        jobs.removeAll(keepingCapacity: true)
        first = 0
      } else if first >= 1_024 {
        jobs.removeFirst(first)
        first = 0
      }
      return job
    }
  }

  private static let stackBytes = 512 * 1024
  private let state = Monitor(State())
  private let waitingMax: Int

  /// - Throws: `.io` if the system has no thread to give.
  init(count: Int, waitingMax: Int) throws(BlobError) {
    self.waitingMax = waitingMax
    for _ in 0..<max(1, count) {
      state.withLock { $0.threads += 1 }
      guard WorkerThread.start(stackBytes: Self.stackBytes, { [state] in Self.work(state) }) else {
        state.withLock { $0.threads -= 1 }
        stop()
        throw BlobError(.io, systemCode: EAGAIN)
      }
    }
  }

  deinit { stop() }

  private static func work(_ state: Monitor<State>) {
    while let job = state.wait({ state -> (@Sendable () -> Void)?? in
      if let job = state.next() { return .some(job) }
      return state.isClosed ? .some(nil) : .none
    }) { job() }
    let ending = state.withLock { state in
      state.threads -= 1
      defer { if state.threads == 0 { state.ending = [] } }
      return state.threads == 0 ? state.ending : []
    }
    for continuation in ending { continuation.resume() }
  }

  /// Carries out `body` on a thread of ours. Once taken it is carried out, whatever becomes of the caller's task.
  /// - Throws: `.busy` if too many wait, `.closed`, and what `body` throws.
  func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
      let refusal = submit { continuation.resume(with: Result { try body() }) }
      if let refusal { continuation.resume(throwing: refusal) }
    }
  }

  /// Queues a job that nobody waits for.
  /// - Returns: why it was not taken.
  @discardableResult
  func submit(_ job: @escaping @Sendable () -> Void) -> BlobError? {
    let refusal: BlobError? = state.withLock { state in
      if state.isClosed { return BlobError(.closed) }
      if state.waiting >= waitingMax { return BlobError(.busy) }
      state.jobs.append(job)
      return nil
    }
    if refusal == nil { state.signal() }
    return refusal
  }

  private func stop() {
    state.withLock { $0.isClosed = true }
    state.broadcast()
  }

  /// Takes no more jobs; returns after those that waited.
  func close() async {
    stop()
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        if state.threads > 0 { state.ending.append(continuation) }
        return state.threads == 0
      }
      if isOver { continuation.resume() }
    }
  }
}
