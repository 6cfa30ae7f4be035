import Base
import FHIRModel
import FHIRStore
import JSONCore

extension FHIRService {
  /// FHIR R4 http#trules: all entries or none, in one commit; deletions, creations, updates, then reads.
  func transaction(_ values: [JSONValue], _ call: Call, _ decision: Decision) async throws -> Answer {
    let plan = try transactionPlan(values, call, decision)
    do {
      let answers = try await carryOut(plan)
      for entry in plan.entries { call.trail?.add(entry.call, answers[entry.place].status) }
      return response("transaction-response", answers.map { ($0, nil) })
    } catch {
      let status = (error as? Fault).map { OperationOutcome.status(of: $0) } ?? 500
      for entry in plan.entries { call.trail?.add(entry.call, status) }
      throw error
    }
  }

  private func carryOut(_ plan: TransactionPlan) async throws -> [Answer] {
    let service = self
    let answers: [Answer]
    if plan.reads.isEmpty {
      answers = try await store.write(within: .nothing) { view in
        let steps = try service.steps(plan, view)
        return Prepared(steps.flatMap(\.changes), guards: steps.flatMap(\.guards)) { committed in
          service.answers(plan, steps, committed)
        }
      }
    } else {
      answers = try await store.writeInside(within: .nothing) { scope in
        let steps = try service.steps(plan, scope.view)
        var answers = service.answers(plan, steps, try scope.apply(steps.flatMap(\.changes)))
        for entry in plan.reads {
          let answer = try failing(entry) {
            try service.read(entry.call, scope.view.within(entry.permit.restriction))
          }
          if answer.status >= 400 { throw failed(entry, Fault(.notFound, service.gone(entry).reasons)) }
          answers[entry.place] = answer
        }
        return answers
      }
    }
    return answers
  }

  /// A transaction's writes in order of execution, with everything built that needs no look at the store.
  struct TransactionPlan: Sendable {
    let entryCount: Int
    var writes: [Write] = []
    var reads: [BundleEntry] = []
    /// Addresses known from the start: ids of creations and updates.
    var map = ReferenceMap()

    var entries: [BundleEntry] { writes.map(\.entry) + reads }

    struct Write: Sendable {
      let entry: BundleEntry
      let request: WriteRequest
      var prebuilt: Draft?
      /// The base for the resource's relative references.
      let base: String?

      /// Whether the store decides which resource this is.
      var isConditional: Bool {
        switch request.target {
        case .create(let criteria): criteria != nil
        case .conditionalUpdate, .conditionalPatch, .conditionalDelete: true
        case .update, .patch, .delete: false
        }
      }
    }
  }

  private func transactionPlan(
    _ values: [JSONValue], _ call: Call, _ decision: Decision
  ) throws -> TransactionPlan {
    var plan = TransactionPlan(entryCount: values.count)
    for (place, value) in values.enumerated() {
      let entry = try entry(value, place, of: call, decision)
      guard entry.isWrite else {
        if entry.isCostly {
          throw failed(
            entry, Fault(.unsupported, "This operation cannot be called inside a transaction; a batch can call it."))
        }
        try failing(entry) { try refuseText(entry.call) }
        plan.reads.append(entry)
        continue
      }
      let request = try failing(entry) { try writeRequest(entry.call, entry.permit) }
      plan.writes.append(
        TransactionPlan.Write(
          entry: entry, request: request, base: entry.fullURL.flatMap { ReferenceMap.base(of: $0, schema) }))
    }
    plan.writes.sort { ($0.entry.rank, $0.entry.place) < ($1.entry.rank, $1.entry.place) }
    try checkFullURLs(plan)
    for write in plan.writes where !write.isConditional { add(write, id: write.ownID, to: &plan.map) }
    try checkInvariants(plan)
    // With a conditional entry the addresses are known only when the store was asked.
    guard !plan.writes.contains(where: \.isConditional) else { return plan }
    for place in plan.writes.indices {
      let write = plan.writes[place]
      var map = plan.map
      map.base = write.base
      plan.writes[place].prebuilt = try prebuild(write.request, map)
    }
    return plan
  }

  /// The standard's rules for all resources at once. The structure was checked with the bundle.
  private func checkInvariants(_ plan: TransactionPlan) throws(Fault) {
    var broken: [Fault.Reason] = []
    for write in plan.writes where broken.count < InvariantCheck.issuesMax {
      guard let resource = write.request.resource else { continue }
      broken += try invariants.violations(
        of: resource, type: write.request.type, writeInvariants, path: "Bundle.entry[\(write.entry.place)].resource",
        clock: clock)
    }
    if !broken.isEmpty { throw Fault(.invalid, broken) }
  }

  private func add(_ write: TransactionPlan.Write, id: String, to map: inout ReferenceMap) {
    guard let fullURL = write.entry.fullURL else { return }
    map.add(fullURL, "\(schema.name(write.request.type))/\(id)")
  }

