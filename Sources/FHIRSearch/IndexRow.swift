/// One row of the search index: what a resource says under one parameter.
///
/// Dates are microseconds since 1970 (UTC), both ends inclusive; numbers are the nearest doubles of exact decimals.
/// An open end is the type's extreme.
public enum IndexRow: Hashable, Sendable {
  /// `system` is empty where there is none.
  case token(parameter: Int32, system: String, code: String)
  /// `folded` is `TextFolding.fold(text)`.
  case string(parameter: Int32, folded: String, text: String)
  /// `type` is the target's resource type with its logical id; empty with an absolute or other URL.
  case reference(parameter: Int32, type: String, id: String)
  case date(parameter: Int32, low: Int64, high: Int64)
  case number(parameter: Int32, low: Double, high: Double)
  case quantity(parameter: Int32, system: String, code: String, low: Double, high: Double)
  case uri(parameter: Int32, value: String)
  /// A pair or triple of values of the same element. See `CompositeRow`.
  case composite(CompositeRow)
  /// WGS84 degrees.
  case position(parameter: Int32, latitude: Double, longitude: Double)

  public var parameter: Int32 {
    switch self {
    case .token(let parameter, _, _), .string(let parameter, _, _), .reference(let parameter, _, _),
      .date(let parameter, _, _), .number(let parameter, _, _), .quantity(let parameter, _, _, _, _),
      .uri(let parameter, _), .position(let parameter, _, _):
      parameter
    case .composite(let row): row.parameter
    }
  }
}

/// A composite's values in one row: the first component (a token, or a reference as type and id), then what the
/// second needs (a token, a folded string, a date, number or quantity), then a number's bounds for a third.
public struct CompositeRow: Hashable, Sendable {
  public var parameter: Int32
  /// The first component's system, or its reference's type.
  public var system1 = ""
  /// The first component's code, or its reference's id.
  public var code1 = ""
  /// The second component's system (token, quantity).
  public var system2 = ""
  /// The second component's code, unit or folded text.
  public var text2 = ""
  /// The second component's bounds.
  public var bounds2: Bounds = .none
  /// The third component's bounds.
  public var bounds3: Bounds = .none

  public enum Bounds: Hashable, Sendable {
    case none
    /// Microseconds since 1970, both ends inclusive.
    case date(low: Int64, high: Int64)
    case number(low: Double, high: Double)
  }

  public init(parameter: Int32) { self.parameter = parameter }
}
