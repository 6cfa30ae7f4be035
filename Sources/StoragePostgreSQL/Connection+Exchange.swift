import Base
import CPostgreSQL
import Storage

/// One round trip: what was put off, the preparation of statements that the server has not yet, the statements for each
/// row of their parameters, and the point up to which an error makes the server skip.
extension Connection {
  /// What one result of the round trip answers.
  private enum Step {
    case command(last: Bool)
    case deallocation(Prepared)
    case preparation(Prepared, StatementSource, job: Int?)
    /// What was put off; nobody waits for the result.
    case putOff(Prepared, StatementSource, job: Int?)
    case row(statement: Int, Int, Prepared, StatementSource)

    /// The job that it was put off by.
    var job: Int? {
      switch self {
      case .preparation(_, _, let job), .putOff(_, _, let job): job
      default: nil
      }
    }
  }

  /// What is sent in the round trip, so far.
  private struct Sending {
    var steps: [Step] = []
    var preparing: Set<ObjectIdentifier> = []
  }

  /// Runs statements; `receive` gets a statement's number, its row of parameters and a result that it owns, in order.
  func exchange(
    _ executions: [Execution], _ receive: (Int, Int, OpaquePointer) -> Void
  ) throws(StorageError) {
    let start = measured == nil ? 0 : monotonicNanoseconds()
    defer { if let spent = measured { measured = spent &+ (monotonicNanoseconds() &- start) } }
    if transaction == .none { failure = nil }
    // A read that is the first of its transaction, or in none, has shown nothing to anybody: when the connection
    // turns out to be gone, it is run on a new one. Any other statement is lost with its transaction.
    guard role == .reader, transaction != .begun else {
      guard isOpen else { throw failure?.error ?? StorageError.unreachable("no connection") }
      return try exchangeOnce(executions, receive)
    }
    let saved = queue
    let wasOpen = isOpen
    do throws(StorageError) {
      try open()
      try exchangeOnce(executions, receive)
    } catch {
      if !isOpen { queue = saved }
      guard wasOpen, failure?.kind == .lost, refusal?() == nil else { throw error }
      failure = nil
      try open()
      queue = saved
      faults.count { $0.reconnections += 1 }
      try exchangeOnce(executions, receive)
    }
  }

  private func exchangeOnce(
    _ executions: [Execution], _ receive: (Int, Int, OpaquePointer) -> Void
  ) throws(StorageError) {
    guard let handle else { throw .unreachable("no connection") }
    // Before anything is sent, so that our own mistakes leave the connection as it is.
    do throws(StorageError) {
      for execution in executions where execution.rowCount > 0 {
        _ = try prepared.form(execution.source, execution.values, from: 0, columns: execution.columns)
      }
    } catch {
      if failure == nil { failure = (.other, error) }
      throw error
    }
    var sending = Sending()
    try sendQueue(handle, &sending)
    for old in prepared.takeUnwanted() {
      try send(handle, "DEALLOCATE \(old.name)", .deallocation(old), &sending)
    }
    for (number, execution) in executions.enumerated() {
      try send(handle, execution, nil, &sending) { .row(statement: number, $0, $1, execution.source) }
    }
    try finish(handle, sending.steps, newWait(), receive)
  }

  private func sendQueue(_ handle: OpaquePointer, _ sending: inout Sending) throws(StorageError) {
    for entry in queue {
      switch entry {
      case .command(let text): try send(handle, text, .command(last: false), &sending)
      case .statement(let execution, let job):
        try send(handle, execution, job, &sending) { .putOff($1, execution.source, job: job) }
      }
    }
  }

  /// Sends a statement for each of its rows.
  private func send(
    _ handle: OpaquePointer, _ execution: Execution, _ job: Int?, _ sending: inout Sending,
    _ step: (Int, Prepared) -> Step
  ) throws(StorageError) {
    var form: Prepared?
    for row in 0..<execution.rowCount {
      let first = row * execution.columns
      do throws(StorageError) {
        if form?.fits(execution.values, from: first) != true {
          form = try prepared.form(execution.source, execution.values, from: first, columns: execution.columns)
        }
        try parameters.set(execution.values, from: first, count: execution.columns)
      } catch {
        drop()
        if failure == nil { failure = (.other, error) }
        throw error
      }
      guard let form else { continue }
      if !form.isThere, sending.preparing.insert(ObjectIdentifier(form)).inserted {
        let sent = form.types.withUnsafeBufferPointer {
          PQsendPrepare(handle, form.name, form.text.text, Int32($0.count), $0.baseAddress)
        }
        guard sent == 1 else { throw lost("cannot send") }
        sending.steps.append(.preparation(form, execution.source, job: job))
      }
      guard parameters.send(handle, form.name) else { throw lost("cannot send") }
      sending.steps.append(step(row, form))
    }
  }

  private func newWait() -> Wait {
    let now = monotonicNanoseconds()
    return Wait(limit: min(now &+ statementNanosecondsMax, attemptLimit ?? .max))
  }

  private func send(
    _ handle: OpaquePointer, _ text: String, _ step: Step, _ sending: inout Sending
  ) throws(StorageError) {
    guard PQsendQueryParams(handle, text, 0, nil, nil, nil, nil, 1) == 1 else { throw lost("cannot send") }
    sending.steps.append(step)
  }

