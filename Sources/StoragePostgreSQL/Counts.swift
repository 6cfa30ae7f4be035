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
  /// Write jobs whose commit was not answered, and that the database was asked about afterwards with success.
  public var outcomesFound = 0
  /// Write jobs of which it is not known whether they were committed.
  public var outcomesUnknown = 0
  /// Reads that the replica answered (no fault, but known nowhere else).
  public var readsOfReplica = 0
  /// Exchanges with the database for reads (no faults either).
  public var roundTripsOfReads = 0
  /// Exchanges with the database for writes.
  public var roundTripsOfWrites = 0

  public init() {}
}

/// Counts of the faults that connections share.
final class FaultCounts: Sendable {
  private let counts = Mutex(PostgreSQLFaults())
  private let tripsOfReads = Atomic<Int>(0)
  private let tripsOfWrites = Atomic<Int>(0)

  func count(_ change: (inout PostgreSQLFaults) -> Void) { counts.withLock { change(&$0) } }

  func countTrip(_ role: Connection.Role) {
    switch role {
    case .reader: tripsOfReads.add(1, ordering: .relaxed)
    case .writer: tripsOfWrites.add(1, ordering: .relaxed)
    case .migrator, .listener: break
    }
  }

  var value: PostgreSQLFaults {
    var value = counts.withLock { $0 }
    value.roundTripsOfReads = tripsOfReads.load(ordering: .relaxed)
    value.roundTripsOfWrites = tripsOfWrites.load(ordering: .relaxed)
    return value
  }
}

/// Counts that threads share.
final class Counts: Sendable {
  private let counts = Mutex(StorageStatistics())
  func count(_ change: (inout StorageStatistics) -> Void) { counts.withLock { change(&$0) } }
  var value: StorageStatistics { counts.withLock { $0 } }
}
