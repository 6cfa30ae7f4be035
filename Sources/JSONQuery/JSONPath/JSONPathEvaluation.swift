import JSONCore

/// One evaluation of a path. The steps are followed depth first, which gives the same order as the lists of the
/// original: every step keeps the order of the nodes it is given.
struct JSONPathEvaluation {
  let document: JSONDocument
  let overlay: JSONOverlay?
  let limits: JSONQueryLimits
  /// What `$` means; the overlaid root is no node of the tape and has the index -1.
  let root: JSONNode
  private var results: [JSONNode] = []
  private var resultsMax = 0
  private var stepCount = 0

  private static let overlaid = JSONNode(index: -1)
  /// Nested filters and containers together; documents are shallower, because their parser has a limit of its own.
  private static let depthMax = 1_024

  init(_ document: JSONDocument, _ start: JSONNode?, _ overlay: JSONOverlay?, _ limits: JSONQueryLimits) {
    self.document = document
    self.limits = limits
    let isRoot = start == nil || start == document.root
    let applies = overlay != nil && isRoot && document.kind(document.root) == .object
    self.overlay = applies ? overlay : nil
    root = applies ? JSONPathEvaluation.overlaid : start ?? document.root
  }

  mutating func nodes(_ steps: [JSONPathStep], resultsMax: Int) throws(JSONQueryError) -> [JSONNode] {
    try select(steps, from: root, resultsMax: resultsMax, 0).map(real)
  }

  /// The tape's node for the overlaid root.
  func real(_ node: JSONNode) -> JSONNode { node.index < 0 ? document.root : node }

  private mutating func select(
    _ steps: [JSONPathStep], from node: JSONNode, resultsMax: Int, _ depth: Int
  ) throws(JSONQueryError) -> [JSONNode] {
    let (outer, outerMax) = (results, self.resultsMax)
    results = []
    self.resultsMax = resultsMax
    defer {
      results = outer
      self.resultsMax = outerMax
    }
    try follow(steps[...], node, depth)
    return results
  }

  private mutating func charge(_ amount: Int = 1) throws(JSONQueryError) {
    stepCount += amount
    guard stepCount <= limits.stepsMax else { throw JSONQueryError(.tooCostly, "the path takes too many steps", at: 0) }
  }

  // MARK: - The tape with its overlay

  func kind(_ node: JSONNode) -> JSONKind { node.index < 0 ? .object : document.kind(node) }

  func member(_ node: JSONNode, _ key: JSONKey) -> JSONNode? {
    guard node.index < 0, let overlay else { return document.member(node, key) }
    return overlay.key == key ? overlay.node : document.member(document.root, key)
  }

  func element(_ node: JSONNode, _ index: Int) throws(JSONQueryError) -> JSONNode? {
    guard kind(node) == .array, index < document.count(node) else { return nil }
    guard index >= 0 else { throw JSONQueryError(.invalidValue, "an array index is negative; use a slice", at: 0) }
    var rest = index
    for element in document.elements(node) {
      if rest == 0 { return element }
      rest -= 1
    }
    return nil
  }

  /// An object's members with the overlay.
  private func members(_ node: JSONNode) -> [(key: JSONNode?, value: JSONNode)] {
    guard node.index < 0, let overlay else {
      return document.members(node).map { ($0.key, $0.value) }
    }
    var members: [(key: JSONNode?, value: JSONNode)] = []
    for (key, value) in document.members(document.root) where !document.keyEquals(key, overlay.key) {
      members.append((key, value))
    }
    members.append((nil, overlay.node))
    return members
  }

  private func keyMatches(_ key: JSONNode?, _ names: [JSONKey]) -> Bool {
    for name in names {
      if let key {
        if document.keyEquals(key, name) { return true }
      } else if overlay?.key == name {
        return true
      }
    }
    return false
  }

  // MARK: - Steps

