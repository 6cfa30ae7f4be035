import ArgumentParser
import Base
import DICOMService
import FHIRModel
import FHIRService
import Glibc
import HTTPServer
import Server
import Workspace

/// `aceso serve`
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Start the server.",
    discussion: """
      Without configuration the server has one workspace, 'default', with one FHIR R4 service, 'fhir': \
      http://127.0.0.1:8080/default/fhir, and one DICOM service, 'dicom': its versions are below /default/dicom/v1 and \
      /default/dicom/v2, and the standard's form is below /default/dicom. Health is at /health/check, Prometheus \
      metrics are at /metrics.

      Ctrl-C or SIGTERM ends it in good order: what was accepted is finished and the store is closed. A second signal \
      ends it at once; nothing that was acknowledged is lost either way.

      A configuration file (aceso.yaml) says how the server is and which workspaces and services it has; options of \
      the command line stand above it. docs/operations/configuration.md explains its keys.
      """)

  @Option(
    help: ArgumentHelp(
      """
      Where the data is kept; with --store, DICOM files only, in a folder that all servers share. Default: ./aceso-data
      """, valueName: "dir"))
  var dataDir: String?

  @OptionGroup var stores: StoreOptions

  @Option(help: "The IP address to listen on. Default: 127.0.0.1")
  var host: String?

  @Option(help: "The port to listen on; 0 takes a free one. Default: 8080")
  var port: Int?

  @Option(help: ArgumentHelp("A configuration file, such as aceso.yaml.", valueName: "file"))
  var config: String?

  @Option(
    help: ArgumentHelp(
      "What is told on standard error: error, warning, info or debug. Default: info. At debug, every request is.",
      valueName: "level"),
    transform: { text in
      guard let level = LogLevel(rawValue: text) else { throw ValidationError("'\(text)' is no log level.") }
      return level
    })
  var logLevel: LogLevel?

  @Flag(
    help: """
      Listen beyond this machine although nobody is asked who they are: whoever reaches the port reads and changes \
      everything.
      """)
  var allowInsecureNetwork = false

  @OptionGroup var network: NetworkOptions

  @OptionGroup var writes: WriteOptions

  @OptionGroup var access: AccessOptions
  @OptionGroup var issuer: IssuerOptions

  @OptionGroup var tls: TLSOptions
  @OptionGroup var devices: DeviceOptions

  @Option(
    help: ArgumentHelp(
      "A FHIR service and its release: 3.0, 4.0, 4.3 or 5.0. May be given several times. Default: fhir=4.0",
      valueName: "name=release"),
    transform: { text in
      guard let service = ServiceOption(text) else {
        throw ValidationError(
          "'\(text)' is no service: a name of lower-case letters, digits and hyphens, '=', and a release of "
            + Schema.releases.joined(separator: ", ") + ".")
      }
      return service
    })
  var service: [ServiceOption] = []

  @Option(
    help: ArgumentHelp(
      "The name of the DICOM service; '' for none. Default: dicom", valueName: "name"),
    transform: { text in
      guard text.isEmpty || ServiceName.isService(text) else {
        throw ValidationError("'\(text)' is no name of lower-case letters, digits and hyphens.")
      }
      return text
    })
  var dicomService: String?

  @Flag(help: "Keep the DICOM service's instances in data partitions: they are below partitions/NAME only.")
  var dicomPartitions = false

  @Option(
    help: ArgumentHelp(
      "Load this many synthetic patients, and an imaging study, if the stores are empty.", valueName: "n"))
  var samplePatients = 0

  func validate() throws {
    if let port, !(0...65_535).contains(port) { throw ValidationError("A port is a number from 0 to 65535.") }
    if samplePatients < 0 { throw ValidationError("The number of sample patients is not negative.") }
  }

  func run() async throws {
    let declared = try declaration()
    let configuration = declared.server
    let log = Log(level: Log.Level(rawValue: configuration.logLevel.rawValue) ?? .info)
    Self.raiseFileLimit()
    ServerMemory.keepWhatIsUsedAgain()
    // Whatever is made from here on is for its owner alone.
    umask(0o077)
    let stop = StopSignal()
    let identity = try tls.identity()
    let ids = IdentifierSource(clock: .system)
    let place = try StorePlace.chosen(configuration)
    if !place.isShared { try place.folder.make() }
    let embedded = try issuer.embedded(configuration, isSecure: identity != nil)
    let audit = try access.log()
    let mounts = Mounts()
    let opener = ServiceOpener(
      place: place, configuration: configuration, access: try access.access(), embedded: embedded, ids: ids, log: log)
    let registry = ServiceRegistry(
      fixed: declared.workspaces ?? [], kept: place.isShared ? nil : KeptServices(folder: place.folder.path),
      host: opener, mounts: mounts, log: log)
    let administration = Administration(registry, key: try adminKey(configuration))
    do {
      try await registry.start()
    } catch {
      throw CommandError(error.message)
    }
    let deviceMounts = try await devices.open(mounts.all)
    let sources = try DeviceSources(devices.deviceSource, for: deviceMounts)
    let server = Server(
      mounts, devices: deviceMounts, administration: administration, configuration, software: ServiceOpener.software,
      ids: ids, log: log,
      audit: audit, tls: identity)
    let watch = identity.map { TLSWatch($0, log: log) }
    do {
      try await embedded?.open(place, mounts)
      if let issuer = embedded?.issuer { server.mount(issuer) }
      let root = Self.url(try await server.start(), isSecure: identity != nil)
      try sources.start()
      await run(mounts.all, deviceMounts, embedded, at: root, storedIn: place.address, until: stop)
    } catch let error as CommandError {
      await registry.close()
      throw error
    } catch {
      await registry.close()
      throw CommandError("cannot listen on \(configuration.hostAndPort): \(error)")
    }
    withExtendedLifetime(watch) {}
    await sources.stop()
    await server.shutdown()
    await embedded?.close()
    await registry.close()
  }

  /// From the first request to the wish to stop.
  private func run(
    _ mounts: [Mount], _ devices: [DeviceMount], _ embedded: EmbeddedIssuer?, at root: String,
    storedIn address: String?, until stop: StopSignal
  ) async {
    var lines = ["Aceso \(Aceso.version) listens on \(root)"]
    for mount in mounts {
      switch mount {
      case .fhir(let mount): lines.append("  FHIR \(mount.service.schema.fhirVersion)  \(root)\(mount.path)")
      case .dicom(let mount): lines.append("  DICOMweb    \(root)\(mount.path)")
      }
    }
    for mount in devices { lines.append("  Devices     \(root)\(mount.path)/messages") }
    if let embedded { lines.append("  OpenID      \(embedded.address)") }
    if let address { lines.append("  Store       \(address)") }
    Terminal.output(lines.joined(separator: "\n"))
    let load = Task { await loadSamples(mounts, devices, at: root) }
    await stop.wait()
    load.cancel()
    await load.value
  }

  private func loadSamples(_ mounts: [Mount], _ devices: [DeviceMount], at root: String) async {
    guard samplePatients > 0 else { return }
    // The synthetic patients are R4.
    for case .fhir(let mount) in mounts where mount.service.schema.release == "4.0" {
      await SampleLoad(service: mount.service, base: root + mount.path, patients: samplePatients).run()
      break
    }
    if let first = devices.first { await SampleMessages.send(to: first, at: root, destination: first.destination.path) }
    // A store of partitions would have to be told which.
    for case .dicom(let mount) in mounts where !mount.service.hasPartitions {
      await SampleStudies(service: mount.service, base: "\(root)\(mount.path)/v2").run()
      break
    }
  }

  // MARK: Configuration

  /// Defaults, then the file, then the command line.
  private func declaration() throws -> Workspaces {
    var result = try config.map { try DeclarationFile(path: $0).workspaces() } ?? Workspaces()
    if let host { result.server.host = host }
    if let port { result.server.port = port }
    if let dataDir { result.server.dataDirectory = dataDir }
    if let logLevel { result.server.logLevel = logLevel }
    if allowInsecureNetwork { result.server.allowsInsecureNetwork = true }
    try network.apply(to: &result.server)
    writes.apply(to: &result.server)
    stores.apply(to: &result.server)
    result.workspaces = try workspaces(result)
    try checkVersionPolicies(result)
    try checkNetwork(result)
    return result
  }

  /// The file's, or the workspace 'default' with what the command line names.
  private func workspaces(_ declared: Workspaces) throws -> [Workspace] {
    if let workspaces = declared.workspaces {
      guard service.isEmpty, dicomService == nil, !dicomPartitions else {
        throw CommandError(
          "the configuration file declares workspaces: declare the services of --service, --dicom-service and "
            + "--dicom-partitions there, too")
      }
      return workspaces
    }
    var workspace = Workspace(name: "default")
    workspace.services = (service.isEmpty ? [ServiceOption.standard] : service).map(\.definition)
    let name = dicomService ?? "dicom"
    if !name.isEmpty {
      workspace.services.append(ServiceDefinition(name: name, .dicom(DICOMProperties(hasPartitions: dicomPartitions))))
    }
    guard Set(workspace.services.map(\.name)).count == workspace.services.count else {
      throw CommandError("two services of the workspace 'default' have the same name")
    }
    return [workspace]
  }

  /// The server's policies must be of types that one of its services has.
  private func checkVersionPolicies(_ declared: Workspaces) throws {
    let schemas = (declared.workspaces ?? []).flatMap(\.services).compactMap { service in
      if case .fhir(let properties) = service.properties { Schema.release(properties.release.number) } else { nil }
    }
    guard !schemas.isEmpty else { return }
    if let unknown = VersionPolicies(declared.server.versions).unknownTypes(in: schemas).first {
      throw CommandError("the version policy of '\(unknown)' is of no resource type")
    }
  }

  private func checkNetwork(_ declared: Workspaces) throws {
    let server = declared.server
    guard !server.isLoopback else { return }
    let services = (declared.workspaces ?? []).flatMap(\.services)
    let isAsked = access.isOn || issuer.isOn || services.allSatisfy { $0.settings.authentication != nil }
    guard isAsked || server.allowsInsecureNetwork else {
      throw CommandError(
        "\(server.host) can be reached from other machines, and nobody is asked who they are: whoever reaches it "
          + "reads and changes everything. Name an issuer of tokens with --authority or authenticationConfiguration, "
          + "run the embedded one with --issuer, put a proxy that authenticates before 127.0.0.1, or say "
          + "--allow-insecure-network.")
    }
    if !isAsked { Terminal.note("Warning: \(server.host) is open to the network without authentication.") }
  }

  private func adminKey(_ server: ServerConfiguration) throws -> String? {
    guard let file = server.adminKeyFile else { return nil }
    return try AdminKeyFile(path: file).key()
  }

  /// As many files as the system lets a process have by its own wish: a socket each.
  private static func raiseFileLimit() {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = min(limit.rlim_max, 65_536)
    _ = setrlimit(resource, &limit)
  }

  private static func url(_ address: HTTPAddress, isSecure: Bool) -> String {
    let host = address.host.contains(":") ? "[\(address.host)]" : address.host
    return "\(isSecure ? "https" : "http")://\(host):\(address.port)"
  }
}

/// `name=release` on the command line.
struct ServiceOption: Sendable {
  let name: String
  let schema: Schema

  static let standard = ServiceOption(name: "fhir", schema: .r4)

  private init(name: String, schema: Schema) {
    self.name = name
    self.schema = schema
  }

  /// nil for a name that cannot stand in an address and a folder's name as it is, and for releases we do not have.
  init?(_ text: String) {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, ServiceName.isService(parts[0]), let schema = Schema.release(String(parts[1])) else {
      return nil
    }
    self.init(name: String(parts[0]), schema: schema)
  }

  var definition: ServiceDefinition {
    var properties = FHIRProperties()
    properties.release = FHIRProperties.Release.allCases.first { $0.number == schema.release } ?? .r4
    return ServiceDefinition(name: name, .fhir(properties))
  }
}
