import Dispatch
import Glibc
import Synchronization

/// Hears SIGTERM and SIGINT: the first asks for an orderly end, the second ends the process at once.
final class StopSignal: Sendable {
  private let state = Mutex<State>(State())
  // Kept only to be kept alive: nobody touches them after `init`.
  nonisolated(unsafe) private let sources: [any DispatchSourceSignal]

  private struct State {
    var isRaised = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  init() {
    sources = [SIGTERM, SIGINT].map { number in
      // A dispatch source hears a signal only if nobody else handles it.
      signal(number, SIG_IGN)
      return DispatchSource.makeSignalSource(signal: number, queue: .global())
    }
    for source in sources {
      source.setEventHandler { [weak self] in self?.raise() }
      source.resume()
    }
  }

  private func raise() {
    let waiting = state.withLock { state in
      // 128 + SIGINT, as shells report it.
      if state.isRaised { _exit(130) }
      state.isRaised = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  /// Returns at the first signal.
  func wait() async {
    await withCheckedContinuation { continuation in
      let isRaised = state.withLock { state in
        if !state.isRaised { state.waiting.append(continuation) }
        return state.isRaised
      }
      if isRaised { continuation.resume() }
    }
  }
}
