import Base
import Foundation
import HTTPServer
import Synchronization
import Testing

/// Certificates made by OpenSSL's command, and curl and Python's ssl as clients: none of it ours.
private final class Certificates: Sendable {
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

private enum Command {
  static func isInstalled(_ names: String...) -> Bool {
    names.allSatisfy { FileManager.default.isExecutableFile(atPath: "/usr/bin/" + $0) }
  }

  struct Result {
    var status: Int32
    var output: [UInt8]
    var error: String
    var text: String { String(decoding: output, as: UTF8.self) }
  }

  static func run(_ name: String, _ arguments: [String], in folder: String, input: String? = nil) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/" + name)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let (output, error) = (folder + "/out-" + UUID().uuidString, folder + "/err-" + UUID().uuidString)
    FileManager.default.createFile(atPath: output, contents: nil)
    FileManager.default.createFile(atPath: error, contents: nil)
    process.standardOutput = FileHandle(forWritingAtPath: output)
    process.standardError = FileHandle(forWritingAtPath: error)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus, output: [UInt8](try Data(contentsOf: URL(fileURLWithPath: output))),
      error: String(decoding: try Data(contentsOf: URL(fileURLWithPath: error)), as: UTF8.self))
  }
}

private let hasCommands = Command.isInstalled("openssl", "curl", "python3")

@Suite(.enabled(if: hasCommands, "needs openssl, curl and python3 in /usr/bin"), .timeLimit(.minutes(2)))
struct TLSTests {
  private let certificates: Certificates

  init() throws { certificates = try Certificates() }

  private func withServer(
    _ settings: TLSSettings, limits: Limits = Limits(),
    handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse = TLSTests.describe,
    _ body: (Int, TLSIdentity) async throws -> Void
  ) async throws {
    let identity = try TLSIdentity(settings)
    let server = HTTPServer(
      host: "127.0.0.1", port: 0, limits: limits, eventLoops: 1, tls: identity, handler: handler)
    let port = try await server.start().port
    do {
      try await body(port, identity)
      await server.shutdown()
    } catch {
      await server.shutdown()
      throw error
    }
  }

