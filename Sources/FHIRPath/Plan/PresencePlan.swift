internal import Base

/// What is seen of an element without an evaluation: which of the members that a plan asks for it has.
public struct MembersSeen: Sendable {
  /// The bits of the members that are there.
  public var present: UInt64 = 0
  /// Those of them that are one primitive with a value.
  public var valued: UInt64 = 0

  public init() {}
}

/// What the presence of an element's members alone decides about a condition, and the order of two of them.
///
/// Most rules of the standard ask which members stand together (`value.empty() or system.exists()`), or ask more of a
/// member only where it is there. So most rules are decided, for most elements, without an evaluation.
public struct PresencePlan: Sendable {
  /// What is known of a condition's value.
  public enum Verdict: Sendable, Equatable {
    /// True or empty, whatever the members say.
    case kept
    /// False.
    case broken
    /// Evaluate it.
    case open
  }

  /// The members asked for, as FHIRPath names them; a member's bit is its place here.
  public let names: [String]
  private let steps: [Step]

  static let namesMax = 64
  /// Conditions that need more operands at once are left to the evaluation: one takes four bits of a word.
  private static let operandsMax = 16

  /// A condition in postfix order.
  private enum Step: Sendable {
    case exists(UInt64)
    case empty(UInt64)
    case hasValue(UInt64)
    /// `first <= second`, by their places in `names`.
    case ordered(Int, Int)
    /// Known where none of these members is there.
    case leaf(UInt64, absent: Values)
    case open
    case not
    case binary(Operator)
  }

  /// The values that a condition may have: a set of true, false and empty.
  private struct Values: OptionSet {
    let rawValue: UInt8
    static let `true` = Values(rawValue: 1)
    static let `false` = Values(rawValue: 2)
    static let empty = Values(rawValue: 4)
    static let any: Values = [.true, .false, .empty]
    static let singles: [(Values, Bool?)] = [(.true, true), (.false, false), (.empty, nil)]

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ value: Bool?) { self = value.map { $0 ? .true : .false } ?? .empty }
  }

  /// Whether the condition holds for an element with these members.
  /// - Parameter ordered: whether the value of the first member is at most that of the second, by their places in
  ///   `names`; nil if that takes an evaluation.
  public func verdict(_ seen: MembersSeen, ordered: (Int, Int) -> Bool?) -> Verdict {
    var stack: UInt64 = 0
    func pop() -> Values {
      defer { stack >>= 4 }
      return Values(rawValue: UInt8(truncatingIfNeeded: stack & 7))
    }
    for step in steps {
      let value: Values
      switch step {
      case .exists(let bit): value = seen.present & bit != 0 ? .true : .false
      case .empty(let bit): value = seen.present & bit != 0 ? .false : .true
      case .hasValue(let bit): value = seen.valued & bit != 0 ? .true : seen.present & bit != 0 ? .any : .false
      case .ordered(let first, let second):
        let both: UInt64 = 1 << UInt64(first) | 1 << UInt64(second)
        if seen.present & both != both {
          value = .empty
        } else {
          value = seen.valued & both == both ? ordered(first, second).map { $0 ? .true : .false } ?? .any : .any
        }
      case .leaf(let bits, let absent): value = seen.present & bits == 0 ? absent : .any
      case .open: value = .any
      case .not: value = Self.not(pop())
      case .binary(let op):
        let right = pop()
        value = Self.combine(op, pop(), right)
      }
      stack = stack << 4 | UInt64(value.rawValue)
    }
    let value = pop()
    return value.contains(.false) ? (value == .false ? .broken : .open) : .kept
  }

  private static func not(_ values: Values) -> Values {
    var result = values.intersection(.empty)
    if values.contains(.true) { result.insert(.false) }
    if values.contains(.false) { result.insert(.true) }
    return result
  }

  private static func combine(_ op: Operator, _ left: Values, _ right: Values) -> Values {
    if op == .or, left == .true || right == .true { return .true }
    if op == .and, left == .false || right == .false { return .false }
    var result: Values = []
    for (a, x) in Values.singles where left.contains(a) {
      for (b, y) in Values.singles where right.contains(b) { result.insert(Values(combine(op, x, y))) }
    }
    return result
  }

  /// FHIRPath 2.0 §Boolean logic.
  private static func combine(_ op: Operator, _ left: Bool?, _ right: Bool?) -> Bool? {
    switch op {
    case .and:
      if left == false || right == false { return false }
      return left == true && right == true ? true : nil
    case .or:
      if left == true || right == true { return true }
      return left == false && right == false ? false : nil
    case .implies:
      if left == false || right == true { return true }
      return left == true ? right : nil
    default:
      guard let left, let right else { return nil }
      return left != right
    }
  }
}

// MARK: - Reading a program

extension FHIRPathProgram {
  /// What the presence of its focus's members decides about it as a condition; nil if nothing.
  public var presence: PresencePlan? { PresencePlan(self) }

  /// Whether what it costs is bounded by the element it is asked of: it looks neither around the element nor through
  /// all of a tree, follows no reference, matches no pattern and asks nobody else.
  public var isLocal: Bool {
    syntax.nodes.allSatisfy { node in
      switch node.kind {
      case .variable(let name): Evaluation.constant(name) != nil
      case .call(_, let function, _): !PresencePlan.farFunctions.contains(function)
      default: true
      }
    }
  }
}

extension PresencePlan {
  /// Functions whose cost the element itself does not bound.
  fileprivate static let farFunctions: Set<Function> = [
    .resolve, .children, .descendants, .repeat, .repeatAll, .matches, .matchesFull, .replaceMatches, .memberOf,
    .conformsTo, .subsumes, .subsumedBy, .checkModifiers, .htmlChecks, .hasTemplateIdOf, .elementDefinition, .slice,
    .aggregate, .now, .today, .timeOfDay, .defineVariable,
  ]

