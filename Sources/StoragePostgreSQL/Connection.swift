import Base
import CPostgreSQL
import Glibc
import Storage

// Why threads that block, and not one thread with an epoll loop: the contract's closures are synchronous, so whoever
// runs one waits for its statements anyway, on a thread of its own. A loop in between would add two changes of thread
// to each statement, and save nothing. libpq is non-blocking all the same: every wait here is a poll with a deadline
// that also looks whether the caller still wants the answer.

/// One connection with its prepared statements: a plain value of the thread that has it at the moment.
///
/// It is in pipeline mode all the time (PostgreSQL 15, 34.5): what a statement needs before it (BEGIN, SAVEPOINT, its
/// preparation) travels with it, in one round trip.
///
/// `@unchecked Sendable`: it moves between threads (pool to caller, opener to worker) but only one has it at a time.
final class Connection: @unchecked Sendable {
  enum Role { case writer, reader, migrator, listener }

  enum TransactionState {
    /// Each statement commits by itself.
    case none
    /// BEGIN waits for the first statement.
    case queued
    case begun
  }

  let role: Role
  let configuration: PostgreSQLConfiguration
  let faults: FaultCounts
  let node: Node
  /// Nil when there is no connection, or none any more.
  private(set) var handle: OpaquePointer?
  var prepared: PreparedStatements
  var parameters = Parameters()

  var transaction = TransactionState.none
  /// Sent before the next statement, in the same round trip.
  var queue: [Queued] = []
  /// Tells a writer's jobs apart: the one that runs.
  var job = 0
  /// Round trips so far.
  var trips = 0
  /// Round trips whose answers nobody waited for.
  var owed = 0
  /// The first failure since the transaction began, also one that its job kept to itself.
  var failure: (kind: Failure, error: StorageError)?
  /// A warning came that a COMMIT has only when it is on this server's disk, but not on the standbys it waited for.
  var sawLocalCommit = false

  /// Asked while a statement runs, on this thread; a refusal cancels it.
  var refusal: (() -> StorageError?)?
  /// A statement may take this long.
  var statementNanosecondsMax: UInt64
  /// What is attempted is given up at this time.
  var attemptLimit: UInt64?
  /// The last statement was given up because of `attemptLimit`.
  var didGiveUp = false
  /// Time spent in statements, while it is measured.
  var measured: UInt64?

  static let pollMilliseconds: UInt64 = 20

  init(role: Role, configuration: PostgreSQLConfiguration, faults: FaultCounts, node: Node) {
    self.role = role
    self.configuration = configuration
    self.faults = faults
    self.node = node
    prepared = PreparedStatements(countMax: configuration.dynamicStatementsMax)
    let milliseconds =
      switch role {
      case .writer: configuration.writeMillisecondsMax
      case .reader: configuration.readSecondsMax &* 1_000
      case .migrator: configuration.migrationSecondsMax &* 1_000
      case .listener: configuration.connectMillisecondsMax
      }
    statementNanosecondsMax = UInt64(max(1, milliseconds)) &* 1_000_000
  }

  deinit { drop() }

  var isOpen: Bool { handle != nil }

  // MARK: Opening

  /// Connects if there is no connection. Throws `.busy` when the server cannot be reached.
  func open() throws(StorageError) {
    guard handle == nil else { return }
    // Whoever reads is told at once, and need not find out by waiting.
    guard role != .reader || node.isUp else { throw .unreachable("it is away") }
    let parameters = try ConnectionParameters(configuration)
    let (count, first) = (parameters.hostCount, node.host)
    var failure: StorageError?
    for step in 0..<count {
      let host = (first + step) % count
      do throws(StorageError) {
        try open(parameters, host, milliseconds: configuration.connectMillisecondsMax / count)
        if host != first { node.host = host }
        return
      } catch {
        // What is wrong with a host that answers says more than that another one does not.
        if failure.map({ $0.code == .busy }) ?? true { failure = error }
      }
    }
    throw failure ?? .unreachable("no host is named")
  }

  private func open(_ parameters: ConnectionParameters, _ host: Int, milliseconds: Int) throws(StorageError) {
    guard let new = parameters.start(host: host) else {
      throw StorageError(.other, detail: "no memory for a connection")
    }
    handle = new
    do throws(StorageError) {
      try connect(new, milliseconds: milliseconds)
      try settle(new)
    } catch {
      drop()
      throw error
    }
  }

