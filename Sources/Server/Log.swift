public import Base
import Glibc
import JSONCore

/// Structured log lines, one JSON object each. Nothing that a patient could be known by belongs into one: no query,
/// no id, no body, no client's text.
public struct Log: Sendable {
  public enum Level: String, Sendable, CaseIterable, Comparable {
    case error, warning, info, debug

    private var rank: Int {
      switch self {
      case .error: 0
      case .warning: 1
      case .info: 2
      case .debug: 3
      }
    }

    public static func < (a: Level, b: Level) -> Bool { a.rank < b.rank }
  }

  public enum Value: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case text(String)
    case number(Int)
    /// Written in milliseconds with three digits behind the point.
    case nanoseconds(UInt64)

    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int) { self = .number(value) }
  }

  /// Lines above this level are not written.
  public let level: Level
  private let clock: Clock
  private let sink: @Sendable ([UInt8]) -> Void

  /// - Parameter sink: takes one line with its line end; the default writes to standard error.
  public init(
    level: Level, clock: Clock = .system, sink: @escaping @Sendable ([UInt8]) -> Void = Log.standardError
  ) {
    self.level = level
    self.clock = clock
    self.sink = sink
  }

  public func isOn(_ level: Level) -> Bool { level <= self.level }

  /// Writes a line; the fields are not made unless the level is on.
  public func write(
    _ level: Level, _ event: String, _ fields: @autoclosure () -> KeyValuePairs<String, Value> = [:]
  ) {
    guard isOn(level) else { return }
    var line = JSONWriter(reserving: 256)
    line.beginObject()
    line.member("time", clock.now().fhir)
    line.member("level", level.rawValue)
    line.member("event", event)
    for (name, value) in fields() {
      line.key(name)
      switch value {
      case .text(let text): line.string(text)
      case .number(let number): line.number(number)
      case .nanoseconds(let count): line.number(lexeme: Self.milliseconds(count))
      }
    }
    line.endObject()
    line.bytes.append(UInt8(ascii: "\n"))
    sink(line.bytes)
  }

  private static func milliseconds(_ nanoseconds: UInt64) -> String {
    let microseconds = nanoseconds / 1_000
    let digits = String(microseconds % 1_000)
    return "\(microseconds / 1_000)." + String(repeating: "0", count: 3 - digits.count) + digits
  }

  /// One `write` for a line, so that lines of several threads do not mix. What the other end does not take is lost.
  public static let standardError: @Sendable ([UInt8]) -> Void = { line in
    _ = line.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
  }
}
