import DICOMweb
import FHIRModel
import FHIRService
import FHIRStore

/// What a request turned out to ask for, in a form without any of its values: for metrics and the log. The FHIR names
/// are those of http://hl7.org/fhir/restful-interaction where there is one.
enum Activity: Int, CaseIterable, Sendable {
  case none, welcome, health, metrics, options, smartConfiguration, administration
  case capabilities, versions, read, vread, create, update, patch, delete, searchType, searchSystem
  case searchCompartment, historyInstance, historyType, historySystem, bundle, fhirPath, operation
  case dicomStore, dicomSearch, dicomRetrieve, dicomMetadata, dicomFrames, dicomRendered, dicomThumbnail
  case dicomBulkData, dicomPixelData, dicomDelete, dicomChangeFeed, dicomPartitions, dicomCapabilities, dicomURI
  case deviceStatus, deviceMessages, deviceMapping, deviceDebug, deviceQuarantine, deviceReplay

  var name: String {
    switch self {
    case .none: "none"
    case .welcome: "welcome"
    case .health: "health"
    case .metrics: "metrics"
    case .options: "options"
    case .smartConfiguration: "smart-configuration"
    case .administration: "administration"
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
    case .dicomStore: "dicom-store"
    case .dicomSearch: "dicom-search"
    case .dicomRetrieve: "dicom-retrieve"
    case .dicomMetadata: "dicom-metadata"
    case .dicomFrames: "dicom-frames"
    case .dicomRendered: "dicom-rendered"
    case .dicomThumbnail: "dicom-thumbnail"
    case .dicomBulkData: "dicom-bulkdata"
    case .dicomPixelData: "dicom-pixeldata"
    case .dicomDelete: "dicom-delete"
    case .dicomChangeFeed: "dicom-changefeed"
    case .dicomPartitions: "dicom-partitions"
    case .dicomCapabilities: "dicom-capabilities"
    case .dicomURI: "dicom-wado-uri"
    case .deviceStatus: "device-status"
    case .deviceMessages: "device-messages"
    case .deviceMapping: "device-mapping"
    case .deviceDebug: "device-debug"
    case .deviceQuarantine: "device-quarantine"
    case .deviceReplay: "device-replay"
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

  init(_ interaction: DICOMInteraction) {
    switch interaction {
    case .store: self = .dicomStore
    case .search: self = .dicomSearch
    case .retrieve: self = .dicomRetrieve
    case .metadata: self = .dicomMetadata
    case .frames: self = .dicomFrames
    case .rendered: self = .dicomRendered
    case .thumbnail: self = .dicomThumbnail
    case .bulkData: self = .dicomBulkData
    case .pixelData: self = .dicomPixelData
    case .delete: self = .dicomDelete
    case .changeFeed, .changeFeedLatest: self = .dicomChangeFeed
    case .partitions: self = .dicomPartitions
    case .capabilities: self = .dicomCapabilities
    case .wadoURI: self = .dicomURI
    }
  }

  /// The path of an interaction with its values left out, such as `studies/{study}/metadata`.
  static func shape(_ interaction: DICOMInteraction) -> String {
    switch interaction {
    case .store(let study): "studies" + (study == nil ? "" : "/{study}")
    case .search(let scope):
      (scope.study == nil ? "" : "studies/{study}/") + (scope.series == nil ? "" : "series/{series}/")
        + (scope.level == .study ? "studies" : scope.level == .series ? "series" : "instances") + "?{query}"
    case .retrieve(let target), .delete(let target): shape(target)
    case .metadata(let target): shape(target) + "/metadata"
    case .frames(let target, _): shape(target) + "/frames/{frames}"
    case .rendered(let target, let frames): shape(target, frames) + "/rendered"
    case .thumbnail(let target, let frames): shape(target, frames) + "/thumbnail"
    case .bulkData(let target, let path): shape(target) + "/bulkdata" + (path.isEmpty ? "" : "/{path}")
    case .pixelData(let target): shape(target) + "/pixeldata"
    case .changeFeed: "changefeed"
    case .changeFeedLatest: "changefeed/latest"
    case .partitions: "partitions"
    case .capabilities: "/"
    case .wadoURI: "wado"
    }
  }

  private static func shape(_ target: Target, _ frames: [Int]? = nil) -> String {
    var path = "studies/{study}"
    if target.series != nil { path += "/series/{series}" }
    if target.instance != nil { path += "/instances/{instance}" }
    return path + (frames == nil ? "" : "/frames/{frames}")
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
