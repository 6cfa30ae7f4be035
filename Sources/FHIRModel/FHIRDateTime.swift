/// A date, dateTime, instant or time of FHIR, or a literal or search value of the same family, with the precision it
/// was written with (FHIR R4 datatypes#dateTime; FHIRPath N1 §5.4 for the comparison rules).
///
/// Digits past the microsecond are read and dropped. Two values are equal (`==`) when they were written alike:
/// `compare(to:)` is the comparison in time.
public struct FHIRDateTime: Sendable, Hashable {
  /// How much was written. Hours alone occur in FHIRPath literals only.
  public enum Precision: UInt8, Sendable, Comparable {
    case year, month, day, hour, minute, second, fraction
    public static func < (a: Precision, b: Precision) -> Bool { a.rawValue < b.rawValue }
  }

  /// The lexical rules to read by.
  public enum Form: Sendable {
    /// R4 date: yyyy, yyyy-MM or yyyy-MM-dd.
    case date
    /// R4 dateTime: a date, or a full time with seconds and a zone.
    case dateTime
    /// R4 instant: everything down to the seconds, and a zone.
    case instant
    /// R4 time: hh:mm:ss with an optional fraction, no zone.
    case time
    /// A search parameter's value (R4 search#date): minutes are needed after the hour, seconds and the zone are not.
    /// A space stands for the `+` of a zone, which is what an unescaped `+` in a URL becomes.
    case search
    /// A FHIRPath date or dateTime literal without its `@`: any precision, `2015T` and hours alone included.
    case fhirPathDateTime
    /// A FHIRPath time literal without its `@T`: hours alone and minutes alone included.
    case fhirPathTime
  }

  /// True for times of day: year, month and day then mean nothing.
  public let isTime: Bool
  public let precision: Precision
  public let year: Int
  /// 1 where not written, as is `day`; hour, minute and second are 0.
  public let month: Int
  public let day: Int
  public let hour: Int
  public let minute: Int
  /// 0…60: the standard's grammar allows a leap second anywhere.
  public let second: Int
  public let microsecond: Int
  /// Digits of the fraction as written, 0 without one.
  public let fractionDigits: Int
  /// Minutes east of UTC; nil when no zone was written.
  public let offsetMinutes: Int?

  /// nil unless the parts are a real date and time. Parts past the precision are ignored.
  public init?(
    year: Int, month: Int = 1, day: Int = 1, hour: Int = 0, minute: Int = 0, second: Int = 0, microsecond: Int = 0,
    fractionDigits: Int = 3, precision: Precision, offsetMinutes: Int? = nil
  ) {
    guard (1...9999).contains(year), (1...12).contains(month), (0...23).contains(hour), (0...59).contains(minute),
      (0...60).contains(second), (0...999_999).contains(microsecond),
      day >= 1, day <= FHIRDateTime.days(inMonth: month, ofYear: year)
    else { return nil }
    if let offsetMinutes, !(-840...840).contains(offsetMinutes) { return nil }
    self.init(
      isTime: false, precision, year, month, day, hour, minute, second, microsecond, fractionDigits, offsetMinutes)
  }

  /// A time of day; nil unless the parts are one.
  public init?(
    hour: Int, minute: Int = 0, second: Int = 0, microsecond: Int = 0, fractionDigits: Int = 3,
    timePrecision precision: Precision
  ) {
    guard precision >= .hour, (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second),
      (0...999_999).contains(microsecond)
    else { return nil }
    self.init(isTime: true, precision, 1970, 1, 1, hour, minute, second, microsecond, fractionDigits, nil)
  }

