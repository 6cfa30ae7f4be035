/// Codes by their systems: what a value set comes to.
struct CodeList: Equatable {
  enum Codes: Equatable {
    /// Every code of a system that is not listed here.
    case all
    case some(Set<String>)
  }

  /// A code's system is empty where it has none.
  private(set) var systems: [String: Codes] = [:]

  init() {}

  init(_ system: String, _ codes: Codes) { systems[system] = codes }

  /// Codes listed; a whole system counts as one.
  var count: Int {
    systems.values.reduce(0) { sum, codes in
      switch codes {
      case .all: sum + 1
      case .some(let codes): sum + codes.count
      }
    }
  }

  mutating func insert(_ code: String, of system: String) {
    switch systems[system] {
    case .all: return
    case nil: systems[system] = .some([code])
    case .some:
      // Taken out first, so that the set is not copied.
      guard case .some(var codes)? = systems.removeValue(forKey: system) else { return }
      codes.insert(code)
      systems[system] = .some(codes)
    }
  }

  mutating func formUnion(_ other: CodeList) {
    systems.merge(other.systems) { own, other in
      guard case .some(let own) = own, case .some(let other) = other else { return .all }
      return .some(own.union(other))
    }
  }

  mutating func formIntersection(_ other: CodeList) {
    for (system, own) in systems {
      switch (own, other.systems[system]) {
      case (_, nil): systems[system] = nil
      case (.all, let theirs?): systems[system] = theirs
      case (.some, .all?): continue
      case (.some(let codes), .some(let theirs)?): systems[system] = .some(codes.intersection(theirs))
      }
    }
  }

  /// Takes codes out.
  /// - Returns: a system of which single codes cannot be taken out, because its codes are not known; nil for none.
  mutating func subtract(_ other: CodeList) -> String? {
    for (system, theirs) in other.systems {
      switch (systems[system], theirs) {
      case (nil, _): continue
      case (_, .all): systems[system] = nil
      case (.all?, .some(let codes)): if !codes.isEmpty { return system }
      case (.some(let own)?, .some(let codes)): systems[system] = .some(own.subtracting(codes))
      }
    }
    return nil
  }
}
