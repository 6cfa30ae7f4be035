import FHIRModel
import FHIRSearch
import Storage

/// Rows in the order of several keys, where an index is in the order of the first.
///
/// Rows of equal first value have to be sorted by the other keys. Where they are few, they are sorted with what comes
/// before and behind them, a run at a time. A value that very many resources have (`_sort=status,-date`) is a
/// condition of its own instead: the search goes on among these resources, in the order of the second key. So a page
/// costs what it shows, however many are equal.
extension Search {
  /// - Parameter limit: rows wanted; it may give a few less where one resource stands twice.
  func runs(_ plan: SearchPlan, _ source: Source, behind position: PagePosition?, limit: Int) throws
    -> [PagePosition]
  {
    var found: [PagePosition] = []
    for part in plan.parts(behind: position) where found.count < limit {
      switch part {
      case .missing(let position):
        found += try group(.none, of: plan, source, behind: position, limit: limit - found.count)
      case .valued(let position):
        try valued(plan, source, position.map { .behind($0) } ?? .beginning, limit: limit, into: &found)
      }
    }
    return found
  }

  private func valued(
    _ plan: SearchPlan, _ source: Source, _ start: SearchPlan.OrderStart, limit: Int,
    into found: inout [PagePosition]
  ) throws {
    var start = start
    var length = view.store.sortRunLength
    while found.count < limit, let peek = plan.values(from: start, limit: length) {
      let values = try view.reader.all(peek) { SortValue($0.value(0)) }
      guard let first = values.first, let last = values.last else { return }
      if values.count == length && first.compare(last) == 0 {
        var inside: PagePosition?
        if case .behind(let position) = start, position.values.first?.compare(first) == 0 { inside = position }
        found += try group(first, of: plan, source, behind: inside, limit: limit - found.count)
        start = .after(first)
        continue
      }
      // All that are equal to the last value may not have been seen: they are the next run's.
      let isAll = values.count < length
      for statement in plan.valued(start, before: isAll ? nil : last, limit: limit - found.count) {
        try read(statement, plan.order.keys.count, into: &found)
      }
      if isAll { return }
      start = .at(last)
      length *= 4
    }
  }

  /// The resources whose first key has this value.
  private func group(
    _ value: SortValue, of plan: SearchPlan, _ source: Source, behind position: PagePosition?, limit: Int
  ) throws -> [PagePosition] {
    let walks = try plan.order.keys[1].walks(type: plan.type, query.criteria) { try compiler.systems($0.number) }
    var inner = plan.within(value, orderWalks: walks)
    let rest = position.map { PagePosition(values: Array($0.values.dropFirst()), key: $0.key) }
    try inner.choose(wanted: limit, behind: rest, isFree: false, compiler.estimates) { try view.estimatedCount(source) }
    return try ordered(inner, source, behind: rest, limit: limit).map { row in
      PagePosition(values: [value] + row.values, key: row.key)
    }
  }

  /// A plan's rows.
  func ordered(_ plan: SearchPlan, _ source: Source, behind position: PagePosition?, limit: Int) throws
    -> [PagePosition]
  {
    if plan.lead == .order && plan.order.keys.count > 1 {
      return try runs(plan, source, behind: position, limit: limit)
    }
    var found: [PagePosition] = []
    for statement in plan.statements(behind: position, limit: limit) where found.count < limit {
      try read(statement, plan.valueCount, into: &found)
    }
    return found
  }
}
