import Base
public import Storage

/// A store in a database of a PostgreSQL server, 15 or newer, that several nodes may share. Several stores may share a
/// database as well, each in a schema of its own.
///
/// The database's encoding is UTF8, and text compares byte by byte as on the other engine if its locale is C
/// (`CREATE DATABASE … LOCALE 'C' TEMPLATE template0`). The character U+0000, which PostgreSQL does not keep, becomes
/// U+FFFD in texts. A store that cannot be reached is `.busy`; it connects again by itself.
///
/// Unlike a file's, this store stays writable after an unknown outcome: what is committed is the server's to know.
public final class PostgreSQLDatabase: Database {
  private let writers: Writers
  private let readers: ReaderThreads
  private let points: PointConnections
  private let configuration: PostgreSQLConfiguration
  private let counts = Counts()
  private let faultCounts = FaultCounts()
  private let node: Node
  private let listener: Listener
  private let replica: Replica?
  private let end = Ending()

  /// Connects, so that a wrong address or password is found at once. Blocks for as long as that takes.
  ///
  /// Throws `.busy` when the server cannot be reached (the detail has its words), `.misuse` when the connection string
  /// cannot be read, the password is not where it should be, or server or database are none that we can use.
  public init(_ configuration: PostgreSQLConfiguration) throws(StorageError) {
    if let schema = configuration.schema, !PostgreSQLConfiguration.isSchema(schema) {
      throw StorageError(.misuse, detail: "'\(schema)' cannot be a schema's name")
    }
    self.configuration = configuration
    let node = Node()
    self.node = node
    let connect = { @Sendable [faultCounts] (role: Connection.Role) in
      Connection(role: role, configuration: configuration, faults: faultCounts, node: node)
    }
    var replica: Replica?
    if let address = configuration.replica {
      replica = try Replica(configuration, at: address, node: node.name, counts: counts, faults: faultCounts)
    }
    self.replica = replica
    listener = Listener(connect(.listener), replica: replica)
    writers = Writers(configuration, counts: counts)
    readers = ReaderThreads(waitingMax: configuration.readsWaitingMax, counts: counts)
    points = PointConnections(countMax: configuration.pointConnectionsMax) {
      let connection = connect(.reader)
      connection.statementNanosecondsMax = UInt64(max(1, configuration.pointMillisecondsMax)) &* 1_000_000
      return connection
    }
    let first = connect(.writer)
    do throws(StorageError) {
      try first.open()
      try writers.start(first)
      for _ in 1..<max(1, configuration.writerThreads) { try writers.start(connect(.writer)) }
      for _ in 0..<max(1, configuration.readerThreads) { try readers.start(connect(.reader)) }
    } catch {
      readers.close {}
      writers.close {}
      replica?.close {}
      throw error
    }
  }

  deinit {
    points.close()
    replica?.close {}
    readers.close { [writers, listener] in writers.close { listener.close {} } }
  }

  /// Of its threads.
  static let stackBytes = 8 * 1024 * 1024

  public var dialect: Dialect { .postgreSQL }

  /// False when closed only.
  public var isWritable: Bool { !end.isBegun }

  public var statistics: StorageStatistics { counts.value }

  /// What went wrong between the store and its database since the start.
  public var faults: PostgreSQLFaults { faultCounts.value }

  // MARK: Reads

  public func point<R>(_ body: (any Reader) throws -> R) throws -> R {
    try points.withConnection { try body($0) }
  }

  public func read<R: Sendable>(
    deadline: ContinuousClock.Instant?, _ body: @escaping @Sendable (any Reader) throws -> R
  ) async throws -> R {
    try await read(on: readers, deadline, body)
  }

  /// Asks the replica, and the primary where that does not answer; throws as `read` does.
  public func readRecent<R: Sendable>(
    deadline: ContinuousClock.Instant?, _ body: @escaping @Sendable (any Reader) throws -> R
  ) async throws -> R {
    if let replica, replica.isFresh {
      do {
        let result = try await read(on: replica.readers, deadline, body)
        faultCounts.count { $0.readsOfReplica += 1 }
        return result
      } catch let error as StorageError where error.code == .busy {
        replica.doubt()
      }
    }
    return try await read(on: readers, deadline, body)
  }

  private func read<R: Sendable>(
    on readers: ReaderThreads, _ deadline: ContinuousClock.Instant?,
    _ body: @escaping @Sendable (any Reader) throws -> R
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
    let withdrawal = Withdrawal()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        writers.submit(Job(withdrawal: withdrawal, continuation: continuation) { try body($0) })
      }
    } onCancel: {
      withdrawal.set()
    }
  }

  /// Also throws `.busy` when another node's migrations do not end in time.
  public func migrate(_ migrations: [Migration]) async throws {
    guard isWritable else { throw StorageError(.closed) }
    let connection = Connection(role: .migrator, configuration: configuration, faults: faultCounts, node: node)
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      let started = WorkerThread.start(stackBytes: PostgreSQLDatabase.stackBytes) {
        let outcome = Result {
          try connection.open()
          try connection.migrate(migrations)
          connection.node.isMigrated = true
        }
        connection.drop()
        continuation.resume(with: outcome)
      }
      if !started { continuation.resume(throwing: StorageError(.other, detail: "no thread for migrations")) }
    }
  }

  // MARK: Several processes

  public var isShared: Bool { true }

  /// Known where notices are heard: they come on a connection that is always there.
  public var isReachable: Bool { node.isUp }

  public func listen(_ receive: @escaping @Sendable (Notice) -> Void) { listener.add(receive) }

  public func lease(_ work: String) async -> Bool { await listener.lease(work) }

  public func release(_ work: String) async { await listener.release(work) }

  // MARK: Closing

  public func close() async {
    end.begin()
    points.close()
    replica?.close {}
    readers.close { [writers, listener, end] in writers.close { listener.close { end.reached() } } }
    await end.wait()
  }
}

/// The last thread ended; whoever closes waits for it.
private final class Ending: Sendable {
  private struct State {
    var isBegun = false
    var isReached = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Monitor(State())

  var isBegun: Bool { state.withLock { $0.isBegun } }

  func begin() { state.withLock { $0.isBegun = true } }

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
