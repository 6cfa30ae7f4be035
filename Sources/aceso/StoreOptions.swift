import ArgumentParser
import Base
import Glibc
import Server
import Storage
import StoragePostgreSQL
import StorageSQLite
import Workspace

/// Where `aceso serve` keeps resources and indexes: files of its own, or a PostgreSQL database.
struct StoreOptions: ParsableArguments {
  /// Stands for `--store`, which everyone sees who may list processes.
  private static let variable = "ACESO_STORE"

  @Option(
    help: ArgumentHelp(
      """
      The PostgreSQL database that the services' stores are in, each in a schema of its own; several servers may share \
      it. Everything that libpq takes: hosts, sslmode, sslrootcert, passfile … Default: $ACESO_STORE, else files in \
      the data directory
      """, valueName: "postgresql://…"))
  var store: String?

  @Option(
    help: ArgumentHelp(
      "A standby of the store's database that answers FHIR searches while it is at most 10 seconds behind.",
      valueName: "postgresql://…"))
  var storeReplica: String?

  @Option(
    help: ArgumentHelp(
      "A file whose first line is the database's password; read anew for each connection.", valueName: "file"))
  var storePasswordFile: String?

  func apply(to configuration: inout ServerConfiguration) {
    if let store {
      configuration.store = store
    } else if configuration.store == nil, let value = getenv(Self.variable) {
      configuration.store = String(cString: value)
    }
    if let storeReplica { configuration.storeReplica = storeReplica }
    if let storePasswordFile { configuration.storePasswordFile = storePasswordFile }
  }
}

/// What stores are opened in.
enum StorePlace {
  case folder(DataFolder)
  case database(PostgreSQLConfiguration, address: String, DataFolder)

  static func chosen(_ configuration: ServerConfiguration) throws -> StorePlace {
    let folder = DataFolder(path: configuration.dataDirectory ?? "aceso-data")
    guard let store = configuration.store, !store.isEmpty else { return .folder(folder) }
    guard store.hasPrefix("postgresql://") || store.hasPrefix("postgres://") else {
      throw CommandError("the store is no address of a PostgreSQL database: it begins with postgresql://")
    }
    var database = PostgreSQLConfiguration(connection: store)
    database.passwordFile = configuration.storePasswordFile
    database.replica = configuration.storeReplica
    // A look-up keeps the thread that it is made on, and there are some for each core.
    database.pointConnectionsMax = max(8, 2 * cores + 2)
    return .database(database, address: try address(of: store), folder)
  }

  private static func address(of store: String) throws -> String {
    do {
      return try PostgreSQLConfiguration.address(of: store)
    } catch {
      throw CommandError("cannot use the store: \(error.detail)")
    }
  }

  private static var cores: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  /// To be shown.
  var address: String? {
    if case .database(_, let address, _) = self { address } else { nil }
  }

  /// Whether other servers may have the same stores open.
  var isShared: Bool { address != nil }

  /// A service's database.
  /// - Returns: the engine, and what its metrics are besides the common ones.
  func open(workspace: String, service: String) throws -> (
    database: any Database, faults: @Sendable () -> [MetricSample]
  ) {
    switch self {
    case .folder(let folder):
      let path = try folder.store(workspace: workspace, service: service)
      do {
        return (try SQLiteDatabase(path: path), { [] })
      } catch {
        throw Self.failure(path, error)
      }
    case .database(var configuration, let address, _):
      configuration.schema = Self.schema(workspace: workspace, service: service)
      do {
        let database = try PostgreSQLDatabase(configuration)
        return (database, { StoreSamples.of(database.faults) })
      } catch {
        throw Self.failure(address, error)
      }
    }
  }

  /// Writes into the log when a service's database goes and comes.
  func watch(_ database: any Database, workspace: String, service: String, log: Log) {
    database.listen { notice in
      switch notice {
      case .announced: return
      case .away: log.write(.error, "store-away", ["service": .text("\(workspace)/\(service)")])
      case .missed: log.write(.warning, "store-back", ["service": .text("\(workspace)/\(service)")])
      }
    }
  }

  /// Where a store is that could not be opened.
  func name(workspace: String, service: String) throws -> String {
    switch self {
    case .folder(let folder): try folder.store(workspace: workspace, service: service)
    case .database(_, let address, _): address
    }
  }

  static func failure(_ name: String, _ error: StorageError) -> CommandError {
    CommandError("cannot open the store \(name): \(error.code.rawValue): \(error.detail)")
  }

  /// Where the server keeps what is not in a store.
  var folder: DataFolder {
    switch self {
    case .folder(let folder), .database(_, _, let folder): folder
    }
  }

  /// The folder of a DICOM store's blobs.
  func blobs(workspace: String, service: String) throws -> String {
    try folder.blobs(workspace: workspace, service: service)
  }

  /// The schema of a service's tables: `aceso_{workspace}_{service}`, a hyphen as `_`. Names in which that loses
  /// something, or that are too long, have a number of their own at the end.
  static func schema(workspace: String, service: String) -> String {
    let name = "aceso_\(workspace)_\(service)"
    let plain = String(
      decoding: name.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }, as: UTF8.self
    ).lowercased()
    let isWhole = name.lowercased() == name && workspace.utf8.allSatisfy { $0 != UInt8(ascii: "-") }
    if isWhole, plain.utf8.count <= 63 { return plain }
    let number = SipHash(key0: 0x6163_6573_6F, key1: 0x736368656D61).hash(Array("\(workspace)/\(service)".utf8))
    return "\(plain.prefix(63 - 17))_\(String(number, radix: 16))"
  }
}
