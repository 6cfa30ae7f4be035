import Storage

/// How many keys a set has, counted up to a bound: never stale, and it costs no more than what it saves.
final class Estimates {
  /// Counting stops here; two sets that both reach it are told apart by `largeCap`.
  static let cap = 1_000
  static let largeCap = 30_000

  private let reader: any Reader
  private var known: [SQL: (count: Int, bound: Int)] = [:]

  init(_ reader: any Reader) { self.reader = reader }

  /// The set's rows, or `bound` if there are as many or more.
  func count(_ set: SQL, upTo bound: Int) throws -> Int {
    if let known = known[set], known.bound >= bound || known.count < known.bound { return min(known.count, bound) }
    let count = try reader.first("SELECT count(*) FROM (SELECT 1 FROM (\(set)) LIMIT \(bound))") { Int($0.integer(0)) }
    known[set] = (count ?? 0, bound)
    return count ?? 0
  }
}
