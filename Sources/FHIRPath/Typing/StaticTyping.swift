internal import FHIRModel

/// Checks names against types without data, for strict reading: what a path can be is followed from the context's
/// type, and a name that none of the possible types has is an error. Where the type cannot be told, nothing is checked.
struct StaticTyping {
  private let syntax: Syntax
  private let typeNames: [Syntax.ID: ResolvedType]
  private let schema: Schema
  private let context: Schema.TypeID?

  init(_ syntax: Syntax, typeNames: [Syntax.ID: ResolvedType], schema: Schema, context: Schema.TypeID?) {
    self.syntax = syntax
    self.typeNames = typeNames
    self.schema = schema
    self.context = context
  }

  enum Kind: Hashable {
    case fhir(Schema.TypeID)
    case system(SystemType)
  }

  /// The types that a collection's items may have; nil if unknown.
  struct Shape {
    var kinds: Set<Kind>?
    var isOrdered = true

    static let unknown = Shape(kinds: nil)
    static func system(_ type: SystemType) -> Shape { Shape(kinds: [.system(type)]) }

    func union(_ other: Shape) -> Shape {
      guard let a = kinds, let b = other.kinds else { return .unknown }
      return Shape(kinds: a.union(b), isOrdered: isOrdered && other.isOrdered)
    }
  }

  func check() throws(FHIRPathError) {
    _ = try shape(syntax.root, this: rootShape)
  }

  /// What the whole expression's items may be; nil if unknown.
  func resultKinds() throws(FHIRPathError) -> Set<Kind>? { try shape(syntax.root, this: rootShape).kinds }

  private var rootShape: Shape { context.map { Shape(kinds: [.fhir($0)]) } ?? .unknown }

  private func shape(_ id: Syntax.ID, this: Shape) throws(FHIRPathError) -> Shape {
    let node = syntax[id]
    switch node.kind {
    case .literal(let item): return StaticTyping.shape(of: item)
    case .empty: return Shape(kinds: [])
    case .this: return this
    case .index: return .system(.integer)
    case .total: return .unknown
    case .variable(let name): return name == "context" ? rootShape : .unknown
    case .member(let focus, let name):
      return try member(name, of: try shape(focus, this: this), at: node.offset)
    case .call(let focus, let function, let arguments):
      return try call(function, on: try shape(focus, this: this), arguments, this: this, at: node.offset)
    case .typeTest(let focus, let test, _):
      let before = try shape(focus, this: this)
      return test == .is ? .system(.boolean) : narrowed(before, to: typeNames[id])
    case .indexer(let focus, let place):
      let before = try shape(focus, this: this)
      try requireOrder(before, at: node.offset)
      _ = try shape(place, this: this)
      return before
    case .negate(let operand), .plus(let operand): return try shape(operand, this: this)
    case .binary(let op, let left, let right):
      let (a, b) = (try shape(left, this: this), try shape(right, this: this))
      return StaticTyping.result(of: op, a, b)
    }
  }

  private static func shape(of item: FHIRPathItem) -> Shape {
    switch item {
    case .boolean: .system(.boolean)
    case .integer: .system(.integer)
    case .decimal: .system(.decimal)
    case .string: .system(.string)
    case .quantity: .system(.quantity)
    case .temporal(let value):
      .system(value.kind == .date ? .date : value.kind == .dateTime ? .dateTime : .time)
    case .node, .type: .unknown
    }
  }

  private static func result(of op: Operator, _ a: Shape, _ b: Shape) -> Shape {
    switch op {
    case .union: a.union(b)
    case .concatenate: .system(.string)
    case .add, .subtract, .multiply, .divide, .div, .mod: .unknown
    default: .system(.boolean)
    }
  }

  private func narrowed(_ before: Shape, to type: ResolvedType?) -> Shape {
    var kinds: Set<Kind>
    switch type {
    case .fhir(let type): kinds = [.fhir(type)]
    case .system(let type): kinds = [.system(type)]
    case .either(let fhir, let system): kinds = [.fhir(fhir), .system(system)]
    case .unknown, nil: return .unknown
    }
    // Of the two types named Quantity, FHIR's is meant where the path runs through FHIR's.
    if kinds.count > 1, let known = before.kinds, known.allSatisfy({ if case .fhir = $0 { true } else { false } }) {
      kinds = kinds.filter { if case .fhir = $0 { true } else { false } }
    }
    return Shape(kinds: kinds, isOrdered: before.isOrdered)
  }

  private func requireOrder(_ shape: Shape, at offset: Int) throws(FHIRPathError) {
    guard shape.isOrdered else {
      throw FHIRPathError(.semantic, "the collection has no order here", at: offset)
    }
  }

