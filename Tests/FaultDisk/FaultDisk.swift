import CFaultVFS
import CSQLite
import Storage
public import StorageSQLite
import Synchronization

/// A disk that loses power and fails where it is told to: CFaultVFS under a name of its own.
public final class FaultDisk: Sendable {
  private static let count = Atomic<Int>(0)

  public let name: String
  // The C side has a lock of its own; the pointer never changes.
  private nonisolated(unsafe) let vfs: OpaquePointer

  public init() throws {
    name = "fault-\(FaultDisk.count.add(1, ordering: .relaxed).newValue)"
    guard let vfs = fault_vfs_register(name) else { throw StorageError(.other, detail: "no fault VFS") }
    self.vfs = vfs
  }

  deinit { fault_vfs_unregister(vfs) }

  public var operations: Int64 { fault_vfs_operations(vfs) }
  public var isCut: Bool { fault_vfs_is_cut(vfs) != 0 }
  public func cut() { fault_vfs_cut(vfs) }
  public func cut(at change: Int64) { fault_vfs_cut_at(vfs, change) }

  public enum Kind { case write, sync }

  public func fail(_ kind: Kind, at k: Int64, count: Int64 = 1, code: Int32) {
    fault_vfs_fail(vfs, Int32((kind == .write ? FAULT_WRITE : FAULT_SYNC).rawValue), k, count, code)
  }

  public func count(_ kind: Kind) -> Int64 {
    fault_vfs_count(vfs, Int32((kind == .write ? FAULT_WRITE : FAULT_SYNC).rawValue))
  }

  /// Writes one of the states the disk may be in after the cut; false when that failed.
  public func materialise(seed: UInt64, into folder: String) -> Bool { fault_vfs_materialise(vfs, seed, folder) >= 0 }

  /// A configuration that stores here: small caches and a short log, so that much happens in little time.
  public func configuration() -> SQLiteConfiguration {
    var configuration = SQLiteConfiguration()
    configuration.vfs = name
    configuration.checkpointPages = 40
    configuration.writerCacheKiB = 64
    configuration.readerThreads = 1
    configuration.syncFolder = { [self] path throws(StorageError) in
      let code = fault_vfs_sync_folder(vfs, path)
      guard code == SQLITE_OK else { throw StorageError(.io, engineCode: code) }
    }
    return configuration
  }
}
