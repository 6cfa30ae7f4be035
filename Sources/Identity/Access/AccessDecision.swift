/// The answer to whether an interaction may be done.
public enum AccessDecision: Sendable, Equatable {
  case allowed
  /// Nothing else is said: not what would have been found.
  case denied
  /// Only with resources that one of these filters lets pass. For what is read: the others are not there. For what is
  /// written: the resource must pass as it was and as it will be. There is always at least one filter.
  case restricted([AccessFilter])

  public var isDenied: Bool { self == .denied }
}

/// Resources that may be seen or written: all that is said must hold.
public struct AccessFilter: Sendable, Hashable {
  /// A compartment (FHIR R4 compartmentdefinition): all that belongs to one patient, practitioner, …
  public struct Compartment: Sendable, Hashable {
    public let type: String
    public let id: String

    public init(type: String, id: String) {
      self.type = type
      self.id = id
    }
  }

  /// nil for every type.
  public var type: String?
  /// The compartment they must be in. The resource that the compartment is of counts as being in it.
  public var compartment: Compartment?
  /// Search parameters and values, as in a query.
  public var conditions: [SMARTScope.Condition]
  /// Search parameters that the resource must have no value for (`:missing=true`).
  public var missing: [String]

  public init(
    type: String?, compartment: Compartment? = nil, conditions: [SMARTScope.Condition] = [], missing: [String] = []
  ) {
    self.type = type
    self.compartment = compartment
    self.conditions = conditions
    self.missing = missing
  }

  /// Whether everything of its type passes.
  var isOpen: Bool { compartment == nil && conditions.isEmpty && missing.isEmpty }
}
