import FHIRModel
import JSONCore

/// Values with bounds: dates, numbers, quantities (FHIR R4 search#date, search#number, search#quantity), positions.
extension ValueReader {
  mutating func readDate(_ node: JSONNode, _ shape: ElementShape) {
    switch shape {
    case .date(let form):
      guard let date = FHIRDateTime(document.lexeme(node), as: form) else { return }
      // An instant is a fixed point in time, of width 0 (FHIR R4 search#date).
      values.append(.date(low: date.low, high: form == .instant ? date.low : date.high))
    case .period: appendPeriod(node)
    case .timing: readTiming(node)
    default: return
    }
  }

  private mutating func appendPeriod(_ node: JSONNode) {
    if let period = period(node) { values.append(.date(low: period.low, high: period.high)) }
  }

  private func period(_ node: JSONNode) -> (low: Int64, high: Int64)? {
    let start = document.member(node, Key.start).flatMap { FHIRDateTime(document.lexeme($0), as: .dateTime) }
    let end = document.member(node, Key.end).flatMap { FHIRDateTime(document.lexeme($0), as: .dateTime) }
    guard start != nil || end != nil else { return nil }
    return (start?.low ?? .min, end?.high ?? .max)
  }

  /// A schedule is indexed by its outer bounds (FHIR R4 search §2.1.1.4.9).
  private mutating func readTiming(_ node: JSONNode) {
    var low = Int64.max
    var high = Int64.min
    if let events = document.member(node, Key.event) {
      for event in document.elements(events) {
        guard let date = FHIRDateTime(document.lexeme(event), as: .dateTime) else { continue }
        low = min(low, date.low)
        high = max(high, date.high)
      }
    }
    if let rule = document.member(node, Key.repeatKey), let bounds = document.member(rule, Key.boundsPeriod),
      let period = period(bounds)
    {
      low = min(low, period.low)
      high = max(high, period.high)
    }
    if low <= high { values.append(.date(low: low, high: high)) }
  }

  // MARK: Number and quantity

  /// A number as written, and the double that stands for it.
  private struct Number {
    let decimal: FHIRDecimal
    let double: Double

    /// Nil past the range of doubles.
    init?(_ decimal: FHIRDecimal) {
      self.decimal = decimal
      double = decimal.double
      guard double.isFinite else { return nil }
    }
  }

  /// A number, or R5's integer64, which is a string in JSON (R5 json#primitive).
  private func number(_ node: JSONNode) -> Number? {
    let kind = document.kind(node)
    guard kind == .number || kind == .string else { return nil }
    return FHIRDecimal(document.lexeme(node)).flatMap { Number($0) }
  }

  private func number(_ object: JSONNode, _ key: JSONKey) -> Number? {
    document.member(object, key).flatMap { number($0) }
  }

  mutating func readNumber(_ node: JSONNode, _ shape: ElementShape) {
    switch shape {
    case .integer, .decimal:
      if let value = number(node)?.double { values.append(.number(low: value, high: value)) }
    case .range:
      let bounds = rangeBounds(node)
      if !bounds.isOpen { values.append(.number(low: bounds.lowDouble, high: bounds.highDouble)) }
    case .quantity:
      if let value = number(node, Key.value)?.double { values.append(.number(low: value, high: value)) }
    default: return
    }
  }

  /// The ends of a quantity; nil for an open one.
  private struct Bounds {
    var low: Number?
    var high: Number?

    var isOpen: Bool { low == nil && high == nil }
    var lowDouble: Double { low?.double ?? -.infinity }
    var highDouble: Double { high?.double ?? .infinity }
  }

  private func rangeBounds(_ node: JSONNode) -> Bounds {
    func bound(_ key: JSONKey) -> Number? { document.member(node, key).flatMap { number($0, Key.value) } }
    return Bounds(low: bound(Key.low), high: bound(Key.high))
  }

  mutating func readQuantity(_ node: JSONNode, _ shape: ElementShape) {
    switch shape {
    case .quantity:
      guard let value = number(node, Key.value) else { return }
      var bounds = Bounds(low: value, high: value)
      switch string(node, Key.comparator) {
      case "<", "<=": bounds.low = nil
      case ">", ">=": bounds.high = nil
      default: break
      }
      appendQuantity(node, bounds)
    case .money:
      guard let value = number(node, Key.value)?.double else { return }
      // Money.currency is bound to ISO 4217 (FHIR R4 valueset-currencies).
      values.append(
        .quantity(
          system: "urn:iso:std:iso:4217", code: string(node, Key.currency) ?? "", low: value, high: value))
    case .sampledData: readSampledData(node)
    case .range:
      let bounds = rangeBounds(node)
      // The two have the same unit (FHIR R4 datatypes#Range).
      if !bounds.isOpen {
        appendQuantity(document.member(node, Key.low) ?? document.member(node, Key.high) ?? node, bounds)
      }
    default: return
    }
  }

  private mutating func appendQuantity(_ unitHolder: JSONNode, _ bounds: Bounds, isSampled: Bool = false) {
    let code = string(unitHolder, Key.code)
    let unit = string(unitHolder, Key.unit)
    func append(_ system: String, _ code: String) {
      values.append(
        .quantity(
          system: system, code: code, low: bounds.lowDouble, high: bounds.highDouble, isSampled: isSampled))
    }
    // As written: a search in a unit of UCUM is converted into the units that occur (`SearchAmount`).
    if let code { append(system(unitHolder), code) }
    // `value||unit` matches the human unit too (FHIR R4 search#quantity).
    if let unit, unit != code { append("", unit) }
    if code == nil && unit == nil { append(system(unitHolder), "") }
  }

  /// The least and the greatest of the samples, in the origin's unit (FHIR R4 datatypes#SampledData; the search
  /// parameter Observation-value-quantity asks for the bounds).
  private mutating func readSampledData(_ node: JSONNode) {
    guard let origin = document.member(node, Key.origin), let data = document.member(node, Key.data) else { return }
    let zero = number(origin, Key.value)?.decimal ?? .zero
    let factor = number(node, Key.factor)?.decimal ?? FHIRDecimal(1)
    var ends: (low: FHIRDecimal, high: FHIRDecimal)?
    for sample in document.lexeme(data).split(separator: 0x20) {
      // E, U and L stand for samples that are no numbers.
      guard let value = FHIRDecimal(UnsafeBufferPointer(rebasing: sample)) else { continue }
      let (low, high) = ends ?? (value, value)
      ends = (min(low, value), max(high, value))
    }
    guard let ends else { return }
    let first = ends.low.multiplied(by: factor).adding(zero)
    let last = ends.high.multiplied(by: factor).adding(zero)
    guard let low = Number(min(first, last)), let high = Number(max(first, last)) else { return }
    appendQuantity(origin, Bounds(low: low, high: high), isSampled: true)
  }

  /// WGS84 degrees (FHIR R4 Location.position); what is no place on earth has no distance to one.
  mutating func readPosition(_ node: JSONNode, _ shape: ElementShape) {
    guard case .position = shape, let latitude = number(node, Key.latitude)?.double,
      let longitude = number(node, Key.longitude)?.double, abs(latitude) <= 90, abs(longitude) <= 180
    else { return }
    values.append(.position(latitude: latitude, longitude: longitude))
  }
}
