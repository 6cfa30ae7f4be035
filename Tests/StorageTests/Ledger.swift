import CSQLite
import Storage
import StorageSQLite
import Synchronization
import Testing
import TestSupport

/// What writers were promised, and an oracle that looks for it with SQLite alone, none of our code.
///
/// Each writer writes transactions 1, 2, 3 …, one after another. Transaction n of a writer is 1–8 parts (rows whose
/// blobs follow from their numbers, some longer than a page) and a new value of the writer's own slot; every eighth
/// also removes the parts of the one eight before. So what must be there after a cut follows from the
/// highest number alone, and any half of a transaction shows.
final class Ledger: Sendable {
  struct Outcome: Sendable {
    var isMigrated = false
    /// For each writer the highest number acknowledged while the power was on.
    var acknowledged: [Int: Int] = [:]
    /// For each writer the highest number begun.
    var begun: [Int: Int] = [:]
    /// For each writer the numbers that were refused for certain.
    var refused: [Int: Set<Int>] = [:]
    var acknowledgedCount = 0
  }

  let outcome = Mutex(Outcome())
  let seed: UInt64

  init(seed: UInt64) { self.seed = seed }

  static let migrations = [
    Migration(
      1, "ledger",
      """
      CREATE TABLE part (writer INTEGER, number INTEGER, part INTEGER, parts INTEGER, body BLOB,
        PRIMARY KEY (writer, number, part)) WITHOUT ROWID;
      CREATE TABLE slot (writer INTEGER PRIMARY KEY, number INTEGER, body BLOB);
      CREATE INDEX part_body ON part (substr(body, 1, 16));
      """)
  ]

  static let insert = Statement("INSERT INTO part (writer, number, part, parts, body) VALUES (?, ?, ?, ?, ?)")
  static let slot = Statement("INSERT OR REPLACE INTO slot (writer, number, body) VALUES (?, ?, ?)")
  static let remove = Statement("DELETE FROM part WHERE writer = ? AND number = ?")

  static func isRemoved(_ number: Int, latest: Int) -> Bool { number % 8 == 0 && number + 8 <= latest }

  func parts(_ writer: Int, _ number: Int) -> Int { 1 + Int((seed &+ UInt64(writer * 31 + number * 7)) % 8) }

  func body(_ writer: Int, _ number: Int, _ part: Int) -> [UInt8] {
    var generator = SeededGenerator(seed: seed &+ UInt64(writer &* 1_000_003 &+ number &* 1_009 &+ part))
    let words = [3, 40, 250, 1_100][Int(generator.next() % 4)]
    return [UInt8](unsafeUninitializedCapacity: words * 8) { bytes, count in
      for word in 0..<words {
        UnsafeMutableRawBufferPointer(bytes).storeBytes(of: generator.next(), toByteOffset: word * 8, as: UInt64.self)
      }
      count = words * 8
    }
  }

  func write(_ writer: Int, _ number: Int, _ transaction: any Transaction) throws {
    var rows = RowBatch(columns: 5)
    let parts = parts(writer, number)
    for part in 0..<parts {
      rows.append(
        .integer(writer), .integer(number), .integer(part), .integer(parts), .blob(body(writer, number, part)))
    }
    try transaction.execute(Ledger.insert, rows: rows)
    try transaction.execute(Ledger.slot, [.integer(writer), .integer(number), .blob(body(writer, number, 99))])
    if number % 8 == 0, number > 8 {
      try transaction.execute(Ledger.remove, [.integer(writer), .integer(number - 8)])
    }
  }

