public import FHIRModel

/// What a caller may see: every read of the store takes one, and applies it before it counts, sorts or cuts.
public struct Restriction: Sendable {
  /// nil: every type.
  private let types: Set<Schema.TypeID>?

  private init(types: Set<Schema.TypeID>?) { self.types = types }

  /// No restriction: for callers whose decision allows everything, and for the store's own needs.
  public static let none = Restriction(types: nil)

  /// Only resources of these types.
  public static func types(_ types: Set<Schema.TypeID>) -> Restriction { Restriction(types: types) }

  public func allows(_ type: Schema.TypeID) -> Bool { types?.contains(type) ?? true }

  var isUnrestricted: Bool { types == nil }
}
