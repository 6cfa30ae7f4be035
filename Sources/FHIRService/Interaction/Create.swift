import FHIRSearch
import FHIRStore

extension FHIRService {
  /// FHIR R4 http#create and #ccreate.
  func create(
    _ request: WriteRequest, _ criteria: SearchQuery?, _ prebuilt: Draft?, _ map: ReferenceMap, _ view: StoreView
  ) throws -> WriteStep {
    var guards: [@Sendable (StoreView) throws -> Bool] = []
    if let criteria {
      if let id = try match(criteria, request.type, view) {
        return WriteStep(
          result: .unchanged(try view.current(request.type, id), status: 200))
      }
      guards.append(stillMatchesNothing(criteria))
    }
    let id = request.freshID
    let draft = try prebuilt ?? draft(request.resource, request.type, id, map)
    try checkStored(draft, request, id, isNew: true)
    let change = store.change(request.type, id: id, method: .post, draft, current: nil, isNew: true)
    return WriteStep(result: .change(change, isCreated: true), guards: guards)
  }
}
