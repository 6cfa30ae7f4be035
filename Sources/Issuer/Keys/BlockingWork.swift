import Base

/// A few threads for work that takes long and waits for nothing: hashing passwords and making keys. No more of it runs
/// at a time than there are threads, each hash taking tens of megabytes, and no more waits than the limit says.
final class BlockingWork: Sendable {
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var isClosed = false
  }

  private static let threads = 2
  private static let stackBytes = 256 * 1024
  static let waitingMax = 64

  private let queue = Monitor(State())

  init() {
    for _ in 0..<Self.threads {
      let queue = queue
      _ = WorkerThread.start(stackBytes: Self.stackBytes) {
        while let job = queue.wait({ Self.next(&$0) }) { job() }
      }
    }
  }

  deinit { close() }

  /// A job, or an inner nil for the end; nothing to wait on.
  private static func next(_ state: inout State) -> (@Sendable () -> Void)?? {
    if !state.jobs.isEmpty { return .some(.some(state.jobs.removeFirst())) }
    return state.isClosed ? .some(nil) : nil
  }

  /// Runs `body` on a thread of its own.
  /// - Throws: `.unavailable` if too much waits.
  func run<R: Sendable>(_ body: @escaping @Sendable () -> R) async throws(OAuthError) -> R {
    let result = await withCheckedContinuation { (continuation: CheckedContinuation<R?, Never>) in
      let isTaken = queue.withLock { state in
        guard !state.isClosed, state.jobs.count < Self.waitingMax else { return false }
        state.jobs.append { continuation.resume(returning: body()) }
        return true
      }
      if isTaken { queue.signal() } else { continuation.resume(returning: nil) }
    }
    guard let result else { throw OAuthError.unavailable }
    return result
  }

  func close() {
    queue.withLock { $0.isClosed = true }
    queue.broadcast()
  }
}
