import Glibc
public import Storage

/// A folder of the file system.
public enum Folder {
  /// Puts the folder's entries on the disk: a new file's name is not there for sure before.
  public static func sync(_ path: String) throws(StorageError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw StorageError(.io, engineCode: errno, detail: "cannot open the folder") }
    defer { _ = close(descriptor) }
    guard fsync(descriptor) == 0 else { throw StorageError(.io, engineCode: errno, detail: "cannot sync the folder") }
  }

  /// The folder a file is in.
  static func containing(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

/// A lock on a file that only one process, and one store in it, holds; given back at the latest when the process
/// ends, however it ends.
final class StoreLock: Sendable {
  private let descriptor: Int32

  /// Throws `.locked` when another holds it.
  init(path: String) throws(StorageError) {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw StorageError(.io, engineCode: errno, detail: "cannot open the lock file \(path)")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      _ = close(descriptor)
      guard code == EWOULDBLOCK else { throw StorageError(.io, engineCode: code, detail: "cannot lock \(path)") }
      throw StorageError(.locked, detail: "another process has this store open (\(path) is locked)")
    }
  }

  /// Gives the lock back; the file stays.
  func release() { _ = flock(descriptor, LOCK_UN) }

  deinit { _ = close(descriptor) }
}
