import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

/// What a write comes to, given what a reader saw: at most one change, and the answer once it is committed.
struct WriteStep: Sendable {
  enum Result: Sendable {
    /// A new version; `isCreated` tells 201 from 200.
    case change(Change, isCreated: Bool)
    /// Nothing to do: the version that stands, if any, and its status.
    case unchanged(StoredVersion?, status: Int)
  }

  var result: Result
  /// Searches that the result was built upon.
  var guards: [@Sendable (StoreView) throws -> Bool] = []

  var changes: [Change] {
    if case .change(let change, _) = result { return [change] }
    return []
  }
}

extension FHIRService {
  /// FHIR R4 http#create, #update, #delete and the conditional ones.
  func write(_ call: Call, _ decision: Decision) async throws -> Answer {
    let request = try writeRequest(call)
    if let resource = request.resource { try checkStructure(resource, expecting: request.type) }
    let prebuilt = try prebuild(request)
    let service = self
    return try await store.write(within: decision.restriction) { view in
      let step = try service.step(request, prebuilt, ReferenceMap(), view)
      return Prepared(step.changes, guards: step.guards) { committed in
        service.answer(step, committed.first, call)
      }
    }
  }

  /// A draft that needs no look at the store: the id is known and no reference is conditional.
  func prebuild(_ request: WriteRequest, _ map: ReferenceMap = ReferenceMap()) throws -> Draft? {
    guard let resource = request.resource, !References.hasConditional(resource) else { return nil }
    switch request.target {
    case .create: return try draft(resource, request.type, request.freshID, map, nil)
    case .update(let id): return try draft(resource, request.type, id, map, nil)
    case .conditionalUpdate, .delete: return nil
    }
  }

  /// Decides what a write comes to.
  ///
  /// - Parameter map: the addresses that a bundle's references are rewritten to.
  func step(
    _ request: WriteRequest, _ prebuilt: Draft?, _ map: ReferenceMap, _ view: StoreView
  ) throws -> WriteStep {
    switch request.target {
    case .create(let criteria): return try create(request, criteria, prebuilt, map, view)
    case .update(let id): return try update(request, id, prebuilt, map, view)
    case .delete(let id): return try delete(request, id, view)
    case .conditionalUpdate(let criteria, let id):
      return try conditionalUpdate(request, criteria, id, map, view)
    }
  }

  private func create(
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
    let draft = try prebuilt ?? draft(request.resource, request.type, id, map, view)
    let change = store.change(request.type, id: id, method: .post, draft, current: nil, isNew: true)
    return WriteStep(result: .change(change, isCreated: true), guards: guards)
  }

  func update(
    _ request: WriteRequest, _ id: String, _ prebuilt: Draft?, _ map: ReferenceMap, _ view: StoreView
  ) throws -> WriteStep {
    let current = try view.current(request.type, id)
    try checkVersion(request.ifMatch, current)
    let draft = try prebuilt ?? draft(request.resource, request.type, id, map, view)
    guard let current else {
      let change = store.change(request.type, id: id, method: .put, draft, current: nil)
      return WriteStep(result: .change(change, isCreated: true))
    }
    guard let body = current.body else {
      // A deleted resource comes back to life (FHIR R4 http#delete).
      let change = store.change(request.type, id: id, method: .put, draft, current: current)
      return WriteStep(result: .change(change, isCreated: true))
    }
    if body == draft.body { return WriteStep(result: .unchanged(current, status: 200)) }
    let change = store.change(
      request.type, id: id, method: .put, draft, current: current, currentRows: try rows(body, request.type))
    return WriteStep(result: .change(change, isCreated: false))
  }

  private func conditionalUpdate(
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
    try checkVersion(request.ifMatch, nil)
    if let id {
      var step = try update(request, id, nil, map, view)
      step.guards.append(stillMatchesNothing(criteria))
      return step
    }
    let fresh = request.freshID
    let draft = try draft(request.resource, request.type, fresh, map, view)
    let change = store.change(request.type, id: fresh, method: .put, draft, current: nil, isNew: true)
    return WriteStep(result: .change(change, isCreated: true), guards: [stillMatchesNothing(criteria)])
  }

  private func delete(_ request: WriteRequest, _ id: String, _ view: StoreView) throws
    -> WriteStep
  {
    let current = try view.current(request.type, id)
    try checkVersion(request.ifMatch, current)
    guard let current, let body = current.body else {
      return WriteStep(result: .unchanged(current, status: 204))
    }
    let change = store.change(
      request.type, id: id, method: .delete, nil, current: current, currentRows: try rows(body, request.type))
    return WriteStep(result: .change(change, isCreated: false))
  }

