internal import FHIRModel

/// Operators (FHIRPath 2.0 §Operations).
extension Evaluation {
  func binary(
    _ op: Operator, _ left: Syntax.ID, _ right: Syntax.ID, _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    let a = try argument(left, scope)
    switch op {
    case .and, .or, .xor, .implies: return try logic(op, a, right, scope, at: offset)
    default: break
    }
    let b = try argument(right, scope)
    try charge(items: a.count + b.count, at: offset)
    switch op {
    case .union: return try distinct(a + b, at: offset)
    case .equal: return Evaluation.boolean(try equal(a, b, at: offset))
    case .notEqual: return Evaluation.boolean(try equal(a, b, at: offset).map { !$0 })
    case .equivalent: return [.boolean(try equivalent(a, b, at: offset))]
    case .notEquivalent: return [.boolean(try !equivalent(a, b, at: offset))]
    case .in: return try membership(a, in: b, at: offset)
    case .contains: return try membership(b, in: a, at: offset)
    case .less, .lessOrEqual, .greater, .greaterOrEqual: return try comparison(op, a, b, at: offset)
    case .concatenate:
      let text = (try string(a, at: offset) ?? "") + (try string(b, at: offset) ?? "")
      return try checked(text, at: offset)
    default: return try arithmetic(op, a, b, at: offset)
    }
  }

  static func boolean(_ value: Bool?) -> Items { value.map { [.boolean($0)] } ?? [] }

  // MARK: - Three-valued logic

  private func logic(
    _ op: Operator, _ left: Items, _ rightID: Syntax.ID, _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    let a = try truth(left, at: offset)
    // The right side need not be evaluated where the left decides.
    switch (op, a) {
    case (.and, false): return [.boolean(false)]
    case (.or, true): return [.boolean(true)]
    case (.implies, false): return [.boolean(true)]
    default: break
    }
    let b = try truth(try argument(rightID, scope), at: offset)
    switch op {
    case .and: return Evaluation.boolean(b == false ? false : a == nil || b == nil ? nil : true)
    case .or: return Evaluation.boolean(b == true ? true : a == nil || b == nil ? nil : false)
    case .xor:
      guard let a, let b else { return [] }
      return [.boolean(a != b)]
    default: return Evaluation.boolean(b == true ? true : a == nil ? nil : b)
    }
  }

  private func membership(_ one: Items, in many: Items, at offset: Int) throws(FHIRPathError) -> Items {
    guard let item = try single(one, at: offset) else { return [] }
    for candidate in many where try equal(item, candidate, at: offset) == true { return [.boolean(true)] }
    return [.boolean(false)]
  }

  // MARK: - Comparison

  private func comparison(_ op: Operator, _ a: Items, _ b: Items, at offset: Int) throws(FHIRPathError) -> Items {
    guard let left = try single(a, at: offset), let right = try single(b, at: offset) else { return [] }
    guard let order = try order(left, right, at: offset) else { return [] }
    switch op {
    case .less: return [.boolean(order < 0)]
    case .lessOrEqual: return [.boolean(order <= 0)]
    case .greater: return [.boolean(order > 0)]
    default: return [.boolean(order >= 0)]
    }
  }

  /// -1, 0 or 1; nil where undecidable, an error where the types do not compare.
  func order(_ left: FHIRPathItem, _ right: FHIRPathItem, at offset: Int) throws(FHIRPathError) -> Int? {
    guard let a = systemValue(left), let b = systemValue(right) else {
      if isEmptyPrimitive(left) || isEmptyPrimitive(right) { return nil }
      throw fault("values of these types have no order", at: offset)
    }
    switch (a, b) {
    case (.integer(let x), .integer(let y)): return x < y ? -1 : x == y ? 0 : 1
    case (.string(let x), .string(let y)):
      try charge(min(x.utf8.count, y.utf8.count) / 64, at: offset)
      return x == y ? 0 : x.unicodeScalars.lexicographicallyPrecedes(y.unicodeScalars) ? -1 : 1
    case (.temporal(let x), .temporal(let y)) where x.value.isTime == y.value.isTime: return x.compare(to: y)
    case (.temporal(let x), .string(let text)):
      guard let y = FHIRPathTemporal(text, as: x.kind) else { break }
      return x.compare(to: y)
    case (.string(let text), .temporal(let y)):
      guard let x = FHIRPathTemporal(text, as: y.kind) else { break }
      return x.compare(to: y)
    case (.quantity(let x), .quantity(let y)): return x.compare(to: y)
    case (.quantity(let x), _): if let y = number(b) { return x.compare(to: FHIRPathQuantity(value: y, unit: "1")) }
    case (_, .quantity(let y)): if let x = number(a) { return FHIRPathQuantity(value: x, unit: "1").compare(to: y) }
    default: if let x = number(a), let y = number(b) { return x < y ? -1 : x == y ? 0 : 1 }
    }
    throw fault("values of these types have no order", at: offset)
  }

