public import FHIRModel

/// A System.Quantity: a decimal with a UCUM code or a calendar duration unit.
public struct FHIRPathQuantity: Sendable {
  public let value: FHIRDecimal
  /// The UCUM code, or the calendar unit in the singular.
  public let unit: String
  /// Whether the unit is a word (`year`) and not a UCUM code (`'a'`).
  public let isCalendar: Bool

  public init(value: FHIRDecimal, unit: String, isCalendar: Bool = false) {
    self.value = value
    self.unit = isCalendar ? FHIRPathQuantity.calendarUnits[unit]?.singular ?? unit : unit
    self.isCalendar = isCalendar
  }

  struct CalendarWord: Sendable {
    let singular: String
    let unit: FHIRDateTime.CalendarUnit
    /// The UCUM code of about the same length.
    let code: String
  }

  private static let calendarUnits: [String: CalendarWord] = {
    let rows: [(String, FHIRDateTime.CalendarUnit, String)] = [
      ("year", .year, "a"), ("month", .month, "mo"), ("week", .week, "wk"), ("day", .day, "d"), ("hour", .hour, "h"),
      ("minute", .minute, "min"), ("second", .second, "s"), ("millisecond", .millisecond, "ms"),
    ]
    var words: [String: CalendarWord] = [:]
    for (name, unit, code) in rows {
      let word = CalendarWord(singular: name, unit: unit, code: code)
      words[name] = word
      words[name + "s"] = word
    }
    return words
  }()

  static func isCalendarUnit(_ word: String) -> Bool { calendarUnits[word] != nil }

  /// For date arithmetic. UCUM's `a` and `mo` are not among them; a calendar word in quotes is.
  var calendarUnit: FHIRDateTime.CalendarUnit? {
    if isCalendar { return FHIRPathQuantity.calendarUnits[unit]?.unit }
    switch unit {
    case "wk": return .week
    case "d": return .day
    case "h": return .hour
    case "min": return .minute
    case "s": return .second
    case "ms": return .millisecond
    default: return FHIRPathQuantity.calendarUnits[unit]?.unit
    }
  }

  /// The UCUM code to calculate with.
  var code: String {
    isCalendar ? FHIRPathQuantity.calendarUnits[unit]?.code ?? unit : unit
  }

  /// `4 'mg'`, `4 days`, `-1.5 year`, `7` as `toQuantity` reads them (§toQuantity).
  init?(text: String) {
    let bytes = Array(text.utf8)
    var index = 0
    if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { index += 1 }
    while index < bytes.count, Lexer.isDigit(bytes[index]) || bytes[index] == UInt8(ascii: ".") { index += 1 }
    guard let value = FHIRDecimal(exactText: String(decoding: bytes[0..<index], as: UTF8.self)) else { return nil }
    var rest = bytes[index...]
    while let first = rest.first, first == 0x20 || first == 0x09 { rest = rest.dropFirst() }
    if rest.isEmpty {
      guard index == bytes.count else { return nil }
      self.init(value: value, unit: "1")
    } else if rest.count > 2, rest.first == UInt8(ascii: "'"), rest.last == UInt8(ascii: "'") {
      self.init(value: value, unit: String(decoding: rest.dropFirst().dropLast(), as: UTF8.self))
    } else {
      let word = String(decoding: rest, as: UTF8.self)
      guard index < bytes.count - rest.count, FHIRPathQuantity.isCalendarUnit(word) else { return nil }
      self.init(value: value, unit: word, isCalendar: true)
    }
  }
}

extension FHIRPathQuantity: CustomStringConvertible {
  public var description: String {
    isCalendar ? "\(value.plainText) \(unit)\(value == FHIRDecimal(1) ? "" : "s")" : "\(value.plainText) '\(unit)'"
  }
}

// MARK: - Comparison

extension FHIRPathQuantity {
  /// Less, equal or greater; nil where the units do not compare.
  ///
  /// Calendar years and months have no fixed length, so they compare only among themselves; weeks and shorter are
  /// the same as UCUM's (§Time-valued quantities).
  func compare(to other: FHIRPathQuantity) -> Int? {
    if isCalendarMonths != other.isCalendarMonths, value.isZero == false || other.value.isZero == false { return nil }
    return compareScaled(to: other)
  }

  private var isCalendarMonths: Bool { isCalendar && (unit == "year" || unit == "month") }

