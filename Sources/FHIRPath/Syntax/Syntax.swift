/// An expression as a flat tree: nodes name their children by position, children stand before their parents.
struct Syntax: Sendable {
  typealias ID = Int

  struct Node: Sendable {
    let kind: Kind
    let offset: Int
    /// 1 for a leaf; bounded by `FHIRPathLimits.expressionDepthMax`, so that walking the tree cannot exhaust the stack.
    let height: Int
  }

  enum Kind: Sendable {
    case literal(FHIRPathItem)
    /// `{}`
    case empty
    /// `$this`, also where it is not written: `name` is `$this.name`.
    case this(isImplicit: Bool)
    case index
    case total
    case variable(String)
    case member(ID, MemberName)
    case call(ID, Function, [ID])
    /// `is`, `as` and `ofType`, as function or operator.
    case typeTest(ID, TypeTest, TypeName)
    case indexer(ID, ID)
    case negate(ID)
    case plus(ID)
    case binary(Operator, ID, ID)
  }

  enum TypeTest: Sendable { case `is`, `as`, ofType }

  private(set) var nodes: [Node] = []
  var root: ID = 0

  subscript(id: ID) -> Node { nodes[id] }

  mutating func append(_ kind: Kind, offset: Int, limits: FHIRPathLimits) throws(FHIRPathError) -> ID {
    var height = 0
    for child in Syntax.children(of: kind) { height = max(height, nodes[child].height) }
    guard height < limits.expressionDepthMax else {
      throw FHIRPathError(.tooCostly, "the expression is nested too deeply", at: offset)
    }
    nodes.append(Node(kind: kind, offset: offset, height: height + 1))
    return nodes.count - 1
  }

  static func children(of kind: Kind) -> [ID] {
    switch kind {
    case .literal, .empty, .this, .index, .total, .variable: []
    case .member(let focus, _), .typeTest(let focus, _, _), .negate(let focus), .plus(let focus): [focus]
    case .call(let focus, _, let arguments): [focus] + arguments
    case .indexer(let a, let b), .binary(_, let a, let b): [a, b]
    }
  }
}

enum Operator: String, Sendable {
  case implies, or, xor, and, `in`, contains
  case equal = "="
  case equivalent = "~"
  case notEqual = "!="
  case notEquivalent = "!~"
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case union = "|"
  case add = "+"
  case subtract = "-"
  case concatenate = "&"
  case multiply = "*"
  case divide = "/"
  case div, mod

  /// Higher binds tighter (FHIRPath 2.0 §Operator precedence). `is` and `as` stand between `|` and `+`.
  var precedence: Int {
    switch self {
    case .implies: 1
    case .or, .xor: 2
    case .and: 3
    case .in, .contains: 4
    case .equal, .equivalent, .notEqual, .notEquivalent: 5
    case .less, .lessOrEqual, .greater, .greaterOrEqual: 6
    case .union: 7
    case .add, .subtract, .concatenate: 9
    case .multiply, .divide, .div, .mod: 10
    }
  }

  static let typeTestPrecedence = 8
}

/// A type as an expression names it: `Patient`, `FHIR.Patient`, `System.String`.
struct TypeName: Sendable, Equatable {
  let namespace: String?
  let name: String
}
