public import FHIRModel

/// One condition of a search: a parameter, how to compare, and alternatives of which one must hold.
public struct SearchCondition: Sendable {
  /// How the values compare (FHIR R4 search#modifiers). `missing` has its own value; a type (`:Patient`) is in the
  /// value.
  public enum Modifier: String, Sendable {
    case exact, contains, text, not, missing, above, below, `in`, identifier
    case notIn = "not-in"
    case ofType = "of-type"
    /// Of `_filter` only: the folded text of a string is the value, ends with it, or stands before or behind it in the
    /// order of code points.
    case equals, endsWith, less, lessOrEqual, greater, greaterOrEqual
    /// Of `_filter` only: one date or number begins no later than the value and ends no earlier.
    case covers
  }

  /// Any of these must hold, all of one kind: the same code on each searched type, or the parameters that put a
  /// resource into a compartment.
  public let parameters: [SearchParameter]
  public let modifier: Modifier?
  /// Alternatives: one must hold (comma).
  public let values: [SearchValue]
  /// The service's address; see `SearchQuery.base`.
  public let base: String?

  public var code: String { parameters.first?.code ?? "" }
  public var kind: SearchParameter.Kind { parameters.first?.kind ?? .special }

  public init(parameters: [SearchParameter], modifier: Modifier?, values: [SearchValue], base: String? = nil) {
    self.parameters = parameters
    self.modifier = modifier
    self.values = values
    self.base = base
  }
}

/// The prefixes of ordered values (FHIR R4 search#prefix).
public enum SearchComparator: String, Sendable, CaseIterable {
  case eq, ne, gt, lt, ge, le, sa, eb, ap
}

/// One alternative of a condition, read according to its parameter's kind and modifier.
public indirect enum SearchValue: Sendable, Hashable {
  public enum TokenSystem: Sendable, Hashable {
    /// `code`: any system or none.
    case any
    /// `|code`: no system.
    case none
    /// `system|code` or `system|`.
    case uri(String)
  }

  /// A nil code is `system|`: any code of the system. With `:identifier` on a reference, its identifier.
  case token(system: TokenSystem, code: String?)
  /// Also the text of a token with `:text`.
  case string(String)
  /// `type` is empty where the value does not say it; `id` is a logical id or a URL.
  case reference(type: String, id: String)
  /// Also the value set of `:in` and `:not-in`.
  case uri(String)
  /// The searched period, microseconds since 1970, both ends inclusive.
  case date(SearchComparator, low: Int64, high: Int64)
  /// `low ≤ value < high` is the implicit range of the precision given; `exact` is the value itself.
  case number(SearchComparator, low: Double, high: Double, exact: Double)
  /// A nil system or code does not restrict.
  case quantity(SearchComparator, SearchAmount, system: String?, code: String?)
  /// `:of-type`: an identifier's type and value.
  case ofType(system: String, code: String, value: String)
  /// A composite's components, in the order of its definition.
  case composite([SearchValue])
  /// `near`: WGS84 degrees and a distance in metres.
  case near(latitude: Double, longitude: Double, meters: Double)
  /// `:missing`
  case missing(Bool)
}
