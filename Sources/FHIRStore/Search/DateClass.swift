/// The classes of `index_date`: how long a period is, and whether its resource has others under the same parameter.
///
/// The index is ordered by a period's beginning. A search for what *ends* late has no bound there, unless the length is
/// known: in a class whose periods are shorter than `length`, what ends after `t` begins after `t - length`. Nearly all
/// clinical dates are instants or days, so nearly everything lies in the first class, behind a tight bound.
///
/// Where a resource has one value only, several conditions on it are one range; where it has more, each condition may
/// be met by another of them (FHIR R4 search#combining).
struct DateClass: Equatable {
  enum Span: Int64, CaseIterable {
    case day = 0
    case month = 1
    case year = 2
    case longer = 3

    /// Microseconds that every period of the class is shorter than.
    var length: Int64 {
      switch self {
      case .day: 86_400_000_000
      case .month: 31 * 86_400_000_000
      case .year: 366 * 86_400_000_000
      case .longer: .max
      }
    }
  }

  let span: Span
  let isOneOfSeveral: Bool

  static let single = Span.allCases.map { DateClass(span: $0, isOneOfSeveral: false) }
  static let several = Span.allCases.map { DateClass(span: $0, isOneOfSeveral: true) }
  static let all = single + several

  init(span: Span, isOneOfSeveral: Bool) {
    self.span = span
    self.isOneOfSeveral = isOneOfSeveral
  }

  init(low: Int64, high: Int64, isOneOfSeveral: Bool) {
    let (length, overflow) = high.subtractingReportingOverflow(low)
    span = overflow ? .longer : Span.allCases.first { length < $0.length } ?? .longer
    self.isOneOfSeveral = isOneOfSeveral
  }

  /// The column's value.
  var rawValue: Int64 { span.rawValue + (isOneOfSeveral ? Int64(Span.allCases.count) : 0) }

  /// The earliest beginning of a period of this class that ends at `end` or later; an open beginning is `Int64.min`.
  func earliestLow(endingAt end: Int64) -> Int64 {
    let (low, overflow) = end.subtractingReportingOverflow(span.length - 1)
    return overflow || span == .longer ? .min : low
  }
}
