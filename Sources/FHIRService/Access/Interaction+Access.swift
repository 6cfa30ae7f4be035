public import FHIRModel
import FHIRSearch
import FHIRStore
public import Identity

extension Interaction {
  /// What permission this takes, by the name that rules have for it.
  /// - Parameters:
  ///   - isHard: whether a deletion takes all versions.
  ///   - isConditional: whether a create depends on a search.
  public func access(isHard: Bool, isConditional: Bool) -> FHIRInteraction {
    switch self {
    case .capabilities: .capabilities
    case .versions: .versions
    case .read: .read
    case .vread: .vread
    case .create: isConditional ? .conditionalCreate : .create
    case .update: .update
    case .conditionalUpdate: .conditionalUpdate
    case .patch: .patch
    case .conditionalPatch: .conditionalPatch
    case .delete: isHard ? .hardDelete : .delete
    case .conditionalDelete: isHard ? .conditionalHardDelete : .conditionalDelete
    case .purgeHistory: .purgeHistory
    case .search(let type, _): type == nil ? .searchSystem : .searchType
    case .compartmentSearch: .searchCompartment
    case .history(.instance, _): .historyInstance
    case .history(.type, _): .historyType
    case .history(.system, _): .historySystem
    // A transaction is asked about as a batch is: entry by entry.
    case .bundle: .batch
    case .fhirPath: .fhirPath
    case .operation(let operation): operation.access
    }
  }

  /// The type that it is about; nil for the whole system.
  public var accessedType: Schema.TypeID? {
    switch self {
    case .read(let type, _), .vread(let type, _, _), .create(let type), .update(let type, _),
      .conditionalUpdate(let type, _), .patch(let type, _), .conditionalPatch(let type, _), .delete(let type, _),
      .conditionalDelete(let type, _), .purgeHistory(let type, _), .history(.type(let type), _),
      .history(.instance(let type, _), _):
      type
    case .search(let type, _), .compartmentSearch(_, let type, _): type
    case .operation(let operation): operation.target.type
    case .capabilities, .versions, .history(.system, _), .bundle, .fhirPath: nil
    }
  }

  /// The id of the patient whose data it asks for, where the address says so.
  public func patient(_ schema: Schema) -> String? {
    if case .compartmentSearch(let compartment, _, _) = self {
      return schema.name(compartment.type) == "Patient" ? compartment.id : nil
    }
    if let type = accessedType, schema.name(type) == "Patient" { return accessedID }
    guard case .search(_, let query) = self else { return nil }
    for parameter in query.parameters where parameter.name == "patient" || parameter.name == "subject" {
      let parts = parameter.value.split(separator: "/", omittingEmptySubsequences: false)
      guard let id = parts.last, PrimitiveCheck.isLogicalID(String(id)) else { continue }
      if parts.count == 1 ? parameter.name == "patient" : parts[parts.count - 2] == "Patient" { return String(id) }
    }
    return nil
  }

  /// The id of the resource that it is about, if it names one.
  public var accessedID: String? {
    switch self {
    case .read(_, let id), .vread(_, let id, _), .update(_, let id), .patch(_, let id), .delete(_, let id),
      .purgeHistory(_, let id), .history(.instance(_, let id), _):
      id
    case .operation(let operation):
      switch operation.target {
      case .instance(_, let id), .version(_, let id, _), .job(let id): id
      case .system, .type: nil
      }
    default: nil
    }
  }
}

extension Operation {
  fileprivate var access: FHIRInteraction {
    switch code {
    case .everything: .everything
    case .validate: .validate
    case .meta:
      switch target {
      case .instance: .read
      case .version: .vread
      case .type: .searchType
      case .system, .job: .searchSystem
      }
    case .metaAdd, .metaDelete: .update
    case .includes: target.type == nil ? .searchSystem : .searchType
    case .memberMatch: .memberMatch
    case .docref: .docRef
    case .reindex: .reindex
    case .status: isWrite ? .searchParameterStatusUpdate : .searchParameterStatus
    }
  }
}