  /// Opens, migrates and writes until `transactions` each are done or a write fails; notes what was acknowledged
  /// before `isCut`. Gives the store back, open, where it could be opened.
  func run(
    path: String, configuration: SQLiteConfiguration, writers: Int, transactions: Int,
    isCut: @escaping @Sendable () -> Bool
  ) async -> SQLiteDatabase? {
    guard let database = try? SQLiteDatabase(path: path, configuration: configuration) else { return nil }
    do { try await database.migrate(Ledger.migrations) } catch { return database }
    if !isCut() { outcome.withLock { $0.isMigrated = true } }
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<writers {
        group.addTask { await self.runWriter(writer, database, transactions, isCut) }
      }
    }
    return database
  }

  private func runWriter(
    _ writer: Int, _ database: SQLiteDatabase, _ transactions: Int, _ isCut: @Sendable () -> Bool
  ) async {
    for number in 1...transactions {
      outcome.withLock { $0.begun[writer] = number }
      do {
        try await database.write { try self.write(writer, number, $0) }
      } catch {
        if (error as? StorageError)?.code != .outcomeUnknown {
          outcome.withLock { _ = $0.refused[writer, default: []].insert(number) }
        }
        return
      }
      // Asked after the acknowledgement: what came a moment after the cut is not counted as promised.
      guard !isCut() else { return }
      outcome.withLock { outcome in
        outcome.acknowledged[writer] = number
        outcome.acknowledgedCount += 1
      }
    }
  }

  // MARK: The oracle

  /// Everything that is wrong with the file, judged by the promises; empty when all is well.
  func complaints(path: String) -> [String] {
    var handle: OpaquePointer?
    defer { sqlite3_close(handle) }
    guard sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil) == SQLITE_OK, let handle
    else {
      return ["cannot be opened"]
    }
    let outcome = outcome.withLock { $0 }
    let check = Ledger.column(handle, "PRAGMA integrity_check")
    guard check == ["ok"] else { return ["integrity: \(check)"] }
    let tables = Ledger.column(handle, "SELECT count(*) FROM sqlite_schema WHERE name IN ('part', 'slot')")
    guard tables == ["2"] else {
      if tables == ["0"], !outcome.isMigrated { return [] }
      return ["lost: the schema (\(tables))"]
    }
    return outcome.begun.keys.sorted().flatMap { complaints(handle, writer: $0, outcome) }
  }

  private func complaints(_ handle: OpaquePointer, writer: Int, _ outcome: Outcome) -> [String] {
    let acknowledged = outcome.acknowledged[writer] ?? 0
    let latest =
      Ledger.column(handle, "SELECT number FROM slot WHERE writer = \(writer)").first.flatMap { Int($0) } ?? 0
    guard latest >= acknowledged else { return ["lost: writer \(writer) has \(latest), acknowledged \(acknowledged)"] }
    var complaints: [String] = []
    if latest > outcome.begun[writer] ?? 0 || outcome.refused[writer]?.contains(latest) == true {
      complaints.append("ghost: writer \(writer) has \(latest)")
    }
    var expected: [Part] = []
    if latest > 0 { expected.append(Part(number: latest, part: 99, parts: 0, body: body(writer, latest, 99))) }
    for number in 1..<(latest + 1) where !Ledger.isRemoved(number, latest: latest) {
      let parts = parts(writer, number)
      for part in 0..<parts {
        expected.append(Part(number: number, part: part, parts: parts, body: body(writer, number, part)))
      }
    }
    let found = Ledger.parts(handle, writer: writer)
    if found != expected { complaints.append("torn: writer \(writer), \(found.count) parts, not \(expected.count)") }
    return complaints
  }

  private struct Part: Equatable {
    var number: Int, part: Int, parts: Int
    var body: [UInt8]
  }

  /// The slot of a writer (as part 99), then its parts in order.
  private static func parts(_ handle: OpaquePointer, writer: Int) -> [Part] {
    let sql = """
      SELECT * FROM (SELECT number, 99, 0, body FROM slot WHERE writer = \(writer))
      UNION ALL
      SELECT * FROM (SELECT number, part, parts, body FROM part WHERE writer = \(writer) ORDER BY number, part)
      """
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else { return [] }
    defer { sqlite3_finalize(statement) }
    var result: [Part] = []
    while sqlite3_step(statement) == SQLITE_ROW {
      let bytes = UnsafeRawBufferPointer(
        start: sqlite3_column_blob(statement, 3), count: Int(sqlite3_column_bytes(statement, 3)))
      result.append(
        Part(
          number: Int(sqlite3_column_int64(statement, 0)), part: Int(sqlite3_column_int64(statement, 1)),
          parts: Int(sqlite3_column_int64(statement, 2)), body: Array(bytes)))
    }
    return result
  }

  static func column(_ handle: OpaquePointer, _ sql: String) -> [String] {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else {
      return ["error: " + String(cString: sqlite3_errmsg(handle))]
    }
    defer { sqlite3_finalize(statement) }
    var result: [String] = []
    while true {
      let code = sqlite3_step(statement)
      guard code == SQLITE_ROW else {
        if code != SQLITE_DONE { result.append("error: " + String(cString: sqlite3_errmsg(handle))) }
        return result
      }
      result.append(sqlite3_column_text(statement, 0).map { String(cString: $0) } ?? "")
    }
  }
}
