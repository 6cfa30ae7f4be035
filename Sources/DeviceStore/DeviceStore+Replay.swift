public import Base
package import Storage

/// Messages that are worked through again, after a mapping changed.
public struct Replay: Sendable, Equatable {
  /// From 1, in order of the wishes.
  public let number: Int64
  /// The last message done.
  public var position: Int64
  /// The last message to do.
  public let last: Int64
  /// Messages done, Observations written, messages put aside.
  public var messages: Int64 = 0
  public var saved: Int64 = 0
  public var quarantined: Int64 = 0
  /// When it came to its end, in units of 100 ns since 1970; nil while it goes on.
  public var ended: Int64?
}

extension DeviceStore {
  private static let firstSegment = Statement(
    """
    SELECT last, count, received FROM device_segment WHERE service = ? AND received + count > ? AND received < ?
    ORDER BY last LIMIT 1
    """)
  private static let lastSegment = Statement(
    """
    SELECT last, count, received FROM device_segment WHERE service = ? AND received + count > ? AND received < ?
    ORDER BY last DESC LIMIT 1
    """)
  private static let insertReplay = Statement(
    """
    INSERT INTO device_replay (service, number, position, last, messages, saved, quarantined, ended)
    SELECT ?, coalesce(max(number), 0) + 1, ?, ?, 0, 0, 0, NULL FROM device_replay WHERE service = ?
    """)
  private static let columns: SQL = "number, position, last, messages, saved, quarantined, ended"
  private static let newestReplay = Statement(
    "SELECT \(columns) FROM device_replay WHERE service = ? ORDER BY number DESC LIMIT 1")
  private static let openReplay = Statement(
    "SELECT \(columns) FROM device_replay WHERE service = ? AND ended IS NULL ORDER BY number LIMIT 1")
  private static let oneReplay = Statement("SELECT \(columns) FROM device_replay WHERE service = ? AND number = ?")
  private static let update = Statement(
    """
    UPDATE device_replay SET position = ?, messages = ?, saved = ?, quarantined = ?, ended = ?
    WHERE service = ? AND number = ? AND position = ? AND ended IS NULL
    """)

  /// Notes the wish to work through the messages again that arrived from one time until another.
  /// - Returns: nil if the log has none of that time (any more).
  public func replay(from: Int64, until: Int64) async throws(Fault) -> Replay? {
    try await faulting {
      let service = SQLValue.integer(service)
      return try await database.write { transaction in
        let time: [SQLValue] = [service, .integer(from), .integer(until)]
        // A segment's messages arrived one unit of time after the other.
        let position = try transaction.first(Self.firstSegment, time) { row in
          row.integer(0) - row.integer(1) + min(row.integer(1), max(0, from - row.integer(2)))
        }
        let last = try transaction.first(Self.lastSegment, time) { row in
          row.integer(0) - row.integer(1) + min(row.integer(1), max(0, until - row.integer(2)))
        }
        guard let position, let last, position < last else { return nil }
        try transaction.execute(Self.insertReplay, [service, .integer(position), .integer(last), service])
        return try transaction.first(Self.newestReplay, [service]) { Self.replay($0) }
      }
    }
  }

  /// What is to be worked through again next; nil for nothing.
  public func nextReplay() throws(Fault) -> Replay? {
    try faulting { try database.point { try $0.first(Self.openReplay, [.integer(service)]) { Self.replay($0) } } }
  }

  public func replay(_ number: Int64) throws(Fault) -> Replay? {
    try faulting {
      try database.point {
        try $0.first(Self.oneReplay, [.integer(service), .integer(number)]) { Self.replay($0) }
      }
    }
  }

  /// Within a transaction: what came of the next messages of a replay is written with it.
  /// - Returns: false if another process was faster, so that nothing of this transaction may stay.
  package func advance(_ replay: Replay, from position: Int64, _ transaction: any Transaction) throws -> Bool {
    let ended = replay.ended.map { SQLValue.integer($0) } ?? .null
    let binds: [SQLValue] = [
      .integer(replay.position), .integer(replay.messages), .integer(replay.saved), .integer(replay.quarantined), ended,
      .integer(service), .integer(replay.number), .integer(position),
    ]
    return try transaction.execute(Self.update, binds) == 1
  }

  private static func replay(_ row: any Row) -> Replay {
    Replay(
      number: row.integer(0), position: row.integer(1), last: row.integer(2), messages: row.integer(3),
      saved: row.integer(4), quarantined: row.integer(5), ended: row.optionalInteger(6))
  }
}
