public import FHIRModel

/// One condition of a search: a parameter, how to compare, and alternatives of which one must hold.
public struct SearchCondition: Sendable {
  /// How the values compare (FHIR R4 search §2.1.1.5). `missing` has its own value.
  public enum Modifier: String, Sendable {
    case exact, contains, not, missing
  }

  /// Any of these must hold, all of one kind: the same code on each searched type, or the parameters that put a
  /// resource into a compartment.
  public let parameters: [SearchParameter]
  public let modifier: Modifier?
  /// Alternatives: one must hold (comma).
  public let values: [SearchValue]

  public var code: String { parameters.first?.code ?? "" }
  public var kind: SearchParameter.Kind { parameters.first?.kind ?? .special }

  public init(parameters: [SearchParameter], modifier: Modifier?, values: [SearchValue]) {
    self.parameters = parameters
    self.modifier = modifier
    self.values = values
  }
}

/// The prefixes of ordered values (FHIR R4 search §2.1.1.4.4).
public enum SearchComparator: String, Sendable, CaseIterable {
  case eq, ne, gt, lt, ge, le, sa, eb, ap
}

/// One alternative of a condition, read according to its parameter's kind.
public enum SearchValue: Sendable, Hashable {
  public enum TokenSystem: Sendable, Hashable {
    /// `code`: any system or none.
    case any
    /// `|code`: no system.
    case none
    /// `system|code` or `system|`.
    case uri(String)
  }

  /// A nil code is `system|`: any code of the system.
  case token(system: TokenSystem, code: String?)
  case string(String)
  /// `type` is empty where the value does not say it; `id` is a logical id or a URL.
  case reference(type: String, id: String)
  case uri(String)
  /// The searched period, microseconds since 1970, both ends inclusive.
  case date(SearchComparator, low: Int64, high: Int64)
  /// `low ≤ value < high` is the implicit range of the precision given; `exact` is the value itself.
  case number(SearchComparator, low: Double, high: Double, exact: Double)
  /// A nil system or code does not restrict.
  case quantity(SearchComparator, low: Double, high: Double, exact: Double, system: String?, code: String?)
  /// `:missing`
  case missing(Bool)
}
