import Glibc
import JSONCore
import Workspace

/// What was declared through the administration, in a file that is as good after a power cut: in the form of
/// `aceso.yaml`, as JSON.
public struct KeptServices: Sendable {
  private let folder: String
  private var path: String { folder + "/services.json" }

  /// - Parameter folder: the data directory; it is there.
  public init(folder: String) { self.folder = folder }

  /// - Returns: none where nothing was declared yet.
  func load() throws(AdministrationError) -> [Workspace] {
    guard let bytes = try read() else { return [] }
    do throws(ConfigurationError) {
      return try Workspaces(YAMLNode(json: bytes)).workspaces ?? []
    } catch {
      throw AdministrationError(500, "InternalServerError", "\(path): \(error)")
    }
  }

  /// Writes a new file, syncs it, and puts it in the old one's place: there is the one or the other at any time.
  func save(_ workspaces: [Workspace]) throws(AdministrationError) {
    var writer = JSONWriter(reserving: 1_024)
    writer.beginObject()
    writer.key("workspaces")
    writer.beginArray()
    for workspace in workspaces { workspace.write(to: &writer, isShown: false) }
    writer.endArray()
    writer.endObject()
    writer.bytes.append(UInt8(ascii: "\n"))
    let new = path + ".new"
    try write(writer.bytes, to: new)
    guard rename(new, path) == 0 else { throw failure("put in its place") }
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("synced") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("synced") }
  }

  private func write(_ bytes: [UInt8], to path: String) throws(AdministrationError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("created") }
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("written") }
      rest = rest.dropFirst(count)
    }
    guard fsync(descriptor) == 0 else { throw failure("synced") }
  }

  private func read() throws(AdministrationError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      guard errno == ENOENT else { throw failure("read") }
      return nil
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= YAMLLimits().bytesMax {
      let count = piece.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("read") }
      if count == 0 { break }
      bytes += piece[..<count]
    }
    return bytes
  }

  private func failure(_ what: String) -> AdministrationError {
    AdministrationError(
      500, "InternalServerError", "The file \(path) cannot be \(what): \(String(cString: strerror(errno))).")
  }
}