  /// Trusts its parts, but clears those past the precision.
  init(
    isTime: Bool, _ precision: Precision, _ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int,
    _ second: Int, _ microsecond: Int, _ fractionDigits: Int, _ offsetMinutes: Int?
  ) {
    self.isTime = isTime
    self.precision = precision
    self.year = year
    self.month = precision >= .month ? month : 1
    self.day = precision >= .day ? day : 1
    self.hour = precision >= .hour ? hour : 0
    self.minute = precision >= .minute ? minute : 0
    self.second = precision >= .second ? second : 0
    self.microsecond = precision >= .fraction ? microsecond : 0
    self.fractionDigits = precision >= .fraction ? Swift.max(fractionDigits, 0) : 0
    self.offsetMinutes = precision >= .hour && !isTime ? offsetMinutes : nil
  }

  /// The moment `microseconds` after 1970-01-01T00:00:00Z, at the given precision and zone; nil outside years 1…9999.
  public init?(
    microseconds: Int64, precision: Precision = .fraction, fractionDigits: Int = 3, offsetMinutes: Int? = 0
  ) {
    // Years 1…9999 with a day's margin for zones.
    guard microseconds > -62_135_683_200_000_000, microseconds < 253_402_387_200_000_000,
      (-840...840).contains(offsetMinutes ?? 0)
    else { return nil }
    let local = microseconds + Int64(offsetMinutes ?? 0) * 60_000_000
    let (days, rest) = FHIRDateTime.dividedFloor(local, FHIRDateTime.dayMicroseconds)
    let (year, month, day) = FHIRDateTime.civil(fromDays: Int(days))
    let seconds = Int(rest / 1_000_000)
    self.init(
      year: year, month: month, day: day, hour: seconds / 3600, minute: seconds / 60 % 60, second: seconds % 60,
      microsecond: Int(rest % 1_000_000), fractionDigits: fractionDigits, precision: precision,
      offsetMinutes: offsetMinutes)
  }
}

// MARK: - Bounds

extension FHIRDateTime {
  static let dayMicroseconds: Int64 = 86_400_000_000

  /// The first microsecond the value covers, since 1970-01-01T00:00:00Z. Values without a zone are taken as UTC.
  /// For a time of day: since midnight.
  public var low: Int64 {
    let days = isTime ? 0 : FHIRDateTime.days(fromCivil: year, month, day)
    let seconds = Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second) - Int64(offsetMinutes ?? 0) * 60
    return seconds * 1_000_000 + Int64(microsecond)
  }

  /// The last microsecond the value covers at its precision: of the year, the month, the day … or the written
  /// fraction (`.5` covers a tenth of a second).
  public var high: Int64 { low + width - 1 }

  /// How many microseconds the value covers.
  private var width: Int64 {
    switch precision {
    case .year: return (FHIRDateTime.isLeap(year) ? 366 : 365) * FHIRDateTime.dayMicroseconds
    case .month: return Int64(FHIRDateTime.days(inMonth: month, ofYear: year)) * FHIRDateTime.dayMicroseconds
    case .day: return FHIRDateTime.dayMicroseconds
    case .hour: return 3_600_000_000
    case .minute: return 60_000_000
    case .second: return 1_000_000
    case .fraction:
      var width: Int64 = 1_000_000
      for _ in 0..<min(fractionDigits, 6) { width /= 10 }
      return width
    }
  }
}

// MARK: - Calendar

extension FHIRDateTime {
  static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  /// 0 for a month that is none.
  static func days(inMonth month: Int, ofYear year: Int) -> Int {
    switch month {
    case 1, 3, 5, 7, 8, 10, 12: return 31
    case 4, 6, 9, 11: return 30
    case 2: return isLeap(year) ? 29 : 28
    default: return 0
    }
  }

  /// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant's days_from_civil; years ≥ 0).
  static func days(fromCivil year: Int, _ month: Int, _ day: Int) -> Int {
    let y = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = dividedFloor(y, 400)
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// The inverse of `days(fromCivil:)`.
  static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
    let (era, dayOfEra) = dividedFloor(days + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }

  /// Floor division by a positive divisor.
  static func dividedFloor<I: SignedInteger>(_ value: I, _ divisor: I) -> (quotient: I, remainder: I) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
