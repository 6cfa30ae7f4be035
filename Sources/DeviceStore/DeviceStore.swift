public import Base
public import FHIRStore
package import Storage

/// The log of one device service: messages as they came, how far they are worked through, those that came to nothing,
/// and the mappings. It is in the database of the FHIR service that the Observations go to, so that Observations and
/// the place in the log are one commit.
///
/// Errors are `Fault`s, but for what is thrown inside transactions of others.
public final class DeviceStore: Sendable {
  let store: FHIRStore
  let database: any Database
  /// The service's number in the tables.
  let service: Int64
  public let name: String
  let clock: Clock

  private static let find = Statement("SELECT number FROM device_service WHERE name = ?")
  private static let add = Statement(
    """
    INSERT INTO device_service (number, name, appended, newest, consumed)
    VALUES ((SELECT coalesce(max(number), 0) + 1 FROM device_service), ?, 0, 0, 0)
    """)

  /// Opens a service's log, bringing the tables up.
  /// - Parameter name: tells the service from others of the same FHIR service, for good.
  public init(_ store: FHIRStore, name: String, clock: Clock) async throws(Fault) {
    let database = store.companion
    self.store = store
    self.database = database
    self.name = name
    self.clock = clock
    service = try await faulting {
      try await database.write { transaction in
        try DeviceSchema.open(transaction)
        if let number = try transaction.first(Self.find, [.text(name)], { $0.integer(0) }) { return number }
        try transaction.execute(Self.add, [.text(name)])
        return try transaction.first(Self.find, [.text(name)]) { $0.integer(0) } ?? 0
      }
    }
  }

  /// Whether other processes may have the store open.
  public var isShared: Bool { database.isShared }
  public var isWritable: Bool { database.isWritable }
  public var isReachable: Bool { database.isReachable }

  /// Whether this process is the one to work through the messages now, of all that share the store.
  public func lease() async -> Bool { await database.lease("device-\(service)") }

  /// Leaves it to another.
  public func release() async { await database.release("device-\(service)") }

  // MARK: Appending

  private static let advance = Statement(
    """
    UPDATE device_service SET appended = appended + ?, newest = CASE WHEN newest >= ? THEN newest ELSE ? END + ?
    WHERE number = ?
    """)
  private static let end = Statement("SELECT appended, newest FROM device_service WHERE number = ?")
  private static let insert = Statement(
    "INSERT INTO device_segment (service, last, count, received, bytes, body) VALUES (?, ?, ?, ?, ?, ?)")
  private static let offset = Statement("SELECT next FROM device_offset WHERE service = ? AND source = ?")
  private static let setOffset = Statement(
    """
    INSERT INTO device_offset (service, source, next) VALUES (?, ?, ?)
    ON CONFLICT (service, source) DO UPDATE SET next = excluded.next
    """)

  /// Puts messages into the log, and notes how far their sources were taken over; returns when they are on the disk.
  /// - Parameter offsets: by source, the place of its first message here, and what to ask for next.
  /// - Returns: the messages' numbers.
  /// - Throws: `.conflict` if a source was taken over beyond that place, by another process; nothing is written then.
  public func append(_ messages: [MessageContent], offsets: [String: Range<Int64>] = [:]) async throws(Fault)
    -> ClosedRange<Int64>?
  {
    let now = clock.now().milliseconds &* 10_000
    return try await faulting { () async throws in
      let segments = try Segment.cut(messages).map { piece in
        let bytes = Segment.encode(piece)
        return (count: piece.count, bytes: bytes.count, packed: try SegmentCompression.compress(bytes))
      }
      let (service, count) = (service, messages.count)
      return try await database.write { transaction in
        for (source, range) in offsets.sorted(by: { $0.key < $1.key }) {
          let next = try transaction.first(Self.offset, [.integer(service), .text(source)]) { $0.integer(0) }
          guard next ?? .min <= range.lowerBound else {
            throw Fault(.conflict, "The source was taken over by another process.")
          }
          try transaction.execute(Self.setOffset, [.integer(service), .text(source), .integer(range.upperBound)])
        }
        guard count > 0 else { return nil }
        // Every message has a time of its own, whatever the clock does: their order is that of their numbers.
        try transaction.execute(
          Self.advance, [.integer(count), .integer(now), .integer(now), .integer(count), .integer(service)])
        guard
          let (last, newest) = try transaction.first(Self.end, [.integer(service)], { ($0.integer(0), $0.integer(1)) })
        else { throw StorageError(.corrupt, detail: "the device service is not there") }
        var number = last - Int64(count)
        var received = newest - Int64(count)
        for segment in segments {
          number += Int64(segment.count)
          try transaction.execute(
            Self.insert,
            [
              .integer(service), .integer(number), .integer(segment.count), .integer(received), .integer(segment.bytes),
              .blob(segment.packed),
            ])
          received += Int64(segment.count)
        }
        return (last - Int64(count) + 1)...last
      }
    }
  }

