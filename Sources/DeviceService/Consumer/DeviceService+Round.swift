public import Base
import DeviceMapping
public import DeviceStore
import FHIRService
import FHIRStore
import JSONCore
import Synchronization

/// What a batch of messages comes to in one transaction, besides its Observations.
enum BatchPurpose: Sendable {
  /// New messages: the place in the log moves on.
  case advance(from: Int64, to: Int64)
  /// Messages that were worked through before.
  case replay(Replay, from: Int64)
  /// Messages of the quarantine.
  case release
}

/// What became of a batch.
struct BatchOutcome: Sendable {
  var saved = 0
  var quarantined = 0
}

/// Something came in between that makes the batch another one: it is begun anew.
private struct Overtaken: Error {}

extension DeviceService {
  /// How often the log is looked at where other processes write to it, too.
  private static let pollPause = Duration.milliseconds(250)
  private static let leasePause = Duration.seconds(2)
  private static let ticksPerDay: Int64 = 864_000_000_000

  /// One turn of the consumer: a batch of new messages, and one of a replay if there is any.
  /// - Returns: after how long to come again without being woken; nil for not at all.
  func round() async throws -> Duration? {
    guard await store.lease() else { return Self.leasePause }
    guard let mappings = try currentMappings() else { return store.isShared ? Self.leasePause : nil }
    try await forgetOld()
    if rhythm.withLock({ $0.isIdle }) {
      guard try hasWork() else { return store.isShared ? Self.pollPause : nil }
      try await Task.sleep(for: .milliseconds(configuration.limits.lingerMilliseconds))
    }
    do {
      let isBusy = try await consume(mappings)
      let isReplaying = try await replay(mappings)
      rhythm.withLock { $0.isIdle = !isBusy && !isReplaying }
      return isBusy || isReplaying ? .zero : store.isShared ? Self.pollPause : nil
    } catch is Overtaken {
      return .zero
    }
  }

  private func hasWork() throws -> Bool {
    try store.progress().waiting > 0 || store.nextReplay() != nil
  }

  /// Works through the next messages.
  /// - Returns: whether there were any.
  private func consume(_ mappings: Mappings) async throws -> Bool {
    let progress = try store.progress()
    guard progress.waiting > 0 else { return false }
    let messages = try await nextMessages(after: progress.consumed)
    guard let last = messages.last?.number else { return false }
    counts.lag(now: clock.now(), oldest: messages.first?.received ?? 0)
    try await guarded(messages) { messages in
      _ = try await process(messages, mappings, .advance(from: progress.consumed, to: messages.last?.number ?? last))
    }
    return true
  }

  private func nextMessages(after number: Int64, through last: Int64 = .max) async throws -> [StoredMessage] {
    let limits = configuration.limits
    let most = min(limits.batchMessagesMax, rhythm.withLock { $0.batchMessages })
    return try await store.messages(after: number, through: last, max: most, bytesMax: limits.batchBytesMax)
  }

  /// Carries out a batch. One that fails, though the store is well, is tried in smaller parts, and a message that fails
  /// alone is put aside: whatever it is, it does not stop the others.
  private func guarded(
    _ messages: [StoredMessage], _ body: ([StoredMessage]) async throws -> Void
  ) async throws {
    do {
      try await body(messages)
      rhythm.withLock { $0.batchMessages = $0.batchMessages > Int.max / 4 ? Int.max : $0.batchMessages * 4 }
    } catch let error as Fault where !Self.isTransient(error) {
      guard store.isWritable, store.isReachable else { throw error }
      guard messages.count == 1, let message = messages.first else {
        rhythm.withLock { $0.batchMessages = max(1, messages.count / 8) }
        throw Overtaken()
      }
      try await setAside(message)
    }
  }

  /// Whether the same may succeed later.
  private static func isTransient(_ fault: Fault) -> Bool {
    switch fault.category {
    case .busy, .unavailable, .outcomeUnknown, .tooSlow, .tooMany: true
    default: false
    }
  }

  private func setAside(_ message: StoredMessage) async throws {
    let failure = DeviceFailure(.unexpected, "The message could not be worked through.")
    let entry = quarantined(message, failure)
    let store = store
    try await fhirStore.writeInside(within: .none) { scope in
      try store.quarantine([entry], scope.companion)
      guard try store.advance(from: message.number - 1, to: message.number, scope.companion) else { throw Overtaken() }
    }
    counts.failed([failure])
  }

  func quarantined(_ message: StoredMessage, _ failure: DeviceFailure) -> QuarantinedMessage {
    QuarantinedMessage(
      message: message, since: clock.now().milliseconds &* 10_000, kind: failure.kind, reason: failure.reason,
      detail: failure.json)
  }

  // MARK: A batch

  /// Messages become Observations, in one transaction with what else comes of them.
  @discardableResult
  func process(_ messages: [StoredMessage], _ mappings: Mappings, _ purpose: BatchPurpose) async throws
    -> BatchOutcome
  {
    let began = monotonicNanoseconds()
    let normalized = await Normalizing(mapping: mappings.device, limits: jsonLimits).normalize(messages)
    let normalizedAt = monotonicNanoseconds()
    let held = cache.withLock { $0 }
    let issued = clock.now()
    let (service, configuration, types) = (fhir, configuration, types)
    let convert: @Sendable (StoreView) throws -> Conversion.Result = { view in
      var conversion = try Conversion(service, configuration, types, mappings.fhir, view, held, issued: issued)
      return try conversion.convert(normalized.groups)
    }
    let prepared = try await fhirStore.read(within: .none, convert)
    let result = try await commit(messages, normalized, prepared, mappings, purpose, convert)
    cache.withLock { $0 = result.cache }
    let failures = normalized.failures.merging(result.failures) { first, _ in first }
    counts.processed(
      normalized, result, messages: messages.count, failures: Array(failures.values),
      normalizing: normalizedAt &- began, converting: monotonicNanoseconds() &- normalizedAt)
    counts.ingested(messages, now: clock.now())
    return BatchOutcome(saved: result.created + result.updated, quarantined: failures.count)
  }

