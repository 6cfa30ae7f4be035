import Base
import Glibc
public import Storage

/// A store in one SQLite file (with its log beside it, and a lock file that keeps a second process out).
public final class SQLiteDatabase: Database {
  private let writer: Writer
  private let readers: ReaderThreads
  private let points: PointConnections
  private let configuration: SQLiteConfiguration
  private let folder: String
  private let end: Ending
  /// Of each thread that runs statements: SQLite's parser and plans may go deep.
  static let stackBytes = 8 * 1024 * 1024

  /// Opens the store, and creates the file where there is none (not its folder).
  ///
  /// Blocks for the recovery of a store that was not closed. When it returns, file and name are on the disk, so that
  /// a power cut in the file's first life takes nothing of what is acknowledged later. Throws `.locked` when another
  /// process has the store open, `.corrupt` when the file is no SQLite database.
  public init(path: String, configuration: SQLiteConfiguration = SQLiteConfiguration()) throws(StorageError) {
    let lock = try StoreLock(path: path + ".lock")
    let connection = try Connection(path: path, role: .writer, configuration: configuration)
    folder = Folder.containing(path)
    self.configuration = configuration
    let open = { @Sendable () throws(StorageError) in
      try Connection(path: path, role: .reader, configuration: configuration)
    }
    writer = Writer(configuration)
    readers = ReaderThreads(waitingMax: configuration.readsWaitingMax, writer: writer)
    points = PointConnections(countMax: configuration.pointConnectionsMax, open: open)
    end = Ending()
    do throws(StorageError) {
      try SQLiteDatabase.settle(connection, folder: folder, configuration)
      for _ in 0..<max(1, configuration.readerThreads) { try readers.start(open()) }
      try writer.start(connection, lock: lock, openReader: open) { [end] in end.reached() }
    } catch {
      readers.close {}
      connection.close()
      throw error
    }
  }

  deinit {
    points.close()
    readers.close { [writer] in writer.close() }
  }

  /// Puts what the connection sees into the file, the file on the disk, and its name too. After a crash this also
  /// writes anew what recovery found in the log, whose pages the kernel may hold although they never reached the disk.
  private static func settle(
    _ connection: Connection, folder: String, _ configuration: SQLiteConfiguration
  ) throws(StorageError) {
    try connection.checkpoint(.truncate)
    guard configuration.durability == .full else { return }
    try connection.syncFile()
    try configuration.syncFolder(folder)
  }

  public var dialect: Dialect { .sqlite }

  public var isWritable: Bool { writer.isWritable }

  public var statistics: StorageStatistics { writer.statistics }

  // MARK: Reads

  public func point<R>(_ body: (any Reader) throws -> R) throws -> R {
    try points.withConnection { try body($0) }
  }

  public func read<R: Sendable>(
    deadline: ContinuousClock.Instant?, _ body: @escaping @Sendable (any Reader) throws -> R
  ) async throws -> R {
    let latest = ContinuousClock.now.advanced(by: .seconds(configuration.readSecondsMax))
    let ticket = ReadTicket(deadline: min(deadline ?? latest, latest))
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        readers.submit(TypedReadJob(ticket, continuation, body))
      }
    } onCancel: {
      readers.cancel(ticket)
    }
  }

  // MARK: Writes

  public func write<R: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> R) async throws -> R {
    try await submit(isAlone: false) { try body($0) }
  }

  public func migrate(_ migrations: [Migration]) async throws {
    let settle = { @Sendable [folder, configuration] (connection: Connection) throws in
      try SQLiteDatabase.settle(connection, folder: folder, configuration)
    }
    try await submit(isAlone: true) { [writer] connection in
      try connection.migrate(migrations)
      do {
        try settle(connection)
      } catch {
        // A full disk leaves the steps in the log, synced; any other failure leaves them uncertain.
        if (error as? StorageError)?.code != .full { writer.markBroken() }
        throw error
      }
    }
  }

  private func submit<R: Sendable>(
    isAlone: Bool, _ body: @escaping @Sendable (Connection) throws -> R
  ) async throws -> R {
    let withdrawal = Withdrawal()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        writer.submit(Job(isAlone: isAlone, withdrawal: withdrawal, continuation: continuation, body: body))
      }
    } onCancel: {
      withdrawal.set()
    }
  }

  // MARK: Closing

  public func close() async {
    points.close()
    readers.close { [writer] in writer.close() }
    await end.wait()
  }
}

/// The writer's thread ended; whoever closes waits for it.
private final class Ending: Sendable {
  private struct State {
    var isReached = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Monitor(State())

  func reached() {
    let waiting = state.withLock { state in
      state.isReached = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isReached = state.withLock { state in
        if !state.isReached { state.waiting.append(continuation) }
        return state.isReached
      }
      if isReached { continuation.resume() }
    }
  }
}
