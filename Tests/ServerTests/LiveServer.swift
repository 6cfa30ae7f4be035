import Base
import FHIRModel
import FHIRService
import FHIRStore
import FoundationEssentials
import Glibc
import HTTPServer
import JSONCore
import Server
import Synchronization
import TestStores
import Workspace

/// A whole server over a real store in a folder of its own.
final class LiveServer: Sendable {
  static let path = "/default/fhir"

  let folder: String
  let port: Int
  let service: FHIRService
  let store: FHIRStore
  let server: Server
  private let lines: Lines

  var base: String { "http://127.0.0.1:\(port)\(Self.path)" }
  /// What was logged so far.
  var log: [String] { lines.all.withLock { $0 } }

  private init(
    _ folder: String, limits: Limits, logLevel: Log.Level, syncs: Bool, access: ServiceAccess?, audit: AuditLog?,
    configure: (inout ServerConfiguration) -> Void
  ) async throws {
    self.folder = folder
    let database = try TestStores.open(folder + "/store.sqlite", syncs: syncs)
    store = try await FHIRStore(database, schema: .r4, clock: .system)
    let software = FHIRService.Software(name: "Aceso", version: "1.2.3")
    let ids = IdentifierSource(clock: .system)
    service = FHIRService(store, limits: limits, clock: .system, ids: ids, software: software)
    var configuration = ServerConfiguration()
    configuration.port = 0
    configuration.limits = limits
    configure(&configuration)
    let lines = Lines()
    self.lines = lines
    let log = Log(level: logLevel) { line in lines.all.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
    server = Server(
      [FHIRMount(workspace: "default", name: "fhir", service: service, access: access)], configuration, eventLoops: 1,
      software: software, ids: ids, log: log, audit: audit)
    port = try await server.start().port
  }

  private final class Lines: Sendable {
    let all = Mutex<[String]>([])
  }

  /// All rows of a table run at once; so many servers would be more than a process has files for.
  private static let gate = Gate(12)

  /// Runs a test against a fresh server and takes everything away afterwards. The store syncs nothing unless asked to:
  /// few tests are about what the disk holds.
  static func run(
    limits: Limits = Limits(), logLevel: Log.Level = .error, syncs: Bool = false, access: ServiceAccess? = nil,
    audit: AuditLog? = nil, configure: (inout ServerConfiguration) -> Void = { _ in },
    _ body: (LiveServer) async throws -> Void
  ) async throws {
    await gate.enter()
    defer { gate.leave() }
    let folder = FileManager.default.temporaryDirectory.path + "/aceso-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let live = try await LiveServer(
      folder, limits: limits, logLevel: logLevel, syncs: syncs, access: access, audit: audit, configure: configure)
    do {
      try await body(live)
    } catch {
      await live.end()
      throw error
    }
    await live.end()
  }

  func end() async {
    await server.shutdown()
    await store.close()
  }

  // MARK: Asking

  /// One request below the FHIR service's base on a connection of its own.
  func ask(
    _ method: String, _ path: String, _ headers: [String: String] = [:], body: String? = nil
  ) async throws -> Reply {
    try await askRoot(method, Self.path + path, headers, body: body)
  }

  /// One request with a resource or Bundle as its body.
  func send(
    _ method: String, _ path: String, _ json: String, _ headers: [String: String] = [:]
  ) async throws -> Reply {
    try await ask(
      method, path, headers.merging(["Content-Type": "application/fhir+json"]) { own, _ in own }, body: json)
  }

  func askRoot(
    _ method: String, _ target: String, _ headers: [String: String] = [:], body: String? = nil
  ) async throws -> Reply {
    var text = "\(method) \(target) HTTP/1.1\r\nConnection: close\r\n"
    if headers["Host"] == nil { text += "Host: 127.0.0.1:\(port)\r\n" }
    for (name, value) in headers { text += "\(name): \(value)\r\n" }
    if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
    let reply = try Reply(try await raw(Array((text + "\r\n" + (body ?? "")).utf8)), toHead: method == "HEAD")
    if method != "HEAD" { BodyArchive.keep(reply) }
    return reply
  }

  /// Sends bytes and reads until the server closes.
  func raw(_ bytes: [UInt8]) async throws -> [UInt8] {
    let port = port
    // A blocking client must not hold a thread of Swift's own pool.
    return try await withCheckedThrowingContinuation { continuation in
      WireThread.run {
        continuation.resume(with: Result { try Wire.exchange(bytes, port: port) })
      }
    }
  }
}

struct WireError: Error { let what: String }

/// A blocking TCP client. Every wait ends after a minute: long for an answer, short for a hang.
enum Wire {
  static func exchange(_ bytes: [UInt8], port: Int) throws -> [UInt8] {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var timeout = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw WireError(what: "connect: \(errno)") }
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      // A server that refuses early may close before it has read everything; its answer still stands.
      guard count > 0 else { break }
      sent += count
    }
    var received: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count > 0 else { break }
      received += chunk[..<count]
    }
    return received
  }
}

/// An answer as a client reads it.
struct Reply {
  let status: Int
  let headers: [(name: String, value: String)]
  let body: [UInt8]

  init(_ bytes: [UInt8], toHead: Bool = false) throws {
    let end = Array("\r\n\r\n".utf8)
    guard bytes.count >= 4,
      let split = (0...bytes.count - 4).first(where: { Array(bytes[$0..<$0 + 4]) == end })
    else { throw WireError(what: "no head in \(bytes.count) bytes") }
    let lines = String(decoding: bytes[..<split], as: UTF8.self).split(separator: "\r\n")
    guard let first = lines.first, let status = Int(first.dropFirst(9).prefix(3)) else {
      throw WireError(what: "no status line")
    }
    self.status = status
    headers = lines.dropFirst().map { line in
      let pair = line.split(separator: ":", maxSplits: 1)
      return (pair[0].lowercased(), pair.count == 2 ? String(pair[1].drop { $0 == " " }) : "")
    }
    body = Array(bytes[(split + 4)...])
    if let length = header("content-length"), !toHead, status != 304, Int(length) != body.count {
      throw WireError(what: "the body has \(body.count) bytes, not \(length)")
    }
  }

  func header(_ name: String) -> String? { headers.first { $0.name == name.lowercased() }?.value }

  var text: String { String(decoding: body, as: UTF8.self) }

  func json() throws -> JSONValue {
    let document = try JSONDocument(body)
    return JSONValue(document, document.root)
  }

  /// The code and diagnostics of an OperationOutcome's first issue, if the body is a complete one
  /// (FHIR R4 operationoutcome.html).
  func outcome() throws -> (code: String, diagnostics: String) {
    let value = try json()
    guard value["resourceType"]?.string == "OperationOutcome", let id = value["id"]?.string, !id.isEmpty,
      let issue = value["issue"]?.elements.first, let severity = issue["severity"]?.string,
      ["error", "fatal"].contains(severity), let code = issue["code"]?.string,
      let diagnostics = issue["diagnostics"]?.string, !diagnostics.isEmpty
    else { throw WireError(what: "no OperationOutcome: \(text)") }
    return (code, diagnostics)
  }

  func id() throws -> String {
    guard let id = try json()["id"]?.string else { throw WireError(what: "no id") }
    return id
  }
}