  private func isEmptyPrimitive(_ item: FHIRPathItem) -> Bool {
    if case .node(let node) = item { return node.value == nil }
    return false
  }

  func number(_ item: FHIRPathItem) -> FHIRDecimal? {
    switch item {
    case .integer(let value): FHIRDecimal(Int(value))
    case .decimal(let value): value
    default: nil
    }
  }

  // MARK: - Arithmetic

  private func arithmetic(_ op: Operator, _ a: Items, _ b: Items, at offset: Int) throws(FHIRPathError) -> Items {
    guard let left = try single(a, at: offset), let right = try single(b, at: offset) else { return [] }
    guard let x = systemValue(left), let y = systemValue(right) else {
      if isEmptyPrimitive(left) || isEmptyPrimitive(right) { return [] }
      throw fault("\(op.rawValue) needs numbers", at: offset)
    }
    switch (x, y) {
    case (.integer(let p), .integer(let q)): return integerArithmetic(op, p, q)
    case (.string(let p), .string(let q)) where op == .add: return try checked(p + q, at: offset)
    case (.temporal(let p), .quantity(let q)) where op == .add || op == .subtract:
      return try p.adding(q, negated: op == .subtract, at: offset).map { [.temporal($0)] } ?? []
    case (.quantity(let p), .quantity(let q)): return try quantityArithmetic(op, p, q, at: offset)
    case (.quantity(let p), _):
      guard let q = number(y), op == .multiply || op == .divide else { break }
      return try quantityArithmetic(op, p, FHIRPathQuantity(value: q, unit: "1"), at: offset)
    case (_, .quantity(let q)):
      guard let p = number(x), op == .multiply || op == .divide else { break }
      return try quantityArithmetic(op, FHIRPathQuantity(value: p, unit: "1"), q, at: offset)
    default:
      guard let p = number(x), let q = number(y) else { break }
      return decimalArithmetic(op, p, q)
    }
    throw fault("\(op.rawValue) does not take values of these types", at: offset)
  }

  private func integerArithmetic(_ op: Operator, _ p: Int64, _ q: Int64) -> Items {
    let (value, overflow): (Int64, Bool)
    switch op {
    case .add: (value, overflow) = p.addingReportingOverflow(q)
    case .subtract: (value, overflow) = p.subtractingReportingOverflow(q)
    case .multiply: (value, overflow) = p.multipliedReportingOverflow(by: q)
    case .div: (value, overflow) = p.dividedReportingOverflow(by: q)
    case .mod: (value, overflow) = p.remainderReportingOverflow(dividingBy: q)
    default: return decimalArithmetic(op, FHIRDecimal(Int(p)), FHIRDecimal(Int(q)))
    }
    return overflow ? [] : [.integer(value)]
  }

  private func decimalArithmetic(_ op: Operator, _ p: FHIRDecimal, _ q: FHIRDecimal) -> Items {
    switch op {
    case .add: return [.decimal(p.adding(q))]
    case .subtract: return [.decimal(p.subtracting(q))]
    case .multiply: return [.decimal(p.multiplied(by: q))]
    case .divide: return p.divided(by: q).map { [.decimal($0)] } ?? []
    case .div:
      guard !q.isZero, let whole = p.quotient(dividingBy: q)?.integer else { return [] }
      return [.integer(Int64(whole))]
    default: return q.isZero ? [] : p.remainder(dividingBy: q).map { [.decimal($0)] } ?? []
    }
  }

  private func quantityArithmetic(
    _ op: Operator, _ p: FHIRPathQuantity, _ q: FHIRPathQuantity, at offset: Int
  ) throws(FHIRPathError) -> Items {
    let result: FHIRPathQuantity?
    switch op {
    case .add: result = p.adding(q)
    case .subtract: result = p.adding(q.negated)
    case .multiply: result = p.multiplied(by: q)
    case .divide: result = p.divided(by: q)
    default: throw fault("\(op.rawValue) does not take quantities", at: offset)
    }
    return result.map { [.quantity($0)] } ?? []
  }

  func negate(_ items: Items, at offset: Int) throws(FHIRPathError) -> Items {
    guard let item = try single(items, at: offset) else { return [] }
    switch systemValue(item) {
    case .integer(let value): return value == .min ? [] : [.integer(-value)]
    case .decimal(let value): return [.decimal(value.negated)]
    case .quantity(let value): return [.quantity(value.negated)]
    default: throw fault("a sign needs a number", at: offset)
    }
  }
}
