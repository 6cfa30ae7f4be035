import Base
import Glibc
import Synchronization

/// Carries out what takes a processor for a while, decoding and rendering, so many at a time as there are processors:
/// on threads of their own, since the pool that runs tasks has no more threads than that and event loops must never
/// wait.
final class RetrieveThreads: Sendable {
  private struct State {
    var running = 0
    /// In the order in which they came; those before `first` are gone.
    var waiting: [CheckedContinuation<Void, Never>] = []
    var first = 0
  }

  private static let stackBytes = 2 * 1024 * 1024
  private let state = Mutex(State())
  private let runningMax: Int
  private let waitingMax: Int

  init(count: Int?, waitingMax: Int) {
    runningMax = max(1, count ?? sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    self.waitingMax = waitingMax
  }

  /// Runs `body` when it is its turn.
  /// - Throws: what `body` throws; `.busy` if too many wait.
  func run<R: Sendable>(_ body: @escaping @Sendable () throws(Fault) -> R) async throws(Fault) -> R {
    try await enter()
    let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<R, Fault>, Never>) in
      let isStarted = WorkerThread.start(stackBytes: Self.stackBytes) { [self] in
        let result = Result { () throws(Fault) in try body() }
        leave()
        continuation.resume(returning: result)
      }
      guard !isStarted else { return }
      leave()
      continuation.resume(returning: .failure(Self.busy))
    }
    return try result.get()
  }

  private static var busy: Fault { Fault(.busy, "The server decodes as many images as it can; try again later.") }

  private func enter() async throws(Fault) {
    enum Turn { case now, later, never }
    let turn = state.withLock { state -> Turn in
      if state.running < runningMax {
        state.running += 1
        return .now
      }
      return state.waiting.count - state.first < waitingMax ? .later : .never
    }
    switch turn {
    case .now: return
    case .never: throw Self.busy
    case .later:
      await withCheckedContinuation { continuation in
        let isNow = state.withLock { state in
          guard state.running < runningMax else {
            state.waiting.append(continuation)
            return false
          }
          state.running += 1
          return true
        }
        if isNow { continuation.resume() }
      }
    }
  }

  /// Hands the turn on.
  private func leave() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.first < state.waiting.count else {
        state.waiting.removeAll(keepingCapacity: true)
        state.first = 0
        state.running -= 1
        return nil
      }
      state.first += 1
      return state.waiting[state.first - 1]
    }
    next?.resume()
  }
}