  private mutating func follow(
    _ steps: ArraySlice<JSONPathStep>, _ node: JSONNode, _ depth: Int
  ) throws(JSONQueryError) {
    try charge()
    guard let step = steps.first else {
      guard results.count < resultsMax else {
        throw JSONQueryError(.tooCostly, "the path selects too many values", at: 0)
      }
      results.append(node)
      return
    }
    let rest = steps.dropFirst()
    switch step {
    case .field(let key): if let member = member(node, key) { try follow(rest, member, depth) }
    case .fields(let keys):
      for key in keys { if let member = member(node, key) { try follow(rest, member, depth) } }
    case .allFields:
      if kind(node) == .object { for member in members(node) { try follow(rest, member.value, depth) } }
    case .index(let index): if let element = try element(node, index) { try follow(rest, element, depth) }
    case .indexes(let indexes):
      for index in indexes { if let element = try element(node, index) { try follow(rest, element, depth) } }
    case .allElements:
      if kind(node) == .array { for element in document.elements(node) { try follow(rest, element, depth) } }
    case .slice(let start, let end, let step): try slice(node, start, end, step, rest, depth)
    case .root: try follow(rest, root, depth)
    case .scan(let names): try scan(node, names, rest, depth)
    case .scanAll: try scanAll(node, rest, depth)
    case .filter(let filter):
      guard kind(node) == .array else { return }
      for element in document.elements(node) {
        if try holds(filter, element, depth + 1) { try follow(rest, element, depth) }
      }
    case .scanFilter(let filter, let needsObject): try scanFilter(node, filter, needsObject, rest, depth)
    }
  }

  private func checked(_ depth: Int) throws(JSONQueryError) -> Int {
    guard depth < JSONPathEvaluation.depthMax else {
      throw JSONQueryError(.tooCostly, "the path goes too deep", at: 0)
    }
    return depth + 1
  }

  private mutating func scan(
    _ node: JSONNode, _ names: [JSONKey], _ rest: ArraySlice<JSONPathStep>, _ depth: Int
  ) throws(JSONQueryError) {
    let inner = try checked(depth)
    if node.index < 0 {
      for (key, value) in members(node) {
        if keyMatches(key, names) { try follow(rest, value, inner) }
        try scan(value, names, rest, inner)
      }
      return
    }
    switch document.kind(node) {
    case .object:
      for (key, value) in document.members(node) {
        try charge()
        if keyMatches(key, names) { try follow(rest, value, inner) }
        if document.kind(value).isContainer { try scan(value, names, rest, inner) }
      }
    case .array:
      for element in document.elements(node) where document.kind(element).isContainer {
        try scan(element, names, rest, inner)
      }
    default: return
    }
  }

  private mutating func scanAll(
    _ node: JSONNode, _ rest: ArraySlice<JSONPathStep>, _ depth: Int
  ) throws(JSONQueryError) {
    let inner = try checked(depth)
    try follow(rest, node, inner)
    switch kind(node) {
    case .object: for member in members(node) { try scanAll(member.value, rest, inner) }
    case .array: for element in document.elements(node) { try scanAll(element, rest, inner) }
    default: return
    }
  }

  private mutating func scanFilter(
    _ node: JSONNode, _ filter: JSONPathFilter, _ needsObject: Bool, _ rest: ArraySlice<JSONPathStep>, _ depth: Int
  ) throws(JSONQueryError) {
    let inner = try checked(depth)
    try charge()
    let kind = kind(node)
    if kind == .object || !needsObject, try holds(filter, node, inner) { try follow(rest, node, inner) }
    if node.index < 0 {
      for member in members(node) { try scanFilter(member.value, filter, needsObject, rest, inner) }
    } else if kind == .object {
      for (_, value) in document.members(node) where !needsObject || document.kind(value).isContainer {
        try scanFilter(value, filter, needsObject, rest, inner)
      }
    } else if kind == .array {
      for element in document.elements(node) where !needsObject || document.kind(element).isContainer {
        try scanFilter(element, filter, needsObject, rest, inner)
      }
    }
  }

