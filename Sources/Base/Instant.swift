/// A moment on the UTC time line with millisecond resolution, the precision of `meta.lastUpdated`.
public struct Instant: Hashable, Comparable, Sendable {
  /// Milliseconds since 1970-01-01T00:00:00Z.
  public var milliseconds: Int64

  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  public static func < (lhs: Instant, rhs: Instant) -> Bool { lhs.milliseconds < rhs.milliseconds }

  /// Adds milliseconds.
  public func advanced(byMilliseconds delta: Int64) -> Instant {
    Instant(milliseconds: milliseconds &+ delta)
  }
}

extension Instant {
  /// Civil date and time in UTC.
  public struct Civil: Hashable, Sendable {
    public var year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, millisecond: Int
    /// 0 is Sunday.
    public var weekday: Int
  }

  /// Days since 1970-01-01 of a proleptic Gregorian date (H. Hinnant, "chrono-compatible low-level date algorithms").
  public static func days(year: Int, month: Int, day: Int) -> Int {
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// The proleptic Gregorian date of a day count since 1970-01-01.
  public static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
    let z = days + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let mp = (5 * dayOfYear + 2) / 153
    let month = mp < 10 ? mp + 3 : mp - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * mp + 2) / 5 + 1)
  }

  /// This instant as date and time in UTC.
  public var civil: Civil {
    let dayLength: Int64 = 86_400_000
    var day = milliseconds / dayLength
    var rest = milliseconds % dayLength
    if rest < 0 {
      rest += dayLength
      day -= 1
    }
    let (y, m, d) = Instant.civil(days: Int(day))
    let weekday = Int(((day % 7) + 11) % 7)
    return Civil(
      year: y, month: m, day: d, hour: Int(rest / 3_600_000), minute: Int(rest / 60_000 % 60),
      second: Int(rest / 1_000 % 60), millisecond: Int(rest % 1_000), weekday: weekday)
  }

  /// The bytes of a FHIR `instant`: `2026-11-21T06:28:38.123Z`.
  public func appendFHIR(to bytes: inout [UInt8]) {
    let c = civil
    Instant.append(c.year, width: 4, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    Instant.append(c.month, width: 2, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    Instant.append(c.day, width: 2, to: &bytes)
    bytes.append(UInt8(ascii: "T"))
    Instant.append(c.hour, width: 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    Instant.append(c.minute, width: 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    Instant.append(c.second, width: 2, to: &bytes)
    bytes.append(UInt8(ascii: "."))
    Instant.append(c.millisecond, width: 3, to: &bytes)
    bytes.append(UInt8(ascii: "Z"))
  }

  /// The FHIR `instant` form as text.
  public var fhir: String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(24)
    appendFHIR(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private static let weekdays: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months: [StaticString] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// An HTTP-date (RFC 9110 §5.6.7): `Sat, 21 Nov 2026 06:28:38 GMT`.
  public var httpDate: String {
    let c = civil
    var bytes: [UInt8] = []
    bytes.reserveCapacity(29)
    func append(_ text: StaticString) {
      bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
    append(Self.weekdays[c.weekday])
    append(", ")
    Instant.append(c.day, width: 2, to: &bytes)
    bytes.append(UInt8(ascii: " "))
    append(Self.months[c.month - 1])
    bytes.append(UInt8(ascii: " "))
    Instant.append(c.year, width: 4, to: &bytes)
    bytes.append(UInt8(ascii: " "))
    Instant.append(c.hour, width: 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    Instant.append(c.minute, width: 2, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    Instant.append(c.second, width: 2, to: &bytes)
    append(" GMT")
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends a number with leading zeros.
  static func append(_ value: Int, width: Int, to bytes: inout [UInt8]) {
    var divisor = 1
    for _ in 1..<width { divisor *= 10 }
    var rest = value
    while divisor > 0 {
      bytes.append(UInt8(truncatingIfNeeded: 48 + rest / divisor % 10))
      rest %= divisor
      divisor /= 10
    }
  }
}