  private func connect(_ new: OpaquePointer, milliseconds: Int) throws(StorageError) {
    let limit = monotonicNanoseconds() &+ UInt64(max(1, milliseconds)) &* 1_000_000
    // PQconnectPoll is to be taken as if it had asked to write before its first call (34.1).
    var state = PGRES_POLLING_WRITING
    while state != PGRES_POLLING_OK {
      guard state != PGRES_POLLING_FAILED, PQstatus(new) != CONNECTION_BAD else {
        throw .unreachable(String(cString: PQerrorMessage(new)))
      }
      let events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT
      let now = monotonicNanoseconds()
      guard now < limit else { throw .unreachable("no connection in time") }
      if poll(new, Int16(events), milliseconds: (limit - now) / 1_000_000 + 1) != 0 { state = PQconnectPoll(new) }
    }
  }

  private func settle(_ new: OpaquePointer) throws(StorageError) {
    let me = Unmanaged.passUnretained(self).toOpaque()
    PQsetNoticeReceiver(
      new,
      { context, notice in
        guard let context, let notice else { return }
        Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue().noticed(Connection.state(of: notice))
      }, me)
    guard PQserverVersion(new) >= 150_000 else {
      throw StorageError(.misuse, detail: "the server is older than PostgreSQL 15")
    }
    guard let encoding = PQparameterStatus(new, "server_encoding"), String(cString: encoding) == "UTF8" else {
      throw StorageError(.misuse, detail: "the database's encoding is not UTF8")
    }
    PQsetnonblocking(new, 1)
    try script(settings)
  }

  /// What the session is told. Plans are made once for a statement's text, as it is written: what could be chosen by a
  /// value was chosen by whoever wrote it.
  private var settings: String {
    // The server's own limits are a little later than ours, for a client that is gone.
    let serverMilliseconds = statementNanosecondsMax / 1_000_000 &+ 5_000
    let idleMilliseconds =
      role == .writer ? min(serverMilliseconds, UInt64(max(1, configuration.idleMillisecondsMax))) : serverMilliseconds
    let lockMilliseconds =
      role == .migrator ? configuration.migrationSecondsMax &* 1_000 : configuration.lockMillisecondsMax
    // Nothing is lost with a lease that is forgotten.
    let durability = role == .listener ? "off" : configuration.durability.rawValue
    // A client that went away without a word is noticed within seconds: it may hold the writers' lock.
    return """
      SET standard_conforming_strings = on; SET client_min_messages = warning; SET timezone = 'UTC';
      SET jit = off; SET join_collapse_limit = 1; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
      SET max_parallel_workers_per_gather = 0; SET random_page_cost = 1.1;
      SET synchronous_commit = \(durability);
      SET statement_timeout = \(serverMilliseconds); SET lock_timeout = \(lockMilliseconds);
      SET idle_in_transaction_session_timeout = \(idleMilliseconds);
      SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
      SET client_connection_check_interval = 5000;
      SET default_transaction_read_only = \(role == .reader ? "on" : "off");
      \(configuration.schema.map { "SET search_path = \"\($0)\";" } ?? "")
      """
  }

  /// A COMMIT that does not wait any more for its standbys succeeds with a warning (SyncRepWaitForLSN in syncrep.c):
  /// 01000 when it was cancelled, 57P01 when the server stops.
  private func noticed(_ state: SQLState) {
    if state.text == "01000" || state.text.hasPrefix("57") { sawLocalCommit = true }
  }

  /// Gives the connection up, whatever it is doing.
  func drop() {
    guard let old = handle else { return }
    handle = nil
    PQfinish(old)
    prepared = PreparedStatements(countMax: configuration.dynamicStatementsMax)
    queue = []
    owed = 0
    trips &+= 1
  }

  // MARK: Waiting

  private func poll(_ handle: OpaquePointer, _ events: Int16, milliseconds: UInt64) -> Int16 {
    var descriptor = pollfd(fd: PQsocket(handle), events: events, revents: 0)
    let count = Glibc.poll(&descriptor, 1, Int32(clamping: milliseconds))
    return count > 0 ? descriptor.revents : 0
  }

  /// What a wait knows: when to cancel the statement, and since when it is cancelled.
  struct Wait {
    var limit: UInt64
    var cancelled: UInt64?
    var reason: StorageError?
    /// Nobody cancels a COMMIT: the connection is dropped.
    var mayCancel = true
  }

  /// Sleeps until the socket is ready, for a moment at most.
  func wait(_ handle: OpaquePointer, _ events: Int32, _ state: inout Wait) throws(StorageError) -> Int16 {
    let now = monotonicNanoseconds()
    let next = min(state.limit > now ? (state.limit - now) / 1_000_000 + 1 : 1, Connection.pollMilliseconds)
    let ready = poll(handle, Int16(truncatingIfNeeded: events), milliseconds: next)
    if ready != 0 { return ready }
    if let cancelled = state.cancelled {
      let grace = UInt64(max(1, configuration.cancelMillisecondsMax)) &* 1_000_000
      guard monotonicNanoseconds() &- cancelled < grace else {
        // Not to be tried again on another connection: it took too long, or nobody wants it.
        let error = state.reason ?? StorageError(.deadlineExceeded)
        _ = lost("the server did not answer a cancellation")
        failure = (.other, error)
        throw error
      }
      return 0
    }
    guard let reason = reasonToStop(state) else { return 0 }
    guard state.mayCancel else { throw lost("no answer in time") }
    state.reason = reason
    state.cancelled = monotonicNanoseconds()
    faults.count { $0.cancelled += 1 }
    cancel(handle)
    return 0
  }