  private mutating func slice(
    _ node: JSONNode, _ start: Int?, _ end: Int?, _ step: Int, _ rest: ArraySlice<JSONPathStep>, _ depth: Int
  ) throws(JSONQueryError) {
    guard kind(node) == .array else { return }
    let elements = Array(document.elements(node))
    try charge(elements.count)
    let count = elements.count
    let ascends = step > 0
    var first = start ?? (ascends ? 0 : count - 1)
    var stop = end ?? (ascends ? count : -1)
    if let start, start < 0 { first = count + start }
    if let end, end < 0 { stop = count + end }
    first = min(ascends ? max(first, 0) : first, ascends ? count : count - 1)
    stop = min(max(stop, -1), count)
    var index = first
    while ascends ? index < stop : index > stop {
      guard elements.indices.contains(index) else { return }
      try follow(rest, elements[index], depth)
      index += step
    }
  }

  // MARK: - Filters

  private mutating func holds(
    _ filter: JSONPathFilter, _ node: JSONNode, _ depth: Int
  ) throws(JSONQueryError) -> Bool {
    switch filter {
    case .exists(let operand):
      switch operand {
      case .members(let keys): return walk(keys, node) != nil
      case .literal: return true
      case .path: return try !values(operand, node, depth).isEmpty
      }
    case .compare(let left, let comparator, let right): return try holds(left, comparator, right, node, depth)
    case .matches(let operand, let pattern):
      for value in try values(operand, node, depth) {
        if case .string(let text)? = value.text(document), try matches(pattern, text) { return true }
      }
      return false
    case .and(let terms):
      for term in terms where try !holds(term, node, depth) { return false }
      return true
    case .or(let terms):
      for term in terms where try holds(term, node, depth) { return true }
      return false
    }
  }

  private func walk(_ keys: [JSONKey], _ node: JSONNode) -> JSONNode? {
    var node = node
    for key in keys {
      guard let member = member(node, key) else { return nil }
      node = member
    }
    return node
  }

  private mutating func holds(
    _ left: JSONPathOperand, _ comparator: JSONPathOperator, _ right: JSONPathOperand, _ node: JSONNode, _ depth: Int
  ) throws(JSONQueryError) -> Bool {
    // Nearly every comparison: a member and a text.
    if case .members(let keys) = left, case .literal(.string(let text)) = right, comparator == .equals {
      guard let value = walk(keys, node) else { return false }
      return kind(value) == .string && document.stringEquals(value, text)
    }
    let lefts = try values(left, node, depth)
    guard !lefts.isEmpty else { return false }
    let rights = try values(right, node, depth)
    for left in lefts {
      for right in rights {
        try charge()
        if JSONPathComparison.holds(left, comparator, right, document) { return true }
      }
    }
    return false
  }

  private mutating func values(
    _ operand: JSONPathOperand, _ node: JSONNode, _ depth: Int
  ) throws(JSONQueryError) -> [JSONPathComparison.Value] {
    switch operand {
    case .literal(let scalar): return [.literal(scalar)]
    case .members(let keys): return walk(keys, node).map { [.node(real($0))] } ?? []
    case .path(let steps):
      let nodes = try select(steps, from: node, resultsMax: limits.resultsMax, try checked(depth))
      return nodes.map { .node(real($0)) }
    }
  }

  private mutating func matches(_ pattern: Pattern, _ text: String) throws(JSONQueryError) -> Bool {
    var matcher = PatternMatcher(pattern, text)
    let found = matcher.matches(workMax: limits.stepsMax)
    try charge(matcher.work)
    guard let found else { throw JSONQueryError(.tooCostly, "the pattern takes too many steps", at: 0) }
    return found
  }
}

extension JSONKind {
  var isContainer: Bool { rawValue >= JSONKind.array.rawValue }
}
