internal import Base
internal import FHIRModel

/// Calls: from a function to what carries it out.
extension Evaluation {
  func call(
    _ function: Function, on focus: Syntax.ID, _ arguments: [Syntax.ID], _ id: Syntax.ID, _ scope: inout Scope,
    at offset: Int
  ) throws(FHIRPathError) -> Items {
    let items = try evaluate(focus, &scope)
    try charge(items: items.count, at: offset)
    switch function {
    case .defineVariable: return try defineVariable(items, arguments, &scope, at: offset)
    case .empty: return [.boolean(items.isEmpty)]
    case .count: return [.integer(Int64(items.count))]
    case .not: return Evaluation.boolean(try truth(items, at: offset).map { !$0 })
    case .exists, .all, .where, .select, .repeat, .repeatAll, .aggregate, .iif, .sort, .coalesce:
      return try filter(function, items, arguments, scope, at: offset)
    case .allTrue, .anyTrue, .allFalse, .anyFalse: return [.boolean(try quantify(function, items, at: offset))]
    case .single, .first, .last, .tail, .skip, .take: return try subset(function, items, arguments, scope, at: offset)
    case .distinct, .isDistinct, .subsetOf, .supersetOf, .intersect, .exclude, .union, .combine:
      return try setOperation(function, items, arguments, scope, at: offset)
    case .children: return try children(items, at: offset)
    case .descendants: return try descendants(items, at: offset)
    case .now, .today, .timeOfDay: return clock(function)
    case .trace: return try trace(items, arguments, scope, at: offset)
    case .type: return items.map { .type(typeInfo($0)) }
    case .extension, .hasValue, .getValue, .resolve, .elementDefinition, .slice, .checkModifiers, .conformsTo,
      .memberOf, .subsumes, .subsumedBy, .htmlChecks, .hasTemplateIdOf:
      return try fhirFunction(function, items, arguments, scope, at: offset)
    case .lowBoundary, .highBoundary, .precision, .comparable, .yearOf, .monthOf, .dayOf, .hourOf, .minuteOf, .secondOf,
      .millisecondOf, .timezoneOffsetOf, .dateOf, .timeOf:
      return try precisionFunction(function, items, arguments, scope, at: offset)
    case .abs, .ceiling, .exp, .floor, .ln, .log, .power, .round, .sqrt, .truncate:
      return try mathFunction(function, items, arguments, scope, at: offset)
    case .toBoolean, .convertsToBoolean, .toInteger, .convertsToInteger, .toLong, .convertsToLong, .toDate,
      .convertsToDate, .toDateTime, .convertsToDateTime, .toDecimal, .convertsToDecimal, .toQuantity,
      .convertsToQuantity, .toString, .convertsToString, .toTime, .convertsToTime:
      return try conversion(function, items, arguments, scope, at: offset)
    case .matches, .matchesFull, .replaceMatches:
      return try patternFunction(function, items, arguments, id, scope, at: offset)
    default: return try stringFunction(function, items, arguments, scope, at: offset)
    }
  }

  private func clock(_ function: Function) -> Items {
    let microseconds = context.now.milliseconds * 1_000
    guard let now = FHIRDateTime(microseconds: microseconds) else { return [] }
    switch function {
    case .now: return [.temporal(FHIRPathTemporal(.dateTime, now))]
    case .today:
      let day = FHIRDateTime(year: now.year, month: now.month, day: now.day, precision: .day)
      return day.map { [.temporal(FHIRPathTemporal(.date, $0))] } ?? []
    default:
      let time = FHIRDateTime(
        hour: now.hour, minute: now.minute, second: now.second, microsecond: now.microsecond, timePrecision: .fraction)
      return time.map { [.temporal(FHIRPathTemporal(.time, $0))] } ?? []
    }
  }

  private func trace(
    _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    let name = try stringArgument(arguments[0], scope, at: offset) ?? ""
    var shown = items
    if arguments.count > 1 {
      shown = []
      for item in items { shown += try argument(arguments[1], scope, for: item) }
    }
    context.trace?(name, shown)
    return items
  }
}