  private func reasonToStop(_ state: Wait) -> StorageError? {
    if state.mayCancel, let refusal = refusal?() { return refusal }
    guard monotonicNanoseconds() >= state.limit else { return nil }
    return StorageError(.deadlineExceeded, detail: "the statement took too long")
  }

  private func cancel(_ handle: OpaquePointer) {
    guard let cancel = PQgetCancel(handle) else { return }
    defer { PQfreeCancel(cancel) }
    var message = [CChar](repeating: 0, count: 256)
    // When it returns, the server has signalled the process: a later statement is not hit (34.7, and postgres.c, which
    // ignores a cancellation while it waits for a command).
    PQcancel(cancel, &message, Int32(message.count))
  }

  /// The connection is of no use any more.
  func lost(_ detail: String) -> StorageError {
    let message = handle.map { String(cString: PQerrorMessage($0)) } ?? ""
    drop()
    faults.count { $0.connectionsLost += 1 }
    let error = StorageError.unreachable(message.isEmpty ? detail : message)
    failure = (.lost, error)
    return error
  }

  func flush(_ handle: OpaquePointer, _ state: inout Wait) throws(StorageError) {
    while true {
      let code = PQflush(handle)
      if code == 0 { return }
      guard code == 1 else { throw lost("cannot send") }
      // The server may send before it reads on: whoever only writes could wait for ever.
      let ready = try wait(handle, POLLIN | POLLOUT, &state)
      if ready & Int16(POLLIN) != 0, PQconsumeInput(handle) == 0 { throw lost("cannot receive") }
    }
  }

  /// The next result, nil at the end of a statement's.
  func next(_ handle: OpaquePointer, _ state: inout Wait) throws(StorageError) -> OpaquePointer? {
    while PQisBusy(handle) == 1 {
      let ready = try wait(handle, POLLIN, &state)
      if ready != 0, PQconsumeInput(handle) == 0 { throw lost("cannot receive") }
    }
    return PQgetResult(handle)
  }

  // MARK: Scripts

  /// Runs statements without parameters or results, parted by `;`, outside of the pipeline.
  func script(_ text: String) throws(StorageError) {
    guard let handle else { throw .unreachable("no connection") }
    var wait = Wait(limit: monotonicNanoseconds() &+ statementNanosecondsMax)
    if PQpipelineStatus(handle) != PQ_PIPELINE_OFF, PQexitPipelineMode(handle) != 1 {
      throw lost("the connection is busy")
    }
    guard PQsendQuery(handle, text) == 1 else { throw lost("cannot send") }
    try flush(handle, &wait)
    var first: StorageError?
    while let result = try next(handle, &wait) {
      defer { PQclear(result) }
      if PQresultStatus(result) == PGRES_FATAL_ERROR, first == nil { first = error(result, wait.reason) }
    }
    guard PQstatus(handle) != CONNECTION_BAD else { throw lost("the server ended the connection") }
    guard PQenterPipelineMode(handle) == 1 else { throw lost("no pipeline") }
    if let first { throw first }
  }

  // MARK: Errors

  /// 'C', PG_DIAG_SQLSTATE: a macro that is a character is not imported.
  private static let fieldState = Int32(UInt8(ascii: "C"))
  private static let fieldMessage = Int32(UInt8(ascii: "M"))

  static func state(of result: OpaquePointer) -> SQLState {
    SQLState(PQresultErrorField(result, fieldState).map { String(cString: $0) } ?? "")
  }

  /// The error of a result, noted as the transaction's failure if it is the first.
  func error(_ result: OpaquePointer, _ reason: StorageError?) -> StorageError {
    let state = Connection.state(of: result)
    let message = PQresultErrorField(result, Connection.fieldMessage) ?? PQresultErrorMessage(result)
    let detail = message.map { String(cString: $0) } ?? ""
    var error = StorageError(state, detail: detail)
    if state.text == "57014" { error = reason ?? StorageError(.deadlineExceeded, engineCode: state.number) }
    faults.count { counts in
      switch state.text {
      case "40001": counts.serializationFailures += 1
      case "40P01": counts.deadlocks += 1
      case "53100": counts.diskFull += 1
      default: break
      }
    }
    if failure == nil { failure = (state.isCollision ? .collision : .other, error) }
    return error
  }
}
