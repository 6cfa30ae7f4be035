import Storage
import Synchronization

/// What went wrong between the store and its database since the start, whether or not a caller heard of it.
public struct PostgreSQLFaults: Sendable, Equatable {
  /// Connections that broke while a statement ran on them, or were given up.
  public var connectionsLost = 0
  /// Statements run again, and writers begun again, on a new connection.
  public var reconnections = 0
  /// Write jobs run again, for whatever reason.
  public var jobsRepeated = 0
  /// Errors 40001.
  public var serializationFailures = 0
  /// Errors 40P01.
  public var deadlocks = 0
  /// Statements cancelled because of a deadline, or since nobody wanted the answer.
  public var cancelled = 0
  /// Errors 53100.
  public var diskFull = 0
  /// Commits whose outcome is not known.
  public var outcomesUnknown = 0
  /// Reads that the replica answered (no fault, but known nowhere else).
  public var readsOfReplica = 0

  public init() {}
}

/// Counts of the faults that connections share.
final class FaultCounts: Sendable {
  private let counts = Mutex(PostgreSQLFaults())
  func count(_ change: (inout PostgreSQLFaults) -> Void) { counts.withLock { change(&$0) } }
  var value: PostgreSQLFaults { counts.withLock { $0 } }
}

/// Counts that threads share.
final class Counts: Sendable {
  private let counts = Mutex(StorageStatistics())
  func count(_ change: (inout StorageStatistics) -> Void) { counts.withLock { change(&$0) } }
  var value: StorageStatistics { counts.withLock { $0 } }
}
