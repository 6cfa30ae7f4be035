public import Base
public import FHIRModel
public import FHIRSearch

/// Which part of a resource is wanted back: `_summary` and `_elements` (FHIR R4 search.html#summary, #elements).
///
/// A shape is made from a query once and applied to each resource of the answer. Elements it leaves out are unknown to
/// whoever gets the result, so that every result carries the tag SUBSETTED: it must not be written back.
public struct ResourceShape: Sendable, Equatable {
  /// What is kept. `id`, `meta` and what the standard requires are always kept.
  public enum Content: Sendable, Equatable {
    /// `_summary=true`: what the definitions mark as summary, at every level; and, whether marked or not, what must be
    /// there and what modifies the meaning.
    case summary
    /// `_summary=text`: the narrative, and what must be there at the top.
    case text
    /// `_summary=data`: everything but the narrative.
    case data
    /// `_elements`: these elements of the top, and what must be there or modifies the meaning.
    case elements([Name])
  }

  /// A base element as `_elements` names it.
  public struct Name: Sendable, Equatable {
    /// The resource type for which it is meant ("Patient" of "Patient.name"); nil for all.
    public let type: Schema.TypeID?
    /// The element's name in UTF-8, "value" for value[x].
    public let element: [UInt8]
  }

  public let content: Content
  let schema: Schema

  public init(_ content: Content, schema: Schema) {
    self.content = content
    self.schema = schema
  }

  public static func == (a: ResourceShape, b: ResourceShape) -> Bool {
    a.content == b.content && a.schema === b.schema
  }
}

// MARK: - Parsing

extension ResourceShape {
  /// The shape a query asks for; nil if it asks for whole resources, or with `_summary=count` for none.
  ///
  /// Names that are no element are kept and match nothing; several `_elements` are one list.
  /// - Throws: `.invalid` for a `_summary` that is none or that contradicts another, an `_elements` without names, and
  ///   both together, unless `_summary` is `false`.
  public init?(_ query: QueryString, schema: Schema) throws(Fault) {
    var summary: SearchQuery.Summary?
    var names: [Name] = []
    var hasElements = false
    for parameter in query.parameters {
      switch parameter.name {
      case "_summary":
        let value = try Self.summary(parameter.value)
        guard summary == nil || summary == value else {
          throw Fault(.invalid, "The '_summary' parameter is there more than once, with different values.")
        }
        summary = value
      case "_elements":
        let list = Self.names(parameter.value, schema)
        guard !list.isEmpty else {
          throw Fault(.invalid, "The '_elements' parameter must name at least one element.")
        }
        hasElements = true
        names += list
      default: continue
      }
    }
    guard !hasElements || summary == nil || summary == .false else { throw Self.contradiction }
    switch summary {
    case .true: self.init(.summary, schema: schema)
    case .text: self.init(.text, schema: schema)
    case .data: self.init(.data, schema: schema)
    case .count: return nil
    case .false, nil:
      guard hasElements else { return nil }
      self.init(.elements(names), schema: schema)
    }
  }

  /// The words are Azure's.
  private static let contradiction = Fault(
    .invalid,
    "The '_elements' parameter is supported only when '_summary' is SummaryType.False or '_summary' is not specified "
      + "at all.")

  private static func summary(_ value: String) throws(Fault) -> SearchQuery.Summary {
    guard let summary = SearchQuery.Summary(rawValue: value) else {
      throw Fault(
        .invalid,
        "The '_summary' parameter value '\(value)' is invalid. The supported values are: 'true', 'text', 'data', "
          + "'count', 'false'.")
    }
    return summary
  }

  /// `name,birthDate`, also `Patient.name`. R4 has base elements only: of a deeper path the base element is kept.
  private static func names(_ list: String, _ schema: Schema) -> [Name] {
    list.split(separator: ",").compactMap { item in
      let steps = item.drop { $0 == " " }.prefix { $0 != " " }.split(separator: ".", maxSplits: 2)
      guard let first = steps.first else { return nil }
      guard let type = schema.resourceType(String(first)) else { return Name(type: nil, element: bare(first)) }
      return Name(type: type, element: steps.count > 1 ? bare(steps[1]) : [])
    }
  }

  /// "value" of "value[x]".
  private static func bare(_ name: Substring) -> [UInt8] {
    Array(name.hasSuffix("[x]") ? name.dropLast(3).utf8 : name.utf8)
  }
}
