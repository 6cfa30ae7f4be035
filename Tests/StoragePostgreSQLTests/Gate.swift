import Glibc
import Synchronization

/// Holds a job's thread, or a task, until another opens it, for at most ten seconds.
final class Gate: Sendable {
  private let isOpen = Atomic<Bool>(false)

  func open() { isOpen.store(true, ordering: .releasing) }

  /// For threads of the engine; in a task it would take one of the pool's two.
  func hold() {
    for _ in 0..<10_000 where !isOpen.load(ordering: .acquiring) { usleep(1_000) }
  }

  func passed() async throws {
    for _ in 0..<10_000 where !isOpen.load(ordering: .acquiring) { try await Task.sleep(for: .milliseconds(1)) }
  }
}
