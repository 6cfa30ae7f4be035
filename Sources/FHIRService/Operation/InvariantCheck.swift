import Base
import FHIRModel
import FHIRPath
import JSONCore

/// The standard's own rules for a resource and all its elements (ElementDefinition.constraint), evaluated as FHIRPath.
///
/// One walk over the tape without recursion; each rule's expression is read once and kept. Most rules are decided by
/// which members an element has and need no evaluation.
final class InvariantCheck: Sendable {
  /// Issues reported of one resource; the walk ends there.
  static let issuesMax = 50
  /// How long one resource is checked. Past it `$validate` says that not all was checked.
  static let secondsMax: Int64 = 10
  /// How long a write is checked: what was not checked by then is no reason to refuse it.
  static let writeSecondsMax: Int64 = 2
  /// Evaluation steps of one cheap rule at one element.
  static let cheapStepsMax = 20_000
  /// Elements between two looks at the clock of a write's check.
  private static let elementsPerLook = 256

  private let schema: Schema
  /// By `InvariantExtent`.
  private let tables: [InvariantTable]

  init(schema: Schema, limits: Limits) {
    self.schema = schema
    tables = InvariantExtent.allCases.map { extent in
      var expression = FHIRPathLimits()
      expression.stepsMax =
        extent == .cheap ? min(Self.cheapStepsMax, limits.fhirPathStepsMax) : limits.fhirPathStepsMax
      return InvariantTable(extent, schema: schema, limits: expression)
    }
  }

  /// What a resource breaks, the recommendations too. Its structure must be sound.
  func issues(of document: JSONDocument, type: Schema.TypeID, clock: Clock) throws(Fault) -> [Fault.Reason] {
    var walk = Walk(document, document.root, type, .everything, path: schema.name(type), tables[2].snapshot, clock)
    try check(&walk, secondsMax: Self.secondsMax, clock) { walk, place in
      walk.issues.append(
        Fault.Reason(
          "To check all rules takes too long; those of this element and what follows it are not checked.",
          code: "too-costly", severity: .warning, at: walk.path(of: place, schema)))
    }
    return walk.issues
  }

  /// The requirements that a resource to be written breaks. Its structure must be sound.
  /// - Parameter path: where the resource stands, such as `Bundle.entry[0].resource`.
  func violations(
    of resource: ResourceNode, type: Schema.TypeID, _ extent: InvariantExtent, path: String, clock: Clock
  ) throws(Fault) -> [Fault.Reason] {
    var walk = Walk(
      resource.document, resource.node, type, extent, path: path, tables[extent.rawValue].snapshot, clock)
    try check(&walk, secondsMax: Self.writeSecondsMax, clock) { _, _ in }
    return walk.issues
  }

  private func check(
    _ walk: inout Walk, secondsMax: Int64, _ clock: Clock, outOfTime: (inout Walk, Int32) -> Void
  ) throws(Fault) {
    while let place = walk.open.popLast(), walk.issues.count < Self.issuesMax {
      walk.checked += 1
      if walk.extent == .everything || walk.checked % Self.elementsPerLook == 0 {
        guard !Task.isCancelled else { throw Fault(.tooSlow, "The validation was cancelled.") }
        guard clock.now().milliseconds - walk.now.milliseconds <= secondsMax * 1_000 else {
          return outOfTime(&walk, place)
        }
      }
      check(place, &walk)
    }
  }

  // MARK: The walk

  /// An object on the way. Its path is put together only where it is told.
  private struct Place {
    let node: JSONNode
    let type: Schema.TypeID
    /// The place around it; -1 for the root.
    let parent: Int32
    let element: Schema.ElementID?
    /// Its place in an array; -1 outside of one.
    let index: Int32
    /// The innermost resource around it, for `%resource`.
    let resource: Int32
  }

  private struct Walk {
    let document: JSONDocument
    let now: Instant
    let extent: InvariantExtent
    let rootPath: String
    var tables: [InvariantRules?]
    var places: [Place] = []
    /// Places still to be checked, the next one last.
    var open: [Int32] = [0]
    var issues: [Fault.Reason] = []
    var checked = 0

    init(
      _ document: JSONDocument, _ node: JSONNode, _ type: Schema.TypeID, _ extent: InvariantExtent, path: String,
      _ tables: [InvariantRules?], _ clock: Clock
    ) {
      self.document = document
      self.extent = extent
      self.tables = tables
      rootPath = path
      now = clock.now()
      places.append(Place(node: node, type: type, parent: -1, element: nil, index: -1, resource: 0))
    }

    func node(_ place: Int32) -> FHIRPathNode {
      let place = places[Int(place)]
      return FHIRPathNode(document: document, value: place.node, type: place.type)
    }

    func path(of place: Int32, _ schema: Schema) -> String {
      var parts: [String] = []
      var current = place
      while current > 0 {
        let place = places[Int(current)]
        if let element = place.element {
          parts.append(schema[element].name + (place.index >= 0 ? "[\(place.index)]" : ""))
        }
        current = place.parent
      }
      return ([rootPath] + parts.reversed()).joined(separator: ".")
    }
  }

