import Base
import FHIRModel
import FHIRSearch
import FHIRStore

extension FHIRService {
  /// FHIR R4 http#update and #upsert.
  func update(
    _ request: WriteRequest, _ id: String, _ prebuilt: Draft?, _ map: ReferenceMap, _ view: StoreView
  ) throws -> WriteStep {
    let current = try writable(request, id, view)
    if current == nil { try checkIsFree(request, id, view) }
    let draft = try prebuilt ?? draft(request.resource, request.type, id, map)
    try checkStored(draft, request, id, isNew: current == nil)
    try checkConditions(of: request, current)
    guard let current else {
      let change = store.change(request.type, id: id, method: .put, draft, current: nil)
      return WriteStep(result: .change(change, isCreated: true))
    }
    guard let body = current.body else {
      // A deleted resource comes back to life (FHIR R4 http#delete).
      let change = store.change(
        request.type, id: id, method: .put, draft, current: current, effect: effect(request.type))
      return WriteStep(result: .change(change, isCreated: true))
    }
    if body == draft.body { return WriteStep(result: .unchanged(current, status: 200)) }
    let change = store.change(
      request.type, id: id, method: .put, draft, current: current, indexed: try view.indexed(current),
      effect: effect(of: draft.body, on: body, id, request))
    return WriteStep(result: .change(change, isCreated: false))
  }

  /// What becomes of a superseded version under the type's policy.
  func effect(_ type: Schema.TypeID) -> Change.Effect { policy(type) == .none ? .replacement : .version }

  /// What becomes of `old` when `new` supersedes it. With `_meta-history=false` a change of nothing but `meta` takes
  /// its predecessor's place.
  func effect(of new: ResourceBody, on old: ResourceBody, _ id: String, _ request: WriteRequest) -> Change.Effect {
    if !request.keepsMetaHistory && old.differsInMetaOnly(from: new, type: schema.name(request.type), id: id) {
      return .replacement
    }
    return effect(request.type)
  }

  /// FHIR R4 http#cond-update.
  func conditionalUpdate(
    _ request: WriteRequest, _ criteria: SearchQuery, _ id: String?, _ map: ReferenceMap, _ view: StoreView
  ) throws -> WriteStep {
    if let found = try match(criteria, request.type, view) {
      guard id == nil || id == found else {
        throw Fault(.invalid, "The resource that matches the criteria has another id than the resource in the body.")
      }
      var step = try update(request, found, nil, map, view)
      step.guards.append(stillMatches(criteria, found))
      return step
    }
    try checkConditions(of: request, nil)
    if let id {
      var step = try update(request, id, nil, map, view)
      step.guards.append(stillMatchesNothing(criteria))
      return step
    }
    let fresh = request.freshID
    let draft = try draft(request.resource, request.type, fresh, map)
    try checkStored(draft, request, fresh, isNew: true)
    let change = store.change(request.type, id: fresh, method: .put, draft, current: nil, isNew: true)
    return WriteStep(result: .change(change, isCreated: true), guards: [stillMatchesNothing(criteria)])
  }
}
