import ArgumentParser
import Base
import FHIRModel
import FHIRService
import FHIRStore
import Glibc
import HTTPServer
import Server
import Storage
import StorageSQLite

/// `aceso serve`
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Start the server.",
    discussion: """
      Without configuration the server has one workspace, 'default', with one FHIR R4 service, 'fhir': \
      http://127.0.0.1:8080/default/fhir. Health is at /health/check, Prometheus metrics are at /metrics.

      Ctrl-C or SIGTERM ends it in good order: what was accepted is finished and the store is closed. A second signal \
      ends it at once; nothing that was acknowledged is lost either way.

      The configuration file has a 'key: value' on each line; lines that begin with # are comments. Options of the \
      command line stand above it. Keys: \(ServerConfiguration.keys.joined(separator: ", ")).
      """)

  @Option(help: ArgumentHelp("Where the data is kept. Default: ./aceso-data", valueName: "dir"))
  var dataDir: String?

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

  @Option(help: ArgumentHelp("Load this many synthetic patients if the store is empty.", valueName: "n"))
  var samplePatients = 0

  func validate() throws {
    if let port, !(0...65_535).contains(port) { throw ValidationError("A port is a number from 0 to 65535.") }
    if samplePatients < 0 { throw ValidationError("The number of sample patients is not negative.") }
  }

  func run() async throws {
    let configuration = try effectiveConfiguration()
    let log = Log(level: configuration.logLevel)
    Self.raiseFileLimit()
    // Whatever is made from here on is for its owner alone.
    umask(0o077)
    let stop = StopSignal()
    let ids = IdentifierSource(clock: .system)
    let software = FHIRService.Software(name: "Aceso", version: Aceso.version)
    var mounts: [FHIRMount] = []
    var stores: [FHIRStore] = []
    for option in service.isEmpty ? [ServiceOption.standard] : service {
      let store = try await open(option, configuration)
      stores.append(store)
      let service = FHIRService(
        store, limits: configuration.limits, clock: .system, ids: ids, software: software,
        configuration: configuration.service)
      mounts.append(
        FHIRMount(workspace: "default", name: option.name, service: service) { StoreSamples.of(store.statistics) })
    }
    let server = Server(mounts, configuration, software: software, ids: ids, log: log)
    do {
      await run(mounts, at: Self.url(try await server.start()), until: stop)
    } catch {
      for store in stores { await store.close() }
      throw CommandError("cannot listen on \(configuration.hostAndPort): \(error)")
    }
    await server.shutdown()
    for store in stores { await store.close() }
  }

  /// From the first request to the wish to stop.
  private func run(_ mounts: [FHIRMount], at root: String, until stop: StopSignal) async {
    let lines = mounts.map { "  FHIR \($0.service.schema.fhirVersion)  \(root)\($0.path)" }
    Terminal.output("Aceso \(Aceso.version) listens on \(root)\n" + lines.joined(separator: "\n"))
    // The synthetic patients are R4.
    let sampled = mounts.first { $0.service.schema.release == "4.0" }
    let patients = samplePatients
    let load = Task {
      guard patients > 0, let sampled else { return }
      await SampleLoad(service: sampled.service, base: root + sampled.path, patients: patients).run()
    }
    await stop.wait()
    load.cancel()
    await load.value
  }

  private func open(_ option: ServiceOption, _ configuration: ServerConfiguration) async throws -> FHIRStore {
    let folder = DataFolder(path: configuration.dataDirectory ?? "aceso-data")
    let path = try folder.store(workspace: "default", service: option.name)
    do {
      return try await FHIRStore(SQLiteDatabase(path: path), schema: option.schema, clock: .system)
    } catch let error as StorageError {
      throw CommandError("cannot open the store \(path): \(error.code.rawValue): \(error.detail)")
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
    guard parts.count == 2, (1...63).contains(parts[0].utf8.count), let schema = Schema.release(String(parts[1])),
      parts[0].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
    else { return nil }
    self.init(name: String(parts[0]), schema: schema)
  }
}
