public import Base
public import FHIRModel

/// A search as it was asked: what must hold, and what is wanted back.
public struct SearchQuery: Sendable {
  /// `_total` (FHIR R4 search §2.1.1.10).
  public enum Total: String, Sendable { case none, estimate, accurate }
  /// `_summary` (FHIR R4 search §2.1.1.9).
  public enum Summary: String, Sendable { case `true`, text, data, count, `false` }
  /// `_contained` (FHIR R4 search §2.1.1.5.6): whether contained resources, or they alone, are searched as well.
  public enum Contained: String, Sendable { case `false`, `true`, both }
  /// `_containedType`: whether a contained match comes back as it is, or its container does.
  public enum ContainedType: String, Sendable { case container, contained }

  /// The searched types; empty means every type.
  public var types: [Schema.TypeID]
  /// The service's address as the caller knows it, without a slash at its end: references that were stored as URLs
  /// below it are references to the service's own resources (FHIR R4 search#reference). Nil where it has none.
  public var base: String?
  /// All must hold.
  public var criteria: [SearchCriterion] = []
  /// `_sort`, most significant first; in order of creation where there is none.
  public var sort: [SearchSort] = []
  /// `_include` and `_revinclude`.
  public var includes: [SearchInclude] = []
  /// `_includesCount`: the most included resources of a page; nil where none is asked for.
  public var includesCount: Int?
  /// The `includesCt` of a further page of included resources.
  public var includesToken: String?
  /// `_explain=true`: the plan and its costs are wanted back.
  public var wantsExplanation = false
  /// The page's length, within the limit; nil where none is asked for.
  public var count: Int?
  public var contained = Contained.false
  public var containedType = ContainedType.container
  public var total: Total?
  public var summary: Summary?
  /// The `ct` of a further page.
  public var pagingToken: String?
  /// What was ignored or reduced, for the outcome that leads the bundle.
  public var warnings: [Fault.Reason] = []
  /// The parameters understood, as sent and in their order, for links; without `ct` and `includesCt`.
  public var understood: [QueryString.Parameter] = []

  /// Whether nothing can match, as where `_type` names unknown types only.
  public var matchesNothing = false

  public init(types: [Schema.TypeID]) { self.types = types }

  /// The query of the self link: what was understood, each `name=value` once.
  public var link: String {
    var seen: Set<String> = []
    return understood.map(\.raw).filter { seen.insert($0).inserted }.joined(separator: "&")
  }

  /// The query of a next link: `_total` is answered by the first page only.
  public var nextLink: String {
    var seen: Set<String> = []
    return understood.filter { $0.name != "_total" }.map(\.raw).filter { seen.insert($0).inserted }
      .joined(separator: "&")
  }
}
