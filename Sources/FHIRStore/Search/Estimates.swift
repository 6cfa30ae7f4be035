import Storage
import Synchronization

/// How many keys a set has, counted up to a bound: it costs no more than what it saves.
///
/// Small sets are counted anew for each search. Large ones are remembered for as long as the store has hardly changed:
/// for them it is the order of magnitude that counts.
final class Estimates {
  /// Counting stops at the first of these that tells the terms apart.
  static let caps = [64, 256, 1_000, 30_000]
  static let cap = 1_000
  static let largeCap = 30_000

  /// Terms with fewer keys than this are listed rather than walked in an order of their own.
  let listedMax: Int
  private let reader: any Reader
  private let remembered: Remembered
  private var known: [SQL: (count: Int, bound: Int)] = [:]

  init(_ reader: any Reader, _ remembered: Remembered, listedMax: Int) {
    self.listedMax = listedMax
    self.reader = reader
    self.remembered = remembered
  }

  /// The set's rows, or `bound` if there are as many or more.
  func count(_ set: SQL, upTo bound: Int) throws -> Int {
    if let known = known[set], known.bound >= bound || known.count < known.bound { return min(known.count, bound) }
    if let large = remembered.count(set), large.bound >= bound || large.count < large.bound {
      known[set] = large
      return min(large.count, bound)
    }
    let count =
      try reader.first("SELECT count(*) FROM (SELECT 1 FROM (\(set))\(SQL.unnamed) LIMIT \(bound))\(SQL.unnamed)") {
        Int($0.integer(0))
      } ?? 0
    known[set] = (count, bound)
    if count >= min(bound, Self.cap) { remembered.remember(set, count, upTo: bound) }
    return count
  }

  /// Whether counting the set as far as it is ever counted costs nothing.
  func isRemembered(_ set: SQL) -> Bool { remembered.count(set).map { $0.bound >= Self.largeCap } ?? false }

  /// Counts of large sets, shared by the searches of a store.
  final class Remembered: Sendable {
    private static let countMax = 4_000
    private static let lifetime = Duration.seconds(60)

    private let counts = Mutex<[SQL: (count: Int, bound: Int, since: ContinuousClock.Instant)]>([:])

    init() {}

    fileprivate func count(_ set: SQL) -> (count: Int, bound: Int)? {
      counts.withLock { counts in
        guard let known = counts[set], known.since.duration(to: .now) < Self.lifetime else { return nil }
        return (known.count, known.bound)
      }
    }

    /// How many resources of a type there are, or were a moment ago where they are many: of a plan's estimates it is
    /// the one that every search needs.
    func typeCount(_ type: Int64, _ count: () throws -> Int) rethrows -> Int {
      let name: SQL = "type \(type)"
      if let known = self.count(name) { return known.count }
      let count = try count()
      if count >= Estimates.cap { remember(name, count, upTo: .max) }
      return count
    }

    fileprivate func remember(_ set: SQL, _ count: Int, upTo bound: Int) {
      counts.withLock { counts in
        if counts.count >= Self.countMax { counts.removeAll(keepingCapacity: true) }
        counts[set] = (count, bound, .now)
      }
    }
  }
}
