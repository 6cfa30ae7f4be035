import Base
import Synchronization

/// Slows down whoever guesses: after some failures each next attempt must wait twice as long as the last. It remembers
/// names and addresses in memory, and no more of them than its limit.
public final class Throttle: Sendable {
  public struct Settings: Sendable {
    /// Failures for one name before the first wait.
    public var perNameFree = 5
    /// Failures from one address before the first wait: many people may share one.
    public var perAddressFree = 30
    /// The longest wait. It bounds how long a stranger can keep somebody out.
    public var waitSecondsMax = 900
    /// Failures are forgotten after this time without another.
    public var forgetSeconds = 3600
    public var entriesMax = 100_000

    public init() {}
  }

  private struct Entry {
    var failures = 0
    /// Milliseconds since 1970.
    var last: Int64 = 0
    var until: Int64 = 0
  }

  private let settings: Settings
  private let entries = Mutex<[String: Entry]>([:])

  public init(_ settings: Settings = Settings()) { self.settings = settings }

  /// Seconds until the next attempt is heard; nil if it is heard now. An attempt counts as failed until `succeeded` is
  /// told, so that many at once are no way around.
  func begin(name: String, address: String, at now: Instant) -> Int? {
    entries.withLock { entries in
      let places = [("n:" + name, settings.perNameFree), ("a:" + address, settings.perAddressFree)]
      let wait = places.compactMap { entries[$0.0]?.until }.max() ?? 0
      if now.milliseconds < wait { return Int((wait - now.milliseconds + 999) / 1000) }
      if entries.count + 2 > settings.entriesMax { forget(&entries, now) }
      for (place, free) in places { fail(place, free, &entries, now) }
      return nil
    }
  }

  /// The attempt was right: the name's failures are forgotten, and the address had one fewer.
  func succeeded(name: String, address: String) {
    entries.withLock { entries in
      entries["n:" + name] = nil
      guard var entry = entries["a:" + address] else { return }
      entry.failures -= 1
      entry.until = 0
      entries["a:" + address] = entry.failures > 0 ? entry : nil
    }
  }

  private func fail(_ place: String, _ free: Int, _ entries: inout [String: Entry], _ now: Instant) {
    var entry = entries[place] ?? Entry()
    if now.milliseconds - entry.last > Int64(settings.forgetSeconds) * 1000 { entry.failures = 0 }
    entry.failures += 1
    entry.last = now.milliseconds
    if entry.failures >= free {
      let seconds = Int64(1) << Int64(min(entry.failures - free, 30))
      entry.until = now.milliseconds + min(seconds, Int64(settings.waitSecondsMax)) * 1000
    }
    entries[place] = entry
  }

  private func forget(_ entries: inout [String: Entry], _ now: Instant) {
    let oldest = now.milliseconds - Int64(settings.forgetSeconds) * 1000
    entries = entries.filter { $0.value.last > oldest }
    guard entries.count + 2 > settings.entriesMax else { return }
    // Those who do not have to wait go first: a stranger with many names frees no name that is being guessed at.
    entries = entries.filter { $0.value.until > now.milliseconds }
    if entries.count + 2 > settings.entriesMax { entries.removeAll() }
  }
}