  private func check(_ index: Int32, _ walk: inout Walk) {
    let place = walk.places[Int(index)]
    let document = walk.document
    let rules = rules(of: place.type, &walk)
    let firstOpen = walk.open.count
    var seen = MembersSeen()
    var isUncertain = false
    for (key, value) in document.members(place.node) {
      let kind = document.kind(value)
      guard rules.asksMembers || kind == .object || kind == .array else { continue }
      let name = document.lexeme(key)
      if name.first == UInt8(ascii: "_") {
        // A primitive without a value may be there by its extensions (FHIR R4 json#primitive).
        isUncertain = isUncertain || rules.asksMembers
        continue
      }
      guard let (element, type) = schema.element(place.type, key: name) else { continue }
      let bit = rules.bit(element)
      seen.present |= bit
      if kind == .string || kind == .number || kind == .true || kind == .false {
        seen.valued |= bit
      } else if kind == .object {
        add(value, type, element, -1, index, &walk)
      } else if kind == .array {
        for (number, item) in document.elements(value).enumerated() where document.kind(item) == .object {
          add(item, type, element, Int32(truncatingIfNeeded: number), index, &walk)
        }
      }
      for (asked, rules) in rules.elements where asked == element {
        for rule in rules { evaluate(rule, value, type, element, index, &walk) }
      }
    }
    // The last child goes to the bottom, so that issues come in document order.
    walk.open[firstOpen...].reverse()
    for rule in rules.own where walk.issues.count < Self.issuesMax {
      let verdict =
        isUncertain ? .open : rules.verdict(rule, seen) { Self.isOrdered(document, place.node, $0, $1) }
      switch verdict {
      case .kept: continue
      case .broken: report(rule, walk.path(of: index, schema), &walk)
      case .open: evaluate(rule, walk.node(index), index, &walk) { $0.path(of: index, schema) }
      }
    }
  }

  /// Whether one date is at most another, where their texts tell: both of one precision and in one time zone.
  private static func isOrdered(_ document: JSONDocument, _ node: JSONNode, _ first: String, _ second: String) -> Bool?
  {
    guard let left = document.member(node, JSONKey(first)), let right = document.member(node, JSONKey(second)),
      document.kind(left) == .string, document.kind(right) == .string, !document.hasEscapes(left),
      !document.hasEscapes(right)
    else { return nil }
    let a = document.lexeme(left)
    let b = document.lexeme(right)
    guard a.count == b.count, a.count >= 4, a[0] &- 48 < 10, b[0] &- 48 < 10 else { return nil }
    // A date has at most ten bytes, and a zone at most six: `+01:00`.
    guard a.count <= 10 || a.suffix(6).elementsEqual(b.suffix(6)) || (a.last == 90 && b.last == 90) else { return nil }
    return !b.lexicographicallyPrecedes(a)
  }

  private func add(
    _ node: JSONNode, _ type: Schema.TypeID, _ element: Schema.ElementID, _ number: Int32, _ parent: Int32,
    _ walk: inout Walk
  ) {
    let here = Int32(truncatingIfNeeded: walk.places.count)
    var type = type
    var resource = walk.places[Int(parent)].resource
    if schema.kind(type) == .resource {
      guard let name = walk.document.member(node, Self.resourceType),
        let actual = schema.type(utf8: walk.document.lexeme(name))
      else { return }
      type = actual
      resource = here
    }
    walk.places.append(
      Place(node: node, type: type, parent: parent, element: element, index: number, resource: resource))
    walk.open.append(here)
  }

  private static let resourceType: JSONKey = "resourceType"

  private func rules(of type: Schema.TypeID, _ walk: inout Walk) -> InvariantRules {
    if let known = walk.tables[Int(type.rawValue)] { return known }
    let made = tables[walk.extent.rawValue].rules(of: type)
    walk.tables[Int(type.rawValue)] = made
    return made
  }

  // MARK: Rules

  /// A rule of an element's own, for each of its values.
  private func evaluate(
    _ rule: InvariantRule, _ value: JSONNode, _ type: Schema.TypeID, _ element: Schema.ElementID, _ place: Int32,
    _ walk: inout Walk
  ) {
    let document = walk.document
    let name = schema[element].name
    let isArray = document.kind(value) == .array
    let values = isArray ? Array(document.elements(value)) : [value]
    for (number, item) in values.enumerated() where document.kind(item) != .null {
      let focus = FHIRPathNode(document: document, value: item, type: type)
      evaluate(rule, focus, place, &walk) { walk in
        "\(walk.path(of: place, schema)).\(name)\(isArray ? "[\(number)]" : "")"
      }
    }
  }

  private func evaluate(
    _ rule: InvariantRule, _ focus: FHIRPathNode, _ place: Int32, _ walk: inout Walk, path: (Walk) -> String
  ) {
    var context = FHIRPathContext(focus: [.node(focus)], now: walk.now)
    context.resource = walk.node(walk.places[Int(place)].resource)
    context.rootResource = walk.node(0)
    do throws(FHIRPathError) {
      // An empty result breaks no rule.
      guard case .boolean(false)? = try rule.program.evaluate(in: context).first else { return }
      report(rule, path(walk), &walk)
    } catch {
      // What cannot be evaluated is told by `$validate`, and no reason to refuse a write.
      guard walk.extent == .everything else { return }
      walk.issues.append(
        Fault.Reason(
          "The rule \(rule.invariant.key) could not be evaluated: \(error.message).", code: "incomplete",
          severity: .warning, at: path(walk)))
    }
  }

  private func report(_ rule: InvariantRule, _ path: String, _ walk: inout Walk) {
    walk.issues.append(
      Fault.Reason(
        "The rule \(rule.invariant.key) is not kept: \(rule.invariant.human)", code: "invariant",
        severity: rule.invariant.severity == .error ? .error : .warning, at: path))
  }
}
