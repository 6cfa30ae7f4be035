public import FHIRModel
import UCUM

/// A number that is searched for, with what its written precision stands for (FHIR R4 search#number).
public struct SearchAmount: Sendable, Hashable {
  /// `low ≤ value < high` is the implicit range of the precision given, or a tenth to either side for `ap`.
  public let low: Double
  public let high: Double
  /// The value itself.
  public let exact: Double
  /// The same as they were written; nil for an amount that was no text.
  private let written: Written?

  /// The system whose units can be converted into one another.
  public static let convertibleSystem = UCUM.system

  private struct Written: Hashable {
    let low: Digits
    let high: Digits
    let exact: Digits
  }

  private struct Digits: Hashable {
    let significand: Int128
    let scale: Int

    init(_ decimal: FHIRDecimal) { (significand, scale) = (decimal.significand, decimal.scale) }
  }

  /// An amount that is compared in its own unit only.
  public init(low: Double, high: Double, exact: Double) {
    (self.low, self.high, self.exact, written) = (low, high, exact, nil)
  }

  /// - Parameter isApproximate: whether a tenth to either side is meant, as `ap` does (FHIR R4 search#prefix).
  public init(_ decimal: FHIRDecimal, isApproximate: Bool) {
    let (low, high) = isApproximate ? decimal.approximateRange : decimal.implicitRange
    self.init(
      low: low.double, high: high.double, exact: decimal.double,
      Written(low: Digits(low), high: Digits(high), exact: Digits(decimal)))
  }

  /// Written finer than a double can tell, the range would be empty: it holds the nearest double at least.
  private init(low: Double, high: Double, exact: Double, _ written: Written?) {
    (self.low, self.high, self.exact) = (min(low, exact), max(high, exact.nextUp), exact)
    self.written = written
  }

  /// The same amount in another unit of UCUM, exact before it is rounded to doubles: 1 kg is 1000 g (FHIR R4
  /// search#quantity). nil where the two do not measure the same, or one of them is no unit of UCUM.
  public func converted(from unit: String, to other: String) -> SearchAmount? {
    if unit == other { return self }
    guard let written, let own = UCUM.canonical(unit), let other = UCUM.canonical(other) else { return nil }
    func value(_ digits: Digits) -> Double? {
      own.value(significand: digits.significand, scale: digits.scale, in: other)
    }
    guard let low = value(written.low), let high = value(written.high), let exact = value(written.exact),
      exact.isFinite
    else { return nil }
    // A unit may run the other way.
    return SearchAmount(low: min(low, high), high: max(low, high), exact: exact, nil)
  }
}
