package import Glibc

/// A state under a lock, and a wait for it to become what one needs: pthread's mutex and condition variable.
/// (`Synchronization.Mutex` has no condition; actors would run blocking calls on the shared pool.)
///
/// `@unchecked Sendable`: `state` is touched only with the mutex held.
package final class Monitor<State>: @unchecked Sendable {
  @usableFromInline let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  @usableFromInline let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  @usableFromInline var state: State

  package init(_ state: sending State) {
    self.state = state
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  @inlinable package func withLock<R>(_ body: (inout State) throws -> R) rethrows -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Sleeps until `body` gives a value; it is asked at once and after each signal.
  @inlinable package func wait<R>(_ body: (inout State) -> R?) -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      pthread_cond_wait(condition, mutex)
    }
  }

  /// Wakes one that waits.
  @inlinable package func signal() { pthread_cond_signal(condition) }

  /// Wakes all that wait.
  @inlinable package func broadcast() { pthread_cond_broadcast(condition) }
}
