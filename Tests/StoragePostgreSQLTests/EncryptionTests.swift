import Foundation
import PostgreSQLServer
import Storage
import StoragePostgreSQL
import TestSupport
import Testing

/// The way to the database under TLS, with certificates made here.
@Suite(
  .serialized,
  .enabled(
    if: PostgreSQLServer.isInstalled && FileManager.default.isExecutableFile(atPath: Certificates.openssl),
    "needs PostgreSQL 15 or newer and openssl"))
struct EncryptionTests {
  @Test("verify-full takes a server whose certificate is of the CA and for its name, and no other")
  func verified() async throws {
    let folder = try TemporaryFolder()
    let certificates = try Certificates(in: folder)
    let port = try Certificates.freePort()
    let settings = [
      "listen_addresses=127.0.0.1", "ssl=on", "ssl_cert_file=\(certificates.server)",
      "ssl_key_file=\(certificates.serverKey)",
    ]
    let server = try PostgreSQLServer(settings: settings, port: port)
    // Nobody gets in from the network without TLS.
    let rules = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n"
    try Data(rules.utf8).write(to: URL(fileURLWithPath: server.folder + "/data/pg_hba.conf"))
    try server.sql("SELECT pg_reload_conf()")
    func address(_ host: String, _ mode: String, _ authority: String?) -> String {
      let root = authority.map { " sslrootcert=\($0)" } ?? ""
      return "host=\(host) hostaddr=127.0.0.1 port=\(port) user=aceso dbname=postgres sslmode=\(mode)\(root)"
    }
    func failure(_ address: String) -> StorageError? {
      #expect(throws: StorageError.self) { try PostgreSQLDatabase(PostgreSQLConfiguration(connection: address)) }
    }
    let database = try Things.open(address("db.example", "verify-full", certificates.authority))
    try await database.migrate(Things.migrations)
    try await Things.put(database, 1)
    let isEncrypted: SQL = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    let version = try database.point { try $0.first(isEncrypted) { $0.integer(0) == 1 ? $0.text(1) : "none" } }
    #expect(version == "TLSv1.3")
    await database.close()
    let wrong = failure(address("db.example", "verify-full", certificates.otherAuthority))
    #expect(wrong?.code == .busy && wrong?.detail.contains("certificate verify failed") == true)
    let named = failure(address("else.example", "verify-full", certificates.authority))
    #expect(named?.code == .busy && named?.detail.contains("db.example") == true)
    let plain = failure(address("db.example", "disable", nil))
    #expect(plain?.code == .busy && plain?.detail.contains("no encryption") == true)
    server.stop()
  }
}

/// A server's certificate for the name `db.example`, its CA, and a CA that has nothing to do with it.
struct Certificates {
  static let openssl = "/usr/bin/openssl"

  let authority: String
  let otherAuthority: String
  let server: String
  let serverKey: String

  init(in folder: TemporaryFolder) throws {
    authority = folder.file("ca.pem")
    otherAuthority = folder.file("other.pem")
    server = folder.file("server.pem")
    serverKey = folder.file("server.key")
    let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    try Self.run(new + ["-subj", "/CN=Test CA", "-keyout", folder.file("ca.key"), "-out", authority])
    try Self.run(new + ["-subj", "/CN=Other CA", "-keyout", folder.file("other.key"), "-out", otherAuthority])
    try Self.run(
      new + [
        "-subj", "/CN=db.example", "-addext", "subjectAltName=DNS:db.example", "-addext", "basicConstraints=CA:FALSE",
        "-CA", authority, "-CAkey", folder.file("ca.key"), "-keyout", serverKey, "-out", server,
      ])
    // The server refuses a key that others may read, and runs as another user than root.
    if getuid() == 0, let user = getpwnam("nobody") {
      for path in [server, serverKey] { chown(path, user.pointee.pw_uid, user.pointee.pw_gid) }
      chmod((serverKey as NSString).deletingLastPathComponent, 0o755)
    }
    chmod(serverKey, 0o600)
  }

  private static func run(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: openssl)
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "openssl \(arguments)")
  }

  /// A port of this machine that was free a moment ago.
  static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    return try withUnsafeMutablePointer(to: &address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        try #require(bind(descriptor, raw, length) == 0 && getsockname(descriptor, raw, &length) == 0)
      }
      return UInt16(bigEndian: pointer.pointee.sin_port)
    }
  }
}
