import Base
import CPostgreSQL
import Storage

/// One round trip: what was put off, the preparation if the server has the statement not yet, the statement for each
/// row of parameters, and the point up to which an error makes the server skip.
extension Connection {
  /// What one result of the round trip answers.
  private enum Step {
    case prefix
    case deallocation(Prepared)
    case preparation(Prepared)
    case row(Int, Prepared?)
  }

  /// Runs the statement for `rowCount` rows of `columns` values; `receive` gets the results in order and owns them.
  func exchange(
    _ source: StatementSource, _ values: [SQLValue], columns: Int, rowCount: Int,
    _ receive: (Int, OpaquePointer) -> Void
  ) throws(StorageError) {
    guard rowCount > 0 else { return }
    let start = measured == nil ? 0 : monotonicNanoseconds()
    defer { if let spent = measured { measured = spent &+ (monotonicNanoseconds() &- start) } }
    if transaction == .none { failure = nil }
    // A read that is the first of its transaction, or in none, has shown nothing to anybody: when the connection
    // turns out to be gone, it is run on a new one. Any other statement is lost with its transaction.
    guard role == .reader, transaction != .begun else {
      guard isOpen else { throw failure?.error ?? StorageError.unreachable("no connection") }
      return try exchangeOnce(source, values, columns, rowCount, receive)
    }
    let saved = prefix
    let wasOpen = isOpen
    do throws(StorageError) {
      try open()
      try exchangeOnce(source, values, columns, rowCount, receive)
    } catch {
      if !isOpen { prefix = saved }
      guard wasOpen, failure?.kind == .lost, refusal?() == nil else { throw error }
      failure = nil
      try open()
      prefix = saved
      faults.count { $0.reconnections += 1 }
      try exchangeOnce(source, values, columns, rowCount, receive)
    }
  }

  private func exchangeOnce(
    _ source: StatementSource, _ values: [SQLValue], _ columns: Int, _ rowCount: Int,
    _ receive: (Int, OpaquePointer) -> Void
  ) throws(StorageError) {
    guard let handle else { throw .unreachable("no connection") }
    var steps: [Step] = []
    let unwanted = prepared.takeUnwanted()
    var form: Prepared?
    // Before anything is sent, so that our own mistakes leave the connection as it is.
    do throws(StorageError) {
      form = try prepared.form(source, values, from: 0, columns: columns)
    } catch {
      prepared.giveBack(unwanted)
      if failure == nil { failure = (.other, error) }
      throw error
    }
    for text in prefix { try send(handle, text, .prefix, &steps) }
    for old in unwanted { try send(handle, "DEALLOCATE \(old.name)", .deallocation(old), &steps) }
    var sending: Set<ObjectIdentifier> = []
    for row in 0..<rowCount {
      let first = row * columns
      if form?.fits(values, from: first) != true {
        form = try prepared.form(source, values, from: first, columns: columns)
      }
      guard let form else { continue }
      if !form.isThere, sending.insert(ObjectIdentifier(form)).inserted {
        let sent = form.types.withUnsafeBufferPointer {
          PQsendPrepare(handle, form.name, form.text.text, Int32($0.count), $0.baseAddress)
        }
        guard sent == 1 else { throw lost("cannot send") }
        steps.append(.preparation(form))
      }
      do throws(StorageError) {
        try parameters.set(values, from: first, count: columns)
      } catch {
        drop()
        if failure == nil { failure = (.other, error) }
        throw error
      }
      guard parameters.send(handle, form.name) else { throw lost("cannot send") }
      steps.append(.row(row, form))
    }
    let wait = newWait()
    try finish(handle, steps, wait, source, receive)
  }

  private func newWait() -> Wait {
    let now = monotonicNanoseconds()
    return Wait(limit: min(now &+ statementNanosecondsMax, attemptLimit ?? .max))
  }

  private func send(
    _ handle: OpaquePointer, _ text: String, _ step: Step, _ steps: inout [Step]
  ) throws(StorageError) {
    guard PQsendQueryParams(handle, text, 0, nil, nil, nil, nil, 1) == 1 else { throw lost("cannot send") }
    steps.append(step)
  }

  /// Marks the end, sends, and takes in every result up to it.
  private func finish(
    _ handle: OpaquePointer, _ steps: [Step], _ wait: Wait, _ source: StatementSource?,
    _ receive: (Int, OpaquePointer) -> Void
  ) throws(StorageError) {
    var wait = wait
    didGiveUp = false
    trips &+= 1
    guard PQpipelineSync(handle) == 1 else { throw lost("cannot send") }
    try flush(handle, &wait)
    try settleOwed(handle, &wait)
    var first: StorageError?
    for step in steps {
      let result = try next(handle, &wait)
      guard let result else { throw lost("the server ended the connection") }
      let status = PQresultStatus(result)
      let isGood = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
      if !isGood, first == nil { first = failed(result, status, wait) }
      switch step {
      case .prefix: break
      case .deallocation(let old): if !isGood { prepared.giveBack([old]) }
      case .preparation(let form):
        form.isThere = isGood
        if !isGood, let source { prepared.forget(form, source) }
      case .row(let row, let form):
        if isGood {
          receive(row, result)
          _ = try next(handle, &wait)
          continue
        }
        // "cached plan must not change result type": a migration came in between, here or on another node.
        if let form, let source, Connection.state(of: result).text == "0A000" {
          prepared.forget(form, source)
          prepared.giveBack([form])
        }
      }
      PQclear(result)
      guard PQstatus(handle) != CONNECTION_BAD else { throw lost("the server ended the connection") }
      _ = try next(handle, &wait)
    }
    try takeSync(handle, &wait)
    if transaction == .queued { transaction = .begun }
    prefix = []
    if let first {
      didGiveUp = wait.reason?.code == .deadlineExceeded && attemptLimit.map { monotonicNanoseconds() >= $0 } ?? false
      throw first
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

  /// Runs commands of our own at once, after what was put off; gives the last one's tag.
  @discardableResult
  func command(_ texts: String..., mayCancel: Bool = true, nanosecondsMax: UInt64? = nil) throws(StorageError) -> String
  {
    guard let handle else { throw failure?.error ?? .unreachable("no connection") }
    var steps: [Step] = []
    for text in prefix { try send(handle, text, .prefix, &steps) }
    for (index, text) in texts.enumerated() { try send(handle, text, .row(index, nil), &steps) }
    var wait = newWait()
    // What ends or takes back a transaction is not given up with what was attempted in it.
    wait.limit = monotonicNanoseconds() &+ (nanosecondsMax ?? statementNanosecondsMax)
    wait.mayCancel = mayCancel
    var tag = ""
    try finish(handle, steps, wait, nil) { _, result in
      tag = PQcmdStatus(result).map { String(cString: $0) } ?? ""
      PQclear(result)
    }
    return tag
  }

  /// Sends a command whose answer nobody needs; it is taken in with the next statement's.
  func commandUnawaited(_ text: String) {
    guard let handle else { return }
    var steps: [Step] = []
    var wait = newWait()
    do throws(StorageError) {
      try send(handle, text, .prefix, &steps)
      guard PQpipelineSync(handle) == 1 else { throw lost("cannot send") }
      try flush(handle, &wait)
      owed += 1
    } catch {
      drop()
    }
  }
}
