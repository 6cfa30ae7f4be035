internal import FHIRModel

/// Boundaries, precision and components (FHIRPath 2.0 STU §Utility functions).
extension Evaluation {
  func precisionFunction(
    _ function: Function, _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    guard let item = try single(items, at: offset), let value = systemValue(item) else { return [] }
    switch function {
    case .precision: return Evaluation.precision(value)
    case .comparable:
      guard
        case .quantity(let other)? = try single(try argument(arguments[0], scope), at: offset).flatMap({
          systemValue($0)
        }), case .quantity(let quantity) = value
      else { throw fault("comparable() takes quantities", at: offset) }
      return [.boolean(quantity.isComparable(to: other))]
    case .lowBoundary, .highBoundary:
      var digits: Int64?
      if let id = arguments.first {
        guard let given = try integerArgument(id, scope, at: offset) else { return [] }
        digits = given
      }
      return Evaluation.boundary(value, isHigh: function == .highBoundary, digits: digits)
    default: return Evaluation.component(function, value)
    }
  }

  // MARK: - Precision

  private static func precision(_ value: FHIRPathItem) -> Items {
    switch value {
    case .decimal(let number): return [.integer(Int64(max(number.scale, 0)))]
    case .integer: return [.integer(0)]
    case .quantity(let quantity): return [.integer(Int64(max(quantity.value.scale, 0)))]
    case .temporal(let temporal): return [.integer(Int64(digits(of: temporal.value)))]
    default: return []
    }
  }

  /// Digits that are written.
  private static func digits(of value: FHIRDateTime) -> Int {
    let time = value.isTime ? -8 : 0
    switch value.precision {
    case .year: return 4
    case .month: return 6
    case .day: return 8
    case .hour: return 10 + time
    case .minute: return 12 + time
    case .second: return 14 + time
    case .fraction: return 14 + max(value.fractionDigits, 1) + time
    }
  }

  // MARK: - Boundaries

  private static func boundary(_ value: FHIRPathItem, isHigh: Bool, digits: Int64?) -> Items {
    switch value {
    case .integer(let number): return boundary(FHIRDecimal(Int(number)), isHigh, digits).map { [.decimal($0)] } ?? []
    case .decimal(let number): return boundary(number, isHigh, digits).map { [.decimal($0)] } ?? []
    case .quantity(let quantity):
      return boundary(quantity.value, isHigh, digits).map {
        [.quantity(FHIRPathQuantity(value: $0, unit: quantity.unit, isCalendar: quantity.isCalendar))]
      } ?? []
    case .temporal(let temporal): return boundary(temporal, isHigh, digits).map { [.temporal($0)] } ?? []
    default: return []
    }
  }

  /// Half a unit of the last digit below or above, at so many digits after the point.
  ///
  /// Away from zero it is rounded half up, towards zero cut, which is what the official suite expects
  /// (LowBoundaryDecimal2, 15; HighBoundaryDecimal5, 11).
  private static func boundary(_ value: FHIRDecimal, _ isHigh: Bool, _ digits: Int64?) -> FHIRDecimal? {
    let places = digits ?? 8
    guard (0...28).contains(places) else { return nil }
    let half = FHIRDecimal(significand: 5, scale: max(value.scale, 0) + 1)
    let bound = isHigh ? value.adding(half) : value.subtracting(half)
    let isOutward = value.isZero || isHigh != value.isNegative
    let rounded: FHIRDecimal
    if isOutward {
      rounded = bound.rounded(to: Int(places))
    } else {
      let shifted = FHIRDecimal(significand: bound.significand, scale: bound.scale - Int(places)).truncated
      rounded = FHIRDecimal(significand: shifted.significand, scale: shifted.scale + Int(places))
    }
    let missing = Int(places) - rounded.scale
    return missing > 0 ? rounded.adding(FHIRDecimal(significand: 0, scale: Int(places))) : rounded
  }

