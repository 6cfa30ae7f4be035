import Synchronization

/// Numbers that texts have in a dictionary table, as far as they are committed. They never change.
final class StoreNumbers: Sendable {
  /// Whoever makes names up cannot fill the memory with them.
  private static let countMax = 10_000
  private let numbers = Mutex<[String: Int64]>([:])

  subscript(_ text: String) -> Int64? { numbers.withLock { $0[text] } }

  /// Takes in what a transaction found or added, after its commit.
  func merge(_ added: [String: Int64]) {
    if added.isEmpty { return }
    numbers.withLock { numbers in
      if numbers.count + added.count > Self.countMax { numbers.removeAll() }
      numbers.merge(added) { _, new in new }
    }
  }
}
