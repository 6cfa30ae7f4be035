public import Base

/// A moment with the resolution of existing device services: 100 nanoseconds, years 1 to 9999.
public struct Timestamp: Hashable, Comparable, Sendable {
  /// Units of 100 ns since 1970-01-01T00:00:00Z.
  public let ticks: Int64

  public static let ticksPerSecond: Int64 = 10_000_000
  static let ticksPerMillisecond: Int64 = 10_000
  static let ticksPerDay: Int64 = 864_000_000_000
  /// 0001-01-01 and the last tick of 9999-12-31.
  static let range: ClosedRange<Int64> = -621_355_968_000_000_000...2_534_023_007_999_999_999

  /// - Returns: nil outside the years 1 to 9999.
  public init?(ticks: Int64) {
    guard Timestamp.range.contains(ticks) else { return nil }
    self.ticks = ticks
  }

  private init(unchecked ticks: Int64) { self.ticks = ticks }

  /// A moment on the time line of the rest of the house, cut to the years 1 to 9999.
  public init(_ instant: Instant) {
    let (ticks, overflow) = instant.milliseconds.multipliedReportingOverflow(by: Timestamp.ticksPerMillisecond)
    let whole = overflow ? (instant.milliseconds < 0 ? Int64.min : .max) : ticks
    self.init(unchecked: min(max(whole, Timestamp.range.lowerBound), Timestamp.range.upperBound))
  }

  public static func < (a: Timestamp, b: Timestamp) -> Bool { a.ticks < b.ticks }

  /// The moment that many ticks later, at most at the end of the years.
  func advanced(by ticks: Int64) -> Timestamp {
    let (sum, overflow) = self.ticks.addingReportingOverflow(ticks)
    let whole = overflow ? (ticks < 0 ? Int64.min : .max) : sum
    return Timestamp(unchecked: min(max(whole, Timestamp.range.lowerBound), Timestamp.range.upperBound))
  }

  /// The beginning of the span of `length` ticks this moment is in, where spans are counted from local midnight.
  func floored(to length: Int64, zone: DeviceZone) -> Timestamp {
    let offset = zone.offsetTicks
    let local = ticks &+ offset
    let rest = ((local % length) &+ length) % length
    return Timestamp(unchecked: max(local &- rest &- offset, Timestamp.range.lowerBound))
  }
}

/// A fixed distance of local time from UTC.
public struct DeviceZone: Hashable, Sendable {
  public static let utc = DeviceZone(minutesEastOfUTC: 0)
  public let minutesEastOfUTC: Int

  public init(minutesEastOfUTC: Int) { self.minutesEastOfUTC = min(max(minutesEastOfUTC, -14 * 60), 14 * 60) }

  var offsetTicks: Int64 { Int64(minutesEastOfUTC) * 60 * Timestamp.ticksPerSecond }
}
