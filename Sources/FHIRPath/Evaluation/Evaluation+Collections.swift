internal import FHIRModel

/// Functions on whole collections (FHIRPath 2.0 §Existence, §Subsetting, §Combining).
extension Evaluation {
  func quantify(_ function: Function, _ items: Items, at offset: Int) throws(FHIRPathError) -> Bool {
    var values: [Bool] = []
    for item in items {
      switch systemValue(item) {
      case .boolean(let value): values.append(value)
      case nil: continue
      default: throw fault("\(function.rawValue)() needs Booleans", at: offset)
      }
    }
    switch function {
    case .allTrue: return !values.contains(false)
    case .anyTrue: return values.contains(true)
    case .allFalse: return !values.contains(true)
    default: return values.contains(false)
    }
  }

  func subset(
    _ function: Function, _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    switch function {
    case .single: return try single(items, at: offset).map { [$0] } ?? []
    case .first: return Array(items.prefix(1))
    case .last: return Array(items.suffix(1))
    case .tail: return Array(items.dropFirst())
    default:
      guard let number = try integerArgument(arguments[0], scope, at: offset) else { return [] }
      let count = Int(clamping: max(number, 0))
      return Array(function == .skip ? items.dropFirst(min(count, items.count)) : items.prefix(count))
    }
  }

  func setOperation(
    _ function: Function, _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    if function == .distinct { return try distinct(items, at: offset) }
    if function == .isDistinct { return [.boolean(try distinct(items, at: offset).count == items.count)] }
    let other = try argument(arguments[0], scope)
    try charge(items: other.count, at: offset)
    switch function {
    case .union: return try distinct(items + other, at: offset)
    case .combine:
      let result = items + other
      try checkCount(result, at: offset)
      return result
    case .subsetOf: return [.boolean(try isSubset(items, of: other, at: offset))]
    case .supersetOf: return [.boolean(try isSubset(other, of: items, at: offset))]
    case .intersect:
      let set = try ItemSet(other, self, at: offset)
      var result: Items = []
      for item in try distinct(items, at: offset) where try set.contains(item, at: offset) { result.append(item) }
      return result
    default:
      let set = try ItemSet(other, self, at: offset)
      var result: Items = []
      for item in items where try !set.contains(item, at: offset) { result.append(item) }
      return result
    }
  }

  private func isSubset(_ items: Items, of other: Items, at offset: Int) throws(FHIRPathError) -> Bool {
    let set = try ItemSet(other, self, at: offset)
    for item in items where try !set.contains(item, at: offset) { return false }
    return true
  }
}
