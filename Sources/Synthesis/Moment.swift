import Base

/// A time zone of the United States, as an offset and a rule for daylight time.
struct Zone: Sendable {
  /// Minutes east of UTC in winter.
  var standardOffset: Int
  var observesDaylightTime: Bool

  /// Minutes east of UTC on a local day (days since 1970-01-01); the change is taken to happen at midnight.
  func offset(onDay day: Int) -> Int {
    guard observesDaylightTime else { return standardOffset }
    let year = Instant.civil(days: day).year
    let start: Int
    let end: Int
    if year >= 2007 {
      // Energy Policy Act of 2005: second Sunday of March to first Sunday of November.
      start = Zone.sunday(onOrAfter: Instant.days(year: year, month: 3, day: 8))
      end = Zone.sunday(onOrAfter: Instant.days(year: year, month: 11, day: 1))
    } else {
      let firstStart =
        year >= 1987 ? Instant.days(year: year, month: 4, day: 1) : Instant.days(year: year, month: 4, day: 24)
      start = Zone.sunday(onOrAfter: firstStart)
      end = Zone.sunday(onOrAfter: Instant.days(year: year, month: 10, day: 25))
    }
    return day >= start && day < end ? standardOffset + 60 : standardOffset
  }

  private static func sunday(onOrAfter day: Int) -> Int {
    // 1970-01-01 was a Thursday.
    let weekday = ((day + 4) % 7 + 7) % 7
    return weekday == 0 ? day : day + 7 - weekday
  }
}

/// A point in time to the second, as a clock in its place shows it.
struct Moment: Comparable, Sendable {
  /// Seconds since 1970-01-01T00:00:00Z.
  var seconds: Int
  /// Minutes east of UTC.
  var offset: Int

  init(seconds: Int, offset: Int) {
    self.seconds = seconds
    self.offset = offset
  }

  /// A local day (days since 1970-01-01) and a second of that day.
  init(day: Int, second: Int, zone: Zone) {
    offset = zone.offset(onDay: day)
    seconds = day * 86_400 + second - offset * 60
  }

  /// The local day, in days since 1970-01-01.
  var day: Int {
    let local = seconds + offset * 60
    return local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
  }

  func advanced(bySeconds delta: Int) -> Moment { Moment(seconds: seconds + delta, offset: offset) }

  static func < (lhs: Moment, rhs: Moment) -> Bool { lhs.seconds < rhs.seconds }
  static func == (lhs: Moment, rhs: Moment) -> Bool { lhs.seconds == rhs.seconds }

  /// Appends a FHIR dateTime with seconds and offset: `2024-05-06T08:15:00-05:00`.
  func append(to bytes: inout [UInt8]) {
    let day = self.day
    let second = seconds + offset * 60 - day * 86_400
    Moment.append(day: day, to: &bytes)
    bytes.append(UInt8(ascii: "T"))
    Moment.appendTwo(second / 3_600, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    Moment.appendTwo(second / 60 % 60, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    Moment.appendTwo(second % 60, to: &bytes)
    bytes.append(offset < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
    let distance = offset < 0 ? -offset : offset
    Moment.appendTwo(distance / 60, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    Moment.appendTwo(distance % 60, to: &bytes)
  }

  /// Appends a FHIR date: `2024-05-06`.
  static func append(day: Int, to bytes: inout [UInt8]) {
    let date = Instant.civil(days: day)
    appendTwo(date.year / 100, to: &bytes)
    appendTwo(date.year % 100, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    appendTwo(date.month, to: &bytes)
    bytes.append(UInt8(ascii: "-"))
    appendTwo(date.day, to: &bytes)
  }

  private static func appendTwo(_ value: Int, to bytes: inout [UInt8]) {
    bytes.append(UInt8(truncatingIfNeeded: 48 + value / 10))
    bytes.append(UInt8(truncatingIfNeeded: 48 + value % 10))
  }
}
