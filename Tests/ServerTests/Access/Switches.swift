import Base
import Synchronization

/// Something that a test turns on and off while a server looks at it.
final class Switches: Sendable {
  private let state = Mutex(true)

  var isOn: Bool {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}

/// A clock that a test sets.
final class Moment: Sendable {
  private let state: Mutex<Instant>

  init(_ now: Instant) { state = Mutex(now) }

  var now: Instant {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }
}
