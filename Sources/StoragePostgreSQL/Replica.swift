import Base
import Storage

// How far a standby is behind is not asked by clocks, which differ, nor by positions of its log, which stand still with
// the primary's: with each heartbeat a process writes the next number to the primary (table `pulse`), and remembers
// when. The number that the standby shows tells what it has seen for certain.

/// A standby that is asked instead of the primary, as long as it is not too far behind.
final class Replica: Sendable {
  private struct State {
    /// When the last numbers were written (monotonic nanoseconds).
    var written: [Int64: UInt64] = [:]
    /// All that was committed before this time can be seen.
    var seen: UInt64 = 0
    var isClosed = false
  }

  let readers: ReaderThreads
  private let state = Monitor(State())
  private let node: String
  private let nanosecondsMax: UInt64
  private let bell = Bell()

  private static let lookMilliseconds: UInt64 = 1_000
  /// Numbers that are remembered.
  private static let writtenMax: Int64 = 32

  /// - Parameter node: whose numbers are looked for.
  init(
    _ configuration: PostgreSQLConfiguration, at address: String, node: String, counts: Counts, faults: FaultCounts
  ) throws(StorageError) {
    var own = configuration
    own.connection = address
    own.replica = nil
    own.session = .any
    self.node = node
    nanosecondsMax = UInt64(max(1, configuration.replicaSecondsMax)) &* 1_000_000_000
    readers = ReaderThreads(waitingMax: configuration.readsWaitingMax, counts: counts)
    let place = Node()
    let settings = own
    let connect = { @Sendable in Connection(role: .reader, configuration: settings, faults: faults, node: place) }
    for _ in 0..<max(1, configuration.readerThreads) { try readers.start(connect()) }
    let connection = connect()
    connection.statementNanosecondsMax = nanosecondsMax
    if !WorkerThread.start(stackBytes: PostgreSQLDatabase.stackBytes, { [self] in run(connection) }) {
      throw StorageError(.other, detail: "no thread for a replica")
    }
  }

  /// Whether it shows what was committed a moment ago.
  var isFresh: Bool {
    let now = monotonicNanoseconds()
    return state.withLock { $0.seen &+ nanosecondsMax > now }
  }

  /// A number is about to be written to the primary.
  func writes(_ number: Int64) {
    let now = monotonicNanoseconds()
    state.withLock { state in
      state.written[number] = now
      state.written[number - Self.writtenMax] = nil
    }
  }

  /// It failed: it is not asked before it was looked at again.
  func doubt() { state.withLock { $0.seen = 0 } }

  func close(_ onEnd: @escaping @Sendable () -> Void) {
    state.withLock { $0.isClosed = true }
    bell.ring()
    readers.close(onEnd)
  }

  private func run(_ connection: Connection) {
    while !state.withLock({ $0.isClosed }) {
      let number = try? connection.first("SELECT number FROM pulse WHERE node = \(node)") { $0.integer(0) }
      state.withLock { state in
        if let number, let at = state.written[number] { state.seen = max(state.seen, at) }
      }
      bell.sleep(milliseconds: Self.lookMilliseconds, nil)
    }
    connection.drop()
  }
}
