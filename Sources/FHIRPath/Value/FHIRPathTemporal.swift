public import FHIRModel

/// A System.Date, System.DateTime or System.Time.
public struct FHIRPathTemporal: Sendable {
  public enum Kind: Sendable { case date, dateTime, time }

  public let kind: Kind
  public let value: FHIRDateTime

  public init(_ kind: Kind, _ value: FHIRDateTime) {
    self.kind = kind
    self.value = value
  }

  /// A literal with its `@`.
  init?(literal: String) {
    if literal.hasPrefix("@T") {
      guard let value = FHIRDateTime(String(literal.dropFirst(2)), as: .fhirPathTime) else { return nil }
      self.init(.time, value)
      return
    }
    guard let value = FHIRDateTime(String(literal.dropFirst()), as: .fhirPathDateTime) else { return nil }
    self.init(literal.contains("T") ? .dateTime : .date, value)
  }

  /// Text as the conversion functions read it, which is a literal without its `@`.
  init?(_ text: String, as kind: Kind) {
    switch kind {
    case .date:
      guard let value = FHIRDateTime(text, as: .date) else { return nil }
      self.init(.date, value)
    case .dateTime:
      guard let value = FHIRDateTime(text, as: .fhirPathDateTime) else { return nil }
      self.init(.dateTime, value)
    case .time:
      guard let value = FHIRDateTime(text.hasPrefix("T") ? String(text.dropFirst()) : text, as: .fhirPathTime)
      else { return nil }
      self.init(.time, value)
    }
  }

  /// Earlier, the same, later, or undecidable.
  ///
  /// A value without a zone may lie in any of the zones from -14:00 to +14:00, so against one with a zone it is
  /// earlier or later only if it is in all of them (FHIRPath 2.0 §DateTime comparison leaves the zone to the engine).
  func compare(to other: FHIRPathTemporal) -> Int? {
    guard value.isTime == other.value.isTime else { return nil }
    if value.isTime || (value.offsetMinutes == nil) == (other.value.offsetMinutes == nil) {
      return value.compare(to: other.value)
    }
    let slack: Int64 = 14 * 3_600_000_000
    if value.high + slack < other.value.low { return -1 }
    if other.value.high + slack < value.low { return 1 }
    return nil
  }

  /// Moved by a time-valued quantity; nil if the result leaves the calendar.
  ///
  /// UCUM's year and month are fixed spans and no calendar units: adding them is an error (§Date/Time arithmetic).
  func adding(_ quantity: FHIRPathQuantity, negated: Bool, at offset: Int) throws(FHIRPathError) -> FHIRPathTemporal? {
    guard let unit = quantity.calendarUnit else {
      throw FHIRPathError(.execution, "only a quantity of time can be added to a date or time", at: offset)
    }
    var amount = negated ? quantity.value.negated : quantity.value
    // The official suite drops the fraction of UCUM seconds (testPlusDate19); of `seconds` the standard keeps it.
    if !quantity.isCalendar || unit == .millisecond { amount = amount.truncated }
    return value.adding(amount, unit).map { FHIRPathTemporal(kind, $0) }
  }
}

extension FHIRPathTemporal: CustomStringConvertible {
  /// As FHIR writes it, without `@` and, for times, without `T`.
  public var description: String { value.description }
}
