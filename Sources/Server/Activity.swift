import FHIRModel
import FHIRService
import FHIRStore

/// What a request turned out to ask for, in a form without any of its values: for metrics and the log. The FHIR names
/// are those of http://hl7.org/fhir/restful-interaction where there is one.
enum Activity: Int, CaseIterable, Sendable {
  case none, welcome, health, metrics, options
  case capabilities, versions, read, vread, create, update, patch, delete, searchType, searchSystem
  case searchCompartment, historyInstance, historyType, historySystem, bundle, fhirPath, operation

  var name: String {
    switch self {
    case .none: "none"
    case .welcome: "welcome"
    case .health: "health"
    case .metrics: "metrics"
    case .options: "options"
    case .capabilities: "capabilities"
    case .versions: "versions"
    case .read: "read"
    case .vread: "vread"
    case .create: "create"
    case .update: "update"
    case .patch: "patch"
    case .delete: "delete"
    case .searchType: "search-type"
    case .searchSystem: "search-system"
    case .searchCompartment: "search-compartment"
    case .historyInstance: "history-instance"
    case .historyType: "history-type"
    case .historySystem: "history-system"
    case .bundle: "bundle"
    case .fhirPath: "fhirpath"
    case .operation: "operation"
    }
  }

  init(_ interaction: Interaction) {
    switch interaction {
    case .capabilities: self = .capabilities
    case .versions: self = .versions
    case .read: self = .read
    case .vread: self = .vread
    case .create: self = .create
    case .update, .conditionalUpdate: self = .update
    case .patch, .conditionalPatch: self = .patch
    case .delete, .conditionalDelete, .purgeHistory: self = .delete
    case .search(let type, _): self = type == nil ? .searchSystem : .searchType
    case .compartmentSearch: self = .searchCompartment
    case .history(.instance, _): self = .historyInstance
    case .history(.type, _): self = .historyType
    case .history(.system, _): self = .historySystem
    case .bundle: self = .bundle
    case .fhirPath: self = .fhirPath
    case .operation: self = .operation
    }
  }

  /// The path of an interaction with its values left out, such as `Patient/{id}`.
  static func shape(_ interaction: Interaction, _ schema: Schema) -> String {
    switch interaction {
    case .capabilities: "metadata"
    case .versions: "$versions"
    case .read(let type, _), .update(let type, _), .patch(let type, _), .delete(let type, _):
      schema.name(type) + "/{id}"
    case .vread(let type, _, _): schema.name(type) + "/{id}/_history/{vid}"
    case .create(let type): schema.name(type)
    case .purgeHistory(let type, _): schema.name(type) + "/{id}/$purge-history"
    case .conditionalUpdate(let type, _), .conditionalPatch(let type, _), .conditionalDelete(let type, _):
      schema.name(type) + "?{criteria}"
    case .search(let type, _): (type.map { schema.name($0) } ?? "") + "?{criteria}"
    case .compartmentSearch(let compartment, let type, _):
      schema.name(compartment.type) + "/{id}/" + (type.map { schema.name($0) } ?? "*") + "?{criteria}"
    case .history(.instance(let type, _), _): schema.name(type) + "/{id}/_history"
    case .history(.type(let type), _): schema.name(type) + "/_history"
    case .history(.system, _): "_history"
    case .bundle: "/"
    case .fhirPath: "$fhirpath"
    case .operation(let operation): shape(operation.target, schema) + "$" + operation.code.rawValue
    }
  }

  private static func shape(_ target: Operation.Target, _ schema: Schema) -> String {
    switch target {
    case .system: ""
    case .type(let type): schema.name(type) + "/"
    case .instance(let type, _): schema.name(type) + "/{id}/"
    case .version(let type, _, _): schema.name(type) + "/{id}/_history/{vid}/"
    case .job: "_operations/{id}/"
    }
  }
}
