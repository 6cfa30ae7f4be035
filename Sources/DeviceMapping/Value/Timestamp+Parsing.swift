import Base

extension Timestamp {
  /// The date for which existing services take a text of a message: ISO 8601 with seconds.
  static func date(_ text: UnsafeBufferPointer<UInt8>) -> Timestamp? {
    guard text.count >= 19, text.count <= 40, text[0] &- 48 < 10, text[10] == UInt8(ascii: "T") else { return nil }
    return parse(text, zone: .utc, isStrict: true)
  }

  /// Reads ISO 8601, and the forms of dates with slashes and of RFC 1123 that existing services take as well.
  /// - Parameter zone: where a time without a zone is from.
  public static func parse(_ text: String, zone: DeviceZone = .utc) -> Timestamp? {
    var text = text
    return text.withUTF8 { parse($0, zone: zone) }
  }

  static func parse(_ text: UnsafeBufferPointer<UInt8>, zone: DeviceZone) -> Timestamp? {
    guard text.count <= 64 else { return nil }
    return parse(text, zone: zone, isStrict: false)
  }

  private static func parse(_ text: UnsafeBufferPointer<UInt8>, zone: DeviceZone, isStrict: Bool) -> Timestamp? {
    var reader = TimestampReader(text)
    return reader.read(zone: zone, isStrict: isStrict)
  }
}

/// Reads a date and time byte by byte.
private struct TimestampReader {
  private let text: UnsafeBufferPointer<UInt8>
  private var index = 0
  private var year = 0, month = 1, day = 1
  private var hour = 0, minute = 0, second = 0
  private var fraction: Int64 = 0

  init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

  mutating func read(zone: DeviceZone, isStrict: Bool) -> Timestamp? {
    if !isStrict { skipSpace() }
    guard readDate(isStrict) else { return nil }
    var hasTime = false
    if isStrict ? take("T") : take("T") || take(" ") {
      if !isStrict { skipSpace() }
      if isStrict || isDigit {
        guard readTime(isStrict) else { return nil }
        hasTime = true
      }
    }
    guard let offset = hasTime ? readZone(isStrict, zone) : zone.offsetTicks else { return nil }
    if !isStrict { skipSpace() }
    guard index == text.count else { return nil }
    return moment(offset)
  }

  private var isDigit: Bool { index < text.count && text[index] &- 48 < 10 }

  private func isNext(_ character: Unicode.Scalar) -> Bool {
    index < text.count && text[index] == UInt8(ascii: character)
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard isNext(character) else { return false }
    index += 1
    return true
  }

  private mutating func skipSpace() { while isNext(" ") { index += 1 } }

  private mutating func number(_ most: Int, least: Int? = nil) -> Int? {
    let start = index
    var value = 0
    while index - start < most, isDigit {
      value = value * 10 + Int(text[index] &- 48)
      index += 1
    }
    return index - start >= (least ?? most) ? value : nil
  }

  private mutating func readDate(_ isStrict: Bool) -> Bool {
    if !isStrict, !isDigit { return readNamedDate() }
    let start = index
    if let value = number(4), isNext("-") || isNext("/") || isAtEnd {
      year = value
      return readMonthAndDay(isStrict)
    }
    index = start
    // 7/13/2021, month first.
    guard !isStrict, let first = number(2, least: 1), take("/"), let second = number(2, least: 1), take("/"),
      let third = number(4)
    else { return false }
    (month, day, year) = (first, second, third)
    return isValidDate
  }

  private var isAtEnd: Bool { index == text.count }

  private mutating func readMonthAndDay(_ isStrict: Bool) -> Bool {
    if !isStrict, isAtEnd { return isValidDate }
    let separator: Unicode.Scalar = isNext("/") ? "/" : "-"
    guard take(separator), !isStrict || separator == "-", let second = number(2, least: isStrict ? 2 : 1) else {
      return false
    }
    month = second
    if !isStrict, isAtEnd { return isValidDate }
    guard take(separator), let third = number(2, least: isStrict ? 2 : 1) else { return false }
    day = third
    return isValidDate
  }

  /// RFC 1123: `Tue, 13 Jul 2021`.
  private mutating func readNamedDate() -> Bool {
    index += 3
    guard take(","), take(" "), let day = number(2, least: 1), take(" "), index + 3 <= text.count else { return false }
    let names: [StaticString] = [
      "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    let place = names.firstIndex { name in
      (0..<3).allSatisfy { name.utf8Start[$0] == text[index + $0] | 0x20 }
    }
    index += 3
    guard let place, take(" "), let year = number(4) else { return false }
    (self.year, month, self.day) = (year, place + 1, day)
    return isValidDate
  }

  private var isValidDate: Bool {
    guard year >= 1, (1...12).contains(month), day >= 1 else { return false }
    let lengths = [31, year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31]
    return day <= (month <= lengths.count ? lengths[month - 1] : month == 11 ? 30 : 31)
  }

  private mutating func readTime(_ isStrict: Bool) -> Bool {
    guard let hour = number(2, least: isStrict ? 2 : 1), take(":"), let minute = number(2) else { return false }
    (self.hour, self.minute) = (hour, minute)
    if take(":") {
      guard let second = number(2) else { return false }
      self.second = second
      if take("."), !readFraction() { return false }
    } else if isStrict {
      return false
    }
    if !isStrict, !readHalfOfDay() { return false }
    if self.hour == 24 { return minute == 0 && second == 0 && fraction == 0 }
    return self.hour < 24 && minute < 60 && second < 60
  }

  /// Seven digits count, the eighth rounds.
  private mutating func readFraction() -> Bool {
    let start = index
    var scale = Timestamp.ticksPerSecond
    while isDigit {
      let digit = Int64(text[index] &- 48)
      if scale > 1 {
        scale /= 10
        fraction += digit * scale
      } else if index - start == 7, digit >= 5 {
        fraction += 1
      }
      index += 1
    }
    return index > start
  }

  private mutating func readHalfOfDay() -> Bool {
    let start = index
    skipSpace()
    let half = index + 1 < text.count && text[index + 1] | 0x20 == UInt8(ascii: "m") ? text[index] | 0x20 : 0
    guard half == UInt8(ascii: "a") || half == UInt8(ascii: "p") else {
      index = start
      return true
    }
    guard (1...12).contains(hour) else { return false }
    index += 2
    hour = hour % 12 + (half == UInt8(ascii: "p") ? 12 : 0)
    return true
  }

  /// Ticks east of UTC.
  private mutating func readZone(_ isStrict: Bool, _ zone: DeviceZone) -> Int64? {
    if !isStrict { skipSpace() }
    if index == text.count { return zone.offsetTicks }
    if take("Z") || !isStrict && take("z") { return 0 }
    if !isStrict, text[index...].elementsEqual("GMT".utf8) {
      index += 3
      return 0
    }
    let isWest = isNext("-")
    guard take("+") || take("-"), let hours = number(2), hours <= 14 else { return nil }
    _ = take(":")
    let minutes = isDigit ? number(2) : 0
    guard let minutes, minutes < 60 else { return nil }
    let offset = Int64(hours * 60 + minutes) * 60 * Timestamp.ticksPerSecond
    return isWest ? -offset : offset
  }

  private func moment(_ offset: Int64) -> Timestamp? {
    let days = Int64(Instant.days(year: year, month: month, day: day))
    let seconds = days * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
    return Timestamp(ticks: seconds * Timestamp.ticksPerSecond + fraction - offset)
  }
}
