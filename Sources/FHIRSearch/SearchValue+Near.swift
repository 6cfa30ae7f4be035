import Base
import FHIRModel

/// `near` (FHIR R4 location.html#positional): `latitude|longitude[|distance[|units]]`, WGS84 degrees.
extension SearchValue {
  /// What counts as near where the query does not say it; the standard leaves it to the server.
  static let nearMetersDefault = 50_000.0

  static func near(_ text: String, _ form: Form) throws(Fault) -> SearchValue {
    let pieces = SearchText.split(text, at: UInt8(ascii: "|")).map(SearchText.unescape)
    guard (2...4).contains(pieces.count), let latitude = degrees(pieces[0], 90), let longitude = degrees(pieces[1], 180)
    else { throw form.invalid(text, "[latitude]|[longitude]|[distance]|[units] in degrees of WGS84") }
    let unit = pieces.count > 3 && !pieces[3].isEmpty ? pieces[3] : "km"
    guard let metersPerUnit = meters[unit] else {
      throw form.invalid(text, "one of the units \(meters.keys.sorted().joined(separator: ", "))")
    }
    guard pieces.count > 2, !pieces[2].isEmpty else {
      return .near(latitude: latitude, longitude: longitude, meters: nearMetersDefault)
    }
    guard let distance = number(pieces[2]), distance >= 0 else {
      throw form.invalid(text, "a distance that is not negative")
    }
    // No place on earth is farther away than half its circumference.
    return .near(latitude: latitude, longitude: longitude, meters: min(distance * metersPerUnit, 20_050_000))
  }

  /// Units of length by their code in UCUM.
  private static let meters: [String: Double] = [
    "m": 1, "km": 1_000, "[ft_i]": 0.3048, "[yd_i]": 0.9144, "[mi_i]": 1_609.344, "[mi_us]": 1_609.347_218_694_437,
    "[nmi_i]": 1_852,
  ]

  private static func degrees(_ text: String, _ bound: Double) -> Double? {
    guard let value = number(text), value >= -bound, value <= bound else { return nil }
    return value
  }

  private static func number(_ text: String) -> Double? {
    guard let decimal = FHIRDecimal(text), decimal.isExact, decimal.double.isFinite else { return nil }
    return decimal.double
  }
}
