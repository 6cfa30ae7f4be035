internal import FHIRModel

/// Functions that evaluate an argument for each item (FHIRPath 2.0 §Existence, §Filtering and projection,
/// §Aggregates).
extension Evaluation {
  func filter(
    _ function: Function, _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    switch function {
    case .exists:
      guard let criterion = arguments.first else { return [.boolean(!items.isEmpty)] }
      for (index, item) in items.enumerated() {
        if try truth(try argument(criterion, scope, for: item, index: index), at: offset) == true {
          return [.boolean(true)]
        }
      }
      return [.boolean(false)]
    case .all:
      for (index, item) in items.enumerated() {
        let value = try truth(try argument(arguments[0], scope, for: item, index: index), at: offset)
        if value != true { return [.boolean(false)] }
      }
      return [.boolean(true)]
    case .where:
      var result: Items = []
      for (index, item) in items.enumerated() {
        let value = try truth(try argument(arguments[0], scope, for: item, index: index), at: offset)
        if value == true { result.append(item) }
      }
      return result
    case .select: return try select(items, arguments[0], scope, at: offset)
    case .repeat, .repeatAll: return try repeated(items, arguments[0], scope, isSet: function == .repeat, at: offset)
    case .aggregate: return try aggregate(items, arguments, scope, at: offset)
    case .iif: return try iif(items, arguments, scope, at: offset)
    case .sort: return try sorted(items, arguments, scope, at: offset)
    default:
      for id in arguments {
        let value = try argument(id, scope)
        if !value.isEmpty { return value }
      }
      return []
    }
  }

  private func select(
    _ items: Items, _ projection: Syntax.ID, _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    var result: Items = []
    for (index, item) in items.enumerated() {
      result += try argument(projection, scope, for: item, index: index)
      try checkCount(result, at: offset)
    }
    return result
  }

  /// Applies the projection to its own results until nothing new comes.
  private func repeated(
    _ items: Items, _ projection: Syntax.ID, _ scope: Scope, isSet: Bool, at offset: Int
  ) throws(FHIRPathError) -> Items {
    var result: Items = []
    var seen = ItemSet(self)
    var waiting = items
    while !waiting.isEmpty {
      var fresh: Items = []
      for item in waiting {
        for found in try argument(projection, scope, for: item) {
          if isSet, try !seen.insert(found, at: offset) { continue }
          fresh.append(found)
        }
      }
      result += fresh
      try charge(fresh.count, at: offset)
      try checkCount(result, at: offset)
      waiting = fresh
    }
    return result
  }

  private func aggregate(
    _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    var total = arguments.count > 1 ? try argument(arguments[1], scope) : []
    for (index, item) in items.enumerated() {
      var inner = scope
      inner.total = total
      total = try argument(arguments[0], inner, for: item, index: index)
      try checkCount(total, at: offset)
    }
    return total
  }

  private func iif(
    _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    guard items.count <= 1 else { throw fault("iif() takes a single item", at: offset) }
    var inner = scope
    inner.this = items
    let condition = try argument(arguments[0], inner)
    guard let item = try single(condition, at: offset) else {
      return arguments.count > 2 ? try argument(arguments[2], inner) : []
    }
    guard case .boolean(let value)? = systemValue(item) else {
      throw fault("the condition of iif() is no Boolean", at: offset)
    }
    if value { return try argument(arguments[1], inner) }
    return arguments.count > 2 ? try argument(arguments[2], inner) : []
  }

  // MARK: - Sorting

  private struct SortKey {
    let value: FHIRPathItem?
    let isDescending: Bool
  }

  /// By each key in turn; a key with a minus sign before it, or `desc` behind it, sorts downwards. Items without a key
  /// come first.
  private func sorted(
    _ items: Items, _ arguments: [Syntax.ID], _ scope: Scope, at offset: Int
  ) throws(FHIRPathError) -> Items {
    var rows: [(item: FHIRPathItem, keys: [SortKey])] = []
    for item in items {
      var keys: [SortKey] = []
      if arguments.isEmpty { keys.append(SortKey(value: systemValue(item), isDescending: false)) }
      for id in arguments {
        var (expression, isDescending) = (id, false)
        if case .negate(let operand) = program.syntax[id].kind { (expression, isDescending) = (operand, true) }
        let value = try single(try argument(expression, scope, for: item), at: offset)
        keys.append(SortKey(value: value.flatMap { systemValue($0) }, isDescending: isDescending))
      }
      rows.append((item, keys))
    }
    try mergeSort(&rows, at: offset)
    return rows.map(\.item)
  }

  /// Stable, and able to throw typed errors from a comparison.
  private func mergeSort(
    _ rows: inout [(item: FHIRPathItem, keys: [SortKey])], at offset: Int
  ) throws(FHIRPathError) {
    var width = 1
    while width < rows.count {
      var merged: [(item: FHIRPathItem, keys: [SortKey])] = []
      merged.reserveCapacity(rows.count)
      var start = 0
      while start < rows.count {
        let middle = min(start + width, rows.count)
        let end = min(start + 2 * width, rows.count)
        var (i, j) = (start, middle)
        while i < middle || j < end {
          let takesLeft: Bool
          if i == middle {
            takesLeft = false
          } else if j == end {
            takesLeft = true
          } else {
            takesLeft = try order(rows[i].keys, rows[j].keys, at: offset) <= 0
          }
          merged.append(takesLeft ? rows[i] : rows[j])
          if takesLeft { i += 1 } else { j += 1 }
        }
        start = end
      }
      rows = merged
      width *= 2
    }
  }

  private func order(_ a: [SortKey], _ b: [SortKey], at offset: Int) throws(FHIRPathError) -> Int {
    try charge(at: offset)
    for (x, y) in zip(a, b) {
      var result: Int
      switch (x.value, y.value) {
      case (nil, nil): result = 0
      // Items without a key come first, whichever way the others go.
      case (nil, _): return -1
      case (_, nil): return 1
      case (let p?, let q?): result = try order(p, q, at: offset) ?? 0
      }
      if x.isDescending { result = -result }
      if result != 0 { return result }
    }
    return 0
  }
}
