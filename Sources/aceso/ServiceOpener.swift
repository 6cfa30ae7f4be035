import Base
import BlobStore
import DICOMService
import DICOMStore
import FHIRModel
import FHIRService
import FHIRStore
import Server
import Storage
import Workspace

/// Opens services on the engine that the configuration names.
struct ServiceOpener: ServiceHost {
  let place: StorePlace
  let configuration: ServerConfiguration
  /// Who is let into services that do not say it themselves; nil for everybody.
  let access: ServiceAccess?
  let embedded: EmbeddedIssuer?
  let ids: IdentifierSource
  let log: Log

  static let software = FHIRService.Software(name: "Aceso", version: Aceso.version)

  func open(_ service: ServiceDefinition, in workspace: String) async throws(AdministrationError) -> any RunningService
  {
    do {
      switch service.properties {
      case .fhir(let properties):
        return try await OpenFHIRService.open(service, properties, in: workspace, self)
      case .dicom(let properties):
        return try await OpenDICOMService.open(service, properties, in: workspace, self)
      case .iotconnector: throw Self.notThere("iotconnectors are not served yet")
      }
    } catch let error as AdministrationError {
      throw error
    } catch {
      throw AdministrationError(500, "InternalServerError", "\(error)")
    }
  }

  /// Who is let into a service; nil for everybody.
  func access(to service: ServiceDefinition, in workspace: String) throws(AdministrationError) -> ServiceAccess? {
    if let declared = service.settings.authentication {
      let access = try ServiceAccess(declared)
      return embedded?.answering(access) ?? access
    }
    if let embedded { return embedded.access("/\(workspace)/\(service.name)", beside: access) }
    guard access != nil || configuration.isLoopback || configuration.allowsInsecureNetwork else {
      throw AdministrationError(
        400, "InvalidRequestContent",
        "'authenticationConfiguration' is missing: this server can be reached from other machines, and must know whom "
          + "to let in")
    }
    return access
  }

  private static func notThere(_ reason: String) -> AdministrationError {
    AdministrationError(501, "NotImplemented", reason)
  }
}

/// A FHIR service that runs.
private struct OpenFHIRService: RunningService {
  let workspace: String
  let store: FHIRStore
  let faults: @Sendable () -> [MetricSample]
  let opener: ServiceOpener
  let fhir: FHIRMount

  var mount: Mount { .fhir(fhir) }

  private init(
    _ service: ServiceDefinition, _ properties: FHIRProperties, in workspace: String, _ store: FHIRStore,
    _ faults: @escaping @Sendable () -> [MetricSample], _ opener: ServiceOpener
  ) throws(AdministrationError) {
    let server = opener.configuration
    var configuration = FHIRService.Configuration()
    configuration.versions = VersionPolicies(properties.versions ?? server.versions)
    configuration.invariants = (properties.invariants ?? server.invariants) == .all ? .all : .cheap
    // Policies of the server may be of types that only other services' releases have.
    if properties.versions != nil, let unknown = configuration.versions.unknownTypes(in: [store.schema]).first {
      throw AdministrationError(
        400, "InvalidRequestContent",
        "'resourceTypeOverrides': '\(unknown)' is no resource type of \(store.schema.release)")
    }
    self.workspace = workspace
    self.store = store
    self.faults = faults
    self.opener = opener
    fhir = FHIRMount(
      workspace: workspace, name: service.name,
      service: FHIRService(
        store, limits: properties.limits(over: server.limits), clock: .system, ids: opener.ids,
        software: ServiceOpener.software, configuration: configuration), settings: service.settings,
      access: try opener.access(to: service, in: workspace)
    ) { StoreSamples.of(store.statistics) + faults() }
  }

  static func open(
    _ service: ServiceDefinition, _ properties: FHIRProperties, in workspace: String, _ opener: ServiceOpener
  ) async throws -> OpenFHIRService {
    guard let schema = Schema.release(properties.release.number) else {
      throw AdministrationError(501, "NotImplemented", "there is no FHIR \(properties.release.number) here")
    }
    let (database, faults) = try opener.place.open(workspace: workspace, service: service.name)
    do {
      let store = try await FHIRStore(database, schema: schema, clock: .system)
      opener.place.watch(database, workspace: workspace, service: service.name, log: opener.log)
      do {
        return try OpenFHIRService(service, properties, in: workspace, store, faults, opener)
      } catch {
        await store.close()
        throw error
      }
    } catch let error as StorageError {
      await database.close()
      throw StorePlace.failure(try opener.place.name(workspace: workspace, service: service.name), error)
    }
  }

