public import FHIRModel
public import FHIRSearch
import Synchronization

/// What a caller may see: every read of the store takes one, and applies it before it counts, sorts or cuts.
///
/// It has two sights: of the resources that are asked for, and of those that are reached from them by includes, chains,
/// `_has` and value sets. What is out of sight is as if it were not there.
public struct Restriction: Sendable {
  /// What of one type is in sight.
  public enum Extent: Sendable {
    case nothing
    case all
    /// Resources that the criterion holds of: conditions on their own parameters, joined by `all` and `any`.
    case matching(SearchCriterion)
  }

  /// What is in sight, type by type; made when a type is asked about for the first time.
  public final class Sight: Sendable {
    private let make: @Sendable (Schema.TypeID) -> Extent
    private let made = Mutex<[Schema.TypeID: Extent]>([:])

    public init(_ make: @escaping @Sendable (Schema.TypeID) -> Extent) { self.make = make }

    public static let nothing = Sight { _ in .nothing }

    public subscript(_ type: Schema.TypeID) -> Extent {
      if let known = made.withLock({ $0[type] }) { return known }
      let extent = make(type)
      made.withLock { $0[type] = extent }
      return extent
    }
  }

  /// nil: everything.
  private let found: Sight?
  private let joined: Sight?
  /// Whether a search that reaches for other resources is refused, rather than reaching none.
  public let refusesJoins: Bool

  public init(found: Sight, joined: Sight, refusesJoins: Bool = false) {
    self.found = found
    self.joined = joined
    self.refusesJoins = refusesJoins
  }

  private init() {
    found = nil
    joined = nil
    refusesJoins = false
  }

  /// No restriction: for callers whose decision allows everything, and for the store's own needs.
  public static let none = Restriction()
  /// Nothing: for views that are narrowed anew for each part of a request.
  public static let nothing = Restriction(found: .nothing, joined: .nothing)

  /// Only resources of these types.
  public static func types(_ types: Set<Schema.TypeID>) -> Restriction {
    let sight = Sight { types.contains($0) ? .all : .nothing }
    return Restriction(found: sight, joined: sight)
  }

  /// What of a type may be found.
  public func extent(_ type: Schema.TypeID) -> Extent { found.map { $0[type] } ?? .all }

  /// Whether some resources of a type may be found.
  public func allows(_ type: Schema.TypeID) -> Bool { extent(type).isSomething }

  /// What of a type may be reached.
  func reach(_ type: Schema.TypeID) -> Extent { joined.map { $0[type] } ?? .all }

  /// The same with what may be reached in the place of what may be found.
  var ofJoined: Restriction { joined.map { Restriction(found: $0, joined: $0, refusesJoins: refusesJoins) } ?? self }

  public var isUnrestricted: Bool { found == nil && joined == nil }
}

extension Restriction.Extent {
  public var isSomething: Bool { if case .nothing = self { false } else { true } }

  /// What a search has to ask for besides; nil for nothing.
  var criterion: SearchCriterion? { if case .matching(let criterion) = self { criterion } else { nil } }
}
