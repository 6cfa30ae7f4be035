public import Base
public import BlobStore
public import Storage
import Synchronization

/// A DICOM service's instances: their index in one database, their bytes in its rows or in a blob store.
///
/// An instance is there as a whole, with its index and its entry in the change feed, or not at all: its bytes are
/// durable before its row is written, and rows of one request are one transaction. What was acknowledged is on the
/// disk.
///
/// Errors are `Fault`s. A partition's data are seen under its name only.
public final class DICOMStore: Sendable {
  /// Where instances are without data partitions.
  public static let defaultPartition = "Microsoft.Default"

  let database: any Database
  /// Where large instances are written before they are stored.
  public let blobs: any BlobStore
  let clock: Clock
  let configuration: DICOMStoreConfiguration
  let compression = MetadataCompression()
  let partitions = StoreNumbers()
  let uids = StoreNumbers()
  private static let sweepWork = "sweep"
  private let sweeping = Mutex<Task<Void, Never>?>(nil)

  /// Opens the store, bringing its schema up.
  public init(
    _ database: any Database, blobs: any BlobStore, clock: Clock,
    configuration: DICOMStoreConfiguration = DICOMStoreConfiguration()
  ) async throws {
    self.database = database
    self.blobs = blobs
    self.clock = clock
    self.configuration = configuration
    try await database.migrate(StoreSchema.migrations)
    let now = clock.now()
    let number = try await database.write { transaction in
      try PartitionRows.number(Self.defaultPartition, now, transaction)
    }
    partitions.merge([Self.defaultPartition: number])
    // Texts have their numbers for good, so there is nothing to hear; but then it is known when the database is away.
    database.listen { _ in }
  }

  deinit { sweeping.withLock { $0 }?.cancel() }

  /// False for good after a disk failed in a way that leaves its content uncertain.
  public var isWritable: Bool { database.isWritable && blobs.isWritable }

  /// False while the database is away; it comes back by itself.
  public var isReachable: Bool { database.isReachable }

  public var statistics: StorageStatistics { database.statistics }

  /// Starts sweeping in the background, until the store is closed.
  public func startSweeping() {
    sweeping.withLock { task in
      guard task == nil else { return }
      let pause = Duration.seconds(max(1, configuration.sweepSeconds))
      let every = max(1, configuration.sweepsPerOrphanSearch)
      task = Task { [weak self] in
        var round = 0
        while !Task.isCancelled {
          // Of several processes one sweeps.
          if await self?.database.lease(Self.sweepWork) ?? false {
            // A sweep that fails has its next turn; the store itself tells whoever writes of a broken disk.
            _ = try? await self?.sweep(searchingOrphans: round % every == 0)
            round &+= 1
          }
          do { try await Task.sleep(for: pause) } catch { return }
        }
      }
    }
  }

  /// Ends the work in the background, finishes waiting writes and closes database and blob store.
  public func close() async {
    let task = sweeping.withLock { task in
      defer { task = nil }
      return task
    }
    task?.cancel()
    await task?.value
    await database.close()
    await blobs.close()
  }

  /// Engines' errors become faults here; nothing above knows them.
  func faulting<R>(_ body: () throws -> R) throws -> R {
    do {
      return try body()
    } catch let error as StorageError {
      throw error.fault
    } catch let error as BlobError {
      throw error.fault
    }
  }

  func faulting<R>(_ body: () async throws -> R) async throws -> R {
    do {
      return try await body()
    } catch let error as StorageError {
      throw error.fault
    } catch let error as BlobError {
      throw error.fault
    }
  }
}
