/// One row of the search index: what a resource says under one parameter.
///
/// Dates are microseconds since 1970 (UTC), both ends inclusive; numbers are the nearest doubles of exact decimals.
/// An open end is the type's extreme. `several` tells that the resource has more values of the kind under the
/// parameter, or, for a quantity, that it is the bounds of many samples: then conditions that hold need not hold of one
/// value.
public enum IndexRow: Hashable, Sendable {
  /// `system` is empty where there is none. A reference parameter's tokens are the identifiers of its references.
  case token(parameter: Int32, system: String, code: String)
  /// `folded` is `TextFolding.fold(text)`. A token parameter's strings are the words that go with its codes: each
  /// folded text once.
  case string(parameter: Int32, folded: String, text: String, several: Bool)
  /// `type` is the target's resource type with its logical id; empty with an absolute or other URL. Under
  /// `SearchParameter.local` the id is the place of a contained resource.
  case reference(parameter: Int32, type: String, id: String)
  case date(parameter: Int32, low: Int64, high: Int64, several: Bool)
  case number(parameter: Int32, low: Double, high: Double, several: Bool)
  case quantity(parameter: Int32, system: String, code: String, low: Double, high: Double, several: Bool)
  case uri(parameter: Int32, value: String)
  /// A pair or triple of values of the same element. See `CompositeRow`.
  case composite(CompositeRow)
  /// WGS84 degrees.
  case position(parameter: Int32, latitude: Double, longitude: Double)
  /// No value under a parameter that keeps such (`SearchParameter.keepsMissing`).
  case missing(parameter: Int32)
  /// A resource of `type` that the resource contains (FHIR R4 references#contained), by its place in `contained`, with
  /// the container's type. `id` is empty where it has none.
  case contained(place: Int, container: String, type: String, id: String)
  /// What the contained resource at a place says: a row under a number of its own (`SearchParameter.contained`).
  indirect case within(place: Int, IndexRow)

  /// 0 for a contained resource itself.
  public var parameter: Int32 {
    switch self {
    case .token(let parameter, _, _), .string(let parameter, _, _, _), .reference(let parameter, _, _),
      .date(let parameter, _, _, _), .number(let parameter, _, _, _), .quantity(let parameter, _, _, _, _, _),
      .uri(let parameter, _), .position(let parameter, _, _), .missing(let parameter):
      parameter
    case .composite(let row): row.parameter
    case .contained: 0
    case .within(_, let row): row.parameter
    }
  }

  /// Whether it is one of several; settable for rows that tell.
  var isOneOfSeveral: Bool {
    get {
      switch self {
      case .string(_, _, _, let several), .date(_, _, _, let several), .number(_, _, _, let several),
        .quantity(_, _, _, _, _, let several):
        several
      default: false
      }
    }
    set {
      switch self {
      case .string(let parameter, let folded, let text, _):
        self = .string(parameter: parameter, folded: folded, text: text, several: newValue)
      case .date(let parameter, let low, let high, _):
        self = .date(parameter: parameter, low: low, high: high, several: newValue)
      case .number(let parameter, let low, let high, _):
        self = .number(parameter: parameter, low: low, high: high, several: newValue)
      case .quantity(let parameter, let system, let code, let low, let high, _):
        self = .quantity(
          parameter: parameter, system: system, code: code, low: low, high: high, several: newValue)
      default: return
      }
    }
  }
}

/// Systems that no resource names: they tell rows for `:of-type` from what was written. They begin with a control
/// character, which no URI has.
extension IndexRow {
  /// The system of an identifier's value under one type of identifier (FHIR R4 search#token, `:of-type`).
  public static func ofType(system: String, code: String) -> String {
    var name = "\u{1}"
    name.reserveCapacity(system.utf8.count + code.utf8.count + 2)
    name += system
    name += "|"
    name += code
    return name
  }

  public static func isPseudoSystem(_ system: String) -> Bool { system.utf8.first == 1 }
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
