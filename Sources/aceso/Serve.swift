import ArgumentParser
import Base
import BlobStore
import DICOMService
import DICOMStore
import FHIRModel
import FHIRService
import FHIRStore
import Glibc
import HTTPServer
import Server
import Storage

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

      The configuration file has a 'key: value' on each line; lines that begin with # are comments. Options of the \
      command line stand above it. Keys: \(ServerConfiguration.keys.joined(separator: ", ")).
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

  @Option(help: ArgumentHelp("A configuration file.", valueName: "file"))
  var config: String?

  @Option(
    help: ArgumentHelp(
      "What is told on standard error: error, warning, info or debug. Default: info. At debug, every request is.",
      valueName: "level"),
    transform: { text in
      guard let level = Log.Level(rawValue: text) else { throw ValidationError("'\(text)' is no log level.") }
      return level
    })
  var logLevel: Log.Level?

  @Flag(
    help: """
      Listen beyond this machine although there is no authentication yet: whoever reaches the port reads and changes \
      everything.
      """)
  var allowInsecureNetwork = false

  @OptionGroup var network: NetworkOptions

  @OptionGroup var writes: WriteOptions

  @OptionGroup var devices: DeviceOptions

  @Option(
    help: ArgumentHelp(
      "A FHIR service and its release: 3.0, 4.0, 4.3 or 5.0. May be given several times. Default: fhir=4.0",
      valueName: "name=release"),
    transform: { text in
      guard let service = ServiceOption(text) else {
        throw ValidationError(
          "'\(text)' is no service: a name of letters, digits and hyphens, '=', and a release of "
            + Schema.releases.joined(separator: ", ") + ".")
      }
      return service
    })
  var service: [ServiceOption] = []

  @Option(
    help: ArgumentHelp(
      "The name of the DICOM service; '' for none. Default: dicom", valueName: "name"),
    transform: { text in
      guard text.isEmpty || ServiceOption.isName(text) else {
        throw ValidationError("'\(text)' is no name of letters, digits and hyphens.")
      }
      return text
    })
  var dicomService = "dicom"

  @Flag(help: "Keep the DICOM service's instances in data partitions: they are below partitions/NAME only.")
  var dicomPartitions = false

  @Option(
    help: ArgumentHelp(
      "Load this many synthetic patients, and an imaging study, if the stores are empty.", valueName: "n"))
  var samplePatients = 0

  func validate() throws {
    if let port, !(0...65_535).contains(port) { throw ValidationError("A port is a number from 0 to 65535.") }
    if (service.isEmpty ? [ServiceOption.standard] : service).contains(where: { $0.name == dicomService }) {
      throw ValidationError("'\(dicomService)' is the name of a FHIR service: name the DICOM service differently.")
    }
    if samplePatients < 0 { throw ValidationError("The number of sample patients is not negative.") }
  }

  func run() async throws {
    let configuration = try effectiveConfiguration()
    let log = Log(level: configuration.logLevel)
    Self.raiseFileLimit()
    ServerMemory.keepWhatIsUsedAgain()
    // Whatever is made from here on is for its owner alone.
    umask(0o077)
    let stop = StopSignal()
    let ids = IdentifierSource(clock: .system)
    let software = FHIRService.Software(name: "Aceso", version: Aceso.version)
    let place = try StorePlace.chosen(configuration)
    var mounts: [FHIRMount] = []
    var stores: [FHIRStore] = []
    for option in service.isEmpty ? [ServiceOption.standard] : service {
      let (store, faults) = try await open(option, place, log)
      stores.append(store)
      let service = FHIRService(
        store, limits: configuration.limits, clock: .system, ids: ids, software: software,
        configuration: configuration.service)
      mounts.append(
        FHIRMount(workspace: "default", name: option.name, service: service) {
          StoreSamples.of(store.statistics) + faults()
        })
    }
    let dicom = dicomService.isEmpty ? [] : [try await openDICOM(dicomService, place, log)]
    let deviceMounts = try await devices.open(Array(zip(mounts, stores)).map { (mount: $0, store: $1) })
    let sources = try DeviceSources(devices.deviceSource, for: deviceMounts)
    let server = Server(
      mounts, dicom: dicom.map(\.mount), devices: deviceMounts, configuration, software: software, ids: ids, log: log)
    func close() async {
      for store in stores { await store.close() }
      for place in dicom { await place.store.close() }
    }
    do {
      let root = Self.url(try await server.start())
      try sources.start()
      await run(mounts, dicom.map(\.mount), deviceMounts, at: root, storedIn: place.address, until: stop)
    } catch {
      await close()
      throw CommandError("cannot listen on \(configuration.hostAndPort): \(error)")
    }
    await sources.stop()
    await server.shutdown()
    await close()
  }

  /// From the first request to the wish to stop.
  private func run(
    _ mounts: [FHIRMount], _ dicom: [DICOMMount], _ devices: [DeviceMount], at root: String,
    storedIn address: String?, until stop: StopSignal
  ) async {
    let lines =
      mounts.map { "  FHIR \($0.service.schema.fhirVersion)  \(root)\($0.path)" }
      + dicom.map { "  DICOMweb    \(root)\($0.path)" }
      + devices.map { "  Devices     \(root)\($0.path)/messages" } + (address.map { ["  Store       \($0)"] } ?? [])
    Terminal.output("Aceso \(Aceso.version) listens on \(root)\n" + lines.joined(separator: "\n"))
    // The synthetic patients are R4.
    let sampled = mounts.first { $0.service.schema.release == "4.0" }
    let patients = samplePatients
    // A store of partitions would have to be told which.
    let images = dicom.first { !$0.service.hasPartitions }
    let load = Task {
      guard patients > 0 else { return }
      if let sampled {
        await SampleLoad(service: sampled.service, base: root + sampled.path, patients: patients).run()
      }
      if let first = devices.first, let sampled {
        await SampleMessages.send(to: first, at: root, destination: sampled.path)
      }
      if let images { await SampleStudies(service: images.service, base: "\(root)\(images.path)/v2").run() }
    }
    await stop.wait()
    load.cancel()
    await load.value
  }

  private func open(_ option: ServiceOption, _ place: StorePlace, _ log: Log) async throws -> (
    FHIRStore, faults: @Sendable () -> [MetricSample]
  ) {
    let (database, faults) = try place.open(workspace: "default", service: option.name)
    do {
      let store = try await FHIRStore(database, schema: option.schema, clock: .system)
      place.watch(database, workspace: "default", service: option.name, log: log)
      return (store, faults)
    } catch let error as StorageError {
      await database.close()
      throw StorePlace.failure(try place.name(workspace: "default", service: option.name), error)
    }
  }

  /// A DICOM service and where it is reached; its store is closed with `close`.
  private func openDICOM(_ name: String, _ place: StorePlace, _ log: Log) async throws -> DICOMPlace {
    let (database, faults) = try place.open(workspace: "default", service: name)
    let blobsPath = try place.blobs(workspace: "default", service: name)
    do {
      let blobs = try FolderBlobStore(path: blobsPath, isShared: place.isShared)
      let store = try await DICOMStore(database, blobs: blobs, clock: .system)
      place.watch(database, workspace: "default", service: name, log: log)
      store.startSweeping()
      var limits = DICOMServiceLimits()
      // Where the data is, there is room; and nobody else reads it.
      limits.retrieve.spoolFolder = blobsPath
      let service = DICOMService(
        store, blobs: blobs, limits: limits, clock: .system,
        software: DICOMService.Software(name: "Aceso", version: Aceso.version), hasPartitions: dicomPartitions)
      let mount = DICOMMount(workspace: "default", name: name, service: service, log: log) {
        StoreSamples.of(store.statistics) + faults()
      }
      return DICOMPlace(mount: mount, store: store)
    } catch let error as StorageError {
      await database.close()
      throw StorePlace.failure(try place.name(workspace: "default", service: name), error)
    } catch let error as BlobError {
      await database.close()
      throw CommandError("cannot open the folder \(blobsPath): \(error.code.rawValue)")
    }
  }

  // MARK: Configuration

  /// Defaults, then the file, then the command line.
  private func effectiveConfiguration() throws -> ServerConfiguration {
    var result = ServerConfiguration()
    if let config {
      let text = try DataFolder.text(config)
      do throws(ConfigurationError) {
        try result.read(text)
      } catch {
        throw CommandError("\(config), \(error)")
      }
    }
    if let host { result.host = host }
    if let port { result.port = port }
    if let dataDir { result.dataDirectory = dataDir }
    if let logLevel { result.logLevel = logLevel }
    if allowInsecureNetwork { result.allowsInsecureNetwork = true }
    try network.apply(to: &result)
    writes.apply(to: &result)
    stores.apply(to: &result)
    let schemas = (service.isEmpty ? [ServiceOption.standard] : service).map(\.schema)
    if let unknown = result.service.versions.unknownTypes(in: schemas).first {
      throw CommandError("the version policy of '\(unknown)' is of no resource type")
    }
    guard result.isLoopback || result.allowsInsecureNetwork else {
      throw CommandError(
        "\(result.host) can be reached from other machines, and there is no authentication yet: whoever reaches it "
          + "reads and changes everything. Put a proxy that authenticates before 127.0.0.1, or say "
          + "--allow-insecure-network.")
    }
    if !result.isLoopback {
      Terminal.note("Warning: \(result.host) is open to the network without authentication.")
    }
    return result
  }

  /// As many files as the system lets a process have by its own wish: a socket each.
  private static func raiseFileLimit() {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = min(limit.rlim_max, 65_536)
    _ = setrlimit(resource, &limit)
  }

  private static func url(_ address: HTTPAddress) -> String {
    address.host.contains(":") ? "http://[\(address.host)]:\(address.port)" : "http://\(address.host):\(address.port)"
  }
}

/// A DICOM service that runs.
private struct DICOMPlace {
  let mount: DICOMMount
  let store: DICOMStore
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
    guard parts.count == 2, Self.isName(parts[0]), let schema = Schema.release(String(parts[1])) else { return nil }
    self.init(name: String(parts[0]), schema: schema)
  }

  /// Whether a text can stand in an address and be a folder's name as it is.
  static func isName(_ text: some StringProtocol) -> Bool {
    (1...63).contains(text.utf8.count) && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
  }
}
