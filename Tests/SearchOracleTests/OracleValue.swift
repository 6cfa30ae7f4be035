/// What a resource says under one search parameter, as the tables of FHIR R4 search.html for each kind have it.
enum OracleValue {
  /// `system` is empty where there is none.
  case token(system: String, code: String)
  /// The words that go with a token: `:text`.
  case words(String)
  /// An identifier with one of its types: `:of-type`.
  case typed(system: String, code: String, value: String)
  case string(String)
  /// `type` is empty where the reference does not say it; `id` is an id or a URL.
  case reference(type: String, id: String)
  /// The identifier of a reference: `:identifier`.
  case identifier(system: String, value: String)
  case uri(String)
  /// A canonical with its version, and without.
  case canonical(String, String)
  case date(OraclePeriod)
  case number(OracleRange)
  case quantity(OracleQuantity)
  case position(latitude: Double, longitude: Double)
}

/// Microseconds since 1970, both ends inclusive; nil is an open end.
struct OraclePeriod {
  var low: Int64?
  var high: Int64?
}

/// Both ends inclusive; nil is an open end.
struct OracleRange {
  var low: Exact?
  var high: Exact?
}

struct OracleQuantity {
  var range: OracleRange
  var system: String
  var code: String?
  var unit: String?
}

/// A decimal number with 18 digits behind the point, exact.
struct Exact: Comparable {
  static let places = 18
  var raw: Int128

  /// The number and how many digits behind the point it is written with (below 0 for `2e3`); nil for what is no number
  /// or does not fit.
  static func parse(_ text: String) -> (value: Exact, places: Int)? {
    var rest = text[...]
    var isNegative = false
    if let sign = rest.first, sign == "-" || sign == "+" {
      isNegative = sign == "-"
      rest.removeFirst()
    }
    let parts = rest.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
    let exponent = parts.count == 2 ? Int(parts[1]) : 0
    let mantissa = (parts.first ?? "").split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let exponent, let whole = mantissa.first, !whole.isEmpty, mantissa.count == 1 || !mantissa[1].isEmpty else {
      return nil
    }
    let digits = whole + (mantissa.count == 2 ? mantissa[1] : "")
    guard digits.allSatisfy({ ("0"..."9").contains($0) }), var raw = Int128(digits) else { return nil }
    let written = (mantissa.count == 2 ? mantissa[1].count : 0) - exponent
    guard written <= places, written > -15 else { return nil }
    for _ in 0..<(places - written) {
      let (product, overflow) = raw.multipliedReportingOverflow(by: 10)
      if overflow { return nil }
      raw = product
    }
    return (Exact(raw: isNegative ? -raw : raw), written)
  }

  static func < (a: Exact, b: Exact) -> Bool { a.raw < b.raw }

  /// `10^-places`
  static func unit(_ places: Int) -> Int128 {
    var raw: Int128 = 1
    for _ in 0..<(Exact.places - places) { raw *= 10 }
    return raw
  }
}
