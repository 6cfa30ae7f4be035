import Base
import FHIRModel
import FHIRSearch
import FHIRStore

extension FHIRService {
  /// FHIR R4 http#delete; with `_hardDelete=true` all versions go for good, with `$purge-history` the superseded ones.
  func delete(_ request: WriteRequest, _ id: String, _ view: StoreView) throws -> WriteStep {
    let current = try writable(request, id, view)
    try checkConditions(of: request, current)
    try checkDeletion(of: request.type, id, current)
    guard let current, let change = try deletion(of: current, request.deletion, view) else {
      return WriteStep(result: .unchanged(current, status: 204))
    }
    var step = WriteStep(result: .deletions([change], isConditional: false))
    try removeReferences(to: [current], request, view, in: &step)
    return step
  }

  /// FHIR R4 http#cdelete. Several matches are deleted only as far as `_count` allows.
  func conditionalDelete(_ request: WriteRequest, _ criteria: SearchQuery, _ count: Int?, _ view: StoreView) throws
    -> WriteStep
  {
    // Without a count there may be one match; a second one is 412.
    let ids =
      try count == nil
      ? [match(criteria, request.type, view)].compactMap { $0 }
      : view.ids(resolved(criteria, view), limit: count ?? 1)
    var found = try ids.compactMap { try view.current(request.type, $0) }
    if count == nil { try checkConditions(of: request, found.first) }
    let included = try included(criteria, with: found, view)
    for other in included {
      // What is included is reached by a search's permission; deleting it takes a deletion's.
      guard try view.current(other.type, other.id) != nil else { throw notAllowed(other.type, other.id) }
    }
    found += included
    let changes = try found.compactMap { try deletion(of: $0, request.deletion, view) }
    var step = WriteStep(
      result: .deletions(changes, isConditional: true),
      guards: [
        { view in
          guard try view.ids(self.resolved(criteria, view), limit: count ?? 2) == ids else { return false }
          let matches = try ids.compactMap { try view.current(request.type, $0) }
          return try self.included(criteria, with: matches, view).map(\.key) == included.map(\.key)
        }
      ])
    try removeReferences(to: found, request, view, in: &step)
    return step
  }

  /// What `_include` and `_revinclude` add to what a conditional deletion deletes.
  /// - Throws: `.invalid` for more than `_includesCount`, or the limit.
  private func included(_ criteria: SearchQuery, with matches: [StoredVersion], _ view: StoreView) throws
    -> [StoredVersion]
  {
    guard !criteria.includes.isEmpty, !matches.isEmpty else { return [] }
    let max = min(criteria.includesCount ?? Int.max, limits.conditionalDeletionsMax)
    let page = try view.included(
      criteria.includes, with: matches, count: max + 1, keysMax: max + 1, bytesMax: limits.pageBytesMax,
      base: criteria.base)
    guard page.resources.count <= max, page.next == nil else {
      throw Fault(
        .invalid, "The criteria include more than \(max) resources; a deletion takes them all or none.",
        code: "too-costly")
    }
    return page.resources
  }

  /// The change that deletes; nil where there is nothing to do.
  private func deletion(
    of current: StoredVersion, _ deletion: WriteRequest.Deletion, _ view: StoreView
  ) throws -> Change? {
    switch deletion {
    case .soft:
      if current.isDeleted { return nil }
      return store.change(
        current.type, id: current.id, method: .delete, nil, current: current, indexed: try view.indexed(current),
        effect: effect(current.type))
    case .hard:
      return store.change(
        current.type, id: current.id, method: .delete, nil, current: current, indexed: try view.indexed(current),
        effect: .purge)
    case .history:
      return store.change(
        current.type, id: current.id, method: .delete, nil, current: current, effect: .historyPurge)
    }
  }
}
