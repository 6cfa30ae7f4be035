import Base
import Glibc
import Storage

// Whatever a process remembers of a store that others share must be read again when it changes. Who changes it says so
// in the same transaction (NOTIFY), so that it is heard when it is committed and never otherwise. An announcement can
// be missed in one way only: the connection that hears it is lost. Then all is read again after LISTEN on a new one.
// That the connection lives is asked every two seconds; so nothing is out of date for longer than that and a time-out.
//
// The same connection keeps the leases, as rows with an end: one renewal for all of them is its heartbeat. An advisory
// lock would do without rows, but stays with a process that hangs for as long as its socket is open, and is gone after
// each failover.

/// A thread that hears what other processes announce, keeps this one's leases, and knows whether the database can be
/// reached. It begins with the first who needs it.
final class Listener: Sendable {
  private enum Request: Sendable {
    case lease(String, CheckedContinuation<Bool, Never>)
    case release(String, CheckedContinuation<Void, Never>)

    /// There is no connection to ask on.
    func refuse() {
      switch self {
      case .lease(_, let continuation): continuation.resume(returning: false)
      case .release(_, let continuation): continuation.resume()
      }
    }
  }

  private struct State {
    var receivers: [@Sendable (Notice) -> Void] = []
    var requests: [Request] = []
    /// Work that is this process's, until when if nothing more is heard (monotonic nanoseconds).
    var held: [String: UInt64] = [:]
    var isStarted = false
    var isClosed = false
    var onEnd: (@Sendable () -> Void)?
  }

  private let state = Monitor(State())
  private let connection: Connection
  private let node: Node
  private let bell = Bell()
  private let statistics = TableStatistics()
  /// Told of each heartbeat.
  private let replica: Replica?

  /// After a connection was lost, and after one could not be made.
  private static let pauseMilliseconds: UInt64 = 20
  private static let retryMilliseconds: UInt64 = 200
  /// A lease is ours for this much less than for others: clocks do not run alike.
  private static let marginSeconds = 2

  init(_ connection: Connection, replica: Replica?) {
    self.connection = connection
    self.replica = replica
    node = connection.node
  }

  // MARK: From other threads

  func add(_ receive: @escaping @Sendable (Notice) -> Void) {
    state.withLock { $0.receivers.append(receive) }
    start()
  }

  func lease(_ work: String) async -> Bool {
    if isHeld(work) { return true }
    start()
    return await withCheckedContinuation { submit(.lease(work, $0)) }
  }

  func release(_ work: String) async {
    guard state.withLock({ $0.held.removeValue(forKey: work) }) != nil else { return }
    await withCheckedContinuation { submit(.release(work, $0)) }
  }

  private func isHeld(_ work: String) -> Bool {
    let now = monotonicNanoseconds()
    return state.withLock { $0.held[work].map { $0 > now } ?? false }
  }

  private func submit(_ request: Request) {
    let isTaken = state.withLock { state in
      guard state.isStarted, !state.isClosed else { return false }
      state.requests.append(request)
      return true
    }
    isTaken ? bell.ring() : request.refuse()
  }

  private func start() {
    let mayStart = state.withLock { state in
      defer { state.isStarted = true }
      return !state.isStarted && !state.isClosed
    }
    guard mayStart else { return }
    let started = WorkerThread.start(stackBytes: PostgreSQLDatabase.stackBytes) { [self] in run() }
    // Without it nothing is heard; what is remembered is checked where it is written.
    if !started { state.withLock { $0.isStarted = false } }
  }

  /// Gives the leases back; calls `onEnd` after that.
  func close(_ onEnd: @escaping @Sendable () -> Void) {
    let isRunning = state.withLock { state in
      state.isClosed = true
      if state.isStarted { state.onEnd = onEnd }
      return state.isStarted
    }
    isRunning ? bell.ring() : onEnd()
  }

  // MARK: The thread

  private func run() {
    var isFirst = true
    var beats: Int64 = 0
    while !state.withLock({ $0.isClosed }) {
      do throws(StorageError) {
        if !connection.isOpen {
          try connect()
          if !isFirst { tell(.missed) }
          isFirst = false
        }
        beats += 1
        try turn(beats)
      } catch {
        connection.drop()
        refuseRequests()
        bell.sleep(milliseconds: error.code == .busy ? Self.pauseMilliseconds : Self.retryMilliseconds, nil)
      }
    }
    if connection.isOpen {
      _ = try? connection.execute("DELETE FROM lease WHERE node = \(node.name)")
      if replica != nil { _ = try? connection.execute("DELETE FROM pulse WHERE node = \(node.name)") }
    }
    connection.drop()
    refuseRequests()
    let onEnd = state.withLock { state in
      defer { state.onEnd = nil }
      return state.onEnd
    }
    onEnd?()
  }

