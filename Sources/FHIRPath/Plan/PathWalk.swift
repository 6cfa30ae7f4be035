public import FHIRModel
public import JSONCore

extension FHIRPathProgram {
  /// Whether the expression is only paths: elements, types, `where` with a literal or with `resolve() is`,
  /// `extension`, and `|`. Only such are walked by `forEachNode`.
  public var isPath: Bool { plan != nil }

  /// Calls `body` for each place that the expression selects from one place of a document, in document order for each
  /// of the paths joined by `|`.
  ///
  /// No collections are made. Differences from `evaluate(in:)`: equal values are not taken out of a union, and
  /// primitives without a value are left out. `resolve() is` is decided within the document (see `FHIRPathContext` for
  /// resolvers).
  /// - Returns: false, without a call, if the expression is no path (`isPath`).
  @discardableResult
  public func forEachNode<E: Error>(
    in document: JSONDocument, from node: JSONNode, type: Schema.TypeID,
    _ body: (JSONNode, Schema.TypeID) throws(E) -> Void
  ) throws(E) -> Bool {
    guard let plan else { return false }
    let walk = PathWalk(schema: schema, document: document)
    for steps in plan.alternatives { try walk.run(steps, 0, node, nil, type, body) }
    return true
  }
}

/// Walks the steps of a path over a document. The recursion is as deep as the path is long.
struct PathWalk {
  let schema: Schema
  let document: JSONDocument

  func run<E: Error>(
    _ steps: [PathPlan.Step], _ index: Int, _ value: JSONNode?, _ sibling: JSONNode?, _ type: Schema.TypeID,
    _ body: (JSONNode, Schema.TypeID) throws(E) -> Void
  ) throws(E) {
    guard index < steps.count else {
      if let value { try body(value, type) }
      return
    }
    switch steps[index] {
    case .member(let step): try member(step, steps, index, value, sibling, type, body)
    case .type(let wanted, let isExact):
      guard isExact ? type == wanted : schema.isSubtype(type, of: wanted) else { return }
      try run(steps, index + 1, value, sibling, type, body)
    case .refers(let wanted):
      guard let value, let target = ReferenceLookup(schema: schema, document: document).targetType(of: value),
        schema.isSubtype(target, of: wanted)
      else { return }
      try run(steps, index + 1, value, sibling, type, body)
    case .text(let step, let text):
      guard let value, has(step, text, value, type) else { return }
      try run(steps, index + 1, value, sibling, type, body)
    case .url(let step, let url): try extensions(step, url, steps, index, value, sibling, type, body)
    }
  }

  private func member<E: Error>(
    _ step: MemberStep, _ steps: [PathPlan.Step], _ index: Int, _ value: JSONNode?, _ sibling: JSONNode?,
    _ type: Schema.TypeID, _ body: (JSONNode, Schema.TypeID) throws(E) -> Void
  ) throws(E) {
    guard let access = step.access(in: type, schema), let object = object(value, sibling) else { return }
    if access.isChoice {
      try choice(access, steps, index, object, type, body)
      return
    }
    let found = document.member(object, step.name.key)
    let beside = step.needsSibling && access.isPrimitive ? document.member(object, step.name.siblingKey) : nil
    try each(access, found, beside, steps, index, body)
  }

  private func object(_ value: JSONNode?, _ sibling: JSONNode?) -> JSONNode? {
    guard let value, document.kind(value) == .object else { return sibling }
    return value
  }

  @inline(__always)
  private func each<E: Error>(
    _ access: MemberStep.Access, _ found: JSONNode?, _ beside: JSONNode?, _ steps: [PathPlan.Step], _ index: Int,
    _ body: (JSONNode, Schema.TypeID) throws(E) -> Void
  ) throws(E) {
    guard let found else {
      guard let beside else { return }
      try eachBeside(access, beside, steps, index, body)
      return
    }
    guard document.kind(found) == .array else {
      try one(access, found, beside, steps, index, body)
      return
    }
    guard let beside, document.kind(beside) == .array else {
      for element in document.elements(found) { try one(access, element, nil, steps, index, body) }
      return
    }
    var siblings = document.elements(beside)
    for element in document.elements(found) { try one(access, element, siblings.next(), steps, index, body) }
  }

  private func eachBeside<E: Error>(
    _ access: MemberStep.Access, _ beside: JSONNode, _ steps: [PathPlan.Step], _ index: Int,
    _ body: (JSONNode, Schema.TypeID) throws(E) -> Void
  ) throws(E) {
    guard document.kind(beside) == .array else {
      try run(steps, index + 1, nil, beside, access.type, body)
      return
    }
    for element in document.elements(beside) { try run(steps, index + 1, nil, element, access.type, body) }
  }

  @inline(__always)
  private func one<E: Error>(
    _ access: MemberStep.Access, _ value: JSONNode, _ beside: JSONNode?, _ steps: [PathPlan.Step], _ index: Int,
    _ body: (JSONNode, Schema.TypeID) throws(E) -> Void
  ) throws(E) {
    let isNull = document.kind(value) == .null
    let type = access.isAbstract ? schema.resourceType(of: value, in: document) ?? access.type : access.type
    if index + 1 == steps.count {
      if !isNull { try body(value, type) }
    } else {
      try run(steps, index + 1, isNull ? nil : value, beside, type, body)
    }
  }

  /// `value[x]`: the member whose name begins so and means the element.
  private func choice<E: Error>(
    _ access: MemberStep.Access, _ steps: [PathPlan.Step], _ index: Int, _ object: JSONNode, _ type: Schema.TypeID,
    _ body: (JSONNode, Schema.TypeID) throws(E) -> Void
  ) throws(E) {
    let name = schema[access.element].nameText
    for (key, value) in document.members(object) {
      let lexeme = document.lexeme(key)
      guard lexeme.count > name.count, lexeme[0] == name.utf8[0],
        let found = schema.element(type, key: lexeme), found.element == access.element
      else { continue }
      let actual = MemberStep.Access(
        element: found.element, type: found.type, isChoice: false, isAbstract: false, isPrimitive: false)
      try each(actual, value, nil, steps, index, body)
    }
  }

  private func extensions<E: Error>(
    _ step: MemberStep, _ url: JSONKey, _ steps: [PathPlan.Step], _ index: Int, _ value: JSONNode?,
    _ sibling: JSONNode?, _ type: Schema.TypeID, _ body: (JSONNode, Schema.TypeID) throws(E) -> Void
  ) throws(E) {
    guard let access = step.access(in: type, schema), let object = object(value, sibling),
      let list = document.member(object, step.name.key)
    else { return }
    for element in document.elements(list) {
      guard let name = document.member(element, PathWalk.url), document.stringEquals(name, url) else { continue }
      try run(steps, index + 1, element, nil, access.type, body)
    }
  }

  private static let url: JSONKey = "url"

  /// Whether an element's only value is this text.
  private func has(_ step: MemberStep, _ text: JSONKey, _ value: JSONNode, _ type: Schema.TypeID) -> Bool {
    guard let access = step.access(in: type, schema), !access.isChoice,
      var found = document.member(value, step.name.key)
    else { return false }
    if document.kind(found) == .array {
      guard document.count(found) == 1, let only = document.elements(found).first(where: { _ in true }) else {
        return false
      }
      found = only
    }
    return document.stringEquals(found, text)
  }
}
