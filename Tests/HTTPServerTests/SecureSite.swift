import Base
import Foundation
import HTTPServer
import Testing

/// Certificates made by OpenSSL's command, and curl and Python's ssl as clients: none of it ours.
final class Certificates: Sendable {
  let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/aceso-tls-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for authority in ["ca", "other"] {
      try openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=\(authority) "
          + "-keyout \(authority).key -out \(authority).pem")
    }
    try make("server", by: "ca")
    try make("client", by: "ca")
    try make("stranger", by: "other")
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }

  func make(_ name: String, by authority: String) throws {
    try "subjectAltName=IP:127.0.0.1".write(toFile: path("san.cnf"), atomically: true, encoding: .utf8)
    try openssl(
      "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=\(name) -keyout \(name).key -out \(name).csr")
    try openssl(
      "x509 -req -in \(name).csr -CA \(authority).pem -CAkey \(authority).key -CAcreateserial -days 30 "
        + "-extfile san.cnf -out \(name).pem")
  }

  private func openssl(_ arguments: String) throws {
    let result = try Command.run("openssl", arguments.split(separator: " ").map(String.init), in: folder)
    guard result.status == 0 else { throw ClientError(what: result.error) }
  }

  func settings(_ change: (inout TLSSettings) -> Void = { _ in }) -> TLSSettings {
    var settings = TLSSettings(certificateFile: path("server.pem"), keyFile: path("server.key"))
    change(&settings)
    return settings
  }
}

enum Command {
  static func isInstalled(_ names: String...) -> Bool {
    names.allSatisfy { FileManager.default.isExecutableFile(atPath: "/usr/bin/" + $0) }
  }

  struct Result {
    var status: Int32
    var output: [UInt8]
    var error: String
    var text: String { String(decoding: output, as: UTF8.self) }
  }

  /// - Parameter input: a file for its standard input.
  static func run(_ name: String, _ arguments: [String], in folder: String, input: String? = nil) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/" + name)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let (output, error) = (folder + "/out-" + UUID().uuidString, folder + "/err-" + UUID().uuidString)
    _ = FileManager.default.createFile(atPath: output, contents: nil)
    _ = FileManager.default.createFile(atPath: error, contents: nil)
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: error)
    process.standardInput = input.flatMap { FileHandle(forReadingAtPath: $0) } ?? FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus, output: [UInt8](try Data(contentsOf: URL(fileURLWithPath: output))),
      error: String(decoding: try Data(contentsOf: URL(fileURLWithPath: error)), as: UTF8.self))
  }
}

let hasTLSCommands = Command.isInstalled("openssl", "curl", "python3")

/// A server with TLS, and clients of other makers.
struct SecureSite: Sendable {
  let certificates: Certificates
  let port: Int
  let identity: TLSIdentity

  static func serving(
    _ certificates: Certificates, _ settings: TLSSettings? = nil, limits: Limits = Limits(),
    streaming: HTTPServer.StreamedBodies? = nil,
    handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse = SecureSite.describe,
    _ body: (SecureSite, HTTPServer) async throws -> Void
  ) async throws {
    let identity = try TLSIdentity(settings ?? certificates.settings())
    let server = HTTPServer(
      host: "127.0.0.1", port: 0, limits: limits, eventLoops: 1, tls: identity, streaming: streaming,
      handler: handler)
    let port = try await server.start().port
    do {
      try await body(SecureSite(certificates: certificates, port: port, identity: identity), server)
      await server.shutdown()
    } catch {
      await server.shutdown()
      throw error
    }
  }

  /// What a handler is told, as text.
  static let describe: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
    if request.target == "/none" { return HTTPResponse(status: 204) }
    let text =
      "\(request.method.name) \(request.target) \(request.host ?? "-") secure=\(request.isSecure) "
      + "body=\(request.body.count) cookie=\(request.header("cookie") ?? "-") "
      + "certificate=\(request.clientCertificate?.count ?? 0)"
    return HTTPResponse(status: 200, headers: [("Content-Type", "text/plain")], body: .bytes(Array(text.utf8)))
  }

  func curl(_ path: String = "/", _ options: [String] = [], input: String? = nil) async throws -> Command.Result {
    let arguments =
      ["-sS", "--max-time", "20", "--cacert", "ca.pem"] + options + ["https://127.0.0.1:\(port)\(path)"]
    let folder = certificates.folder
    return try await onClientThread { try Command.run("curl", arguments, in: folder, input: input) }
  }
}
