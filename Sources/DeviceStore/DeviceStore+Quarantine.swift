public import Base
package import Storage

/// A message that came to nothing, and why.
public struct QuarantinedMessage: Sendable {
  public let message: StoredMessage
  /// When it was last tried, in units of 100 ns since 1970.
  public let since: Int64
  /// The kind of the failure, such as `IncompatibleDataException`.
  public let kind: String
  /// For the mapping's author; it never quotes the message.
  public let reason: String
  /// What else is known of the failure, as a JSON object.
  public let detail: [UInt8]

  public init(message: StoredMessage, since: Int64, kind: String, reason: String, detail: [UInt8]) {
    self.message = message
    self.since = since
    self.kind = kind
    self.reason = reason
    self.detail = detail
  }
}

extension DeviceStore {
  private static let put = Statement(
    """
    INSERT INTO device_quarantine (service, message, received, since, kind, reason, detail, content)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (service, message) DO UPDATE SET since = excluded.since, kind = excluded.kind,
      reason = excluded.reason, detail = excluded.detail
    """)
  private static let take = Statement("DELETE FROM device_quarantine WHERE service = ? AND message = ?")
  private static let columns: SQL = "message, received, since, kind, reason, detail, content"
  private static let list = Statement(
    "SELECT \(columns) FROM device_quarantine WHERE service = ? AND message > ? ORDER BY message LIMIT ?")
  private static let one = Statement("SELECT \(columns) FROM device_quarantine WHERE service = ? AND message = ?")
  private static let countRow = Statement("SELECT count(*) FROM device_quarantine WHERE service = ?")

  /// Within a transaction: puts messages aside, in place of what was known of them.
  package func quarantine(_ messages: [QuarantinedMessage], _ transaction: any Transaction) throws {
    var rows = RowBatch(columns: 8)
    for entry in messages {
      rows.append(
        .integer(service), .integer(entry.message.number), .integer(entry.message.received), .integer(entry.since),
        .text(entry.kind), .text(entry.reason), .blob(entry.detail),
        .blob(try SegmentCompression.compress(Segment.encode([entry.message.content]))))
    }
    if !rows.isEmpty { try transaction.execute(Self.put, rows: rows) }
  }

  /// Within a transaction: messages that came to something after all.
  package func release(_ numbers: [Int64], _ transaction: any Transaction) throws {
    var rows = RowBatch(columns: 2)
    for number in numbers { rows.append(.integer(service), .integer(number)) }
    if !rows.isEmpty { try transaction.execute(Self.take, rows: rows) }
  }

  /// Removes a message from the quarantine for good.
  /// - Returns: whether it was there.
  public func discard(_ number: Int64) async throws(Fault) -> Bool {
    try await faulting {
      let service = service
      return try await database.write { transaction in
        try transaction.execute(Self.take, [.integer(service), .integer(number)]) > 0
      }
    }
  }

  /// Messages put aside, those behind a number, in order.
  public func quarantined(after number: Int64 = 0, max: Int) async throws(Fault) -> [QuarantinedMessage] {
    try await faulting {
      let service = service
      return try await database.read { reader in
        try reader.all(Self.list, [.integer(service), .integer(number), .integer(max)]) { try Self.entry($0) }
      }
    }
  }

  /// One of them; nil for a message that is not put aside.
  public func quarantined(_ number: Int64) async throws(Fault) -> QuarantinedMessage? {
    try await faulting {
      let service = service
      return try await database.read { reader in
        try reader.first(Self.one, [.integer(service), .integer(number)]) { try Self.entry($0) }
      }
    }
  }

  public func quarantineCount() throws(Fault) -> Int {
    try faulting {
      try database.point { try $0.first(Self.countRow, [.integer(service)]) { Int($0.integer(0)) } ?? 0 }
    }
  }

  private static func entry(_ row: any Row) throws -> QuarantinedMessage {
    let contents = try Segment.decode(row.withBytes(6) { try SegmentCompression.decompress($0) })
    let content = contents.first ?? MessageContent(body: [])
    return QuarantinedMessage(
      message: StoredMessage(number: row.integer(0), received: row.integer(1), content: content),
      since: row.integer(2), kind: row.text(3), reason: row.text(4), detail: row.blob(5))
  }
}
