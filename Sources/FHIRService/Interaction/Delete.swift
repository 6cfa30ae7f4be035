import FHIRModel
import FHIRSearch
import FHIRStore

extension FHIRService {
  /// FHIR R4 http#delete; with `_hardDelete=true` all versions go for good, with `$purge-history` the superseded ones.
  func delete(_ request: WriteRequest, _ id: String, _ view: StoreView) throws -> WriteStep {
    let current = try view.current(request.type, id)
    try checkConditions(of: request, current)
    guard let current, let change = try deletion(of: current, request.deletion) else {
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
      try count == nil ? [match(criteria, request.type, view)].compactMap { $0 } : view.ids(criteria, limit: count ?? 1)
    let found = try ids.compactMap { try view.current(request.type, $0) }
    if count == nil { try checkConditions(of: request, found.first) }
    let changes = try found.compactMap { try deletion(of: $0, request.deletion) }
    var step = WriteStep(
      result: .deletions(changes, isConditional: true),
      guards: [{ view in try view.ids(criteria, limit: count ?? 2) == ids }])
    try removeReferences(to: found, request, view, in: &step)
    return step
  }

  /// The change that deletes; nil where there is nothing to do.
  private func deletion(of current: StoredVersion, _ deletion: WriteRequest.Deletion) throws -> Change? {
    let indexed = try current.body.map { try rows($0, current.type) } ?? []
    switch deletion {
    case .soft:
      if current.isDeleted { return nil }
      return store.change(
        current.type, id: current.id, method: .delete, nil, current: current, currentRows: indexed,
        effect: effect(current.type))
    case .hard:
      return store.change(
        current.type, id: current.id, method: .delete, nil, current: current, currentRows: indexed, effect: .purge)
    case .history:
      return store.change(
        current.type, id: current.id, method: .delete, nil, current: current, effect: .historyPurge)
    }
  }
}
