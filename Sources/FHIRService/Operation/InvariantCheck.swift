import Base
import FHIRModel
import FHIRPath
import JSONCore
import Synchronization

/// The standard's own rules for a resource and all its elements (ElementDefinition.constraint), evaluated as FHIRPath.
///
/// One walk over the tape without recursion; each rule's expression is read once and kept.
final class InvariantCheck: Sendable {
  /// Issues reported of one resource; the walk ends there.
  static let issuesMax = 50
  /// How long one resource is checked. Past it the outcome says that not all was checked.
  static let secondsMax: Int64 = 10
  /// Rules that the structure check has seen to already (ele-1, ext-1, txt-1), and the one that R4 marks as best
  /// practice and no requirement (dom-6, extension elementdefinition-bestpractice).
  private static let excluded: Set<String> = ["ele-1", "ext-1", "txt-1", "dom-6"]

  private let schema: Schema
  private let limits: FHIRPathLimits
  /// The rules of each type met so far.
  private let rules = Mutex<[Schema.TypeID: [Rule]]>([:])

  private struct Rule: Sendable {
    let invariant: Invariant
    let program: FHIRPathProgram
  }

  init(schema: Schema, limits: Limits) {
    self.schema = schema
    var expression = FHIRPathLimits()
    expression.stepsMax = limits.fhirPathStepsMax
    self.limits = expression
  }

  /// What a resource breaks. Its structure must be sound.
  func issues(of document: JSONDocument, type: Schema.TypeID, clock: Clock) throws(Fault) -> [Fault.Reason] {
    var walk = Walk(root: FHIRPathNode(document: document, value: document.root, type: type), now: clock.now())
    walk.places.append(
      Place(node: document.root, type: type, path: schema.name(type), resource: walk.root))
    while let place = walk.places.popLast(), walk.issues.count < Self.issuesMax {
      guard !Task.isCancelled else { throw Fault(.tooSlow, "The validation was cancelled.") }
      guard clock.now().milliseconds - walk.now.milliseconds <= Self.secondsMax * 1_000 else {
        walk.issues.append(
          Fault.Reason(
            "To check all rules takes too long; those of this element and what follows it are not checked.",
            code: "too-costly", severity: .warning, at: place.path))
        break
      }
      check(place, &walk)
      push(place, &walk)
    }
    return walk.issues
  }

  // MARK: The walk

  private struct Place {
    let node: JSONNode
    let type: Schema.TypeID
    let path: String
    /// The innermost resource around it, for `%resource`.
    let resource: FHIRPathNode
  }

  private struct Walk {
    let root: FHIRPathNode
    let now: Instant
    var places: [Place] = []
    var issues: [Fault.Reason] = []

    var document: JSONDocument { root.document }
  }

  /// Puts a place's children on the stack, the last one first, so that issues come in document order.
  private func push(_ place: Place, _ walk: inout Walk) {
    let document = walk.document
    var children: [Place] = []
    for (key, value) in document.members(place.node) {
      guard let (element, type) = schema.element(place.type, key: document.lexeme(key)) else { continue }
      let path = "\(place.path).\(schema[element].name)"
      if document.kind(value) == .array {
        for (index, item) in document.elements(value).enumerated() {
          add(item, type, "\(path)[\(index)]", place.resource, document, &children)
        }
      } else {
        add(value, type, path, place.resource, document, &children)
      }
    }
    walk.places += children.reversed()
  }

  private func add(
    _ node: JSONNode, _ type: Schema.TypeID, _ path: String, _ resource: FHIRPathNode, _ document: JSONDocument,
    _ children: inout [Place]
  ) {
    guard document.kind(node) == .object else { return }
    guard schema.kind(type) == .resource else {
      return children.append(Place(node: node, type: type, path: path, resource: resource))
    }
    guard let name = document.member(node, "resourceType").flatMap({ document.string($0) }),
      let actual = schema.resourceType(name)
    else { return }
    let inner = FHIRPathNode(document: document, value: node, type: actual)
    children.append(Place(node: node, type: actual, path: path, resource: inner))
  }

  // MARK: Rules

  private func check(_ place: Place, _ walk: inout Walk) {
    for rule in rules(of: place.type) where walk.issues.count < Self.issuesMax {
      guard let element = rule.invariant.element else {
        let focus = FHIRPathNode(document: walk.document, value: place.node, type: place.type)
        evaluate(rule, focus, place.path, place, &walk)
        continue
      }
      for (focus, path) in elements(element, of: place, walk.document) { evaluate(rule, focus, path, place, &walk) }
    }
  }

  /// The instances of an element that has a rule of its own.
  private func elements(_ name: String, of place: Place, _ document: JSONDocument) -> [(FHIRPathNode, String)] {
    guard let element = schema.element(place.type, name: name) else { return [] }
    let path = "\(place.path).\(name)"
    return schema[element].types.flatMap { type -> [(FHIRPathNode, String)] in
      guard let value = document.member(place.node, JSONKey(type.key.string)) else { return [] }
      func node(_ value: JSONNode) -> FHIRPathNode { FHIRPathNode(document: document, value: value, type: type.type) }
      guard document.kind(value) == .array else { return [(node(value), path)] }
      return document.elements(value).enumerated().compactMap { index, item in
        document.kind(item) == .null ? nil : (node(item), "\(path)[\(index)]")
      }
    }
  }

  private func evaluate(_ rule: Rule, _ focus: FHIRPathNode, _ path: String, _ place: Place, _ walk: inout Walk) {
    var context = FHIRPathContext(focus: [.node(focus)], now: walk.now)
    context.resource = place.resource
    context.rootResource = walk.root
    do throws(FHIRPathError) {
      // An empty result breaks no rule.
      guard case .boolean(false)? = try rule.program.evaluate(in: context).first else { return }
      walk.issues.append(
        Fault.Reason(
          "The rule \(rule.invariant.key) is not kept: \(rule.invariant.human)", code: "invariant",
          severity: rule.invariant.severity == .error ? .error : .warning, at: path))
    } catch {
      walk.issues.append(
        Fault.Reason(
          "The rule \(rule.invariant.key) could not be evaluated: \(error.message).", code: "incomplete",
          severity: .warning, at: path))
    }
  }

  private func rules(of type: Schema.TypeID) -> [Rule] {
    if let known = rules.withLock({ $0[type] }) { return known }
    let made = schema.invariants(type).compactMap { invariant -> Rule? in
      guard !Self.excluded.contains(invariant.key), let expression = invariant.expression,
        let program = try? FHIRPathProgram(expression, schema: schema, limits: limits)
      else { return nil }
      return Rule(invariant: invariant, program: program)
    }
    rules.withLock { $0[type] = made }
    return made
  }
}
