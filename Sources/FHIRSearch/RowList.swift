import FHIRModel

/// Collects a resource's index rows, parameter by parameter: each row once, and whether it is one of several.
struct RowList {
  var rows: [IndexRow] = []
  private var start = 0
  private var seen: Set<IndexRow> = []

  init() { rows.reserveCapacity(48) }

  /// Rows appended from here on belong to one parameter.
  mutating func begin() { start = rows.count }

  /// Completes the parameter's rows.
  /// - Parameters:
  ///   - number: the parameter's.
  ///   - elements: from how many elements they were read.
  mutating func end(_ plan: IndexPlan, _ number: Int32, elements: Int) {
    if plan.keepsMissing, !rows[start...].contains(where: { Self.isSorted($0, plan.kind) }) {
      rows.append(.missing(parameter: number))
    }
    if rows.count - start > 1 { removeDuplicates(plan.kind) }
    guard rows.count - start > 1 else { return }
    switch plan.kind {
    case .string, .date, .number: for place in start..<rows.count { rows[place].isOneOfSeveral = true }
    case .token: markWords()
    // One element's rows are the same value, in its code and in its words.
    case .quantity where elements > 1: for place in start..<rows.count { rows[place].isOneOfSeveral = true }
    default: return
    }
  }

  /// Whether a resource is sorted by a row: words go with a token, identifiers with a reference, but they are none, and
  /// what is referred to within the resource has no order.
  private static func isSorted(_ row: IndexRow, _ kind: SearchParameter.Kind) -> Bool {
    switch (kind, row) {
    case (.token, .token): true
    case (.reference, .reference(let parameter, _, _)): !SearchParameter.isLocal(parameter)
    case (.token, _), (.reference, _): false
    default: true
    }
  }

  // MARK: Each once

  /// Up to so many rows, comparing each with each costs less than hashing them.
  private static let comparedMax = 16

  private mutating func removeDuplicates(_ kind: SearchParameter.Kind) {
    let isSmall = rows.count - start <= Self.comparedMax
    if !isSmall { seen.removeAll(keepingCapacity: true) }
    var kept = start
    for place in start..<rows.count {
      let row = rows[place]
      if isSmall {
        if rows[start..<kept].contains(where: { Self.isSame($0, row, kind) }) { continue }
      } else if !seen.insert(Self.identity(row, kind)).inserted {
        continue
      }
      if kept < place { rows[kept] = row }
      kept += 1
    }
    rows.removeLast(rows.count - kept)
  }

  /// A token's words are told apart by their folded form only: `:text` asks for no other.
  private static func isSame(_ a: IndexRow, _ b: IndexRow, _ kind: SearchParameter.Kind) -> Bool {
    if kind == .token, case .string(_, let foldedA, _, _) = a, case .string(_, let foldedB, _, _) = b {
      return foldedA == foldedB
    }
    return a == b
  }

  private static func identity(_ row: IndexRow, _ kind: SearchParameter.Kind) -> IndexRow {
    guard kind == .token, case .string(let parameter, let folded, _, let several) = row else { return row }
    return .string(parameter: parameter, folded: folded, text: "", several: several)
  }

  // MARK: One of several

  private mutating func markWords() {
    var first: Int?
    for place in start..<rows.count {
      guard case .string = rows[place] else { continue }
      if let first {
        rows[first].isOneOfSeveral = true
        rows[place].isOneOfSeveral = true
      }
      first = place
    }
  }
}
