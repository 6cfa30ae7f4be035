import Base
import FHIRModel
import FHIRStore
import JSONCore

extension FHIRService {
  /// FHIR R4 http#brules: each entry by itself, one's failure is no other's. The writes share one commit; the reads
  /// come after it, so that none keeps the writer waiting.
  func batch(_ entries: [JSONValue], _ call: Call, _ decision: Decision) async throws -> Answer {
    var items = entries.enumerated().map { place, value in item(value, place, call, decision) }
    limitConditionalReferences(of: &items)
    let service = self
    var answers: [(Answer, outcome: [UInt8]?)] = Array(repeating: (Answer(200), nil), count: items.count)
    let writes = items.filter(\.isWrite)
    if !writes.isEmpty {
      let written = try await store.writeInside(within: .nothing) { scope in
        try writes.map { try service.carryOut($0, scope) }
      }
      for (item, answer) in zip(writes, written) { answers[item.place] = answer }
    }
    let reads = items.filter { !$0.isWrite }
    if !reads.isEmpty {
      let textFault = await textFault(for: reads.compactMap { try? $0.entry.get().call })
      let found = try await store.read(within: .nothing) { view in
        try reads.map { item in
          try service.caught {
            let entry = try item.entry.get()
            if let textFault, service.asksForText(entry.call) { throw textFault }
            return try service.read(entry.call, view.within(entry.permit.restriction))
          }
        }
      }
      for (item, answer) in zip(reads, found) { answers[item.place] = answer }
    }
    for item in items {
      guard let trail = call.trail, case .success(let entry) = item.entry else { continue }
      trail.add(entry.call, answers[item.place].0.status)
    }
    return response("batch-response", answers)
  }

  /// An entry read and, where it needs no look at the store, built before the writer's turn.
  private struct Item: Sendable {
    let place: Int
    let entry: Result<BundleEntry, Fault>
    var write: Result<(WriteRequest, Draft?), Fault>?

    var isWrite: Bool { write != nil }
  }

  private func item(_ value: JSONValue, _ place: Int, _ call: Call, _ decision: Decision) -> Item {
    do {
      let entry = try entry(value, place, of: call, decision)
      guard entry.isWrite else { return Item(place: place, entry: .success(entry)) }
      do {
        let request = try writeRequest(entry.call, entry.permit)
        if let resource = request.resource { try check(resource, expecting: request.type) }
        return Item(place: place, entry: .success(entry), write: .success((request, try prebuild(request))))
      } catch {
        return Item(place: place, entry: .success(entry), write: .failure(fault(error)))
      }
    } catch {
      return Item(place: place, entry: .failure(error))
    }
  }

  /// Entries that would exceed the batch's conditional references fail by themselves.
  private func limitConditionalReferences(of items: inout [Item]) {
    var seen: Set<String> = []
    for place in items.indices {
      guard case .success((let request, nil))? = items[place].write, let resource = request.resource else { continue }
      seen.formUnion(References.conditional(in: resource))
      if seen.count > limits.bundleConditionalReferencesMax {
        items[place].write = .failure(tooManyConditionalReferences)
      }
    }
  }

  var tooManyConditionalReferences: Fault {
    Fault(
      .invalid,
      "A bundle takes at most \(limits.bundleConditionalReferencesMax) different conditional references.",
      code: "too-costly")
  }

  private func carryOut(_ item: Item, _ scope: WriteScope) throws -> (Answer, outcome: [UInt8]?) {
    try caught {
      let entry = try item.entry.get()
      guard let (request, prebuilt) = try item.write?.get() else {
        throw Fault(.internal, "This interaction does not write.")
      }
      let step = try step(request, prebuilt, ReferenceMap(), scope.view.within(entry.permit.restriction))
      return answer(step, try scope.apply(step.changes).first, entry.call, entry.permit)
    }
  }

  /// An entry's fault becomes its outcome; what the store cannot do ends the whole batch.
  private func caught(_ body: () throws -> Answer) throws -> (Answer, outcome: [UInt8]?) {
    do {
      let answer = try body()
      return answer.status >= 400 ? (answer, answer.resource) : (answer, nil)
    } catch let fault as Fault {
      return (Answer(OperationOutcome.status(of: fault)), OperationOutcome.json(fault, id: newID()))
    }
  }

  private func fault(_ error: any Error) -> Fault {
    if let fault = error as? Fault { return fault }
    return Fault(.internal, "The request could not be carried out.")
  }
}
