import CSQLite
import Storage

/// Copies the log (WAL) into the file, when it is long enough, from the writer's thread.
final class Checkpoint {
  enum Mode {
    /// As far as readers let it.
    case passive
    /// Waits a moment for readers, so that the next commit starts the log anew.
    case restart
    /// As `restart`, and the log's file is emptied.
    case truncate

    var flag: Int32 {
      switch self {
      case .passive: SQLITE_CHECKPOINT_PASSIVE
      case .restart: SQLITE_CHECKPOINT_RESTART
      case .truncate: SQLITE_CHECKPOINT_TRUNCATE
      }
    }
  }

  private let connection: Connection
  private let configuration: SQLiteConfiguration
  private var pages = 0
  private var nextAt: Int
  private static let restartWaitMilliseconds: Int32 = 200

  init(_ connection: Connection, _ configuration: SQLiteConfiguration) {
    self.connection = connection
    self.configuration = configuration
    nextAt = configuration.checkpointPages
    let me = Unmanaged.passUnretained(self).toOpaque()
    sqlite3_wal_hook(
      connection.handle,
      { context, _, _, pages in
        if let context { Unmanaged<Checkpoint>.fromOpaque(context).takeUnretainedValue().committed(Int(pages)) }
        return SQLITE_OK
      }, me)
  }

  deinit { sqlite3_wal_hook(connection.handle, nil, nil) }

  private func committed(_ pages: Int) {
    // A shorter log has been started anew.
    if pages < self.pages { nextAt = configuration.checkpointPages }
    self.pages = pages
  }

  /// The checkpoint to run now, if any.
  func due() -> Mode? {
    guard pages >= nextAt else { return nil }
    return pages >= configuration.checkpointPages &* configuration.logGrowthMax ? .restart : .passive
  }

  /// A log that readers hold on to is no error: the rest is copied next time.
  func run(_ mode: Mode) throws(StorageError) {
    nextAt = pages &+ configuration.checkpointPages
    if mode != .passive { sqlite3_busy_timeout(connection.handle, Checkpoint.restartWaitMilliseconds) }
    defer { sqlite3_busy_timeout(connection.handle, Int32(clamping: configuration.busyMillisecondsMax)) }
    try connection.checkpoint(mode)
  }
}

extension Connection {
  func checkpoint(_ mode: Checkpoint.Mode) throws(StorageError) {
    let code = sqlite3_wal_checkpoint_v2(handle, "main", mode.flag, nil, nil)
    guard code == SQLITE_OK || code & 0xFF == SQLITE_BUSY else { throw error(code) }
  }

  /// Puts the database's file on the disk, through the VFS it was opened with.
  func syncFile() throws(StorageError) {
    var file: UnsafeMutablePointer<sqlite3_file>?
    let code = sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file)
    guard code == SQLITE_OK, let file, let sync = file.pointee.pMethods?.pointee.xSync else { throw error(code) }
    let result = sync(file, SQLITE_SYNC_NORMAL)
    guard result == SQLITE_OK else { throw StorageError(sqlite: result, detail: "cannot sync the file") }
  }
}
