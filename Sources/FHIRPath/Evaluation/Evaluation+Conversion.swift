internal import FHIRModel

/// `toX` and `convertsToX` (FHIRPath 2.0 §Conversion).
extension Evaluation {
  func conversion(
    _ function: Function, _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    guard let item = try single(items, at: offset) else { return [] }
    let isTest = function.rawValue.hasPrefix("convertsTo")
    guard let value = systemValue(item) else { return isTest ? [.boolean(false)] : [] }
    var unit: String?
    if let id = arguments.first { unit = try stringArgument(id, scope, at: offset) }
    let result = converted(value, function, unit)
    if isTest { return [.boolean(result != nil)] }
    return result.map { [$0] } ?? []
  }

  private func converted(_ value: FHIRPathItem, _ function: Function, _ unit: String?) -> FHIRPathItem? {
    switch function {
    case .toBoolean, .convertsToBoolean: return Evaluation.boolean(value)
    case .toInteger, .convertsToInteger:
      guard case .integer(let number)? = Evaluation.integer(value), Int32(exactly: number) != nil else { return nil }
      return .integer(number)
    case .toLong, .convertsToLong: return Evaluation.integer(value)
    case .toDecimal, .convertsToDecimal: return Evaluation.decimal(value)
    case .toQuantity, .convertsToQuantity: return Evaluation.quantity(value, unit: unit)
    case .toString, .convertsToString: return Evaluation.text(value).map { .string($0) }
    case .toDate, .convertsToDate: return Evaluation.temporal(value, .date)
    case .toDateTime, .convertsToDateTime: return Evaluation.temporal(value, .dateTime)
    default: return Evaluation.temporal(value, .time)
    }
  }

  private static func boolean(_ value: FHIRPathItem) -> FHIRPathItem? {
    switch value {
    case .boolean: return value
    case .integer(let number): return number == 1 ? .boolean(true) : number == 0 ? .boolean(false) : nil
    case .decimal(let number):
      return number == FHIRDecimal(1) ? .boolean(true) : number.isZero ? .boolean(false) : nil
    case .string(let text):
      switch text.lowercased() {
      case "true", "t", "yes", "y", "1", "1.0": return .boolean(true)
      case "false", "f", "no", "n", "0", "0.0": return .boolean(false)
      default: return nil
      }
    default: return nil
    }
  }

  private static func integer(_ value: FHIRPathItem) -> FHIRPathItem? {
    switch value {
    case .integer: return value
    case .boolean(let flag): return .integer(flag ? 1 : 0)
    case .string(let text):
      // (\+|-)?\d+
      let digits = text.utf8.first == UInt8(ascii: "+") || text.utf8.first == UInt8(ascii: "-") ? 1 : 0
      guard text.utf8.count > digits, text.utf8.dropFirst(digits).allSatisfy(Lexer.isDigit) else { return nil }
      return Int64(text).map { .integer($0) }
    default: return nil
    }
  }

  private static func decimal(_ value: FHIRPathItem) -> FHIRPathItem? {
    switch value {
    case .decimal: value
    case .integer(let number): .decimal(FHIRDecimal(Int(number)))
    case .boolean(let flag): .decimal(FHIRDecimal(significand: flag ? 10 : 0, scale: 1))
    case .string(let text): FHIRDecimal(exactText: text).map { .decimal($0) }
    default: nil
    }
  }

  private static func quantity(_ value: FHIRPathItem, unit: String?) -> FHIRPathItem? {
    let quantity: FHIRPathQuantity?
    switch value {
    case .quantity(let given): quantity = given
    case .integer(let number): quantity = FHIRPathQuantity(value: FHIRDecimal(Int(number)), unit: "1")
    case .decimal(let number): quantity = FHIRPathQuantity(value: number, unit: "1")
    case .boolean(let flag):
      quantity = FHIRPathQuantity(value: FHIRDecimal(significand: flag ? 10 : 0, scale: 1), unit: "1")
    case .string(let text): quantity = FHIRPathQuantity(text: text)
    default: quantity = nil
    }
    guard let quantity, let unit else { return quantity.map { .quantity($0) } }
    let isWord = FHIRPathQuantity.isCalendarUnit(unit)
    let target = FHIRPathQuantity(value: FHIRDecimal(1), unit: unit, isCalendar: isWord)
    guard target.code != quantity.code else { return .quantity(quantity) }
    guard let from = UCUMUnit(quantity.code), let to = UCUMUnit(target.code), from.dimension == to.dimension,
      let number = to.fromCanonical(from.canonical(quantity.value))
    else { return nil }
    return .quantity(FHIRPathQuantity(value: number, unit: unit, isCalendar: isWord))
  }

  /// As `toString` writes it.
  static func text(_ value: FHIRPathItem) -> String? {
    switch value {
    case .string(let text): text
    case .boolean(let flag): flag ? "true" : "false"
    case .integer(let number): String(number)
    case .decimal(let number): number.plainText
    case .temporal(let temporal): temporal.description
    case .quantity(let quantity): quantity.description
    case .type(let info): "\(info.namespace).\(info.name)"
    case .node: nil
    }
  }

  private static func temporal(_ value: FHIRPathItem, _ kind: FHIRPathTemporal.Kind) -> FHIRPathItem? {
    switch (value, kind) {
    case (.temporal(let given), _) where given.kind == kind: return value
    case (.temporal(let given), .dateTime) where given.kind == .date:
      return .temporal(FHIRPathTemporal(.dateTime, given.value))
    case (.temporal(let given), .date) where given.kind == .dateTime:
      let day = FHIRDateTime(
        year: given.value.year, month: given.value.month, day: given.value.day,
        precision: min(given.value.precision, .day))
      return day.map { .temporal(FHIRPathTemporal(.date, $0)) }
    case (.string(let text), .date):
      // A dateTime's text converts too, to its day.
      if let date = FHIRPathTemporal(text, as: .date) { return .temporal(date) }
      return FHIRPathTemporal(text, as: .dateTime).flatMap { temporal(.temporal($0), .date) }
    case (.string(let text), _): return FHIRPathTemporal(text, as: kind).map { .temporal($0) }
    default: return nil
    }
  }
}