  // MARK: Conditions

  /// FHIR R4 http#concurrency: another version than the expected one is 412.
  private func checkVersion(_ expected: Int64?, _ current: StoredVersion?) throws(Fault) {
    guard let expected else { return }
    guard let current, current.version == expected else {
      throw Fault(
        .preconditionFailed, "The resource's version is not the one that the If-Match header names.", code: "conflict")
    }
  }

  /// The id of the only match, nil for none; several are 412 (FHIR R4 http#cond-update).
  func match(_ criteria: SearchQuery, _ type: Schema.TypeID, _ view: StoreView) throws
    -> String?
  {
    let ids = try view.ids(criteria, limit: 2)
    guard ids.count < 2 else {
      throw Fault(
        .preconditionFailed, "The criteria match more than one resource of type \(schema.name(type)).",
        code: "multiple-matches")
    }
    return ids.first
  }

  private func stillMatchesNothing(_ criteria: SearchQuery) -> @Sendable (StoreView) throws -> Bool {
    { view in try view.ids(criteria, limit: 1).isEmpty }
  }

  private func stillMatches(_ criteria: SearchQuery, _ id: String) -> @Sendable (StoreView) throws -> Bool {
    { view in try view.ids(criteria, limit: 2) == [id] }
  }

  // MARK: Content

  /// The canonical form of a resource with its references rewritten, and what it says for search.
  ///
  /// - Parameter view: where conditional references are looked up; without one there are none.
  func draft(
    _ resource: ResourceNode?, _ type: Schema.TypeID, _ id: String, _ map: ReferenceMap, _ view: StoreView?
  ) throws -> Draft {
    guard let resource else { throw Fault(.invalid, "The request needs a resource as its body.", code: "required") }
    let edits = try References.edits(in: resource, map) { text in
      guard let view else { return nil }
      return try self.resolveConditional(text, view)
    }
    let body = ResourceBody(
      resource.document, resource.node, type: schema.name(type), id: id, replacing: edits)
    return try store.draft(body, rows: rows(body, type))
  }

  func rows(_ body: ResourceBody, _ type: Schema.TypeID) throws -> [IndexRow] {
    do {
      let document = try JSONDocument(body.bytes, limits: bodyLimits)
      return try extractor.rows(of: document, document.root, type)
    } catch let error as JSONError {
      throw Fault(.internal, error.message)
    }
  }

  /// A stored body was within the limits when it came; the canonical form is never deeper.
  private var bodyLimits: JSONLimits {
    var limits = JSONLimits()
    limits.depthMax = self.limits.jsonDepthMax
    limits.nodesMax = self.limits.jsonNodesMax
    return limits
  }

  // MARK: Answers

  /// - Parameter committed: the change's outcome, nil where there was none.
  func answer(_ step: WriteStep, _ committed: Committed?, _ call: Call) -> Answer {
    var answer: Answer
    switch step.result {
    case .change(let change, let isCreated):
      answer = Answer(change.body == nil ? 204 : isCreated ? 201 : 200)
      guard let committed else { return answer }
      answer.version = committed.version
      guard let body = change.body else { return answer }
      answer.lastModified = committed.updated
      let name = schema.name(change.type)
      answer.location = "\(call.base)/\(name)/\(change.id)/_history/\(committed.version)"
      if call.preference.returned == nil || call.preference.returned == .representation {
        var json: [UInt8] = []
        body.append(to: &json, type: name, id: change.id, version: committed.version, updated: committed.updated)
        answer.resource = json
      }
    case .unchanged(let current, let status):
      answer = Answer(status)
      guard let current else { return answer }
      answer.version = current.version
      guard !current.isDeleted else { return answer }
      answer.lastModified = current.updated
      answer.location = "\(call.base)/\(current.typeName)/\(current.id)/_history/\(current.version)"
      if call.preference.returned == nil || call.preference.returned == .representation {
        answer.resource = current.json
      }
    }
    if call.preference.returned == .operationOutcome, answer.status != 204 {
      let reason = Fault.Reason(
        "The interaction was carried out; the version is \(answer.version ?? 0).", code: "informational",
        severity: .information)
      answer.resource = OperationOutcome.json([reason], id: newID())
    }
    return answer
  }
}
