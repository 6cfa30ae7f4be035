public import Identity
import FHIRStore
import Synchronization

/// What the caller was allowed; made once for a caller, before the service is asked, and travels with every call.
public struct Decision: Sendable {
  /// nil: everything.
  let access: Access?

  private init(access: Access?) { self.access = access }

  /// Everything: for a service without authentication, and for the server's own work.
  public static let everything = Decision(access: nil)

  /// Nothing but what is for everybody.
  public static let nothing = Decision(.anonymous)

  /// What these rules allow. What follows from them is kept with the decision: make one for a caller, not one for a
  /// call.
  public init(_ rules: AccessRules) { access = Access(rules) }

  /// Whether all resources of a type may be had and changed so, whatever they say.
  public func allowsAll(_ interactions: [FHIRInteraction], of type: String) -> Bool {
    guard let access else { return true }
    return interactions.allSatisfy { access.rules.decision($0, type) == .allowed }
  }
}

/// Rules, with the restrictions that follow from them in one service.
final class Access: Sendable {
  let rules: AccessRules
  private let restrictions = Mutex<(generation: Int64, made: [FHIRInteraction: Restriction])>((-1, [:]))

  init(_ rules: AccessRules) { self.rules = rules }

  /// - Parameter generation: of the search parameters that restrictions are made of.
  func restriction(
    _ interaction: FHIRInteraction, _ generation: Int64, make: () -> Restriction
  ) -> Restriction {
    let known = restrictions.withLock { $0.generation == generation ? $0.made[interaction] : nil }
    if let known { return known }
    let made = make()
    restrictions.withLock { kept in
      if kept.generation != generation { kept = (generation, [:]) }
      kept.made[interaction] = made
    }
    return made
  }
}
