import CSQLite
import Storage

/// One SQLite connection with its prepared statements: a plain value of the thread that has it at the moment.
///
/// `@unchecked Sendable`: it moves between threads (pool to caller, opener to worker) but only one has it at a time.
final class Connection: @unchecked Sendable {
  enum Role { case writer, reader }

  let handle: OpaquePointer
  private var fixed: [OpaquePointer?] = []
  private var dynamic: StatementCache
  /// A sync of a file or folder failed: what is on the disk is no longer certain.
  private(set) var sawFailedSync = false
  /// Steps of SQLite's machine so far, while they are measured.
  var steps: Int?
  /// Asked every `interruptSteps` steps of SQLite's machine, on this thread; true gives up the running statement.
  var shouldInterrupt: (() -> Bool)?
  /// How often `shouldInterrupt` may still be asked until the statements are given up anyway.
  var asksLeft: Int?
  static let interruptSteps: Int32 = 2_000

  /// Once for the process, before its first connection.
  private static let library: Int32 = csqlite_count_no_memory()

  init(path: String, role: Role, configuration: SQLiteConfiguration) throws(StorageError) {
    _ = Self.library
    var flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    flags |= role == .writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(path, &opened, flags, configuration.vfs)
    guard code == SQLITE_OK, let opened else {
      let detail = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "no memory"
      sqlite3_close_v2(opened)
      throw StorageError(sqlite: code, detail: detail)
    }
    handle = opened
    dynamic = StatementCache(countMax: configuration.dynamicStatementsMax)
    do throws(StorageError) {
      try configure(role, configuration)
    } catch {
      sqlite3_close_v2(opened)
      throw error
    }
  }

  private func configure(_ role: Role, _ configuration: SQLiteConfiguration) throws(StorageError) {
    // Before the first PRAGMA: two connections that open at once would see SQLITE_BUSY otherwise.
    sqlite3_busy_timeout(handle, Int32(clamping: configuration.busyMillisecondsMax))
    let cache = role == .writer ? configuration.writerCacheKiB : configuration.readerCacheKiB
    try run("PRAGMA cache_size = -\(cache); PRAGMA mmap_size = \(configuration.mappedBytesMax);")
    try run("PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF; PRAGMA trusted_schema = OFF;")
    guard role == .writer else { return try run("PRAGMA query_only = ON") }
    // The mode is a property of the file: the writer sets it once, readers find it.
    try run("PRAGMA journal_mode = WAL")
    try requireLog()
    try run("PRAGMA synchronous = \(configuration.durability.rawValue);")
    try run("PRAGMA secure_delete = OFF; PRAGMA journal_size_limit = 268435456;")
    // The writer checkpoints by itself: SQLite's own automatic one would hide a failed sync.
    sqlite3_wal_autocheckpoint(handle, 0)
  }

  /// A file system without shared memory leaves the mode as it was, without an error.
  private func requireLog() throws(StorageError) {
    var isLog = false
    let code = sqlite3_exec(
      handle, "PRAGMA journal_mode",
      { context, _, values, _ in
        if let text = values?[0] {
          context?.assumingMemoryBound(to: Bool.self).pointee = String(cString: text) == "wal"
        }
        return 0
      }, &isLog, nil)
    guard code == SQLITE_OK else { throw error(code) }
    guard isLog else { throw StorageError(.other, detail: "the file system cannot hold a write-ahead log") }
  }

  /// Finalizes all statements and closes; the connection must not be used afterwards.
  func close() {
    for statement in fixed { sqlite3_finalize(statement) }
    fixed = []
    dynamic.removeAll()
    sqlite3_close_v2(handle)
  }

  /// False inside a transaction. SQLite rolls back by itself after some errors, and then this turns true.
  var isAutocommit: Bool { sqlite3_get_autocommit(handle) != 0 }

