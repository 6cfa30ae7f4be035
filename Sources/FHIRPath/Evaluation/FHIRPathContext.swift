public import Base
public import FHIRModel
public import JSONCore

/// What an evaluation starts from and may ask for.
public struct FHIRPathContext: Sendable {
  /// `$this` and `%context` at the start.
  public var focus: [FHIRPathItem]
  /// `%resource`; if nil, the innermost resource around the focus.
  public var resource: FHIRPathNode?
  /// `%rootResource`; if nil, the resource that contains `%resource`, or itself.
  public var rootResource: FHIRPathNode?
  /// `%name` for each name.
  public var variables: [String: [FHIRPathItem]] = [:]
  /// The moment that `now()`, `today()` and `timeOfDay()` tell, in UTC.
  public var now: Instant
  /// Finds what a reference refers to when it is neither contained nor in the same Bundle.
  public var resolver: (@Sendable (String) -> FHIRPathNode?)?
  /// Whether a code, Coding or CodeableConcept is in a value set; nil if the value set is not known. Without it
  /// `memberOf` is an error.
  public var memberOf: (@Sendable (FHIRPathItem, String) -> Bool?)?
  /// Whether a resource or element conforms to a profile; nil if the profile is not known. The base definitions are
  /// answered without it.
  public var conformsTo: (@Sendable (FHIRPathItem, String) -> Bool?)?
  /// Told of each `trace()`.
  public var trace: (@Sendable (String, [FHIRPathItem]) -> Void)?

  public init(focus: [FHIRPathItem], now: Instant) {
    self.focus = focus
    self.now = now
  }

  /// Starts at one place of a document.
  public init(document: JSONDocument, node: JSONNode, type: Schema.TypeID, now: Instant) {
    self.init(focus: [.node(FHIRPathNode(document: document, value: node, type: type))], now: now)
  }
}
