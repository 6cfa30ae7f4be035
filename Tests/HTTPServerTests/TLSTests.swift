import Base
import Foundation
import HTTPServer
import Synchronization
import Testing

@Suite(
  .enabled(if: hasTLSCommands, "needs openssl, curl and python3 in /usr/bin"), .serialized, .timeLimit(.minutes(2)))
struct TLSTests {
  private let certificates: Certificates

  init() async throws { certificates = try await onClientThread { try Certificates() } }

  @Test("requests by TLS, which the handler is told, with HSTS (RFC 6797)") func requests() async throws {
    try await SecureSite.serving(certificates) { site, _ in
      let reply = try await site.curl("/a?b=c", ["-i", "--http1.1"])
      #expect(reply.text.hasPrefix("HTTP/1.1 200 OK"))
      #expect(reply.text.contains("Strict-Transport-Security: max-age=31536000\r\n"))
      #expect(reply.text.hasSuffix("GET /a?b=c 127.0.0.1:\(site.port) secure=true body=0 cookie=- certificate=0"))
      let body = certificates.path("body")
      try Data(count: 3_000_000).write(to: URL(fileURLWithPath: body))
      let posted = try await site.curl("/", ["--http1.1", "--data-binary", "@\(body)"])
      #expect(posted.text.contains("body=3000000"))
    }
  }

  @Test("nothing below TLS 1.2 (RFC 8996)") func versions() async throws {
    try await SecureSite.serving(certificates) { site, _ in
      for version in ["1.0", "1.1"] {
        let reply = try await site.curl(
          "/", ["--tlsv1.0", "--tls-max", version, "--ciphers", "DEFAULT@SECLEVEL=0"])
        #expect(reply.status == 35, "curl: SSL connect error")
      }
      for version in ["1.2", "1.3"] {
        #expect(try await site.curl("/", ["--tlsv\(version)", "--tls-max", version]).status == 0)
      }
      // Neither forward secrecy nor authenticated encryption.
      for cipher in ["AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"] {
        let reply = try await site.curl("/", ["--tls-max", "1.2", "--ciphers", cipher + ":@SECLEVEL=0"])
        #expect(reply.status == 35, "\(cipher)")
      }
    }
  }

  @Test("a client's certificate is asked for, verified and told") func clientCertificates() async throws {
    let settings = certificates.settings { settings in
      settings.clientCertificates = .required
      settings.clientAuthoritiesFile = certificates.path("ca.pem")
    }
    try await SecureSite.serving(certificates, settings) { site, _ in
      #expect(try await site.curl().status != 0)
      #expect(try await site.curl("/", ["--cert", "stranger.pem", "--key", "stranger.key"]).status != 0)
      let good = try await site.curl("/", ["--cert", "client.pem", "--key", "client.key"])
      let folder = certificates.folder
      let der = try await onClientThread {
        try Command.run("openssl", ["x509", "-in", "client.pem", "-outform", "DER"], in: folder)
      }
      #expect(good.text.hasSuffix("certificate=\(der.output.count)"))
    }
    var optional = settings
    optional.clientCertificates = .optional
    try await SecureSite.serving(certificates, optional) { site, _ in
      #expect(try await site.curl().text.hasSuffix("certificate=0"))
      #expect(try await site.curl("/", ["--cert", "stranger.pem", "--key", "stranger.key"]).status != 0)
      let good = try await site.curl("/", ["--cert", "client.pem", "--key", "client.key"])
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
    let own = certificates
    try await onClientThread { try own.make("second", by: "ca") }
    try await SecureSite.serving(certificates) { site, _ in
      let (port, identity) = (site.port, site.identity)
      let folder = certificates.folder
      try Self.watcher.write(toFile: certificates.path("watcher.py"), atomically: true, encoding: .utf8)
      let watching = Task {
        try await onClientThread { try Command.run("python3", ["watcher.py", "\(port)"], in: folder) }
      }
      while !FileManager.default.fileExists(atPath: certificates.path("ready")) {
        try await Task.sleep(for: .milliseconds(20))
      }
      #expect(!identity.isOutdated)
      // Half a change: the certificate without its key. It is refused, and nothing is lost.
      try FileManager.default.removeItem(atPath: certificates.path("server.pem"))
      try FileManager.default.copyItem(atPath: certificates.path("second.pem"), toPath: certificates.path("server.pem"))
      #expect(identity.isOutdated)
      #expect(throws: TLSError.self) { try identity.reload() }
      #expect(try await site.curl().status == 0)
      try FileManager.default.removeItem(atPath: certificates.path("server.key"))
      try FileManager.default.copyItem(atPath: certificates.path("second.key"), toPath: certificates.path("server.key"))
      try identity.reload()
      #expect(!identity.isOutdated)
      _ = FileManager.default.createFile(atPath: certificates.path("reloaded"), contents: nil)
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
    try await SecureSite.serving(certificates, handler: handler) { site, _ in
      for path in ["/counted", "/chunked"] {
        for version in ["--http1.1", "--http2"] {
          let reply = try await site.curl(path, [version])
          #expect(reply.status == 0 && reply.output == Array(bytes[10...]), "\(path) \(version)")
        }
      }
    }
  }

  private final class Owner: Sendable {
    private let handle: FileHandle
    init(_ handle: FileHandle) { self.handle = handle }
  }

  @Test("who does not speak TLS, or stops in the middle of it, is let go") func noTLS() async throws {
    var limits = Limits()
    limits.headerSecondsMax = 1
    try await SecureSite.serving(certificates, limits: limits) { site, _ in
      let port = site.port
      let (plain, silent) = try await onClientThread {
        let plain = try TestClient(port)
        try plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let silent = try TestClient(port)
        // The beginning of a record with a handshake.
        try silent.send([0x16, 0x03, 0x01])
        return (try plain.readToEnd(), try silent.readToEnd())
      }
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
