/// How long an indexed period is, in classes.
///
/// The index is ordered by a period's beginning. A search for what *ends* late has no bound there, unless the length is
/// known: in a class whose periods are shorter than `length`, what ends after `t` begins after `t - length`. Nearly all
/// clinical dates are instants or days, so nearly everything lies in the first class, behind a tight bound.
enum DateSpan: Int64, CaseIterable {
  case day = 0
  case month = 1
  case year = 2
  case longer = 3

  init(low: Int64, high: Int64) {
    let (length, overflow) = high.subtractingReportingOverflow(low)
    self = overflow ? .longer : Self.allCases.first { length < $0.length } ?? .longer
  }

  /// Microseconds that every period of the class is shorter than.
  var length: Int64 {
    switch self {
    case .day: 86_400_000_000
    case .month: 31 * 86_400_000_000
    case .year: 366 * 86_400_000_000
    case .longer: .max
    }
  }

  /// The earliest beginning of a period of this class that ends at `end` or later.
  func earliestLow(endingAt end: Int64) -> Int64 {
    let (low, overflow) = end.subtractingReportingOverflow(length)
    return overflow || self == .longer ? .min : low
  }
}
