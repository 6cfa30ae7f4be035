import ArgumentParser
import Glibc
import StorageSQLite

/// Where the server keeps its data: `DIR/workspaces/{workspace}/{service}/store.sqlite`, and of a DICOM service `blobs`
/// beside it; for its owner alone.
struct DataFolder {
  let path: String

  /// The store's file, after making the folders it is in.
  func store(workspace: String, service: String) throws -> String {
    try folder(workspace: workspace, service: service) + "/store.sqlite"
  }

  /// The folder of a DICOM store's blobs, which the blob store makes.
  func blobs(workspace: String, service: String) throws -> String {
    try folder(workspace: workspace, service: service) + "/blobs"
  }

  /// Makes the folder itself.
  func make() throws { try Self.make(path) }

  private func folder(workspace: String, service: String) throws -> String {
    var folder = path
    try Self.make(folder)
    for name in ["workspaces", workspace, service] {
      folder += "/\(name)"
      try Self.make(folder)
    }
    return folder
  }

  /// From now on whatever this process makes is for its owner alone.
  static func keepPrivate() { umask(0o077) }

  /// The file of the issuer's store, after making the folder it is in.
  func issuer() throws -> String {
    try Self.make(path)
    try Self.make(path + "/issuer")
    return path + "/issuer/store.sqlite"
  }

  private static func make(_ path: String) throws {
    guard mkdir(path, 0o700) != 0 else {
      // A new folder's name must survive a power cut as surely as what is stored in it.
      let parent = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
      return try Folder.sync(parent)
    }
    guard errno == EEXIST else {
      throw CommandError("cannot create the folder \(path): \(String(cString: strerror(errno)))")
    }
  }

  /// The text of a file of less than a megabyte.
  static func text(_ path: String) throws -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    var count = 0
    while count < bytes.count {
      let taken = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count) }
      if taken < 0, errno == EINTR { continue }
      guard taken >= 0 else { throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))") }
      if taken == 0 { break }
      count += taken
    }
    guard count < bytes.count else { throw CommandError("\(path) is longer than a megabyte") }
    guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
      throw CommandError("\(path) is not UTF-8 text")
    }
    return text
  }
}

/// Why a command cannot go on, for the person who gave it.
struct CommandError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