  private func connect() throws(StorageError) {
    do throws(StorageError) {
      try connection.open()
    } catch {
      if node.isUp {
        node.isUp = false
        tell(.away)
      }
      bell.sleep(milliseconds: Self.retryMilliseconds, nil)
      throw error
    }
    node.isUp = true
    let channel: String
    do {
      channel = try connection.first("SELECT \(Node.channel)") { $0.text(0) } ?? ""
    } catch {
      throw error as? StorageError ?? StorageError(.other)
    }
    // Nothing comes of it until the store was migrated: its schema is made then.
    try connection.script("LISTEN \"\(channel)\"")
  }

  /// What there is to do now; then sleeps until there is something, or the connection must be asked whether it lives.
  private func turn(_ number: Int64) throws(StorageError) {
    let began = monotonicNanoseconds()
    do {
      try renew()
      if let replica { try pulse(number, replica) }
      while let request = nextRequest() { try answer(request) }
      try statistics.look(connection)
    } catch {
      throw error as? StorageError ?? StorageError(.other)
    }
    let end = began &+ UInt64(max(1, connection.configuration.heartbeatMilliseconds)) &* 1_000_000
    while !state.withLock({ $0.isClosed || !$0.requests.isEmpty }) {
      for notice in try connection.announcements() { tell(.announced(notice)) }
      let now = monotonicNanoseconds()
      guard now < end else { return }
      bell.sleep(milliseconds: (end - now) / 1_000_000 + 1, connection.descriptor)
    }
  }

  private func tell(_ notice: Notice) {
    for receive in state.withLock({ $0.receivers }) { receive(notice) }
  }

  private func nextRequest() -> Request? {
    state.withLock { $0.requests.isEmpty ? nil : $0.requests.removeFirst() }
  }

  private func refuseRequests() {
    while let request = nextRequest() { request.refuse() }
  }

  // MARK: Leases

  private var lease: (seconds: Int, own: UInt64) {
    let seconds = max(Self.marginSeconds + 1, connection.configuration.leaseSeconds)
    return (seconds, UInt64(seconds - Self.marginSeconds) &* 1_000_000_000)
  }

  /// The heartbeat: tells that this process lives, and finds out whether the connection does.
  private func renew() throws {
    let end = monotonicNanoseconds() &+ lease.own
    let renewed = try connection.all(
      """
      UPDATE lease SET until = now() + make_interval(secs => \(Double(lease.seconds))) WHERE node = \(node.name)
      RETURNING work
      """
    ) { $0.text(0) }
    state.withLock { state in
      state.held = state.held.filter { renewed.contains($0.key) }
      for work in state.held.keys { state.held[work] = end }
    }
  }

  private func pulse(_ number: Int64, _ replica: Replica) throws {
    replica.writes(number)
    _ = try connection.execute(
      """
      INSERT INTO pulse (node, number) VALUES (\(node.name), \(number))
      ON CONFLICT (node) DO UPDATE SET number = excluded.number, written = now()
      """)
    // Of processes that are gone.
    if number == 1 { _ = try connection.execute("DELETE FROM pulse WHERE written < now() - interval '1 day'") }
  }

  private func answer(_ request: Request) throws {
    do {
      switch request {
      case .lease(let work, let continuation):
        let end = monotonicNanoseconds() &+ lease.own
        let isOurs = try take(work)
        if isOurs { state.withLock { $0.held[work] = end } }
        continuation.resume(returning: isOurs)
      case .release(let work, let continuation):
        _ = try connection.execute("DELETE FROM lease WHERE work = \(work) AND node = \(node.name)")
        continuation.resume()
      }
    } catch {
      request.refuse()
      throw error
    }
  }

  private func take(_ work: String) throws -> Bool {
    let taken = try connection.first(
      """
      INSERT INTO lease (work, node, until)
      VALUES (\(work), \(node.name), now() + make_interval(secs => \(Double(lease.seconds))))
      ON CONFLICT (work) DO UPDATE SET node = excluded.node, until = excluded.until
      WHERE lease.node = excluded.node OR lease.until < now()
      RETURNING 1
      """
    ) { _ in true }
    return taken ?? false
  }
}
