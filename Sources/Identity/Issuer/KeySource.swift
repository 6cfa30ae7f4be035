public import Base
import Synchronization

/// What a fetch brought, and how long the sender allows it to be kept (`Cache-Control: max-age`).
public struct FetchedDocument: Sendable {
  public var bytes: [UInt8]
  public var maxAgeSeconds: Int?

  public init(_ bytes: [UInt8], maxAgeSeconds: Int? = nil) {
    self.bytes = bytes
    self.maxAgeSeconds = maxAgeSeconds
  }
}

/// The keys of one issuer or client, fetched when they are needed and kept as long as they are good.
///
/// - A known key that is fresh is used at once, without waiting.
/// - A known key past its age is used for `staleSecondsMax` more, while new keys are fetched beside it: an issuer that
///   is away locks nobody out. After that nothing is accepted: the cache fails closed.
/// - An unknown key makes a fetch, but not more than one in `refreshSecondsMin`, whatever strangers put in their
///   tokens.
/// - All who wait share one fetch, and it has a deadline.
///
/// The address comes from the configuration alone; the fetch is the caller's, which knows what may be connected to.
public final class KeySource: Sendable {
  /// Gets what is at an address. It must hear cancellation: that is how a fetch past its deadline ends.
  public typealias Fetch = @Sendable (_ address: String) async throws -> FetchedDocument

  public enum Location: Sendable {
    /// Keys that are there already: of the embedded issuer, or of a configuration.
    case fixed(JWKSet)
    /// A key set's address.
    case keySet(String)
    /// An issuer that describes itself at `issuer`; `names` are those it may give itself, `issuer` if empty.
    case discovery(issuer: String, names: Set<String>)
  }

  public struct Settings: Sendable {
    /// Keys are fresh for this long, or as long as their sender says, if that is less.
    public var maxAgeSeconds = 3600
    /// Between two fetches after one that went well; keys are fresh for at least as long.
    public var refreshSecondsMin = 60
    /// Between two fetches after one that failed.
    public var retrySecondsMin = 5
    /// Keys past their age are used for this long when their issuer is away.
    public var staleSecondsMax = 24 * 3600
    /// A fetch takes no longer.
    public var fetchSecondsMax = 5
    /// Whether `http` is good enough for an issuer on this machine.
    public var allowsLoopback = false

    public init() {}

    /// For key sets of clients, which are not kept longer than their sender allows (ONC (g)(10)).
    public static let client: Settings = {
      var settings = Settings()
      settings.maxAgeSeconds = 300
      settings.refreshSecondsMin = 10
      settings.staleSecondsMax = 0
      return settings
    }()
  }

  private struct State {
    var keys: JWKSet?
    /// Milliseconds since 1970.
    var freshUntil: Int64 = 0
    var attempted: Int64?
    var hasFailed = false
    var flight: Task<Void, Never>?
  }

  public let location: Location
  private let settings: Settings
  private let clock: Clock
  private let fetch: Fetch
  private let state: Mutex<State>

  public init(_ location: Location, settings: Settings = Settings(), clock: Clock = .system, fetch: @escaping Fetch) {
    self.location = location
    self.settings = settings
    self.clock = clock
    self.fetch = fetch
    var state = State()
    if case .fixed(let keys) = location {
      state.keys = keys
      state.freshUntil = .max
    }
    self.state = Mutex(state)
  }

  /// Keys that need no fetching.
  public convenience init(fixed keys: JWKSet) {
    self.init(.fixed(keys)) { _ in throw TokenError(.keysUnavailable) }
  }

  /// The keys as they are known now.
  public var keys: JWKSet? { state.withLock { $0.keys } }

  private enum Age { case fresh, stale, useless }

