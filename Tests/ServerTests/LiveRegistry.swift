import Base
import BlobStore
import DICOMService
import DICOMStore
import FHIRModel
import FHIRService
import FHIRStore
import FoundationEssentials
import HTTPServer
import JSONCore
import Server
import Synchronization
import TestStores
import Workspace

/// A whole server whose services the administration makes, over real stores in a folder of its own.
final class LiveRegistry: Sendable {
  let folder: String
  let port: Int
  let mounts: Mounts
  let registry: ServiceRegistry
  private let server: Server
  let host: StoreHost

  private init(
    _ folder: String, _ fixed: [Workspace], key: String?, isKept: Bool,
    configure: (inout ServerConfiguration) -> Void
  ) async throws {
    self.folder = folder
    var configuration = ServerConfiguration()
    configuration.port = 0
    configure(&configuration)
    let log = Log(level: .error)
    host = StoreHost(folder: folder, limits: configuration.limits)
    mounts = Mounts()
    registry = ServiceRegistry(
      fixed: fixed, kept: isKept ? KeptServices(folder: folder) : nil, host: host, mounts: mounts, log: log)
    try await registry.start()
    server = Server(
      mounts, administration: Administration(registry, key: key), configuration, eventLoops: 2,
      software: StoreHost.software, ids: IdentifierSource(clock: .system), log: log)
    port = try await server.start().port
  }

  /// A workspace with a FHIR service, as a file declares it.
  static let declared: [Workspace] = {
    var workspace = Workspace(name: "file")
    workspace.services = [ServiceDefinition(name: "fhir", .fhir(FHIRProperties()))]
    return [workspace]
  }()

  static func run(
    fixed: [Workspace] = [], key: String? = nil, isKept: Bool = true,
    configure: (inout ServerConfiguration) -> Void = { _ in }, _ body: (LiveRegistry) async throws -> Void
  ) async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/aceso-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await again(folder, fixed: fixed, key: key, isKept: isKept, configure: configure, body)
  }

  /// A server over a folder that is there.
  static func again(
    _ folder: String, fixed: [Workspace] = [], key: String? = nil, isKept: Bool = true,
    configure: (inout ServerConfiguration) -> Void = { _ in }, _ body: (LiveRegistry) async throws -> Void
  ) async throws {
    let live = try await LiveRegistry(folder, fixed, key: key, isKept: isKept, configure: configure)
    do {
      try await body(live)
    } catch {
      await live.end()
      throw error
    }
    await live.end()
  }

  private func end() async {
    await server.shutdown()
    await registry.close()
  }

  // MARK: Asking

  func ask(_ method: String, _ target: String, _ headers: [String: String] = [:], body: String? = nil) async throws
    -> Reply
  {
    var text = "\(method) \(target) HTTP/1.1\r\nConnection: close\r\n"
    if headers["Host"] == nil { text += "Host: 127.0.0.1:\(port)\r\n" }
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
    let bytes = Array((text + "\r\n" + (body ?? "")).utf8)
    let port = port
    return try await withCheckedThrowingContinuation { continuation in
      WireThread.run {
        continuation.resume(
          with: Result { try Reply(try Wire.exchange(bytes, port: port), toHead: method == "HEAD") })
      }
    }
  }

  func admin(_ method: String, _ path: String, _ body: String? = nil, _ headers: [String: String] = [:]) async throws
    -> Reply
  {
    let type = body == nil ? [:] : ["Content-Type": "application/json"]
    return try await ask(method, "/admin" + path, type.merging(headers) { _, own in own }, body: body)
  }

  func create(_ base: String, _ resource: String) async throws -> Reply {
    try await ask("POST", base, ["Content-Type": "application/fhir+json"], body: resource)
  }
}

/// Opens services in folders of a test's own.
struct StoreHost: ServiceHost {
  let folder: String
  let limits: Limits
  /// Stores that are open now.
  let open = OpenStores()

  static let software = FHIRService.Software(name: "Aceso", version: "1.2.3")

  final class OpenStores: Sendable {
    let count = Mutex(0)
  }

  func open(_ service: ServiceDefinition, in workspace: String) async throws(AdministrationError) -> any RunningService
  {
    do {
      let place = "\(folder)/\(workspace)-\(service.name)"
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      let database = try TestStores.open(place + "/store.sqlite", syncs: false)
      let running: any RunningService
      switch service.properties {
      case .fhir(let properties):
        let schema = Schema.release(properties.release.number) ?? .r4
        running = try TestFHIRService(
          self, workspace, service, try await FHIRStore(database, schema: schema, clock: .system))
      case .dicom:
        let blobs = try FolderBlobStore(path: place + "/blobs")
        running = TestDICOMService(
          self, workspace, service, try await DICOMStore(database, blobs: blobs, clock: .system), blobs)
      case .iotconnector: throw AdministrationError(501, "NotImplemented", "iotconnectors are not served yet")
      }
      open.count.withLock { $0 += 1 }
      return running
    } catch let error as AdministrationError {
      throw error
    } catch {
      throw AdministrationError(500, "InternalServerError", "\(error)")
    }
  }
}

private struct TestFHIRService: RunningService {
  let host: StoreHost
  let workspace: String
  let store: FHIRStore
  let mount: Mount

  init(_ host: StoreHost, _ workspace: String, _ definition: ServiceDefinition, _ store: FHIRStore)
    throws(AdministrationError)
  {
    guard case .fhir(let properties) = definition.properties, properties.release.number == store.schema.release else {
      throw AdministrationError(409, "Conflict", "The kind of a service stays.")
    }
    self.host = host
    self.workspace = workspace
    self.store = store
    mount = .fhir(
      FHIRMount(
        workspace: workspace, name: definition.name,
        service: FHIRService(
          store, limits: properties.limits(over: host.limits), clock: .system, ids: IdentifierSource(clock: .system),
          software: StoreHost.software), settings: definition.settings))
  }

  func changed(to service: ServiceDefinition) throws(AdministrationError) -> any RunningService {
    try TestFHIRService(host, workspace, service, store)
  }

  func close() async {
    await store.close()
    host.open.count.withLock { $0 -= 1 }
  }
}

private struct TestDICOMService: RunningService {
  let host: StoreHost
  let workspace: String
  let store: DICOMStore
  let blobs: FolderBlobStore
  let mount: Mount

  init(
    _ host: StoreHost, _ workspace: String, _ definition: ServiceDefinition, _ store: DICOMStore,
    _ blobs: FolderBlobStore
  ) {
    self.host = host
    self.workspace = workspace
    self.store = store
    self.blobs = blobs
    let service = DICOMService(
      store, blobs: blobs, clock: .system, software: DICOMService.Software(name: "Aceso", version: "1.2.3"))
    mount = .dicom(
      DICOMMount(workspace: workspace, name: definition.name, service: service, settings: definition.settings))
  }

  func changed(to service: ServiceDefinition) throws(AdministrationError) -> any RunningService {
    TestDICOMService(host, workspace, service, store, blobs)
  }

  func close() async {
    await store.close()
    host.open.count.withLock { $0 -= 1 }
  }
}
