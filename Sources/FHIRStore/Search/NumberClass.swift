/// The classes of `index_number` and `index_quantity`: whether a value is a range, and whether its resource has others
/// under the same parameter.
///
/// The index is ordered by a value's lower end. A search for what reaches *beyond* a number has no bound there, unless
/// both ends are the same: nearly all numbers are points, so nearly everything lies behind a tight bound.
///
/// Where a resource has one value only, several conditions on it are one range; where it has more, each condition may
/// be met by another of them (FHIR R4 search#combining).
struct NumberClass: Hashable {
  let isRange: Bool
  let isOneOfSeveral: Bool

  static let all = [false, true].flatMap { several in
    [false, true].map { NumberClass(isRange: $0, isOneOfSeveral: several) }
  }

  init(isRange: Bool, isOneOfSeveral: Bool) {
    self.isRange = isRange
    self.isOneOfSeveral = isOneOfSeveral
  }

  init(low: Double, high: Double, isOneOfSeveral: Bool) {
    self.init(isRange: low != high, isOneOfSeveral: isOneOfSeveral)
  }

  init(rawValue: Int64) { self.init(isRange: rawValue & 1 != 0, isOneOfSeveral: rawValue & 2 != 0) }

  /// The column's value.
  var rawValue: Int64 { (isRange ? 1 : 0) + (isOneOfSeveral ? 2 : 0) }
}
