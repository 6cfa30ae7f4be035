import FHIRModel
import FHIRPath
import Synchronization

/// Which of the standard's rules are asked.
enum InvariantExtent: Int, Sendable, CaseIterable {
  /// Requirements whose cost the element they stand at bounds.
  case cheap
  /// All requirements.
  case requirements
  /// Recommendations as well.
  case everything
}

/// One rule of the standard, ready to be asked.
struct InvariantRule: Sendable {
  let invariant: Invariant
  let program: FHIRPathProgram
  let presence: PresencePlan?
  /// The bits of `InvariantRules` for the bits of `presence`.
  let bits: [UInt8]
}

/// The rules of one type, with the members that decide most of them.
final class InvariantRules: Sendable {
  /// Of the type itself.
  let own: [InvariantRule]
  /// Of elements whose type does not have the rule by itself.
  let elements: [(element: Schema.ElementID, rules: [InvariantRule])]
  /// The bit of each element of the type that a rule asks for, by its place among all; 0xFF for none.
  private let bits: [UInt8]
  private let first: Int

  private static let none: UInt8 = 0xFF

  /// Whether the names of primitive members matter.
  var asksMembers: Bool { !own.isEmpty || !elements.isEmpty }

  /// The element's bit, 0 for one that no rule asks for.
  func bit(_ element: Schema.ElementID) -> UInt64 {
    let place = Int(element.rawValue) - first
    guard place >= 0, place < bits.count, bits[place] != Self.none else { return 0 }
    return 1 << UInt64(bits[place])
  }

  /// What is seen of the members, and no more, decides about a rule.
  /// - Parameter ordered: of two members by their names.
  func verdict(
    _ rule: InvariantRule, _ seen: MembersSeen, ordered: (String, String) -> Bool?
  ) -> PresencePlan.Verdict {
    guard let presence = rule.presence else { return .open }
    var own = MembersSeen()
    for (place, bit) in rule.bits.enumerated() {
      own.present |= (seen.present >> UInt64(bit) & 1) << UInt64(place)
      own.valued |= (seen.valued >> UInt64(bit) & 1) << UInt64(place)
    }
    return presence.verdict(own) { ordered(presence.names[$0], presence.names[$1]) }
  }

  init(_ type: Schema.TypeID, _ rules: [(invariant: Invariant, program: FHIRPathProgram)], _ schema: Schema) {
    let elements = schema.elements(type)
    first = Int(elements.first?.id.rawValue ?? 0)
    var bits = [UInt8](repeating: Self.none, count: elements.count)
    var next: UInt8 = 0
    var own: [InvariantRule] = []
    var others: [(element: Schema.ElementID, rules: [InvariantRule])] = []
    for (invariant, program) in rules {
      if let name = invariant.element {
        guard let element = schema.element(type, name: name) else { continue }
        let rule = InvariantRule(invariant: invariant, program: program, presence: nil, bits: [])
        if let place = others.firstIndex(where: { $0.element == element }) {
          others[place].rules.append(rule)
        } else {
          others.append((element, [rule]))
        }
        continue
      }
      var places: [UInt8] = []
      for name in program.presence?.names ?? [] {
        guard let element = schema.element(type, name: name) else { break }
        let place = Int(element.rawValue) - first
        guard bits.indices.contains(place) else { break }
        if bits[place] == Self.none, next < 64 {
          bits[place] = next
          next += 1
        }
        guard bits[place] != Self.none else { break }
        places.append(bits[place])
      }
      // Where the type has not all the members that a rule names, only an evaluation tells.
      let presence = program.presence.flatMap { $0.names.count == places.count ? $0 : nil }
      own.append(InvariantRule(invariant: invariant, program: program, presence: presence, bits: places))
    }
    self.bits = bits
    self.own = own
    self.elements = others
  }
}

/// The rules of all types met so far, read once.
final class InvariantTable: Sendable {
  /// Rules that the structure check has seen to already (ele-1, ext-1, txt-1, dom-2), and the one that R4 marks as best
  /// practice and no requirement (dom-6, extension elementdefinition-bestpractice).
  private static let excluded: Set<String> = ["ele-1", "ext-1", "txt-1", "dom-2", "dom-6"]

  /// Rules that releases before R5 state wrongly: que-7 asks for System.Boolean where the answer is FHIR's boolean.
  /// They are told, and no reason to refuse a write.
  private static let misstated: Set<String> = ["que-7"]

  private let schema: Schema
  private let limits: FHIRPathLimits
  private let extent: InvariantExtent
  private let known: Mutex<[InvariantRules?]>

  init(_ extent: InvariantExtent, schema: Schema, limits: FHIRPathLimits) {
    self.schema = schema
    self.limits = limits
    self.extent = extent
    known = Mutex(Array(repeating: nil, count: schema.allTypes.count))
  }

  /// All that is known at the moment, by `TypeID.rawValue`.
  var snapshot: [InvariantRules?] { known.withLock { $0 } }

  /// Reads a type's rules and keeps them.
  func rules(of type: Schema.TypeID) -> InvariantRules {
    let found = schema.invariants(type).compactMap { invariant -> (Invariant, FHIRPathProgram)? in
      guard !Self.excluded.contains(invariant.key), extent == .everything || isRequirement(invariant),
        let expression = invariant.expression,
        let program = try? FHIRPathProgram(expression, schema: schema, limits: limits),
        extent != .cheap || program.isLocal
      else { return nil }
      return (invariant, program)
    }
    func isRequirement(_ invariant: Invariant) -> Bool {
      invariant.severity == .error && (schema.release == "5.0" || !Self.misstated.contains(invariant.key))
    }
    let made = InvariantRules(type, found, schema)
    known.withLock { $0[Int(type.rawValue)] = made }
    return made
  }
}