  private static let offsetRows = Statement("SELECT source, next FROM device_offset WHERE service = ?")

  /// How far each source was taken over.
  public func offsets() async throws(Fault) -> [String: Int64] {
    try await faulting {
      let service = service
      let rows = try await database.read { reader in
        try reader.all(Self.offsetRows, [.integer(service)]) { ($0.text(0), $0.integer(1)) }
      }
      return Dictionary(rows, uniquingKeysWith: { _, new in new })
    }
  }

  // MARK: Reading

  /// How far the log is.
  public struct Progress: Sendable, Equatable {
    /// The newest message's number, 0 for none.
    public var appended: Int64
    /// The number of the last message whose Observations are committed.
    public var consumed: Int64

    public var waiting: Int64 { appended - consumed }
  }

  private static let progressRow = Statement("SELECT appended, consumed FROM device_service WHERE number = ?")

  public func progress() throws(Fault) -> Progress {
    try faulting { try database.point { try progress($0) } }
  }

  func progress(_ reader: any Reader) throws -> Progress {
    try reader.first(Self.progressRow, [.integer(service)]) {
      Progress(appended: $0.integer(0), consumed: $0.integer(1))
    } ?? Progress(appended: 0, consumed: 0)
  }

  private static let segmentRows = Statement(
    "SELECT last, count, received, body FROM device_segment WHERE service = ? AND last > ? ORDER BY last LIMIT ?")
  /// Segments looked at in one statement.
  private static let segmentsAtOnce = 64

  /// The messages behind a number, in order.
  /// - Parameters:
  ///   - last: none behind this one.
  ///   - max: so many at most.
  ///   - bytesMax: no more, but for the first message.
  public func messages(
    after number: Int64, through last: Int64 = .max, max: Int, bytesMax: Int = .max
  ) async throws(Fault) -> [StoredMessage] {
    try await faulting {
      let service = service
      return try await database.read { reader in
        var messages: [StoredMessage] = []
        var bytes = 0
        var position = number
        var isFull = false
        while !isFull {
          var rows = 0
          let binds: [SQLValue] = [.integer(service), .integer(position), .integer(Self.segmentsAtOnce)]
          try reader.query(Self.segmentRows, binds) { row in
            rows += 1
            let (end, received) = (row.integer(0), row.integer(2))
            position = end
            let contents = try Segment.decode(row.withBytes(3) { try SegmentCompression.decompress($0) })
            for (place, content) in contents.enumerated() {
              let own = end - Int64(contents.count - 1 - place)
              if own <= number { continue }
              bytes += content.byteCount
              isFull = own > last || messages.count >= max || (bytes > bytesMax && !messages.isEmpty)
              if isFull { return false }
              messages.append(StoredMessage(number: own, received: received + Int64(place), content: content))
            }
            return true
          }
          if rows < Self.segmentsAtOnce { break }
        }
        return messages
      }
    }
  }

  // MARK: Consuming

  private static let consume = Statement(
    "UPDATE device_service SET consumed = ? WHERE number = ? AND consumed = ?")

  /// Within a transaction: what came of the messages up to a number is written with it.
  /// - Returns: false if another process was faster, so that nothing of this transaction may stay.
  package func advance(from old: Int64, to new: Int64, _ transaction: any Transaction) throws -> Bool {
    try transaction.execute(Self.consume, [.integer(new), .integer(service), .integer(old)]) == 1
  }

  private static let forget = Statement(
    """
    DELETE FROM device_segment WHERE service = ? AND last <= (SELECT consumed FROM device_service WHERE number = ?)
      AND received < ?
    """)

  /// Removes messages that are worked through and arrived before a time.
  public func forget(before received: Int64) async throws(Fault) {
    try await faulting {
      let service = service
      _ = try await database.write { transaction in
        try transaction.execute(Self.forget, [.integer(service), .integer(service), .integer(received)])
      }
    }
  }
}

/// Engines' errors become faults here; nothing above knows them.
func faulting<R>(_ body: () throws -> R) throws(Fault) -> R {
  do {
    return try body()
  } catch {
    throw fault(error)
  }
}

func faulting<R>(_ body: () async throws -> R) async throws(Fault) -> R {
  do {
    return try await body()
  } catch {
    throw fault(error)
  }
}

private func fault(_ error: any Error) -> Fault {
  switch error {
  case let fault as Fault: fault
  case let error as StorageError: error.fault
  default: Fault(.internal, "The device log failed.")
  }
}
