import DICOMCore
import Glibc

/// What may be a DICOM file: a file, or an entry of a ZIP archive.
struct ImportCandidate: Sendable {
  private enum Place: Sendable {
    case file
    case entry(ZipArchive, ZipArchive.Entry)
  }

  let name: String
  /// Bytes.
  let count: Int
  private let place: Place

  /// The files of a folder and of all folders in it, in order of their names, or the entries of an archive, or a file.
  static func all(at path: String) throws -> [ImportCandidate] {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw CommandError("cannot read \(path): \(String(cString: strerror(errno)))")
    }
    if status.st_mode & S_IFMT == S_IFDIR { return try folder(path) }
    guard ZipArchive.isArchive(path) else {
      return [ImportCandidate(name: path, count: Int(status.st_size), place: .file)]
    }
    let archive = try ZipArchive(path: path)
    return archive.entries.map { ImportCandidate(name: $0.name, count: $0.count, place: .entry(archive, $0)) }
  }

  /// Links to folders are not followed: they may lead in a circle.
  private static func folder(_ path: String) throws -> [ImportCandidate] {
    var found: [ImportCandidate] = []
    var folders = [path]
    while let folder = folders.popLast() {
      guard let stream = opendir(folder) else {
        throw CommandError("cannot read \(folder): \(String(cString: strerror(errno)))")
      }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name == "." || name == ".." { continue }
        let child = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
        var (own, status) = (stat(), stat())
        guard lstat(child, &own) == 0, stat(child, &status) == 0 else { continue }
        if own.st_mode & S_IFMT == S_IFDIR {
          folders.append(child)
        } else if status.st_mode & S_IFMT == S_IFREG {
          found.append(ImportCandidate(name: child, count: Int(status.st_size), place: .file))
        }
      }
    }
    return found.sorted { $0.name < $1.name }
  }

  /// Gives all bytes, in pieces.
  func read(_ consume: (UnsafeRawBufferPointer) throws -> Void) throws {
    switch place {
    case .entry(let archive, let entry): try archive.read(entry, consume)
    case .file:
      let source: ByteSource
      do throws(DICOMError) { source = try ByteSource(file: name) } catch { throw CommandError(error.message) }
      guard source.count == count else { throw CommandError("it has changed in the meantime") }
      var failure: (any Error)?
      let result: Void? = source.withBytes(0..<count) { bytes in
        do { try consume(bytes) } catch { failure = error }
      }
      if let failure { throw failure }
      if result == nil { throw CommandError("it cannot be read") }
    }
  }

  // MARK: What it is

  enum Kind { case instance, directory, other }

  /// Thrown to read no further.
  private struct Enough: Error {}

  /// By its first bytes; what has no prefix of PS3.10 is an instance if it can be read as one.
  func kind() throws -> Kind {
    if name.split(separator: "/").last?.uppercased() == "DICOMDIR" { return .directory }
    var head: [UInt8] = []
    do {
      try read { piece in
        head += piece.prefix(132 - head.count)
        if head.count == 132 { throw Enough() }
      }
    } catch is Enough {}
    let prefix = Array("DICM".utf8)
    if Array(head.dropFirst(128)) == prefix || Array(head.prefix(4)) == prefix { return .instance }
    return sopInstanceUID() == nil ? .other : .instance
  }

  /// Nil if it is no DICOM, or no instance.
  func sopInstanceUID() -> UID? {
    var stream = DICOMStream()
    guard (try? read { try stream.append($0) }) != nil else { return nil }
    return (try? stream.finish())?.sopInstanceUID
  }
}