  fileprivate init?(_ program: FHIRPathProgram) {
    var builder = Builder(program: program)
    builder.build(program.syntax.root)
    guard builder.names.count <= Self.namesMax, builder.operandsMost <= Self.operandsMax,
      builder.steps.contains(where: { if case .open = $0 { false } else { true } })
    else { return nil }
    names = builder.names
    steps = builder.steps
  }

  /// The tree's bounded height bounds the recursion.
  private struct Builder {
    let program: FHIRPathProgram
    var names: [String] = []
    var steps: [Step] = []

    /// The most operands that wait at once.
    var operandsMost: Int {
      var count = 0
      var most = 0
      for step in steps {
        switch step {
        case .not: break
        case .binary: count -= 1
        default: count += 1
        }
        most = max(most, count)
      }
      return most
    }

    mutating func build(_ id: Syntax.ID) {
      switch program.syntax[id].kind {
      case .binary(let op, let left, let right) where op == .and || op == .or || op == .xor || op == .implies:
        build(left)
        build(right)
        steps.append(.binary(op))
      case .call(let focus, .not, _):
        build(focus)
        steps.append(.not)
      case .call(let focus, .exists, let arguments) where arguments.isEmpty && member(focus) != nil:
        steps.append(.exists(bit(member(focus))))
      case .call(let focus, .empty, _) where member(focus) != nil:
        steps.append(.empty(bit(member(focus))))
      case .call(let focus, .hasValue, _) where member(focus) != nil:
        steps.append(.hasValue(bit(member(focus))))
      case .binary(.lessOrEqual, let left, let right) where member(left) != nil && member(right) != nil:
        let places = [bit(member(left)), bit(member(right))].map(\.trailingZeroBitCount)
        steps.append(places.allSatisfy { $0 < PresencePlan.namesMax } ? .ordered(places[0], places[1]) : .open)
      default: leaf(id)
      }
    }

    private func member(_ id: Syntax.ID) -> String? {
      guard case .member(let focus, let name) = program.syntax[id].kind, case .this = program.syntax[focus].kind,
        name.utf8.first.map({ $0 &- 97 < 26 }) == true
      else { return nil }
      return name.name
    }

    private mutating func bit(_ name: String?) -> UInt64 {
      guard let name else { return 0 }
      let place = names.firstIndex(of: name) ?? names.count
      if place == names.count { names.append(name) }
      return place < PresencePlan.namesMax ? 1 << UInt64(place) : 0
    }

    private mutating func leaf(_ id: Syntax.ID) {
      guard let roots = roots(id), !roots.isEmpty, let absent = valueOnNothing(id) else { return steps.append(.open) }
      steps.append(.leaf(roots.reduce(0) { $0 | bit($1) }, absent: absent))
    }

    /// Its value where the focus has none of its members; nil where that is no Boolean.
    private func valueOnNothing(_ id: Syntax.ID) -> Values? {
      let evaluation = Evaluation(program, FHIRPathContext(focus: [], now: Instant(milliseconds: 0)))
      var scope = Evaluation.Scope(this: [])
      guard let items = try? evaluation.evaluate(id, &scope) else { return nil }
      switch (items.count, items.first) {
      case (0, _): return .empty
      case (1, .boolean(let value)?): return Values(value)
      default: return nil
      }
    }

    /// The members of the focus through which alone it sees the document; nil if it sees more than that.
    private func roots(_ id: Syntax.ID) -> Set<String>? {
      if let name = member(id) { return [name] }
      switch program.syntax[id].kind {
      case .literal, .empty: return []
      case .variable(let name): return Evaluation.constant(name) == nil ? nil : []
      case .member(let focus, _), .typeTest(let focus, _, _), .negate(let focus), .plus(let focus):
        return roots(focus)
      case .indexer(let left, let right), .binary(_, let left, let right):
        guard let a = roots(left), let b = roots(right) else { return nil }
        return a.union(b)
      case .call(let focus, let function, let arguments): return roots(function, of: focus, arguments)
      case .this, .index, .total: return nil
      }
    }

    private func roots(_ function: Function, of focus: Syntax.ID, _ arguments: [Syntax.ID]) -> Set<String>? {
      guard let before = roots(focus) else { return nil }
      switch function {
      // An argument that is evaluated for each item is not evaluated where there is none.
      case .where, .select, .all, .exists: return arguments.isEmpty || isPath(focus) ? before : nil
      case .now, .today, .timeOfDay, .iif, .repeat, .repeatAll, .aggregate, .sort, .coalesce, .defineVariable:
        return nil
      default:
        return arguments.reduce(before as Set<String>?) { found, argument in
          guard let found, let more = roots(argument) else { return nil }
          return found.union(more)
        }
      }
    }

    /// Whether it is steps from a member, which select nothing where the member is absent.
    private func isPath(_ id: Syntax.ID) -> Bool {
      if member(id) != nil { return true }
      switch program.syntax[id].kind {
      case .member(let focus, _), .typeTest(let focus, .as, _), .typeTest(let focus, .ofType, _): return isPath(focus)
      case .call(let focus, let function, _):
        switch function {
        case .where, .select, .first, .last, .tail, .skip, .take, .distinct, .extension, .children, .descendants,
          .resolve, .trace:
          return isPath(focus)
        default: return false
        }
      case .indexer(let focus, _): return isPath(focus)
      default: return false
      }
    }
  }
}
