#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
import NIOSSL
import Synchronization

/// Which files a server proves itself with, and whose certificates it asks clients for.
public struct TLSSettings: Sendable, Equatable {
  /// What becomes of clients' certificates (mutual TLS).
  public enum ClientCertificates: String, Sendable, CaseIterable {
    /// Not asked for.
    case none
    /// Asked for; one that is shown must be good.
    case optional
    /// Without a good one there is no connection.
    case required
  }

  /// PEM: the server's certificate first, then those that lead to its authority.
  public var certificateFile: String
  /// PEM: its private key.
  public var keyFile: String
  public var clientCertificates = ClientCertificates.none
  /// PEM: the authorities of clients' certificates.
  public var clientAuthoritiesFile: String?
  /// What browsers are told of how long to come by TLS only (RFC 6797); 0: nothing.
  public var strictTransportSeconds = 31_536_000
  /// Whether HTTP/2 is offered (ALPN).
  public var offersHTTP2 = true

  public init(certificateFile: String, keyFile: String) {
    self.certificateFile = certificateFile
    self.keyFile = keyFile
  }
}

/// Why files cannot be used for TLS.
public struct TLSError: Error, Sendable, Equatable, CustomStringConvertible {
  /// For whoever configured it; names files, shows nothing of a key.
  public let message: String
  public var description: String { message }
}

/// The certificate and key that new connections are made with. They can be read anew at any time; connections that are
/// there keep what they were made with.
public final class TLSIdentity: Sendable {
  public let settings: TLSSettings
  private struct State {
    var context: NIOSSLContext
    var stamps: [Stamp]
  }
  private let state: Mutex<State>

  /// What tells that a file is another one: a replaced file has another number, a changed one another time.
  private struct Stamp: Equatable {
    var device: UInt64 = 0
    var number: UInt64 = 0
    var size: Int64 = 0
    var seconds: Int64 = 0
    var nanoseconds: Int64 = 0
  }

  /// Reads the files.
  public init(_ settings: TLSSettings) throws(TLSError) {
    self.settings = settings
    state = Mutex(State(context: try Self.context(settings), stamps: Self.stamps(settings)))
  }

  var context: NIOSSLContext { state.withLock { $0.context } }

  /// Reads the files anew: new connections are made with what they hold.
  /// - Throws: what is wrong with them; then all stays as it was.
  public func reload() throws(TLSError) {
    let stamps = Self.stamps(settings)
    let context = try Self.context(settings)
    state.withLock { $0 = State(context: context, stamps: stamps) }
  }

  /// Whether a file is not the one that was read. Cheap enough to ask every few seconds.
  public var isOutdated: Bool {
    let now = Self.stamps(settings)
    return state.withLock { $0.stamps != now }
  }

  private static func stamps(_ settings: TLSSettings) -> [Stamp] {
    [settings.certificateFile, settings.keyFile, settings.clientAuthoritiesFile].map { path in
      var status = stat()
      guard let path, stat(path, &status) == 0 else { return Stamp() }
      return Stamp(
        device: UInt64(truncatingIfNeeded: status.st_dev), number: UInt64(truncatingIfNeeded: status.st_ino),
        size: Int64(status.st_size), seconds: Int64(status.st_mtim.tv_sec),
        nanoseconds: Int64(status.st_mtim.tv_nsec))
    }
  }

  private static func context(_ settings: TLSSettings) throws(TLSError) -> NIOSSLContext {
    let chain: [NIOSSLCertificate]
    do {
      chain = try NIOSSLCertificate.fromPEMFile(settings.certificateFile)
    } catch {
      throw TLSError(message: "cannot read certificates in PEM from \(settings.certificateFile)")
    }
    guard !chain.isEmpty else { throw TLSError(message: "there is no certificate in \(settings.certificateFile)") }
    let key: NIOSSLPrivateKey
    do {
      key = try NIOSSLPrivateKey(file: settings.keyFile, format: .pem)
    } catch {
      throw TLSError(message: "cannot read a private key in PEM from \(settings.keyFile)")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    // RFC 8996: older ones are not safe.
    configuration.minimumTLSVersion = .tlsv12
    // With forward secrecy and authenticated encryption only (RFC 9325 §4.2); TLS 1.3 has no others.
    configuration.cipherSuiteValues = [
      .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
      .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
      .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]
    configuration.applicationProtocols = settings.offersHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
    if settings.clientCertificates != .none {
      guard let authorities = settings.clientAuthoritiesFile else {
        throw TLSError(message: "clients' certificates need a file with their authorities")
      }
      configuration.trustRoots = .file(authorities)
      configuration.certificateVerification =
        settings.clientCertificates == .required ? .noHostnameVerification : .optionalVerification
      configuration.sendCANameList = true
    }
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw TLSError(
        message:
          "the certificate in \(settings.certificateFile), the key in \(settings.keyFile) and the authorities of "
          + "clients do not make a TLS configuration: they must be readable, and belong together")
    }
  }
}
