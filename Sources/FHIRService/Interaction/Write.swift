import FHIRModel
import FHIRStore

/// What a write comes to, given what a view showed: changes, and the answer once they are committed.
struct WriteStep: Sendable {
  enum Result: Sendable {
    /// A new version; `isCreated` tells 201 from 200.
    case change(Change, isCreated: Bool)
    /// Resources, or versions of them, that go.
    case deletions([Change], isConditional: Bool)
    /// Nothing to do: the version that stands, if any, and its status.
    case unchanged(StoredVersion?, status: Int)
  }

  var result: Result
  /// Searches that the result was built upon.
  var guards: [@Sendable (StoreView) throws -> Bool] = []
  /// What else changes because of it.
  var consequences: [Change] = []

  /// The changes of the result first.
  var changes: [Change] {
    switch result {
    case .change(let change, _): [change] + consequences
    case .deletions(let changes, _): changes + consequences
    case .unchanged: []
    }
  }

  /// The resources that it writes, or found to be as they should.
  var resources: [(type: Schema.TypeID, id: String)] {
    if case .unchanged(let current?, _) = result { return [(current.type, current.id)] }
    return changes.map { ($0.type, $0.id) }
  }
}

extension FHIRService {
  /// FHIR R4 http#create, #update, #delete and the conditional ones.
  func write(_ call: Call, _ permit: Permit) async throws -> Answer {
    let request = try writeRequest(call, permit)
    if let resource = request.resource { try check(resource, expecting: request.type) }
    let prebuilt = try prebuild(request)
    let provenance = try provenance(call)
    let service = self
    return try await store.write(within: permit.restriction) { view in
      let step = try service.step(request, prebuilt, ReferenceMap(), view)
      var changes = step.changes
      if let provenance, case .change(let change, _) = step.result {
        changes += [try service.change(provenance, about: change, permit)].compactMap { $0 }
      }
      return Prepared(changes, guards: step.guards) { committed in
        service.answer(step, committed.first, call, permit)
      }
    }
  }

  /// A draft that needs no look at the store: the id is known and no reference is conditional.
  func prebuild(_ request: WriteRequest, _ map: ReferenceMap = ReferenceMap()) throws -> Draft? {
    guard let resource = request.resource, !References.hasConditional(resource) else { return nil }
    switch request.target {
    case .create: return try draft(resource, request.type, request.freshID, map)
    case .update(let id): return try draft(resource, request.type, id, map)
    case .conditionalUpdate, .patch, .conditionalPatch, .delete, .conditionalDelete: return nil
    }
  }

  /// Decides what a write comes to.
  ///
  /// - Parameter map: the addresses that a bundle's references are rewritten to.
  func step(
    _ request: WriteRequest, _ prebuilt: Draft?, _ map: ReferenceMap, _ view: StoreView
  ) throws -> WriteStep {
    // What was extracted for other search parameters than those in force is made again.
    let prebuilt = prebuilt.flatMap { store.isCurrent($0) ? $0 : nil }
    var map = map
    let held = try prebuilt == nil ? resolve(request.resource, &map, request.permit, view) : []
    var step = try step(request, prebuilt, resolved: map, view)
    step.guards += held
    return step
  }

  private func step(
    _ request: WriteRequest, _ prebuilt: Draft?, resolved map: ReferenceMap, _ view: StoreView
  ) throws -> WriteStep {
    switch request.target {
    case .create(let criteria): return try create(request, criteria, prebuilt, map, view)
    case .update(let id): return try update(request, id, prebuilt, map, view)
    case .conditionalUpdate(let criteria, let id): return try conditionalUpdate(request, criteria, id, map, view)
    case .patch(let id, let patch): return try self.patch(request, id, patch, view)
    case .conditionalPatch(let criteria, let patch): return try conditionalPatch(request, criteria, patch, view)
    case .delete(let id): return try delete(request, id, view)
    case .conditionalDelete(let criteria, let count): return try conditionalDelete(request, criteria, count, view)
    }
  }
}
