import Base
import FHIRModel
import FHIRStore

extension FHIRService {
  /// What a write answers, as its preference wants it (FHIR R4 http#ops).
  /// - Parameter committed: the first change's outcome, nil where there was none.
  func answer(_ step: WriteStep, _ committed: Committed?, _ call: Call, _ permit: Permit) -> Answer {
    var answer: Answer
    switch step.result {
    case .change(let change, let isCreated):
      answer = Answer(isCreated ? 201 : 200)
      guard let committed, let body = change.body else { return answer }
      describe(&answer, schema.name(change.type), change.id, committed.version, committed.updated, call)
      if wantsRepresentation(call), change.method != .patch || mayRead(change.type, permit) {
        var json: [UInt8] = []
        body.append(
          to: &json, type: schema.name(change.type), id: change.id, version: committed.version,
          updated: committed.updated)
        answer.resource = json
      }
    case .deletions(let changes, let isConditional):
      answer = Answer(204)
      if isConditional { answer.itemsDeleted = changes.count }
      if changes.count == 1, changes[0].isVersion { answer.version = committed?.version }
      return answer
    case .unchanged(let current, let status):
      answer = Answer(status)
      guard let current else { return answer }
      answer.version = current.version
      guard !current.isDeleted else { return answer }
      describe(&answer, current.typeName, current.id, current.version, current.updated, call)
      if wantsRepresentation(call), mayRead(current.type, permit) { answer.resource = current.json }
    }
    if call.preference.returned == .operationOutcome, answer.status != 204 {
      let reason = Fault.Reason(
        "The interaction was carried out; the version is \(answer.version ?? 0).", code: "informational",
        severity: .information)
      answer.resource = OperationOutcome.json([reason], id: newID())
    }
    return answer
  }

  private func wantsRepresentation(_ call: Call) -> Bool {
    call.preference.returned == nil || call.preference.returned == .representation
  }

  private func describe(
    _ answer: inout Answer, _ type: String, _ id: String, _ version: Int64, _ updated: Instant, _ call: Call
  ) {
    answer.version = version
    answer.lastModified = updated
    answer.location = "\(call.base)/\(type)/\(id)/_history/\(version)"
  }
}