  // MARK: - Members

  private func member(_ name: MemberName, of focus: Shape, at offset: Int) throws(FHIRPathError) -> Shape {
    if name.isFirst, let first = name.utf8.first, first &- 65 < 26, let type = schema.type(name.name) {
      return try root(type, in: focus, at: offset)
    }
    guard let kinds = focus.kinds else { return .unknown }
    if kinds.isEmpty { return focus }
    var found: Set<Kind> = []
    var isKnown = false
    for kind in kinds {
      guard case .fhir(let type) = kind, !isOpen(type) || schema.element(type, name: name.name) != nil else {
        return .unknown
      }
      guard let id = schema.element(type, name: name.name) else {
        if name.name == "value", schema.kind(type) == .primitive { return .unknown }
        continue
      }
      isKnown = true
      for reference in schema[id].types { found.insert(.fhir(reference.type)) }
    }
    guard isKnown else {
      throw FHIRPathError(.semantic, "there is no element \"\(name.name.prefix(60))\" here", at: offset)
    }
    return Shape(kinds: found, isOrdered: focus.isOrdered)
  }

  /// Whether instances have elements that the type itself does not name.
  private func isOpen(_ type: Schema.TypeID) -> Bool { schema.isAbstract(type) || schema.kind(type) == .system }

  private func root(_ type: Schema.TypeID, in focus: Shape, at offset: Int) throws(FHIRPathError) -> Shape {
    if let kinds = focus.kinds, !kinds.isEmpty {
      let fits = kinds.contains { kind in
        guard case .fhir(let given) = kind else { return false }
        return schema.isSubtype(given, of: type) || schema.isSubtype(type, of: given)
      }
      guard fits else {
        throw FHIRPathError(.semantic, "the context is no \(schema.name(type))", at: offset)
      }
      // The context's own type says more than the base type it is named by.
      if kinds.count == 1, case .fhir(let given)? = kinds.first, schema.isSubtype(given, of: type) { return focus }
    }
    return Shape(kinds: [.fhir(type)])
  }

  // MARK: - Functions

  private func call(
    _ function: Function, on focus: Shape, _ arguments: [Syntax.ID], this: Shape, at offset: Int
  ) throws(FHIRPathError) -> Shape {
    if function.needsOrder { try requireOrder(focus, at: offset) }
    var shapes: [Shape] = []
    for id in arguments { shapes.append(try shape(id, this: StaticTyping.bindsThis(function) ? focus : this)) }
    switch function {
    case .where, .single, .first, .last, .tail, .skip, .take, .intersect, .exclude, .distinct, .trace, .checkModifiers,
      .defineVariable:
      return focus
    case .sort: return Shape(kinds: focus.kinds)
    case .union, .combine: return focus.union(shapes[0])
    case .select, .repeat, .repeatAll: return shapes[0]
    case .iif: return try iif(shapes, at: offset)
    case .children, .descendants: return Shape(kinds: nil, isOrdered: false)
    case .extension: return schema.type("Extension").map { Shape(kinds: [.fhir($0)]) } ?? .unknown
    case .empty, .exists, .all, .allTrue, .anyTrue, .allFalse, .anyFalse, .subsetOf, .supersetOf, .isDistinct, .not,
      .startsWith, .endsWith, .contains, .matches, .matchesFull, .hasValue, .conformsTo, .memberOf, .htmlChecks:
      return .system(.boolean)
    case .count, .length, .indexOf, .lastIndexOf, .precision: return .system(.integer)
    case .upper, .lower, .replace, .replaceMatches, .toString, .substring, .toChars, .trim, .split, .join:
      return .system(.string)
    default: return .unknown
    }
  }

  /// Whether arguments are evaluated for each item.
  private static func bindsThis(_ function: Function) -> Bool {
    switch function {
    case .exists, .all, .where, .select, .repeat, .repeatAll, .aggregate, .iif, .sort, .trace, .defineVariable: true
    default: false
    }
  }

  private func iif(_ shapes: [Shape], at offset: Int) throws(FHIRPathError) -> Shape {
    if let kinds = shapes[0].kinds, !kinds.isEmpty, !kinds.contains(where: isBoolean) {
      throw FHIRPathError(.semantic, "the condition of iif() is no Boolean", at: offset)
    }
    return shapes.count > 2 ? shapes[1].union(shapes[2]) : shapes[1]
  }

  private func isBoolean(_ kind: Kind) -> Bool {
    switch kind {
    case .system(let type): type == .boolean
    case .fhir(let type): schema.primitive(type) == .boolean || schema.kind(type) == .system
    }
  }
}