  /// Marks the end, sends, and takes in every result up to it.
  private func finish(
    _ handle: OpaquePointer, _ steps: [Step], _ wait: Wait, _ receive: (Int, Int, OpaquePointer) -> Void
  ) throws(StorageError) {
    var wait = wait
    didGiveUp = false
    trips &+= 1
    faults.countTrip(role)
    guard PQpipelineSync(handle) == 1 else { throw lost("cannot send") }
    try flush(handle, &wait)
    try settleOwed(handle, &wait)
    var first: StorageError?
    for step in steps {
      let result = try next(handle, &wait)
      guard let result else { throw lost("the server ended the connection") }
      let status = PQresultStatus(result)
      let isGood = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
      if !isGood, first == nil {
        first = failed(result, status, wait)
        // It is not the fault of the job that runs, but of one that seemed to be over.
        if let owner = step.job, owner != job, failure?.kind == .other { failure?.kind = .earlier }
      }
      if isGood, isWanted(step, result, receive) {
        _ = try next(handle, &wait)
        continue
      }
      if !isGood { forget(step, result) }
      PQclear(result)
      guard PQstatus(handle) != CONNECTION_BAD else { throw lost("the server ended the connection") }
      _ = try next(handle, &wait)
    }
    try takeSync(handle, &wait)
    if transaction == .queued { transaction = .begun }
    queue = []
    if let first {
      didGiveUp = wait.reason?.code == .deadlineExceeded && attemptLimit.map { monotonicNanoseconds() >= $0 } ?? false
      throw first
    }
  }

  /// Hands a result over to who asked for it; false if nobody did.
  private func isWanted(_ step: Step, _ result: OpaquePointer, _ receive: (Int, Int, OpaquePointer) -> Void) -> Bool {
    switch step {
    case .row(let statement, let row, _, _): receive(statement, row, result)
    case .command(last: true): receive(0, 0, result)
    case .preparation(let form, _, _):
      form.isThere = true
      return false
    case .command, .deallocation, .putOff: return false
    }
    return true
  }

  /// What a failure means for the statements that the server has.
  private func forget(_ step: Step, _ result: OpaquePointer) {
    switch step {
    case .command: break
    case .deallocation(let old): prepared.giveBack([old])
    case .preparation(let form, let source, _):
      form.isThere = false
      prepared.forget(form, source)
    case .putOff(let form, let source, _), .row(_, _, let form, let source):
      // "cached plan must not change result type": a migration came in between, here or on another node.
      guard Connection.state(of: result).text == "0A000" else { return }
      prepared.forget(form, source)
      prepared.giveBack([form])
    }
  }

  private func failed(_ result: OpaquePointer, _ status: ExecStatusType, _ wait: Wait) -> StorageError {
    if status == PGRES_FATAL_ERROR { return error(result, wait.reason) }
    let error = StorageError(.misuse, detail: "no statement in the text, or one that gives no rows")
    if failure == nil { failure = (.other, error) }
    return error
  }

  private func takeSync(_ handle: OpaquePointer, _ wait: inout Wait) throws(StorageError) {
    while true {
      guard let result = try next(handle, &wait) else {
        guard PQstatus(handle) != CONNECTION_BAD else { throw lost("the server ended the connection") }
        continue
      }
      defer { PQclear(result) }
      if PQresultStatus(result) == PGRES_PIPELINE_SYNC { return }
      guard PQstatus(handle) != CONNECTION_BAD else { throw lost("the server ended the connection") }
    }
  }

  private func settleOwed(_ handle: OpaquePointer, _ wait: inout Wait) throws(StorageError) {
    while owed > 0 {
      try takeSync(handle, &wait)
      owed -= 1
    }
  }

  // MARK: Commands

  /// Runs commands of our own at once, behind what was put off; gives the last one's tag.
  @discardableResult
  func command(_ texts: String..., mayCancel: Bool = true, nanosecondsMax: UInt64? = nil) throws(StorageError) -> String
  {
    guard let handle else { throw failure?.error ?? .unreachable("no connection") }
    var sending = Sending()
    try sendQueue(handle, &sending)
    for text in texts { try send(handle, text, .command(last: true), &sending) }
    var wait = newWait()
    // What ends or takes back a transaction is not given up with what was attempted in it.
    wait.limit = monotonicNanoseconds() &+ (nanosecondsMax ?? statementNanosecondsMax)
    wait.mayCancel = mayCancel
    var tag = ""
    try finish(handle, sending.steps, wait) { _, _, result in
      tag = PQcmdStatus(result).map { String(cString: $0) } ?? ""
      PQclear(result)
    }
    return tag
  }

  /// Sends a command whose answer nobody needs; it is taken in with the next statement's.
  func commandUnawaited(_ text: String) {
    guard let handle else { return }
    var sending = Sending()
    var wait = newWait()
    do throws(StorageError) {
      try send(handle, text, .command(last: false), &sending)
      guard PQpipelineSync(handle) == 1 else { throw lost("cannot send") }
      try flush(handle, &wait)
      owed += 1
    } catch {
      drop()
    }
  }
}
