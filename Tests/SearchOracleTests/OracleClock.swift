import Base
import Synchronization

/// A time that is set by hand: it goes on by a few milliseconds at each step, sometimes by none.
final class OracleClock: Sendable {
  private let state: Mutex<(milliseconds: Int64, steps: Int64, end: Instant)>

  init(_ end: Instant) { state = Mutex((end.milliseconds - 86_400_000, 0, end)) }

  func now() -> Instant { state.withLock { Instant(milliseconds: $0.milliseconds) } }

  func step() {
    state.withLock {
      $0.steps += 1
      $0.milliseconds += $0.steps % 4
    }
  }

  /// From now on it is the end.
  func stop() { state.withLock { $0.milliseconds = $0.end.milliseconds } }
}
