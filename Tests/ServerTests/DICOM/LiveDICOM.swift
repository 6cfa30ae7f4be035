import Base
import BlobStore
import DICOMCore
import DICOMService
import DICOMStore
import FHIRService
import FoundationEssentials
import HTTPServer
import Server
import Synchronization
import TestStores
import Workspace

/// A whole server with one DICOM service over a real store in a folder of its own.
final class LiveDICOM: Sendable {
  static let path = "/default/dicom"

  let port: Int
  let store: DICOMStore
  let server: Server
  private let lines: Lines

  /// What was logged so far.
  var log: [String] { lines.all.withLock { $0 } }

  private final class Lines: Sendable {
    let all = Mutex<[String]>([])
  }

  private init(
    _ folder: String, hasPartitions: Bool, storeBytesMax: Int, limits: DICOMServiceLimits,
    access: ServiceAccess?, audit: AuditLog?, configure: (inout ServerConfiguration) -> Void
  ) async throws {
    let blobs = try FolderBlobStore(path: folder + "/blobs")
    store = try await DICOMStore(
      try TestStores.open(folder + "/store.sqlite", syncs: false), blobs: blobs, clock: .system)
    let service = DICOMService(
      store, blobs: blobs, limits: limits, clock: .system,
      software: DICOMService.Software(name: "Aceso", version: "1.2.3"),
      hasPartitions: hasPartitions)
    var configuration = ServerConfiguration()
    configuration.port = 0
    configure(&configuration)
    let lines = Lines()
    self.lines = lines
    let log = Log(level: .debug) { line in lines.all.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
    server = Server(
      [],
      dicom: [
        DICOMMount(
          workspace: "default", name: "dicom", service: service, access: access, storeBytesMax: storeBytesMax, log: log)
      ], configuration, eventLoops: 1, software: FHIRService.Software(name: "Aceso", version: "1.2.3"),
      ids: IdentifierSource(clock: .system), log: log, audit: audit)
    port = try await server.start().port
  }

  static func run(
    hasPartitions: Bool = false, storeBytesMax: Int = DICOMMount.storeBytesMax,
    limits: DICOMServiceLimits = DICOMServiceLimits(), access: ServiceAccess? = nil, audit: AuditLog? = nil,
    configure: (inout ServerConfiguration) -> Void = { _ in }, _ body: (LiveDICOM) async throws -> Void
  ) async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/aceso-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let live = try await LiveDICOM(
      folder, hasPartitions: hasPartitions, storeBytesMax: storeBytesMax, limits: limits, access: access, audit: audit,
      configure: configure)
    do {
      try await body(live)
    } catch {
      await live.end()
      throw error
    }
    await live.end()
  }

  private func end() async {
    await server.shutdown()
    await store.close()
  }

  // MARK: Asking

  /// One request below the DICOM service's address on a connection of its own.
  func ask(
    _ method: String, _ path: String, _ headers: [String: String] = [:], body: [UInt8]? = nil
  ) async throws -> Reply {
    try await askRoot(method, Self.path + path, headers, body: body)
  }

  func askRoot(
    _ method: String, _ target: String, _ headers: [String: String] = [:], body: [UInt8]? = nil
  ) async throws -> Reply {
    var text = "\(method) \(target) HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1:\(port)\r\n"
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    if let body { text += "Content-Length: \(body.count)\r\n" }
    let request = Array((text + "\r\n").utf8) + (body ?? [])
    let port = port
    let bytes: [UInt8] = try await withCheckedThrowingContinuation { continuation in
      WireThread.run { continuation.resume(with: Result { try Wire.exchange(request, port: port) }) }
    }
    return try Reply(bytes, toHead: method == "HEAD")
  }

  func get(_ path: String, accept: String? = nil) async throws -> Reply {
    try await ask("GET", path, accept.map { ["Accept": $0] } ?? [:])
  }

  /// Stores instances as one request.
  func store(_ instances: [[UInt8]], _ path: String = "/v2/studies") async throws -> Reply {
    try await ask(
      "POST", path,
      [
        "Accept": "application/dicom+json",
        "Content-Type": "multipart/related; type=\"application/dicom\"; boundary=xyz",
      ],
      body: Self.multipart(instances))
  }

  static func multipart(_ instances: [[UInt8]]) -> [UInt8] {
    var body: [UInt8] = []
    for instance in instances {
      body += Array("--xyz\r\nContent-Type: application/dicom\r\n\r\n".utf8)
      body += instance
      body += [13, 10]
    }
    return body + Array("--xyz--\r\n".utf8)
  }
}

extension Reply {
  /// The parts of a multipart answer: header fields and bytes.
  func parts() throws -> [(headers: String, body: [UInt8])] {
    guard let type = header("content-type"), type.hasPrefix("multipart/related"),
      let mark = type.firstRange(of: "boundary=")
    else { throw WireError(what: "not multipart") }
    let boundary = type[mark.upperBound...].prefix { $0 != ";" }.filter { $0 != "\"" }
    let delimiter = Array("--\(boundary)".utf8)
    let bytes = try decodedBody()
    var starts: [Int] = []
    var place = 0
    while place + delimiter.count <= bytes.count {
      if bytes[place] == delimiter[0], bytes[place..<place + delimiter.count].elementsEqual(delimiter) {
        starts.append(place)
        place += delimiter.count
      } else {
        place += 1
      }
    }
    return zip(starts, starts.dropFirst()).compactMap { start, end in
      let part = bytes[(start + delimiter.count + 2)..<(end - 2)]
      let empty = Array("\r\n\r\n".utf8)
      guard let split = part.indices.dropLast(3).first(where: { part[$0..<$0 + 4].elementsEqual(empty) }) else {
        return nil
      }
      return (String(decoding: part[..<split], as: UTF8.self), Array(part[(split + 4)...]))
    }
  }

  /// The body without the chunked coding, if it has that.
  func decodedBody() throws -> [UInt8] {
    guard header("transfer-encoding") == "chunked" else { return body }
    var result: [UInt8] = []
    var rest = body[...]
    while let end = rest.firstIndex(of: 10) {
      guard let size = Int(String(decoding: rest[..<(end - 1)], as: UTF8.self), radix: 16) else { break }
      if size == 0 { return result }
      guard rest.endIndex - end > size + 2 else { break }
      result += rest[(end + 1)...(end + size)]
      rest = rest[(end + size + 3)...]
    }
    throw WireError(what: "a chunked body that does not end")
  }
}
