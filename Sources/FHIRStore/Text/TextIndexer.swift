import FHIRModel
import Storage
import Synchronization

/// Keeps the full-text index: a background task that follows the change log by position.
///
/// It begins with the first full-text search of a store, and from then on whenever the store is open. What it has taken
/// in is a number in `setting`, written in the same transaction as the rows: where it was ended, it goes on. Nothing
/// waits for it but full-text searches, so that writes cost what they cost without it. Of several processes one makes
/// the index, and the others look how far it is.
final class TextIndexer: Sendable {
  /// How far it is, in changes.
  struct Progress: Sendable, Equatable {
    var done: Int64 = 0
    var newest: Int64 = 0
  }

  private struct State {
    var task: Task<Void, Never>?
    var isEnded = false
    var progress = Progress()
  }

  /// Without a search that waits the newest changes are looked for this often: what came meanwhile is one piece of
  /// work.
  private static let pause = Duration.seconds(1)
  /// Where another process makes the index, a search that waits looks for it this often.
  private static let followPause = Duration.milliseconds(50)
  /// After a failure it is tried again after this, twice as long each time.
  private static let retry = Duration.milliseconds(500)
  private static let retryMax = Duration.seconds(60)

  let database: any Database
  let schema: Schema
  let compression: BodyCompression
  private let state = Mutex(State())
  /// All changes up to this position are in the index.
  private let settled = GrowingNumber(-1)
  /// Counts the searches that waited.
  private let demand = GrowingNumber(0)

  init(_ database: any Database, _ schema: Schema, _ compression: BodyCompression) {
    self.database = database
    self.schema = schema
    self.compression = compression
  }

  var progress: Progress { state.withLock { $0.progress } }

  /// Goes on where the store has such an index.
  func resume() async throws {
    let position = try await database.read { try $0.first(TextRows.position) { $0.integer(0) } }
    if position != nil { start() }
  }

  /// Begins the index of a store that has none.
  func begin() async throws {
    if state.withLock({ $0.task != nil }) { return }
    try await database.write { _ = try $0.execute(TextRows.begin, []) }
    start()
  }

  /// Waits until every change up to `position` is in the index.
  /// - Returns: false where it is not within `duration`.
  func waits(for position: Int64, upTo duration: Duration) async -> Bool {
    if settled.value >= position { return true }
    wake()
    return await settled.wait(for: position, upTo: duration)
  }

  /// Ends the work; what waits for it is let go. It is over when this returns.
  func end() async {
    let task = cancel()
    await task?.value
    await database.release(FHIRStore.Work.text.rawValue)
  }

  /// Another process's search waits.
  func wake() { demand.grow(to: demand.value + 1) }

  @discardableResult
  func cancel() -> Task<Void, Never>? {
    let task = state.withLock { state in
      state.isEnded = true
      return state.task
    }
    task?.cancel()
    settled.close()
    return task
  }

  private func start() {
    state.withLock { state in
      guard state.task == nil, !state.isEnded else { return }
      state.task = Task { await self.run() }
    }
  }

  // MARK: Following the change log

  private func run() async {
    var wait = Self.retry
    var told: Int64 = 0
    while !Task.isCancelled && database.isWritable {
      let asked = demand.value
      do {
        var pause = Self.pause
        if await database.lease(FHIRStore.Work.text.rawValue) {
          try await round()
        } else if try await !follow(), settled.isAwaited {
          // Whoever makes the index sleeps perhaps.
          if asked != told { try await database.write { try $0.announce(FHIRStore.textTopic) } }
          told = asked
          pause = Self.followPause
        }
        wait = Self.retry
        _ = await demand.wait(for: asked + 1, upTo: pause)
      } catch {
        // The disk may be full, or too much waits: it is tried again. Searches meanwhile say that it is not ready.
        try? await Task.sleep(for: wait)
        wait = min(wait * 2, Self.retryMax)
      }
    }
  }

  private func progressNow() async throws -> Progress {
    try await database.read { reader in
      Progress(
        done: try reader.first(TextRows.position) { $0.integer(0) } ?? 0,
        newest: try reader.first(TextRows.newest) { $0.integer(0) } ?? 0)
    }
  }

  /// Looks how far another process is; true if it is done.
  private func follow() async throws -> Bool {
    let now = try await progressNow()
    state.withLock { $0.progress = now }
    settled.grow(to: now.done)
    return now.done >= now.newest
  }

  /// Takes in what was committed before it began.
  private func round() async throws {
    let start = try await progressNow()
    let newest = start.newest
    var position = start.done
    while position < newest, !Task.isCancelled {
      state.withLock { $0.progress = Progress(done: position, newest: newest) }
      let from = position
      let began = ContinuousClock.now
      let jobs = database.statistics.jobs
      let batch = try await database.read { try TextBatch($0, after: from, through: newest) }
      try await write(batch, after: from)
      position = batch.end
      // Who writes at the same time has half of the writer's time at least; who waits for the index comes first.
      if database.statistics.jobs > jobs + 1, !settled.isAwaited {
        try await Task.sleep(for: ContinuousClock.now - began)
      }
    }
    guard position >= newest else { return }
    state.withLock { $0.progress = Progress(done: newest, newest: newest) }
    settled.grow(to: newest)
  }

  private func write(_ batch: TextBatch, after position: Int64) async throws {
    let (indexed, gone) = try rows(batch)
    let end = batch.end
    let insert = TextRows.insert(database.dialect)
    try await database.write { transaction in
      // One task follows a store's changes, but for a moment after it was given up for dead: if the position moved,
      // nothing of this may be written.
      guard try transaction.execute(TextRows.advance, [.integer(end), .integer(position)]) == 1 else {
        throw StorageError(.misuse, detail: "the position of the full-text index moved")
      }
      if !gone.isEmpty { try transaction.send(TextRows.delete, rows: gone) }
      if !indexed.isEmpty { try transaction.send(insert, rows: indexed) }
    }
  }
}
