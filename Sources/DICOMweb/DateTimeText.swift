/// Dates and times as DICOM writes them (PS3.5 table 6.2-1: DA, TM), as numbers that compare as the dates and times do.
public enum DateTimeText {
  /// Microseconds of a day, one leap second included.
  public static let dayMicroseconds = 86_401_000_000

  /// A date as yyyymmdd; nil for what is no date of the calendar written as `YYYYMMDD`.
  /// - Parameter allowsDots: also `YYYY.MM.DD`, which old data sets have.
  public static func date(_ text: some StringProtocol, allowsDots: Bool = false) -> Int? {
    var bytes = Array(text.utf8)
    if allowsDots, bytes.count == 10, bytes[4] == UInt8(ascii: "."), bytes[7] == UInt8(ascii: ".") {
      bytes.remove(at: 7)
      bytes.remove(at: 4)
    }
    guard bytes.count == 8, let value = number(bytes[...]) else { return nil }
    let (year, month, day) = (value / 10_000, value / 100 % 100, value % 100)
    guard year > 0, month >= 1, month <= 12, day >= 1, day <= days(year, month) else { return nil }
    return value
  }

  /// A time as the microseconds since midnight that it covers: `10` is the whole of its hour, `1015` of its minute.
  /// Nil for what is not written as `HH[MM[SS[.F]]]`.
  /// - Parameter allowsColons: also `HH:MM:SS`, which old data sets have.
  public static func time(_ text: some StringProtocol, allowsColons: Bool = false) -> ClosedRange<Int>? {
    var bytes = Array(text.utf8)
    if allowsColons, bytes.count >= 5, bytes[2] == UInt8(ascii: ":") {
      if bytes.count >= 8, bytes[5] == UInt8(ascii: ":") { bytes.remove(at: 5) }
      bytes.remove(at: 2)
    }
    var fraction: ArraySlice<UInt8> = []
    if let point = bytes.firstIndex(of: UInt8(ascii: ".")) {
      guard point == 6 else { return nil }
      fraction = bytes[(point + 1)...]
      guard !fraction.isEmpty, fraction.count <= 6 else { return nil }
      bytes.removeSubrange(point...)
    }
    guard bytes.count == 2 || bytes.count == 4 || bytes.count == 6, let value = number(bytes[...]) else { return nil }
    let parts =
      bytes.count == 2
      ? (value, 0, 0)
      : bytes.count == 4
        ? (value / 100, value % 100, 0)
        : (value / 10_000, value / 100 % 100, value % 100)
    // PS3.5: the seconds are 60 in a leap second only.
    guard parts.0 < 24, parts.1 < 60, parts.2 <= 60 else { return nil }
    let start = ((parts.0 * 60 + parts.1) * 60 + parts.2) * 1_000_000
    guard !fraction.isEmpty else {
      let covered = bytes.count == 2 ? 3_600_000_000 : bytes.count == 4 ? 60_000_000 : 1_000_000
      return start...start + covered - 1
    }
    guard let digits = number(fraction) else { return nil }
    var unit = 1
    for _ in fraction.count..<6 { unit *= 10 }
    return start + digits * unit...start + (digits + 1) * unit - 1
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    var value = 0
    for byte in digits {
      guard byte &- 48 < 10 else { return nil }
      value = value * 10 + Int(byte - 48)
    }
    return value
  }

  private static func days(_ year: Int, _ month: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}
