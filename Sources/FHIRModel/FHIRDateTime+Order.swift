/// Comparison and calendar arithmetic by the rules of FHIRPath N1 (§6.1, §6.2, §6.6.7).
extension FHIRDateTime {
  /// Earlier, the same, later — or undecidable (nil), because one side is written less precisely than the other and
  /// they agree as far as it goes. Seconds and their fraction count as one precision.
  ///
  /// Values with a zone are compared at UTC; values without one are taken as UTC. A time of day and a date do not
  /// compare: nil.
  public func compare(to other: FHIRDateTime) -> Int? {
    guard isTime == other.isTime else { return nil }
    if precision >= .second, other.precision >= .second {
      let (x, y) = (low, other.low)
      return x == y ? 0 : x < y ? -1 : 1
    }
    let a = atUTC
    let b = other.atUTC
    let shared = min(min(a.precision, b.precision), .second)
    for (level, x, y) in [
      (Precision.year, a.year, b.year), (.month, a.month, b.month), (.day, a.day, b.day), (.hour, a.hour, b.hour),
      (.minute, a.minute, b.minute), (.second, a.secondMicroseconds, b.secondMicroseconds),
    ] {
      if level > shared { return nil }
      if x != y { return x < y ? -1 : 1 }
      if level == min(a.precision, .second), level == min(b.precision, .second) { return 0 }
    }
    return 0
  }

  /// FHIRPath `=`: nil where undecidable.
  public func isEqual(to other: FHIRDateTime) -> Bool? { compare(to: other).map { $0 == 0 } }

  /// FHIRPath `~`: the same precision and the same value.
  public func isEquivalent(to other: FHIRDateTime) -> Bool { compare(to: other) == 0 }

  private var secondMicroseconds: Int { second * 1_000_000 + microsecond }

  /// The same moment at UTC, where there is a zone and a time; else the value itself. At the calendar's two ends,
  /// where UTC falls out of years 1…9999, the value itself too.
  public var atUTC: FHIRDateTime {
    guard let offsetMinutes, offsetMinutes != 0, precision >= .hour else { return self }
    // A leap second is carried aside: the calendar has no sixty-first.
    let leap = second == 60 ? 1 : 0
    guard
      let moved = FHIRDateTime(
        microseconds: low - Int64(leap) * 1_000_000, precision: precision, fractionDigits: fractionDigits)
    else { return self }
    return FHIRDateTime(
      isTime: false, precision, moved.year, moved.month, moved.day, moved.hour, moved.minute, moved.second + leap,
      moved.microsecond, fractionDigits, 0)
  }
}

// MARK: - Calendar arithmetic

extension FHIRDateTime {
  /// The units of a calendar duration.
  public enum CalendarUnit: Sendable {
    case year, month, week, day, hour, minute, second, millisecond
  }

  /// The value moved by a calendar duration, at the same precision; nil when that leaves years 1…9999.
  ///
  /// FHIRPath N1 §6.6.7: a month that is too short gives its last day; a unit finer than the precision is turned into
  /// the precision's unit, whole units only (a year has 12 months or 365 days, a month 30 days); fractions count for
  /// seconds only. Times of day go round at midnight.
  public func adding(_ amount: FHIRDecimal, _ unit: CalendarUnit) -> FHIRDateTime? {
    if unit == .second || unit == .millisecond {
      let shift = unit == .second ? 6 : 3
      let exact = FHIRDecimal(significand: amount.significand, scale: amount.scale - shift).truncated
      guard let microseconds = exact.integer else { return nil }
      return addingMicroseconds(Int64(microseconds))
    }
    guard let whole = amount.truncated.integer, abs(whole) < 1_000_000_000_000 else { return nil }
    switch unit {
    case .year: return isTime ? nil : addingMonths(whole * 12)
    case .month: return isTime ? nil : addingMonths(whole)
    case .week: return isTime ? nil : addingDays(whole * 7)
    case .day: return isTime ? nil : addingDays(whole)
    case .hour: return addingScaled(whole, 3_600_000_000)
    case .minute: return addingScaled(whole, 60_000_000)
    case .second, .millisecond: return nil
    }
  }

  private func addingMonths(_ count: Int) -> FHIRDateTime? {
    let whole = precision == .year ? count / 12 * 12 : count
    let (years, monthIndex) = FHIRDateTime.dividedFloor(year * 12 + month - 1 + whole, 12)
    guard (1...9999).contains(years) else { return nil }
    let last = FHIRDateTime.days(inMonth: monthIndex + 1, ofYear: years)
    return replacing(year: years, month: monthIndex + 1, day: min(day, last))
  }

  private func addingDays(_ count: Int) -> FHIRDateTime? {
    switch precision {
    case .year: return addingMonths(count / 365 * 12)
    case .month: return addingMonths(count / 30)
    default:
      let (year, month, day) = FHIRDateTime.civil(
        fromDays: FHIRDateTime.days(fromCivil: self.year, self.month, self.day) + count)
      return (1...9999).contains(year) ? replacing(year: year, month: month, day: day) : nil
    }
  }

  private func addingScaled(_ count: Int, _ unit: Int64) -> FHIRDateTime? {
    let (product, overflow) = Int64(count).multipliedReportingOverflow(by: unit)
    return overflow ? nil : addingMicroseconds(product)
  }

  private func addingMicroseconds(_ count: Int64) -> FHIRDateTime? {
    if precision <= .day { return addingDays(Int(count / FHIRDateTime.dayMicroseconds)) }
    let unit: Int64 = precision == .hour ? 3_600_000_000 : precision == .minute ? 60_000_000 : 1
    let ofDay = Int64(hour * 3600 + minute * 60 + second) * 1_000_000 + Int64(microsecond)
    let (sum, overflow) = ofDay.addingReportingOverflow(count / unit * unit)
    guard !overflow else { return nil }
    let (days, rest) = FHIRDateTime.dividedFloor(sum, FHIRDateTime.dayMicroseconds)
    // A fraction that comes in by the addition raises the precision: 10:00:00 + 1.5 seconds.
    let finer = precision == .second && rest % 1_000_000 != 0
    let seconds = Int(rest / 1_000_000)
    let moved = FHIRDateTime(
      isTime: isTime, finer ? .fraction : precision, year, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60,
      Int(rest % 1_000_000), finer ? FHIRDateTime.digits(ofFraction: rest) : fractionDigits(holding: rest),
      offsetMinutes)
    return isTime ? moved : moved.addingDays(Int(days))
  }

  /// Digits that tell the fraction: three, or six where microseconds are not whole milliseconds.
  private static func digits(ofFraction microseconds: Int64) -> Int { microseconds % 1000 == 0 ? 3 : 6 }

  private func fractionDigits(holding microseconds: Int64) -> Int {
    guard precision == .fraction else { return 0 }
    var unit: Int64 = 1_000_000
    for _ in 0..<min(fractionDigits, 6) { unit /= 10 }
    return microseconds % unit == 0 ? fractionDigits : FHIRDateTime.digits(ofFraction: microseconds)
  }

  private func replacing(year: Int, month: Int, day: Int) -> FHIRDateTime {
    FHIRDateTime(
      isTime: isTime, precision, year, month, day, hour, minute, second, microsecond, fractionDigits, offsetMinutes)
  }
}