  private func compareScaled(to other: FHIRPathQuantity) -> Int? {
    if code == other.code { return value < other.value ? -1 : value == other.value ? 0 : 1 }
    guard let a = UCUMUnit(code), let b = UCUMUnit(other.code), a.dimension == b.dimension else { return nil }
    let (x, y) = (a.canonical(value), b.canonical(other.value))
    // An irrational factor, such as that of degrees of arc, leaves the last digits open.
    if !(x.isExact && y.isExact) {
      let (p, q) = (x.double, y.double)
      if Swift.abs(p - q) <= 1e-12 * Swift.max(Swift.abs(p), Swift.abs(q)) { return 0 }
      return p < q ? -1 : 1
    }
    return x < y ? -1 : x == y ? 0 : 1
  }

  /// `~`: equal after rounding to the less precise of the two, in the unit of the one with fewer digits.
  func isEquivalent(to other: FHIRPathQuantity) -> Bool {
    if code == other.code { return value.isEquivalent(to: other.value) }
    guard let a = UCUMUnit(code), let b = UCUMUnit(other.code), a.dimension == b.dimension else { return false }
    // Each in the other's unit; the coarser unit decides.
    let coarserIsSelf = !(a.factor < b.factor)
    let (coarse, fine) = coarserIsSelf ? (self, other) : (other, self)
    let (coarseUnit, fineUnit) = coarserIsSelf ? (a, b) : (b, a)
    guard let converted = coarseUnit.fromCanonical(fineUnit.canonical(fine.value)) else { return false }
    let places = Swift.max(0, Swift.min(coarse.value.significantScale, converted.significantScale))
    return converted.rounded(to: places) == coarse.value.rounded(to: places)
  }

  /// Whether the two can be compared at all (STU `comparable`).
  func isComparable(to other: FHIRPathQuantity) -> Bool {
    if code == other.code { return true }
    guard let a = UCUMUnit(code), let b = UCUMUnit(other.code) else { return false }
    return a.dimension == b.dimension
  }
}

// MARK: - Arithmetic

extension FHIRPathQuantity {
  /// The sum in the finer of the two units; nil for units that do not convert.
  func adding(_ other: FHIRPathQuantity) -> FHIRPathQuantity? {
    if code == other.code && isCalendar == other.isCalendar {
      return FHIRPathQuantity(value: value.adding(other.value), unit: unit, isCalendar: isCalendar)
    }
    guard !isCalendarMonths, !other.isCalendarMonths, let a = UCUMUnit(code), let b = UCUMUnit(other.code),
      a.dimension == b.dimension, a.offset.isZero, b.offset.isZero
    else { return nil }
    let (target, from, to) = b.factor < a.factor ? (other, a, b) : (self, b, a)
    let source = b.factor < a.factor ? self : other
    guard let converted = to.fromCanonical(from.canonical(source.value)) else { return nil }
    return FHIRPathQuantity(value: target.value.adding(converted), unit: target.unit, isCalendar: target.isCalendar)
  }

  var negated: FHIRPathQuantity { FHIRPathQuantity(value: value.negated, unit: unit, isCalendar: isCalendar) }

  func multiplied(by other: FHIRPathQuantity) -> FHIRPathQuantity? {
    FHIRPathQuantity.combined(self, other, divides: false)
  }

  func divided(by other: FHIRPathQuantity) -> FHIRPathQuantity? {
    other.value.isZero ? nil : FHIRPathQuantity.combined(self, other, divides: true)
  }

  /// In the units as they stand where one of them is `1` or both are alike, else in base units.
  private static func combined(_ a: FHIRPathQuantity, _ b: FHIRPathQuantity, divides: Bool) -> FHIRPathQuantity? {
    func number(_ x: FHIRDecimal, _ y: FHIRDecimal) -> FHIRDecimal? { divides ? x.divided(by: y) : x.multiplied(by: y) }
    if b.code == "1" {
      return number(a.value, b.value).map { FHIRPathQuantity(value: $0, unit: a.unit, isCalendar: a.isCalendar) }
    }
    if a.code == "1", !divides {
      return number(a.value, b.value).map { FHIRPathQuantity(value: $0, unit: b.unit, isCalendar: b.isCalendar) }
    }
    if divides, a.code == b.code { return number(a.value, b.value).map { FHIRPathQuantity(value: $0, unit: "1") } }
    guard let x = UCUMUnit(a.code), let y = UCUMUnit(b.code), x.offset.isZero, y.offset.isZero,
      let value = number(x.canonical(a.value), y.canonical(b.value)),
      let dimension = x.dimension.adding(y.dimension, negated: divides)
    else { return nil }
    return FHIRPathQuantity(value: value, unit: dimension.code)
  }
}