  /// What a handler is told, as text.
  private static let describe: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
    let text =
      "\(request.method.name) \(request.target) \(request.host ?? "-") secure=\(request.isSecure) "
      + "body=\(request.body.count) certificate=\(request.clientCertificate?.count ?? 0)"
    return HTTPResponse(status: 200, headers: [("Content-Type", "text/plain")], body: .bytes(Array(text.utf8)))
  }

  private func curl(_ port: Int, _ path: String = "/", _ options: [String] = []) async throws -> Command.Result {
    let arguments = ["-sS", "--max-time", "20", "--cacert", "ca.pem"] + options + ["https://127.0.0.1:\(port)\(path)"]
    let folder = certificates.folder
    return try await Task.detached { try Command.run("curl", arguments, in: folder) }.value
  }

  @Test("requests by TLS, which the handler is told, with HSTS (RFC 6797)") func requests() async throws {
    try await withServer(certificates.settings()) { port, _ in
      let reply = try await curl(port, "/a?b=c", ["-i", "--http1.1"])
      #expect(reply.text.hasPrefix("HTTP/1.1 200 OK"))
      #expect(reply.text.contains("Strict-Transport-Security: max-age=31536000\r\n"))
      #expect(reply.text.hasSuffix("GET /a?b=c 127.0.0.1:\(port) secure=true body=0 certificate=0"))
      let body = certificates.path("body")
      try Data(count: 3_000_000).write(to: URL(fileURLWithPath: body))
      let posted = try await curl(port, "/", ["--http1.1", "--data-binary", "@\(body)"])
      #expect(posted.text.contains("body=3000000"))
    }
  }

  @Test("nothing below TLS 1.2 (RFC 8996)") func versions() async throws {
    try await withServer(certificates.settings()) { port, _ in
      for version in ["1.0", "1.1"] {
        let reply = try await curl(
          port, "/", ["--tlsv1.0", "--tls-max", version, "--ciphers", "DEFAULT@SECLEVEL=0"])
        #expect(reply.status == 35, "curl: SSL connect error")
      }
      for version in ["1.2", "1.3"] {
        #expect(try await curl(port, "/", ["--tlsv\(version)", "--tls-max", version]).status == 0)
      }
      // Neither forward secrecy nor authenticated encryption.
      for cipher in ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"] {
        let reply = try await curl(port, "/", ["--tls-max", "1.2", "--ciphers", cipher + ":@SECLEVEL=0"])
        #expect(reply.status == 35, "\(cipher)")
      }
    }
  }

  @Test("a client's certificate is asked for, verified and told") func clientCertificates() async throws {
    let settings = certificates.settings { settings in
      settings.clientCertificates = .required
      settings.clientAuthoritiesFile = certificates.path("ca.pem")
    }
    try await withServer(settings) { port, _ in
      #expect(try await curl(port).status != 0)
      #expect(try await curl(port, "/", ["--cert", "stranger.pem", "--key", "stranger.key"]).status != 0)
      let good = try await curl(port, "/", ["--cert", "client.pem", "--key", "client.key"])
      let der = try Command.run("openssl", ["x509", "-in", "client.pem", "-outform", "DER"], in: certificates.folder)
      #expect(good.text.hasSuffix("certificate=\(der.output.count)"))
    }
    var optional = settings
    optional.clientCertificates = .optional
    try await withServer(optional) { port, _ in
      #expect(try await curl(port).text.hasSuffix("certificate=0"))
      #expect(try await curl(port, "/", ["--cert", "stranger.pem", "--key", "stranger.key"]).status != 0)
      let good = try await curl(port, "/", ["--cert", "client.pem", "--key", "client.key"])
      #expect(good.status == 0 && !good.text.hasSuffix("certificate=0"))
    }
  }

  /// Holds a connection open, and tells which certificates old and new connections are made with.
  private static let watcher = """
    import socket, ssl, subprocess, sys, time, os
    port = int(sys.argv[1])
    context = ssl.create_default_context(cafile="ca.pem")
    def connect():
        return context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")
    def name(s):
        return dict(x[0] for x in s.getpeercert()["subject"])["commonName"]
    def ask(s):
        s.sendall(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
        text = b""
        while not text.endswith(b"certificate=0"):
            piece = s.recv(65536)
            if not piece: raise SystemExit("closed")
            text += piece
        return text.split()[1].decode()
    old = connect()
    print(name(old), ask(old), flush=True)
    open("ready", "w").close()
    while not os.path.exists("reloaded"): time.sleep(0.02)
    print(name(old), ask(old), flush=True)
    new = connect()
    print(name(new), ask(new), flush=True)
    """

  @Test("a new certificate is used for new connections; those that are there go on") func reload() async throws {
    try certificates.make("second", by: "ca")
    try await withServer(certificates.settings()) { port, identity in
      let folder = certificates.folder
      try Self.watcher.write(toFile: certificates.path("watcher.py"), atomically: true, encoding: .utf8)
      let watching = Task.detached { try Command.run("python3", ["watcher.py", "\(port)"], in: folder) }
      while !FileManager.default.fileExists(atPath: certificates.path("ready")) {
        try await Task.sleep(for: .milliseconds(20))
      }
      #expect(!identity.isOutdated)
      // Half a change: the certificate without its key. It is refused, and nothing is lost.
      try FileManager.default.removeItem(atPath: certificates.path("server.pem"))
      try FileManager.default.copyItem(atPath: certificates.path("second.pem"), toPath: certificates.path("server.pem"))
      #expect(identity.isOutdated)
      #expect(throws: TLSError.self) { try identity.reload() }
      #expect(try await curl(port).status == 0)
      try FileManager.default.removeItem(atPath: certificates.path("server.key"))
      try FileManager.default.copyItem(atPath: certificates.path("second.key"), toPath: certificates.path("server.key"))
      try identity.reload()
      #expect(!identity.isOutdated)
      FileManager.default.createFile(atPath: certificates.path("reloaded"), contents: nil)
      #expect(try await watching.value.text == "server 200\nserver 200\nsecond 200\n")
    }
  }

  @Test("files and streams are sent as they are") func longAnswers() async throws {
    let bytes = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }
    let path = certificates.path("long")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let handle = try #require(FileHandle(forReadingAtPath: path))
    let file = HTTPFile(descriptor: handle.fileDescriptor, owner: Owner(handle))
    let handler: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
      HTTPResponse(
        status: 200,
        body: .stream(count: request.target == "/counted" ? 4_999_990 : nil) { writer in
          try await writer.write(file, 10..<5_000_000)
        })
    }
    try await withServer(certificates.settings(), handler: handler) { port, _ in
      for path in ["/counted", "/chunked"] {
        for version in ["--http1.1", "--http2"] {
          let reply = try await curl(port, path, [version])
          #expect(reply.status == 0 && reply.output == Array(bytes[10...]), "\(path) \(version)")
        }
      }
    }
  }

  private final class Owner: Sendable {
    // Held only to be kept open: nobody touches it.
    nonisolated(unsafe) private let handle: FileHandle
    init(_ handle: FileHandle) { self.handle = handle }
  }

  @Test("who does not speak TLS, or stops in the middle of it, is let go") func noTLS() async throws {
    var limits = Limits()
    limits.headerSecondsMax = 1
    try await withServer(certificates.settings(), limits: limits) { port, _ in
      let (plain, silent) = try await Task.detached {
        let plain = try TestClient(port)
        try plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let silent = try TestClient(port)
        // The beginning of a record with a handshake.
        try silent.send([0x16, 0x03, 0x01])
        return (try plain.readToEnd(), try silent.readToEnd())
      }.value
      // No answer in the clear; an alert at most.
      #expect(!String(decoding: plain, as: UTF8.self).contains("HTTP/"))
      #expect(silent.count < 16)
    }
  }

  @Test("files that cannot be used are named") func wrongFiles() throws {
    let wrong: [TLSSettings] = [
      certificates.settings { $0.certificateFile = certificates.path("none.pem") },
      certificates.settings { $0.keyFile = certificates.path("none.key") },
      certificates.settings { $0.keyFile = certificates.path("server.pem") },
      certificates.settings { $0.keyFile = certificates.path("client.key") },
      certificates.settings { $0.clientCertificates = .required },
      certificates.settings {
        $0.clientCertificates = .required
        $0.clientAuthoritiesFile = certificates.path("none.pem")
      },
    ]
    for settings in wrong { #expect(throws: TLSError.self) { try TLSIdentity(settings) } }
  }
}
