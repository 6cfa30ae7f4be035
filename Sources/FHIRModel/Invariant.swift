/// A rule that instances of a type must keep (ElementDefinition.constraint).
public struct Invariant: Sendable, Equatable {
  public enum Severity: Sendable {
    case error, warning
  }

  /// "pat-1".
  public let key: String
  public let severity: Severity
  /// The rule in words.
  public let human: String
  /// The rule in FHIRPath; nil where the standard states it in words only.
  public let expression: String?
  /// The element that is the expression's context; nil for the type itself.
  public let element: String?
}

extension Schema {
  /// The invariants that instances of a type must keep, those of its base types first. Where `element` is nil the
  /// context is the instance; else the instance's elements of that name, one by one.
  public func invariants(_ type: TypeID) -> [Invariant] {
    var chain: [TypeID] = [type]
    var current = type
    while let next = base(current) {
      chain.append(next)
      current = next
    }
    return chain.reversed().flatMap { type in
      let range = types[Int(type.rawValue)].invariants
      return Array(invariantRecords.sub(Int(range.lowerBound)..<Int(range.upperBound)))
    }
  }
}