  /// The keys that a token with this header may be checked with.
  /// - Throws: `.unknownKey` if there is none, `.keysUnavailable` if there are no keys at the moment.
  public func candidates(id: String?, _ algorithm: SignatureAlgorithm) async throws(TokenError) -> [JWK] {
    let (found, age) = look(id, algorithm)
    if !found.isEmpty {
      if age == .fresh { return found }
      if age == .stale {
        _ = refreshing()
        return found
      }
    }
    if let flight = refreshing() { await flight.value }
    let (foundNow, ageNow) = look(id, algorithm)
    guard ageNow != .useless else { throw TokenError(.keysUnavailable) }
    guard !foundNow.isEmpty else { throw TokenError(.unknownKey) }
    return foundNow
  }

  /// Fetches the keys unless that was done a moment ago; a start can have them ready this way.
  /// - Returns: whether there are keys that may be used.
  public func refresh() async -> Bool {
    if let flight = refreshing() { await flight.value }
    return state.withLock { age($0, clock.now()) != .useless }
  }

  private func look(_ id: String?, _ algorithm: SignatureAlgorithm) -> ([JWK], Age) {
    let now = clock.now()
    return state.withLock { state in
      (state.keys?.candidates(id: id, algorithm) ?? [], age(state, now))
    }
  }

  private func age(_ state: State, _ now: Instant) -> Age {
    guard state.keys != nil else { return .useless }
    if now.milliseconds < state.freshUntil { return .fresh }
    let end = state.freshUntil.addingReportingOverflow(Int64(clamping: settings.staleSecondsMax) &* 1000)
    return end.overflow || now.milliseconds < end.partialValue ? .stale : .useless
  }

  /// The fetch under way, or a new one if enough time has passed since the last; else nil.
  private func refreshing() -> Task<Void, Never>? {
    if case .fixed = location { return nil }
    let now = clock.now().milliseconds
    return state.withLock { state in
      if let flight = state.flight { return flight }
      let pause = state.hasFailed ? settings.retrySecondsMin : settings.refreshSecondsMin
      // A clock that was set back must not stop fetching.
      if let attempted = state.attempted, now >= attempted, now - attempted < Int64(clamping: pause) &* 1000 {
        return nil
      }
      state.attempted = now
      let flight = Task { await self.fetchKeys() }
      state.flight = flight
      return flight
    }
  }

  private func fetchKeys() async {
    let fetched = await fetchInTime()
    let now = clock.now().milliseconds
    state.withLock { state in
      state.flight = nil
      state.hasFailed = fetched == nil
      guard let (keys, maxAgeSeconds) = fetched else { return }
      let seconds = max(min(settings.maxAgeSeconds, maxAgeSeconds ?? .max), settings.refreshSecondsMin)
      state.keys = keys
      state.freshUntil = now &+ Int64(clamping: seconds) &* 1000
    }
  }

  /// nil if it failed, took too long or brought no key that can be used.
  private func fetchInTime() async -> (JWKSet, Int?)? {
    await withTaskGroup(of: (JWKSet, Int?)?.self) { group in
      group.addTask { try? await self.fetchSet() }
      group.addTask { [seconds = settings.fetchSecondsMax] in
        try? await Task.sleep(for: .seconds(seconds))
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
  }

  private func fetchSet() async throws -> (JWKSet, Int?)? {
    let address: String
    switch location {
    case .fixed: return nil
    case .keySet(let known): address = known
    case .discovery(let issuer, let names):
      let place = OpenIDConfiguration.address(ofIssuer: issuer)
      guard OpenIDConfiguration.isFetchable(place, allowsLoopback: settings.allowsLoopback) else { return nil }
      let description = try OpenIDConfiguration(
        try await fetch(place).bytes, expected: names.isEmpty ? [issuer] : names,
        allowsLoopback: settings.allowsLoopback)
      address = description.keySetAddress
    }
    guard OpenIDConfiguration.isFetchable(address, allowsLoopback: settings.allowsLoopback) else { return nil }
    let document = try await fetch(address)
    let keys = try JWKSet(document.bytes)
    return keys.keys.isEmpty ? nil : (keys, document.maxAgeSeconds)
  }
}
