import Base
import Storage

/// The change feed's end within a transaction: gives the next sequence numbers, all with one timestamp.
struct ChangeSequence {
  enum Action: Int64 {
    case create = 0
    case update = 1
    case delete = 2
  }

  private static let last = Statement("SELECT sequence, timestamp FROM change_feed ORDER BY sequence DESC LIMIT 1")
  private static let insert = Statement(
    """
    INSERT INTO change_feed (sequence, timestamp, action, partition, watermark, study_uid, series_uid, instance_uid)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    """)

  /// The number of the next entry.
  private(set) var next: Int64
  /// Never before the last entry's, also if the clock went back: whoever follows the feed by time misses nothing.
  let timestamp: Int64

  init(_ now: Instant, _ transaction: any Transaction) throws {
    let last = try transaction.first(Self.last) { (sequence: $0.integer(0), timestamp: $0.integer(1)) }
    next = (last?.sequence ?? 0) + 1
    timestamp = max(now.milliseconds, last?.timestamp ?? .min)
  }

  /// Adds the entry of a new instance, whose watermark is `next`.
  mutating func addCreation(
    partition: Int64, study: String, series: String, instance: String, _ transaction: any Transaction
  ) throws {
    try transaction.send(
      Self.insert,
      [
        .integer(next), .integer(timestamp), .integer(Action.create.rawValue), .integer(partition), .integer(next),
        .text(study), .text(series), .text(instance),
      ])
    next += 1
  }
}