  private static func boundary(_ temporal: FHIRPathTemporal, _ isHigh: Bool, _ digits: Int64?) -> FHIRPathTemporal? {
    let value = temporal.value
    if value.isTime { return timeBoundary(value, isHigh, digits ?? 9) }
    guard let precision = precisions[digits ?? (temporal.kind == .date ? 8 : 17)] else { return nil }
    // FHIR has no hours without minutes; the suite takes hours alone as the full hour (HighBoundaryDateTime…1, 3).
    let written = value.precision == .hour ? FHIRDateTime.Precision.minute : value.precision
    let month = written >= .month || !isHigh ? value.month : 12
    let lastDay =
      FHIRDateTime(year: value.year, month: month, day: 31, precision: .day) != nil
      ? 31
      : FHIRDateTime(year: value.year, month: month, day: 30, precision: .day) != nil
        ? 30
        : FHIRDateTime(year: value.year, month: month, day: 29, precision: .day) != nil ? 29 : 28
    let day = written >= .day || !isHigh ? value.day : lastDay
    let time = timeParts(value, written, isHigh)
    // Without a zone the earliest moment is in the zone furthest east, the latest in that furthest west.
    let zone = value.offsetMinutes ?? (isHigh ? -720 : 840)
    let result = FHIRDateTime(
      year: value.year, month: month, day: day, hour: time.hour, minute: time.minute, second: time.second,
      microsecond: time.microsecond, fractionDigits: 3, precision: precision,
      offsetMinutes: precision >= .hour ? zone : nil)
    let kind: FHIRPathTemporal.Kind = temporal.kind == .date && precision <= .day ? .date : .dateTime
    return result.map { FHIRPathTemporal(kind, $0) }
  }

  private static let precisions: [Int64: FHIRDateTime.Precision] = [
    4: .year, 6: .month, 8: .day, 10: .hour, 12: .minute, 14: .second, 17: .fraction,
  ]

  private static func timeBoundary(_ value: FHIRDateTime, _ isHigh: Bool, _ digits: Int64) -> FHIRPathTemporal? {
    guard let precision = precisions[digits + 8], precision >= .hour else { return nil }
    let time = timeParts(value, value.precision, isHigh)
    let result = FHIRDateTime(
      hour: time.hour, minute: time.minute, second: time.second, microsecond: time.microsecond, timePrecision: precision
    )
    return result.map { FHIRPathTemporal(.time, $0) }
  }

  private static func timeParts(
    _ value: FHIRDateTime, _ written: FHIRDateTime.Precision, _ isHigh: Bool
  ) -> (hour: Int, minute: Int, second: Int, microsecond: Int) {
    (
      written >= .hour || !isHigh ? value.hour : 23, written >= .minute || !isHigh ? value.minute : 59,
      written >= .second || !isHigh ? value.second : 59,
      written >= .fraction || !isHigh ? value.microsecond : 999_000
    )
  }

  // MARK: - Components

  private static func component(_ function: Function, _ value: FHIRPathItem) -> Items {
    guard case .temporal(let temporal) = value else { return [] }
    let time = temporal.value
    func part(_ number: Int, _ precision: FHIRDateTime.Precision) -> Items {
      time.precision >= precision && !(time.isTime && precision < .hour) ? [.integer(Int64(number))] : []
    }
    switch function {
    case .yearOf: return part(time.year, .year)
    case .monthOf: return part(time.month, .month)
    case .dayOf: return part(time.day, .day)
    case .hourOf: return part(time.hour, .hour)
    case .minuteOf: return part(time.minute, .minute)
    case .secondOf: return part(time.second, .second)
    case .millisecondOf: return part(time.microsecond / 1_000, .fraction)
    case .timezoneOffsetOf:
      return time.offsetMinutes.flatMap { FHIRDecimal($0).divided(by: FHIRDecimal(60)) }.map { [.decimal($0)] } ?? []
    case .dateOf:
      guard !time.isTime else { return [] }
      let day = FHIRDateTime(
        year: time.year, month: time.month, day: time.day, precision: min(time.precision, .day))
      return day.map { [.temporal(FHIRPathTemporal(.date, $0))] } ?? []
    default:
      guard time.precision >= .hour else { return [] }
      let clock = FHIRDateTime(
        hour: time.hour, minute: time.minute, second: time.second, microsecond: time.microsecond,
        fractionDigits: time.fractionDigits, timePrecision: time.precision)
      return clock.map { [.temporal(FHIRPathTemporal(.time, $0))] } ?? []
    }
  }
}