  private func commit(
    _ messages: [StoredMessage], _ normalized: NormalizedBatch, _ prepared: Conversion.Result, _ mappings: Mappings,
    _ purpose: BatchPurpose, _ convert: @escaping @Sendable (StoreView) throws -> Conversion.Result
  ) async throws -> Conversion.Result {
    let (store, types) = (store, types)
    let entries: @Sendable (Conversion.Result) -> [QuarantinedMessage] = { [self] result in
      messages.compactMap { message in
        (normalized.failures[message.number] ?? result.failures[message.number]).map { quarantined(message, $0) }
      }
    }
    return try await fhirStore.writeInside(within: .none) { scope in
      guard try store.mappingVersion(scope.companion) == mappings.version else { throw Overtaken() }
      var result = prepared
      // What was found about devices outside may have changed; so may the Observations.
      let holds = try types.positions(scope.view) == prepared.positions
      if !holds { result = try convert(scope.view) }
      do {
        _ = try scope.apply(result.changes)
      } catch is StaleBasis {
        result = try convert(scope.view)
        _ = try scope.apply(result.changes)
      }
      result.cache.positions = try types.positions(scope.view)
      let aside = entries(result)
      try store.quarantine(aside, scope.companion)
      let isOurs =
        switch purpose {
        case .advance(let old, let new): try store.advance(from: old, to: new, scope.companion)
        case .replay(var replay, let position):
          try Self.note(
            &replay, messages, saved: result.created + result.updated, aside.count, position, store, scope)
        case .release: true
        }
      guard isOurs else { throw Overtaken() }
      if case .advance = purpose { return result }
      let failed = Set(aside.map(\.message.number))
      try store.release(messages.map(\.number).filter { !failed.contains($0) }, scope.companion)
      return result
    }
  }

  private static func note(
    _ replay: inout Replay, _ messages: [StoredMessage], saved: Int, _ quarantined: Int, _ position: Int64,
    _ store: DeviceStore, _ scope: WriteScope
  ) throws -> Bool {
    replay.messages += Int64(messages.count)
    replay.saved += Int64(saved)
    replay.quarantined += Int64(quarantined)
    return try store.advance(replay, from: position, scope.companion)
  }

  // MARK: Again

  /// Works through the next messages of a replay.
  /// - Returns: whether there were any.
  private func replay(_ mappings: Mappings) async throws -> Bool {
    guard var replay = try store.nextReplay() else { return false }
    let position = replay.position
    let messages = try await nextMessages(after: position, through: replay.last)
    replay.position = messages.last?.number ?? replay.last
    if replay.position >= replay.last { replay.ended = clock.now().milliseconds &* 10_000 }
    try await process(messages, mappings, .replay(replay, from: position))
    return true
  }

  /// Works through messages of the quarantine again, with the mappings in force.
  /// - Parameter number: one of them; nil for all.
  /// - Returns: how many were tried, and how many of them are put aside again.
  public func releaseQuarantine(_ number: Int64? = nil) async throws(Fault) -> (tried: Int, quarantined: Int) {
    do {
      guard let mappings = try currentMappings() else {
        throw Fault(.conflict, "The service has not both of its mappings yet.")
      }
      if let number {
        guard let entry = try await store.quarantined(number) else {
          throw Fault(.notFound, "The message \(number) is not in the quarantine.")
        }
        let outcome = try await process([entry.message], mappings, .release)
        return (1, outcome.quarantined)
      }
      return try await releaseAll(mappings)
    } catch let fault as Fault {
      throw fault
    } catch is Overtaken {
      throw Fault(.busy, "The mappings changed meanwhile; try again.")
    } catch {
      throw Fault(.internal, "The messages could not be worked through.")
    }
  }

  private func releaseAll(_ mappings: Mappings) async throws -> (tried: Int, quarantined: Int) {
    var (tried, quarantined) = (0, 0)
    var position: Int64 = 0
    while !Task.isCancelled {
      let entries = try await store.quarantined(after: position, max: configuration.limits.quarantinePageMax)
      guard let last = entries.last else { break }
      position = last.message.number
      quarantined += try await process(entries.map(\.message), mappings, .release).quarantined
      tried += entries.count
    }
    return (tried, quarantined)
  }

  /// Has the messages worked through again that arrived from one time until another.
  /// - Returns: nil if the log has none of that time.
  public func replay(from: Instant, until: Instant) async throws(Fault) -> Replay? {
    let replay = try await store.replay(from: Self.ticks(from), until: Self.ticks(until))
    if replay != nil { work.wake() }
    return replay
  }

  private static func ticks(_ instant: Instant) -> Int64 { Timestamp(instant).ticks }

  /// Once an hour, messages that were kept long enough go.
  private func forgetOld() async throws {
    let now = clock.now().milliseconds &* 10_000
    let isDue = rhythm.withLock { rhythm in
      guard now - rhythm.lastForgotten > Self.ticksPerDay / 24 else { return false }
      rhythm.lastForgotten = now
      return true
    }
    if isDue { try await store.forget(before: now - Int64(configuration.limits.retentionDays) * Self.ticksPerDay) }
  }
}
