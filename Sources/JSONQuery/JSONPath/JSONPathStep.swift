import JSONCore

/// One step of a path: from each node at hand to the nodes it selects.
enum JSONPathStep: Sendable {
  /// `.name`, `['name']`: the member of an object.
  case field(JSONKey)
  /// `['a','b']`
  case fields([JSONKey])
  /// `.*`: all members of an object; nothing of an array.
  case allFields
  /// `..name`, `..['a','b']`: members of these names at any depth.
  case scan([JSONKey])
  /// `..*`, `..`: the node and everything in it.
  case scanAll
  /// `[0]`
  case index(Int)
  /// `[0,2]`
  case indexes([Int])
  /// `[*]`: all elements of an array; nothing of an object.
  case allElements
  /// `[1:-1:2]`
  case slice(start: Int?, end: Int?, step: Int)
  /// `[?(…)]`: the elements that match.
  case filter(JSONPathFilter)
  /// `..[?(…)]`: the node and everything in it that matches.
  case scanFilter(JSONPathFilter, needsObject: Bool)
  /// `$` inside a filter: the node where the path began.
  case root
}

/// The condition of a filter.
indirect enum JSONPathFilter: Sendable {
  case exists(JSONPathOperand)
  case compare(JSONPathOperand, JSONPathOperator, JSONPathOperand)
  case matches(JSONPathOperand, Pattern)
  case and([JSONPathFilter])
  case or([JSONPathFilter])
}

enum JSONPathOperand: Sendable {
  /// `@a.b`: members of members, which is nearly every operand there is.
  case members([JSONKey])
  case path([JSONPathStep])
  case literal(JSONPathScalar)
}

enum JSONPathOperator: Sendable {
  case equals, strictEquals, notEquals, strictNotEquals, less, lessOrEquals, greater, greaterOrEquals
}

extension JSONPathFilter {
  /// Whether only an object can match, so that a scan passes by everything else.
  var needsObject: Bool {
    switch self {
    case .exists(let operand), .compare(let operand, _, _), .matches(let operand, _): operand.needsObject
    case .and(let terms): terms.contains { $0.needsObject }
    case .or(let terms): terms.allSatisfy { $0.needsObject }
    }
  }

  /// Names of members without which nothing can match.
  var requiredNames: [JSONKey] {
    switch self {
    case .exists(let operand), .compare(let operand, _, _), .matches(let operand, _): operand.requiredNames
    case .and(let terms): terms.flatMap(\.requiredNames)
    case .or: []
    }
  }
}

extension JSONPathOperand {
  fileprivate var needsObject: Bool {
    if case .members(let keys) = self { return !keys.isEmpty }
    return false
  }

  fileprivate var requiredNames: [JSONKey] {
    if case .members(let keys) = self { return keys }
    return []
  }
}

extension JSONPathStep {
  /// Names of members without which nothing is selected.
  var requiredNames: [JSONKey] {
    switch self {
    case .field(let key): [key]
    case .scan(let keys): keys.count == 1 ? keys : []
    case .filter(let filter), .scanFilter(let filter, _): filter.requiredNames
    default: []
    }
  }
}

/// A value that can be compared.
enum JSONPathScalar: Sendable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(JSONKey)
}
