import Storage

/// A statement and the values that it runs for, row after row.
struct Execution {
  let source: StatementSource
  let values: [SQLValue]
  let columns: Int
  let rowCount: Int
}

/// What travels with the next round trip.
enum Queued {
  /// BEGIN, SAVEPOINT, RELEASE.
  case command(String)
  /// A statement whose result nobody needs, and the job that it is of; nil for one of the writer's own.
  case statement(Execution, job: Int?)

  var isOfJob: Bool {
    if case .statement(_, .some) = self { return true }
    return false
  }
}

extension Connection {
  /// Whether a job's statements have not been sent yet.
  var hasPutOff: Bool { queue.contains(where: \.isOfJob) }

  func send(_ statement: Statement, _ binds: [SQLValue]) throws {
    try putOff(Execution(source: .fixed(statement), values: binds, columns: binds.count, rowCount: 1))
  }

  func send(_ statement: Statement, rows: RowBatch) throws {
    guard !rows.isEmpty else { return }
    try putOff(try execution(statement, rows))
  }

  private func putOff(_ execution: Execution) throws {
    guard transaction != .none else {
      _ = try execute(execution)
      return
    }
    // Our own mistakes come out at once: later it would not be known any more whose they are.
    do throws(StorageError) {
      _ = try prepared.form(execution.source, execution.values, from: 0, columns: execution.columns)
      try Parameters.check(execution.values)
    } catch {
      if failure == nil { failure = (.other, error) }
      throw error
    }
    queue.append(.statement(execution, job: job))
  }

  /// Sends what was put off, and waits for it: what follows is measured, or may be given up.
  func settleQueue() throws(StorageError) {
    if hasPutOff { try exchange([]) { _, _, _ in } }
  }

  /// Forgets commands behind which nothing comes: at the end of a transaction they are of no use.
  func trimQueue() {
    while case .command? = queue.last { queue.removeLast() }
  }

  // MARK: Savepoints

  /// A point to go back to, set in the round trip of the next statement.
  struct Savepoint {
    let name: String
    /// Nothing has been sent since, if so many entries still wait.
    let queued: Int
    /// Tells that there was a round trip in between.
    let trip: Int
  }

  func enterSavepoint(_ name: String) -> Savepoint {
    queue.append(.command("SAVEPOINT \(name)"))
    return Savepoint(name: name, queued: queue.count, trip: trips)
  }

  /// Forgets the point, keeps what was done since.
  func leave(_ savepoint: Savepoint) throws(StorageError) {
    if let failure { throw failure.error }
    if trips == savepoint.trip {
      // It is not there yet, and need not be.
      queue.remove(at: savepoint.queued - 1)
    } else {
      queue.append(.command("RELEASE SAVEPOINT \(savepoint.name)"))
    }
  }

  /// Takes back what was done since the point. Throws when the transaction is lost as a whole.
  func takeBack(_ savepoint: Savepoint) throws(StorageError) {
    if let failure, failure.kind != .other { throw failure.error }
    guard isOpen else { throw failure?.error ?? .unreachable("no connection") }
    if trips == savepoint.trip {
      queue.removeLast(queue.count - savepoint.queued + 1)
    } else {
      // Savepoints and statements that were put off inside of this one are gone with it.
      queue = []
      try command("ROLLBACK TO SAVEPOINT \(savepoint.name)", "RELEASE SAVEPOINT \(savepoint.name)")
    }
    failure = nil
  }
}
