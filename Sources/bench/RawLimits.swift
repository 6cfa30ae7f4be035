import Base
import CSQLite
import Glibc

/// What the machine itself can do with the same bytes, so that a figure of the server can be judged.
enum RawLimits {
  struct Refusal: Error { let text: String }

  /// Appends each block to one file and syncs after each; returns the seconds it took.
  static func appendAndSync(_ blocks: [[UInt8]], in folder: String) throws -> Double {
    let file = open("\(folder)/append", O_WRONLY | O_CREAT | O_APPEND, 0o644)
    guard file >= 0 else { throw Refusal(text: "cannot create a file in \(folder)") }
    defer { close(file) }
    let began = monotonicNanoseconds()
    for block in blocks {
      guard SmallFile.writeAll(file, block), fdatasync(file) == 0 else { throw Refusal(text: "cannot write") }
    }
    return seconds(since: began)
  }

  /// Inserts `count` resources the way a store of this shape must at least: one row with a compressed body of
  /// `bodyBytes` and 13 index rows in four tables clustered on their values, 100 resources in a transaction, WAL,
  /// synced at each commit. Returns the seconds it took.
  static func insertRows(_ count: Int, bodyBytes: Int, in folder: String) throws -> Double {
    var opened: OpaquePointer?
    guard sqlite3_open("\(folder)/raw.sqlite", &opened) == SQLITE_OK, let database = opened else {
      throw Refusal(text: "cannot open a database in \(folder)")
    }
    defer { sqlite3_close(database) }
    try run(database, schema)
    var statements: [OpaquePointer] = []
    defer { for statement in statements { sqlite3_finalize(statement) } }
    for text in inserts {
      var prepared: OpaquePointer?
      guard sqlite3_prepare_v2(database, text, -1, &prepared, nil) == SQLITE_OK, let statement = prepared else {
        throw Refusal(text: String(cString: sqlite3_errmsg(database)))
      }
      statements.append(statement)
    }
    let body = (0..<bodyBytes).map { UInt8(truncatingIfNeeded: $0 &* 167) }
    var random = SplitMix(state: 1)
    let began = monotonicNanoseconds()
    for key in 0..<count {
      if key % 100 == 0 { try run(database, "BEGIN IMMEDIATE") }
      try insert(key, body, statements, &random)
      if key % 100 == 99 || key == count - 1 { try run(database, "COMMIT") }
    }
    return seconds(since: began)
  }

  private static let schema = """
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000;
    PRAGMA secure_delete = OFF; PRAGMA cache_size = -65536;
    CREATE TABLE resource (key INTEGER PRIMARY KEY, type INTEGER, id TEXT, version INTEGER, updated INTEGER, body BLOB);
    CREATE UNIQUE INDEX resource_id ON resource (type, id);
    CREATE TABLE token (parameter INTEGER, system INTEGER, code TEXT, key INTEGER,
      PRIMARY KEY (parameter, system, code, key)) WITHOUT ROWID;
    CREATE TABLE string (parameter INTEGER, folded TEXT, key INTEGER,
      PRIMARY KEY (parameter, folded, key)) WITHOUT ROWID;
    CREATE TABLE reference (parameter INTEGER, type INTEGER, id TEXT, key INTEGER,
      PRIMARY KEY (parameter, type, id, key)) WITHOUT ROWID;
    CREATE TABLE date (parameter INTEGER, low INTEGER, high INTEGER, key INTEGER,
      PRIMARY KEY (parameter, low, high, key)) WITHOUT ROWID;
    """

  private static let inserts = [
    "INSERT INTO resource VALUES (?1, ?2, ?3, 1, 1767225600000, ?4)",
    "INSERT INTO token VALUES (?2, ?3, ?4, ?1)",
    "INSERT INTO string VALUES (?2, ?4, ?1)",
    "INSERT INTO reference VALUES (?2, ?3, ?4, ?1)",
    "INSERT INTO date VALUES (?2, ?3, ?3 + 86400000000, ?1)",
  ]

  /// 5 token, 1 string, 4 reference and 3 date rows: 13.
  private static let rows: [(statement: Int, count: Int)] = [(1, 5), (2, 1), (3, 4), (4, 3)]

  private static func insert(
    _ key: Int, _ body: [UInt8], _ statements: [OpaquePointer], _ random: inout SplitMix
  ) throws {
    let resource = statements[0]
    sqlite3_bind_int64(resource, 1, Int64(key))
    sqlite3_bind_int64(resource, 2, Int64(key % 16))
    bind(resource, 3, identifier(UInt64(key)))
    body.withUnsafeBytes { _ = sqlite3_bind_blob(resource, 4, $0.baseAddress, Int32($0.count), transient) }
    try step(resource)
    for (kind, count) in rows {
      for parameter in 0..<count {
        let value = random.next()
        sqlite3_bind_int64(statements[kind], 1, Int64(key))
        sqlite3_bind_int64(statements[kind], 2, Int64(kind * 16 + parameter))
        // Dates spread over some years; systems are few.
        sqlite3_bind_int64(statements[kind], 3, kind == 4 ? Int64(value % 100_000_000_000_000) : Int64(value % 8))
        if kind < 4 { bind(statements[kind], 4, kind == 3 ? identifier(value % 500) : String(value % 2_000)) }
        try step(statements[kind])
      }
    }
  }

  private static func identifier(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return "01934d2e-7c00-7000-8000-" + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
  }

  // SQLITE_TRANSIENT, a cast in C: SQLite copies the bytes before the call returns.
  private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

  private static func bind(_ statement: OpaquePointer, _ index: Int32, _ text: String) {
    sqlite3_bind_text(statement, index, text, -1, transient)
  }

  private static func step(_ statement: OpaquePointer) throws {
    let code = sqlite3_step(statement)
    sqlite3_reset(statement)
    guard code == SQLITE_DONE else { throw Refusal(text: "SQLite answered \(code)") }
  }

  private static func run(_ database: OpaquePointer, _ text: String) throws {
    guard sqlite3_exec(database, text, nil, nil, nil) == SQLITE_OK else {
      throw Refusal(text: String(cString: sqlite3_errmsg(database)))
    }
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same rows in every run.
struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
