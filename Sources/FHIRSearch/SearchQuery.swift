public import Base
public import FHIRModel

/// A search as it was asked: what must hold, and what is wanted back.
public struct SearchQuery: Sendable {
  /// `_total` (FHIR R4 search §2.1.1.10).
  public enum Total: String, Sendable { case none, estimate, accurate }
  /// `_summary` (FHIR R4 search §2.1.1.9).
  public enum Summary: String, Sendable { case `true`, text, data, count, `false` }

  /// The searched types; empty means every type.
  public var types: [Schema.TypeID]
  public var conditions: [SearchCondition] = []
  /// The page's length, within the limit; nil where none is asked for.
  public var count: Int?
  public var total: Total?
  public var summary: Summary?
  /// The `ct` of a further page.
  public var pagingToken: String?
  /// What was ignored or reduced, for the outcome that leads the bundle.
  public var warnings: [Fault.Reason] = []
  /// The parameters understood, as sent and in their order, for links; without `ct`.
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
