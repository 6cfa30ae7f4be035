import JSONCore

/// One evaluation of an expression. Every node of the tree and every value looked at is charged.
struct JMESPathEvaluation {
  let document: JSONDocument
  let options: JMESPath.Options
  let limits: JSONQueryLimits
  private var stepCount = 0

  init(_ document: JSONDocument, _ options: JMESPath.Options, _ limits: JSONQueryLimits) {
    self.document = document
    self.options = options
    self.limits = limits
  }

  /// The value to begin with. An overlaid root is made of its members' nodes.
  func root(_ start: JSONNode?, _ overlay: JSONOverlay?) -> JMESPathValue {
    let isRoot = start == nil || start == document.root
    guard let overlay, isRoot, document.kind(document.root) == .object else { return .node(start ?? document.root) }
    var members: [(name: String, value: JMESPathValue)] = []
    for (key, value) in document.members(document.root) where !document.keyEquals(key, overlay.key) {
      members.append((document.string(key) ?? "", .node(value)))
    }
    members.append((overlay.key.name, .node(overlay.node)))
    return .object(members)
  }

  mutating func charge(_ amount: Int = 1) throws(JSONQueryError) {
    stepCount += amount
    guard stepCount <= limits.stepsMax else {
      throw JSONQueryError(.tooCostly, "the expression takes too many steps", at: 0)
    }
  }

  /// Whether the tree's value is a projection is seen from its top, through the operators that only choose.
  mutating func selection(
    _ syntax: JMESPathSyntax, _ value: JMESPathValue
  ) throws(JSONQueryError) -> JMESPathSelection {
    switch syntax {
    case .projection, .valueProjection, .filterProjection:
      let result = try evaluate(syntax, value)
      if case .array(let elements) = result { return .projection(elements) }
      return .value(result)
    case .pipe(let left, let right): return try selection(right, try evaluate(left, value))
    case .subexpression(let left, let right): return try selection(right, try evaluate(left, value))
    case .or(let left, let right):
      if truth(try evaluate(left, value)) { return try selection(left, value) }
      return try selection(right, value)
    case .and(let left, let right):
      if truth(try evaluate(left, value)) { return try selection(right, value) }
      return try selection(left, value)
    default: return .value(try evaluate(syntax, value))
    }
  }

  mutating func evaluate(_ syntax: JMESPathSyntax, _ value: JMESPathValue) throws(JSONQueryError) -> JMESPathValue {
    try charge()
    switch syntax {
    case .current: return value
    case .field(let key): return try member(value, key)
    case .literal(let literal): return literal
    case .index(let index): return try element(value, index)
    case .slice(let start, let stop, let step): return try slice(value, start, stop, step)
    case .subexpression(let left, let right), .pipe(let left, let right):
      return try evaluate(right, try evaluate(left, value))
    case .projection(let left, let right):
      guard let elements = try elements(try evaluate(left, value)) else { return .null }
      return try project(elements, right)
    case .valueProjection(let left, let right):
      guard let members = try members(try evaluate(left, value)) else { return .null }
      return try project(members.map(\.value), right)
    case .filterProjection(let left, let right, let condition):
      return try filter(try evaluate(left, value), right, condition)
    case .flatten(let inner): return try flatten(try evaluate(inner, value))
    case .or(let left, let right):
      let first = try evaluate(left, value)
      return truth(first) ? first : try evaluate(right, value)
    case .and(let left, let right):
      let first = try evaluate(left, value)
      return truth(first) ? try evaluate(right, value) : first
    case .not(let inner): return .bool(!truth(try evaluate(inner, value)))
    case .comparison(let comparator, let left, let right):
      return try compare(comparator, try evaluate(left, value), try evaluate(right, value))
    case .multiSelectList(let list): return try multiSelect(list, value)
    case .multiSelectHash(let members): return try multiSelect(members, value)
    case .function(let function, let arguments, let offset): return try call(function, arguments, value, offset)
    case .expression: throw JSONQueryError(.invalidType, "an expression stands where a value was expected", at: 0)
    }
  }