  /// FHIR R4 bundle, bdl-7: a fullUrl occurs once.
  private func checkFullURLs(_ plan: TransactionPlan) throws(Fault) {
    var seen: Set<String> = []
    for write in plan.writes {
      guard let fullURL = write.entry.fullURL, !seen.insert(fullURL).inserted else { continue }
      throw Fault(
        .invalid, "Two entries have the same fullUrl.", code: "duplicate", at: "Bundle.entry[\(write.entry.place)]")
    }
  }

  /// What each write comes to, in order of execution.
  ///
  /// Conditional references are resolved to what stood before the transaction.
  fileprivate func steps(_ plan: TransactionPlan, _ view: StoreView) throws -> [WriteStep] {
    var map = plan.map
    let foreseen = plan.writes.filter { $0.entry.permit.restriction.isUnrestricted }
    let view = try view.foreseeing(foreseen.compactMap { write in write.namedID.map { (write.request.type, $0) } })
    let held = try resolveReferences(of: plan, &map, view)
    for write in plan.writes where write.isConditional {
      let restriction = write.entry.permit.restriction
      let id = try failing(write.entry) { try conditionalID(write, view.within(restriction)) }
      add(write, id: id ?? write.ownID, to: &map)
    }
    var seen: Set<String> = []
    var steps: [WriteStep] = []
    for write in plan.writes {
      map.base = write.base
      let restriction = write.entry.permit.restriction
      var step = try failing(write.entry) {
        try self.step(write.request, write.prebuilt, map, view.within(restriction))
      }
      step.guards = Self.within(restriction, step.guards)
      if steps.isEmpty { step.guards += held }
      // "If any resource identities overlap, the transaction SHALL fail" (FHIR R4 http#trules).
      for resource in step.resources where !seen.insert("\(schema.name(resource.type))/\(resource.id)").inserted {
        throw Fault(
          .invalid, "Bundle contains multiple entries that refers to the same resource '\(write.entry.url)'.",
          code: "invalid", at: "Bundle.entry[\(write.entry.place)]")
      }
      steps.append(step)
    }
    return steps
  }

  private func resolveReferences(of plan: TransactionPlan, _ map: inout ReferenceMap, _ view: StoreView) throws
    -> [@Sendable (StoreView) throws -> Bool]
  {
    var texts: [String] = []
    var seen: Set<String> = []
    for write in plan.writes where write.prebuilt == nil {
      guard let resource = write.request.resource else { continue }
      texts += References.conditional(in: resource).filter { seen.insert($0).inserted }
    }
    guard texts.count <= limits.bundleConditionalReferencesMax else { throw tooManyConditionalReferences }
    // Whoever writes entries with and without leave to search has one token for all of them.
    return try resolve(texts, &map, plan.writes.first?.entry.permit ?? .everything, view)
  }

  /// The id of what a conditional entry's criteria match, nil for nothing.
  private func conditionalID(_ write: TransactionPlan.Write, _ view: StoreView) throws
    -> String?
  {
    switch write.request.target {
    case .create(let criteria?): try match(criteria, write.request.type, view)
    case .conditionalUpdate(let criteria, _), .conditionalPatch(let criteria, _):
      try match(criteria, write.request.type, view)
    default: nil
    }
  }

  /// The writes' answers at their entries' places.
  fileprivate func answers(_ plan: TransactionPlan, _ steps: [WriteStep], _ committed: [Committed]) -> [Answer] {
    var answers = Array(repeating: Answer(200), count: plan.entryCount)
    var rest = committed[...]
    for (write, step) in zip(plan.writes, steps) {
      answers[write.entry.place] = answer(
        step, step.changes.isEmpty ? nil : rest.first, write.entry.call, write.entry.permit)
      rest = rest.dropFirst(step.changes.count)
    }
    return answers
  }

  fileprivate func gone(_ entry: BundleEntry) -> Fault {
    Fault(.gone, "The resource '\(entry.url)' has been deleted.")
  }
}

extension FHIRService.TransactionPlan.Write {
  /// The id of the resource that its request names.
  fileprivate var namedID: String? {
    switch request.target {
    case .update(let id), .patch(let id, _), .delete(let id): id
    default: nil
    }
  }

  /// The id that this write gives to what it creates, or names.
  fileprivate var ownID: String {
    switch request.target {
    case .update(let id), .patch(let id, _), .delete(let id): id
    case .conditionalPatch, .conditionalDelete: request.freshID
    case .conditionalUpdate(_, let id): id ?? request.freshID
    case .create: request.freshID
    }
  }
}

/// A fault of an entry names the entry first (the whole transaction fails for it).
private func failing<R>(_ entry: BundleEntry, _ body: () throws -> R) throws -> R {
  do {
    return try body()
  } catch let fault as Fault {
    throw failed(entry, fault)
  }
}

private func failed(_ entry: BundleEntry, _ fault: Fault) -> Fault {
  let first = Fault.Reason(
    "Transaction failed on '\(entry.method.rawValue)' for the requested url '/\(entry.url)'.", code: "processing",
    at: "Bundle.entry[\(entry.place)]")
  return Fault(fault.category, [first] + fault.reasons)
}