  /// Runs a script without parameters or results.
  func run(_ script: String) throws(StorageError) {
    let code = sqlite3_exec(handle, script, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code) }
  }

  /// The error of a result code; to be called for every one that is no success.
  func error(_ code: Int32, preparing: Bool = false) -> StorageError {
    if code == SQLiteCode.ioSync || code == SQLiteCode.ioFolderSync { sawFailedSync = true }
    return StorageError(sqlite: code, preparing: preparing, detail: String(cString: sqlite3_errmsg(handle)))
  }

  /// Installs `shouldInterrupt`; the caller keeps this connection alive while statements run.
  func watchInterrupts() {
    let me = Unmanaged.passUnretained(self).toOpaque()
    sqlite3_progress_handler(
      handle, Self.interruptSteps,
      { context in
        guard let context else { return 0 }
        let connection = Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue()
        if let left = connection.asksLeft {
          connection.asksLeft = left - 1
          if left <= 0 { return 1 }
        }
        return connection.shouldInterrupt?() == true ? 1 : 0
      }, me)
  }
}

// MARK: - Prepared statements

extension Connection {
  /// Hands the prepared form of a fixed statement to `body`. It is taken out of its slot for the time, so the same
  /// statement may be used again inside (a second copy is prepared).
  func withPrepared<R>(_ statement: Statement, _ body: (OpaquePointer) throws -> R) throws -> R {
    let id = statement.id
    while fixed.count <= id { fixed.append(nil) }
    let prepared = try fixed[id] ?? prepare(statement.text(.sqlite), isFixed: true)
    fixed[id] = nil
    defer {
      sqlite3_reset(prepared)
      if fixed[id] == nil { fixed[id] = prepared } else { sqlite3_finalize(prepared) }
    }
    return try body(prepared)
  }

  /// Hands the prepared form of dynamic SQL to `body`, from the cache where it is there.
  func withPrepared<R>(_ sql: SQL, _ body: (OpaquePointer) throws -> R) throws -> R {
    let prepared = try dynamic.take(sql.text) ?? prepare(sql.text, isFixed: false)
    defer {
      sqlite3_reset(prepared)
      dynamic.put(prepared, for: sql.text)
    }
    return try body(prepared)
  }

  private func prepare(_ text: String, isFixed: Bool) throws(StorageError) -> OpaquePointer {
    var text = text
    var prepared: OpaquePointer?
    var hasRest = false
    let flags = isFixed ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0
    let code = text.withUTF8 { bytes in
      // With a length given SQLite stops there, but reads no further only if there is no NUL: our text has none.
      bytes.withMemoryRebound(to: CChar.self) { characters -> Int32 in
        var tail: UnsafePointer<CChar>?
        let code = sqlite3_prepare_v3(
          handle, characters.baseAddress, Int32(clamping: bytes.count), flags, &prepared, &tail)
        if let tail, let start = characters.baseAddress {
          hasRest = bytes[min(max(tail - start, 0), bytes.count)...].contains { $0 > 0x20 && $0 != UInt8(ascii: ";") }
        }
        return code
      }
    }
    guard code == SQLITE_OK else { throw error(code, preparing: true) }
    guard let prepared else { throw StorageError(.misuse, detail: "no statement in the text") }
    guard !hasRest else {
      sqlite3_finalize(prepared)
      throw StorageError(.misuse, detail: "more than one statement in the text")
    }
    return prepared
  }
}

/// Prepared dynamic statements by their text, the least recently used given up first.
struct StatementCache {
  private struct Entry {
    var statement: OpaquePointer
    var lastUse: UInt64
  }

  private var entries: [String: Entry] = [:]
  private var uses: UInt64 = 0
  private let countMax: Int

  init(countMax: Int) { self.countMax = countMax }

  /// Takes a statement out; whoever has it puts it back or finalizes it.
  mutating func take(_ text: String) -> OpaquePointer? {
    entries.removeValue(forKey: text)?.statement
  }

  mutating func put(_ statement: OpaquePointer, for text: String) {
    uses &+= 1
    if let other = entries.updateValue(Entry(statement: statement, lastUse: uses), forKey: text) {
      sqlite3_finalize(other.statement)
    }
    guard entries.count > countMax, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
      return
    }
    entries.removeValue(forKey: oldest.key)
    sqlite3_finalize(oldest.value.statement)
  }

  mutating func removeAll() {
    for entry in entries.values { sqlite3_finalize(entry.statement) }
    entries = [:]
  }
}
