import Base

/// What one search may cost before anything is looked up: a chain over many types multiplies what it says.
struct SearchBudget {
  let limits: Limits
  private(set) var values = 0
  private(set) var targets = 0

  init(_ limits: Limits) { self.limits = limits }

  /// Counts values, and words of a full-text expression.
  mutating func spend(values count: Int) throws(Fault) {
    values += count
    guard values <= limits.searchValuesMax else {
      throw Fault(.invalid, "A search takes at most \(limits.searchValuesMax) values in all.", code: Self.tooCostly)
    }
  }

  /// Counts a type that a chain leads to.
  mutating func spendTarget() throws(Fault) {
    targets += 1
    guard targets <= limits.searchChainTargetsMax else {
      throw Fault(
        .invalid,
        "The chained parameters of the search lead to more than \(limits.searchChainTargetsMax) types of resources; "
          + "name the types (subject:Patient.name).", code: Self.tooCostly)
    }
  }

  static let tooCostly = "too-costly"
}

extension Fault {
  /// A limit was reached: no other reading of the same text can help.
  var isTooCostly: Bool { reasons.contains { $0.code == SearchBudget.tooCostly } }
}
