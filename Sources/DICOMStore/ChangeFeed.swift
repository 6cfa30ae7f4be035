public import Base
public import DICOMCore
import Storage

/// An entry of the change feed: what became of one instance (Microsoft's API; PS3.18 has none).
public struct ChangeFeedEntry: Sendable, Hashable {
  public enum Action: Int64, Sendable, Hashable {
    case create = 0
    case update = 1
    case delete = 2

    /// As Microsoft's service writes it.
    public var name: String {
      switch self {
      case .create: "Create"
      case .update: "Update"
      case .delete: "Delete"
      }
    }
  }

  /// What the instance is now, compared with what the entry tells of.
  public enum State: String, Sendable, Hashable {
    /// It is still the one there.
    case current = "Current"
    /// Another is stored under its UIDs.
    case replaced = "Replaced"
    case deleted = "Deleted"
  }

  /// Ascends without gaps in the order of commits.
  public let sequence: Int64
  public let partition: String
  public let studyUID: UID
  public let seriesUID: UID
  public let instanceUID: UID
  public let action: Action
  /// Never descends with the sequence.
  public let timestamp: Instant
  public let state: State
  /// The finished JSON of the instance as it is now; nil if it is deleted, or was not asked for.
  public let metadata: [UInt8]?
}

extension DICOMStore {
  /// Entries with their instances' newest metadata are found by their UIDs, by primary keys and unique indexes alone.
  private static func select(withMetadata: Bool) -> SQL {
    let metadata: SQL = withMetadata ? ", m.body" : ""
    let join: SQL = withMetadata ? "LEFT JOIN instance_metadata m ON m.key = i.key" : ""
    return """
      SELECT f.sequence, p.name, f.study_uid, f.series_uid, f.instance_uid, f.action, f.timestamp, f.watermark,
      i.key\(metadata)
      FROM change_feed f JOIN data_partition p ON p.number = f.partition
      LEFT JOIN study s ON s.partition = f.partition AND s.uid = f.study_uid
      LEFT JOIN series r ON r.partition = f.partition AND r.uid = f.series_uid AND r.study = s.key
      LEFT JOIN instance i ON i.partition = f.partition AND i.uid = f.instance_uid AND i.series = r.key \(join)
      """
  }

  /// Two statements of the same parameters: without metadata, and with it.
  private struct Pair {
    let plain: Statement
    let full: Statement

    init(_ rest: SQL) {
      plain = Statement("\(select(withMetadata: false)) \(rest)")
      full = Statement("\(select(withMetadata: true)) \(rest)")
    }
  }

  private static let bySequence = Pair("WHERE f.sequence > ? AND f.sequence <= ? ORDER BY f.sequence")
  private static let byTime = Pair(
    "WHERE f.timestamp >= ? AND f.timestamp < ? ORDER BY f.timestamp, f.sequence LIMIT ? OFFSET ?")
  private static let newest = Pair("ORDER BY f.sequence DESC LIMIT 1")
  private static let newestTime = Statement("SELECT timestamp FROM change_feed ORDER BY sequence DESC LIMIT 1")

  /// Entries of a window of sequence numbers, as Microsoft's version 1 has it.
  /// - Parameters:
  ///   - sequence: the window begins behind it.
  ///   - limit: numbers in the window.
  public func changes(after sequence: Int64, limit: Int, withMetadata: Bool) async throws -> [ChangeFeedEntry] {
    let (sum, overflow) = sequence.addingReportingOverflow(Int64(limit))
    let last = overflow ? Int64.max : sum
    return try await entries(Self.bySequence, [.integer(sequence), .integer(last)], withMetadata)
  }

  /// Entries of a span of time, as Microsoft's version 2 has it: all of them, if the span's end has passed.
  /// - Parameters:
  ///   - start: included; nil for the beginning.
  ///   - end: excluded; nil for no end.
  ///   - offset: entries passed over.
  public func changes(
    from start: Instant?, to end: Instant?, offset: Int, limit: Int, withMetadata: Bool
  ) async throws -> [ChangeFeedEntry] {
    let low = start?.milliseconds ?? .min
    let high = end?.milliseconds ?? .max
    return try await faulting {
      let newest = try database.point { try $0.first(Self.newestTime) { $0.integer(0) } } ?? .min
      // A transaction under way may have a timestamp of this span. It is ahead of this empty one, and all that begin
      // later have later timestamps: whoever asks for one span after the other misses nothing.
      if high > newest { try await database.write { _ in } }
      return try await entries(
        Self.byTime, [.integer(low), .integer(high), .integer(limit), .integer(offset)], withMetadata)
    }
  }

  /// The newest entry, nil if there is none.
  public func latestChange(withMetadata: Bool) async throws -> ChangeFeedEntry? {
    try await entries(Self.newest, [], withMetadata).first
  }

  private func entries(_ pair: Pair, _ binds: [SQLValue], _ withMetadata: Bool) async throws -> [ChangeFeedEntry] {
    try await faulting {
      try await database.read { [compression] reader in
        try reader.all(withMetadata ? pair.full : pair.plain, binds) { row in
          try ChangeFeedEntry(row, withMetadata, compression)
        }
      }
    }
  }
}

extension ChangeFeedEntry {
  fileprivate init(_ row: any Row, _ withMetadata: Bool, _ compression: MetadataCompression) throws {
    sequence = row.integer(0)
    partition = row.text(1)
    studyUID = UID(row.text(2))
    seriesUID = UID(row.text(3))
    instanceUID = UID(row.text(4))
    action = Action(rawValue: row.integer(5)) ?? .create
    timestamp = Instant(milliseconds: row.integer(6))
    state = row.isNull(8) ? .deleted : row.integer(8) == row.integer(7) ? .current : .replaced
    guard withMetadata, !row.isNull(9) else {
      metadata = nil
      return
    }
    var json: [UInt8] = []
    try row.withBytes(9) { try compression.decompress($0, to: &json) }
    metadata = json
  }
}
