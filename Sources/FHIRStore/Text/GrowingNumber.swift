import Synchronization

/// A number that only grows, and tasks that wait until it has grown to theirs.
final class GrowingNumber: Sendable {
  private struct State {
    var value: Int64
    var isClosed = false
    var nextName: UInt64 = 0
    var waiting: [UInt64: Waiter] = [:]
  }

  private struct Waiter {
    let value: Int64
    let continuation: CheckedContinuation<Bool, Never>
  }

  private let state: Mutex<State>

  init(_ value: Int64) { state = Mutex(State(value: value)) }

  var value: Int64 { state.withLock { $0.value } }

  /// Whether someone waits.
  var isAwaited: Bool { state.withLock { !$0.waiting.isEmpty } }

  /// Lets go who waits for this or less.
  func grow(to value: Int64) {
    let reached = state.withLock { state -> [Waiter] in
      state.value = max(state.value, value)
      let reached = state.waiting.filter { $0.value.value <= state.value }
      for name in reached.keys { state.waiting[name] = nil }
      return Array(reached.values)
    }
    for waiter in reached { waiter.continuation.resume(returning: true) }
  }

  /// Nobody waits any more, now and later.
  func close() {
    let left = state.withLock { state -> [Waiter] in
      state.isClosed = true
      defer { state.waiting = [:] }
      return Array(state.waiting.values)
    }
    for waiter in left { waiter.continuation.resume(returning: false) }
  }

  /// Waits until the number is `value` or more.
  /// - Returns: false where it was not within `duration`, the task was cancelled, or the number is closed.
  func wait(for value: Int64, upTo duration: Duration) async -> Bool {
    let name = state.withLock { state in
      defer { state.nextName += 1 }
      return state.nextName
    }
    let timer = Task {
      try? await Task.sleep(for: duration)
      self.giveUp(name)
    }
    defer { timer.cancel() }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer = state.withLock { state -> Bool? in
          if state.value >= value { return true }
          // Cancelled before it was entered, it would be given up by nobody but the timer.
          if state.isClosed || Task.isCancelled { return false }
          state.waiting[name] = Waiter(value: value, continuation: continuation)
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      giveUp(name)
    }
  }

  private func giveUp(_ name: UInt64) {
    state.withLock { $0.waiting.removeValue(forKey: name) }?.continuation.resume(returning: false)
  }
}
