import Base
import FHIRModel
import FHIRSearch
import FHIRStore
import JSONCore

extension FHIRService {
  /// Carries out an operation (FHIR R4 operations.html).
  func perform(_ operation: Operation, _ call: Call, _ permit: Permit) async throws -> Answer {
    if operation.isWrite {
      switch operation.code {
      case .reindex: return try await changeReindex(operation, call, permit)
      case .status: return try await changeStatuses(call, permit)
      default: return try await changeMeta(operation, call, permit)
      }
    }
    if operation.code == .validate {
      // No reader's thread is kept busy with rules.
      return try validate(operation, call) { type, id in
        try store.point(within: permit.restriction) { try $0.current(type, id) }
      }
    }
    try await bringUpText(for: call)
    let service = self
    return try await store.read(within: permit.restriction) { try service.perform(operation, call, $0) }
  }

  /// The same inside a transaction or snapshot, for operations that only read.
  func perform(_ operation: Operation, _ call: Call, _ view: StoreView) throws -> Answer {
    switch operation.code {
    case .validate: return try validate(operation, call) { try view.current($0, $1) }
    case .meta: return try meta(operation, view)
    case .everything: return try everything(operation, call, view)
    case .memberMatch: return try memberMatch(operation, call, view)
    case .docref: return try docRef(operation, call, view)
    case .includes: return try includes(operation.target.type, operation.query, call, view)
    case .reindex: return try reindex(operation, call, view)
    case .status: return try statuses(operation.query, view)
    case .metaAdd, .metaDelete:
      throw Fault(.internal, "This operation does not only read.")
    }
  }
}