  func changed(to service: ServiceDefinition) throws(AdministrationError) -> any RunningService {
    guard case .fhir(let properties) = service.properties, properties.release.number == store.schema.release else {
      throw AdministrationError(
        409, "Conflict", "The kind of a service stays: its store holds FHIR \(store.schema.release).")
    }
    return try OpenFHIRService(service, properties, in: workspace, store, faults, opener)
  }

  func close() async { await store.close() }
}

/// A DICOM service that runs.
private struct OpenDICOMService: RunningService {
  let workspace: String
  let store: DICOMStore
  let blobs: FolderBlobStore
  /// Where the data is.
  let folder: String
  let faults: @Sendable () -> [MetricSample]
  let opener: ServiceOpener
  let dicom: DICOMMount

  var mount: Mount { .dicom(dicom) }

  private init(
    _ service: ServiceDefinition, _ properties: DICOMProperties, in workspace: String, _ store: DICOMStore,
    _ blobs: FolderBlobStore, _ folder: String, _ faults: @escaping @Sendable () -> [MetricSample],
    _ opener: ServiceOpener
  ) throws(AdministrationError) {
    self.workspace = workspace
    self.store = store
    self.blobs = blobs
    self.folder = folder
    self.faults = faults
    self.opener = opener
    var limits = DICOMServiceLimits()
    // Where the data is, there is room; and nobody else reads it.
    limits.retrieve.spoolFolder = folder
    dicom = DICOMMount(
      workspace: workspace, name: service.name,
      service: DICOMService(
        store, blobs: blobs, limits: limits, clock: .system,
        software: DICOMService.Software(name: "Aceso", version: Aceso.version), hasPartitions: properties.hasPartitions),
      settings: service.settings, access: try opener.access(to: service, in: workspace), log: opener.log
    ) { StoreSamples.of(store.statistics) + faults() }
  }

  static func open(
    _ service: ServiceDefinition, _ properties: DICOMProperties, in workspace: String, _ opener: ServiceOpener
  ) async throws -> OpenDICOMService {
    let (database, faults) = try opener.place.open(workspace: workspace, service: service.name)
    let folder = try opener.place.blobs(workspace: workspace, service: service.name)
    do {
      let blobs = try FolderBlobStore(path: folder, isShared: opener.place.isShared)
      let store = try await DICOMStore(database, blobs: blobs, clock: .system)
      opener.place.watch(database, workspace: workspace, service: service.name, log: opener.log)
      store.startSweeping()
      do {
        return try OpenDICOMService(service, properties, in: workspace, store, blobs, folder, faults, opener)
      } catch {
        await store.close()
        throw error
      }
    } catch let error as StorageError {
      await database.close()
      throw StorePlace.failure(try opener.place.name(workspace: workspace, service: service.name), error)
    } catch let error as BlobError {
      await database.close()
      throw CommandError("cannot open the folder \(folder): \(error.code.rawValue)")
    }
  }

  func changed(to service: ServiceDefinition) throws(AdministrationError) -> any RunningService {
    guard case .dicom(let properties) = service.properties,
      properties.hasPartitions == dicom.service.hasPartitions
    else {
      throw AdministrationError(409, "Conflict", "'enableDataPartitions' is said once, when the service is made.")
    }
    return try OpenDICOMService(service, properties, in: workspace, store, blobs, folder, faults, opener)
  }

  func close() async { await store.close() }
}

extension VersionPolicies {
  init(_ configuration: VersionPolicyConfiguration) {
    self.init()
    standard = VersionPolicy(rawValue: configuration.standard.rawValue) ?? .versioned
    ofTypes = configuration.ofTypes.compactMapValues { VersionPolicy(rawValue: $0.rawValue) }
  }
}