  // MARK: - Selecting

  private func member(_ value: JMESPathValue, _ key: JSONKey) throws(JSONQueryError) -> JMESPathValue {
    switch value {
    case .node(let node): return document.member(node, key).map { .node($0) } ?? .null
    case .object(let members):
      let name = key.name
      return members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value ?? .null
    default: return .null
    }
  }

  private mutating func element(_ value: JMESPathValue, _ index: Int) throws(JSONQueryError) -> JMESPathValue {
    guard let elements = try elements(value) else { return .null }
    let place = index < 0 ? elements.count + index : index
    return elements.indices.contains(place) ? elements[place] : .null
  }

  private mutating func slice(
    _ value: JMESPathValue, _ start: Int?, _ stop: Int?, _ step: Int
  ) throws(JSONQueryError) -> JMESPathValue {
    guard let elements = try elements(value) else { return .null }
    guard step != 0 else { throw JSONQueryError(.invalidValue, "a slice cannot step by zero", at: 0) }
    let count = elements.count
    let bounds = step > 0 ? (low: 0, high: count) : (low: -1, high: count - 1)
    func place(_ index: Int?, _ missing: Int) -> Int {
      guard let index else { return missing }
      return min(max(index < 0 ? index + count : index, bounds.low), bounds.high)
    }
    let first = place(start, step > 0 ? 0 : count - 1)
    let last = place(stop, step > 0 ? count : -1)
    return .array(stride(from: first, to: last, by: step).map { elements[$0] })
  }

  private mutating func project(
    _ elements: [JMESPathValue], _ right: JMESPathSyntax
  ) throws(JSONQueryError) -> JMESPathValue {
    var results: [JMESPathValue] = []
    for element in elements {
      let result = try evaluate(right, element)
      if !isNull(result) { results.append(result) }
    }
    return .array(try bounded(results))
  }

  private mutating func filter(
    _ value: JMESPathValue, _ right: JMESPathSyntax, _ condition: JMESPathSyntax
  ) throws(JSONQueryError) -> JMESPathValue {
    guard let elements = try elements(value) else { return .null }
    var results: [JMESPathValue] = []
    for element in elements where truth(try evaluate(condition, element)) {
      let result = try evaluate(right, element)
      if !isNull(result) { results.append(result) }
    }
    return .array(try bounded(results))
  }

  private mutating func flatten(_ value: JMESPathValue) throws(JSONQueryError) -> JMESPathValue {
    guard let outer = try elements(value) else { return .null }
    var results: [JMESPathValue] = []
    for element in outer {
      if let inner = try elements(element) { results += inner } else { results.append(element) }
      _ = try bounded(results)
    }
    return .array(results)
  }

  private mutating func multiSelect(
    _ list: [JMESPathSyntax], _ value: JMESPathValue
  ) throws(JSONQueryError) -> JMESPathValue {
    if isNull(value) { return .null }
    var results: [JMESPathValue] = []
    for syntax in list { results.append(try evaluate(syntax, value)) }
    return .array(results)
  }

  private mutating func multiSelect(
    _ list: [(name: String, value: JMESPathSyntax)], _ value: JMESPathValue
  ) throws(JSONQueryError) -> JMESPathValue {
    if isNull(value) { return .null }
    var results: [(name: String, value: JMESPathValue)] = []
    for (name, syntax) in list {
      let result = try evaluate(syntax, value)
      results.removeAll { $0.name == name }
      results.append((name, result))
    }
    return .object(results)
  }

  func bounded(_ values: [JMESPathValue]) throws(JSONQueryError) -> [JMESPathValue] {
    guard values.count <= limits.resultsMax else {
      throw JSONQueryError(.tooCostly, "the expression makes too many values", at: 0)
    }
    return values
  }
}
