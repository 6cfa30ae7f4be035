/// The functions of FHIRPath 2.0, those of its standard-for-trial-use parts, and FHIR's own (R4 fhirpath#functions).
/// `is`, `as` and `ofType` are no members: they take a type and not an expression.
enum Function: String, Sendable, CaseIterable {
  // Existence
  case empty, exists, all, allTrue, anyTrue, allFalse, anyFalse, subsetOf, supersetOf, count, distinct, isDistinct
  case not
  // Filtering and projection
  case `where`, select, `repeat`, repeatAll, sort
  // Subsetting
  case single, first, last, tail, skip, take, intersect, exclude
  // Combining
  case union, combine, coalesce
  // Conversion
  case iif, toBoolean, convertsToBoolean, toInteger, convertsToInteger, toLong, convertsToLong, toDate, convertsToDate
  case toDateTime, convertsToDateTime, toDecimal, convertsToDecimal, toQuantity, convertsToQuantity, toString
  case convertsToString, toTime, convertsToTime
  // Strings
  case indexOf, lastIndexOf, substring, startsWith, endsWith, contains, upper, lower, replace, matches, matchesFull
  case replaceMatches, length, toChars, trim, split, join, encode, decode, escape, unescape
  // Mathematics
  case abs, ceiling, exp, floor, ln, log, power, round, sqrt, truncate
  // Tree
  case children, descendants
  // Utility
  case trace, now, timeOfDay, today, defineVariable, aggregate, type
  case lowBoundary, highBoundary, precision, comparable
  case yearOf, monthOf, dayOf, hourOf, minuteOf, secondOf, millisecondOf, timezoneOffsetOf, dateOf, timeOf
  // FHIR
  case `extension`, hasValue, getValue, resolve, elementDefinition, slice, checkModifiers, conformsTo, memberOf,
    subsumes
  case subsumedBy, htmlChecks, hasTemplateIdOf

  /// How many arguments it takes.
  var arity: ClosedRange<Int> {
    switch self {
    case .all, .subsetOf, .supersetOf, .where, .select, .repeat, .repeatAll, .skip, .take, .intersect, .exclude,
      .union, .combine, .indexOf, .lastIndexOf, .startsWith, .endsWith, .contains, .split, .encode, .decode,
      .escape, .unescape, .log, .power, .comparable, .extension, .conformsTo, .memberOf, .subsumes, .subsumedBy,
      .hasTemplateIdOf:
      1...1
    case .exists, .toQuantity, .convertsToQuantity, .join, .round, .lowBoundary, .highBoundary: 0...1
    case .iif: 2...3
    case .substring, .trace, .defineVariable, .aggregate, .matches, .matchesFull: 1...2
    case .replace, .slice: 2...2
    case .replaceMatches: 2...3
    case .sort, .coalesce, .checkModifiers: 0...64
    default: 0...0
    }
  }

  /// Whether its order is meaningful, so that a collection without order cannot be its input (checked when strict).
  var needsOrder: Bool {
    switch self {
    case .first, .last, .tail, .skip, .take: true
    default: false
    }
  }
}
