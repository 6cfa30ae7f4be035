import Base
import Foundation
import PostgreSQLServer
import Storage
import StoragePostgreSQL
import Testing

/// The database's disk is full, and has room again.
@Suite(
  .serialized,
  .enabled(
    if: PostgreSQLServer.isInstalled && SmallDisk.canBeMade,
    "needs PostgreSQL 15 or newer, and the right to mount a tmpfs (root)"))
struct FullDiskTests {
  @Test("a full disk is said to be one; what was acknowledged stays, and writes go on when there is room")
  func full() async throws {
    let server = try PostgreSQLServer()
    let disk = try SmallDisk(at: server.folder + "/small", megabytes: 40)
    try server.sql("CREATE TABLESPACE small LOCATION '\(disk.path)'")
    try server.sql("CREATE DATABASE small TABLESPACE small")
    let database = try Things.open(server.connection("small"))
    try await database.migrate(Things.migrations)
    // Random bytes, so that none are saved.
    var generator = SystemRandomNumberGenerator()
    let body = (0..<500_000).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    var acknowledged = 0
    var refusal: StorageError?
    for key in 0..<200 where refusal == nil {
      do {
        try await database.write { try $0.send(Things.insert, [.integer(key), nil, .blob(body), nil]) }
        acknowledged += 1
      } catch {
        refusal = error as? StorageError
      }
    }
    #expect(refusal?.code == .full && acknowledged > 10)
    #expect(refusal?.fault.category == .unavailable)
    #expect(database.faults.diskFull > 0 && database.faults.connectionsLost == 0)
    try Things.expectCount(database, Int64(acknowledged))
    #expect(database.isWritable)
    try disk.resize(megabytes: 80)
    try await database.write { try $0.send(Things.insert, [.integer(1_000), nil, .blob(body), nil]) }
    try Things.expectCount(database, Int64(acknowledged) + 1)
    await database.close()
    server.stop()
  }
}

/// A file system of a few megabytes, gone with its owner.
final class SmallDisk {
  let path: String

  /// Whether this process may make one.
  static let canBeMade: Bool = {
    let path = FileManager.default.temporaryDirectory.path + "/aceso-small-" + UUID().uuidString
    return (try? SmallDisk(at: path, megabytes: 1)) != nil
  }()

  struct Failure: Error { let code: Int32 }

  init(at path: String, megabytes: Int) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(megabytes)m") == 0 else {
      let code = errno
      rmdir(path)
      throw Failure(code: code)
    }
    self.path = path
    if getuid() == 0, let user = getpwnam("nobody") { chown(path, user.pointee.pw_uid, user.pointee.pw_gid) }
  }

  func resize(megabytes: Int) throws {
    guard mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT), "size=\(megabytes)m") == 0 else { throw Failure(code: errno) }
  }

  deinit {
    umount2(path, Int32(MNT_DETACH))
    rmdir(path)
  }
}
