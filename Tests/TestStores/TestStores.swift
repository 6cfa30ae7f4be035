import Foundation
import PostgreSQLServer
public import Storage
import StorageSQLite
public import Testing

/// Where the stores of tests are: in files by SQLite, or all on one PostgreSQL server if `ACESO_TEST_STORE` says so.
///
/// A test names a store by a path in a folder of its own, on either engine. Who opens the same path again finds the same
/// store.
public enum TestStores {
  public enum Engine: String, Sendable, CaseIterable { case sqlite, postgresql }

  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  static let variable = "ACESO_TEST_STORE"

  public static let engine: Engine = {
    guard let name = ProcessInfo.processInfo.environment[variable], !name.isEmpty else { return .sqlite }
    guard let engine = Engine(rawValue: name) else { fatalError("\(variable) is sqlite or postgresql, not \(name)") }
    return engine
  }()

  /// Opens a store's database; on PostgreSQL the test is skipped where no server is installed.
  /// - Parameter syncs: whether SQLite waits for the disk. The PostgreSQL server of tests never does.
  public static func open(_ path: String, syncs: Bool = true) throws -> any Database {
    switch engine {
    case .sqlite:
      var configuration = SQLiteConfiguration()
      if !syncs { configuration.durability = .off }
      return try SQLiteDatabase(path: path, configuration: configuration)
    case .postgresql:
      return try PostgreSQLStores.open(path)
    }
  }

  /// A look at a store's tables from outside, past the engine.
  public static func tables(_ path: String, isWritable: Bool = false) throws -> any StoreTables {
    switch engine {
    case .sqlite: try SQLiteTables(path, isWritable: isWritable)
    case .postgresql: try PostgreSQLStores.tables(path, isWritable: isWritable)
    }
  }

  /// Brings a PostgreSQL server's statistics up, and its maps of what is visible to all: as its own vacuum does.
  public static func analyze(_ path: String) throws {
    guard engine == .postgresql else { return }
    try tables(path, isWritable: true).execute("VACUUM (ANALYZE)")
  }

  /// Makes a second store of what one has at this moment, as if all who use it had been killed.
  public static func copy(_ path: String, of database: any Database, to copy: String) async throws {
    switch engine {
    case .sqlite:
      // Inside a transaction, while nobody else can write to the files.
      try await database.write { _ in
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
          try? FileManager.default.removeItem(atPath: copy + suffix)
          try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
        }
      }
    case .postgresql:
      try PostgreSQLStores.copy(path, to: copy)
    }
  }

  /// What a child process needs in its environment to open this process's stores.
  public static func childEnvironment() throws -> [String: String] {
    switch engine {
    case .sqlite: [:]
    case .postgresql: [PostgreSQLStores.variable: try PostgreSQLStores.connection()]
    }
  }
}

extension Trait where Self == ConditionTrait {
  /// Of a test that is about SQLite itself: its files, its plans, what its log survives.
  public static func onSQLite(_ reason: String) -> Self {
    .enabled(if: TestStores.engine == .sqlite, "about SQLite: \(reason)")
  }
}
