import ArgumentParser
import Dispatch
import Glibc
import HTTPServer
import Server

/// Options of `aceso serve` about TLS.
struct TLSOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Serve by TLS, with HTTP/2, with the certificate in this PEM file, the server's own first. It is read again when \
      it changes, and at SIGHUP; connections go on.
      """, valueName: "file"))
  var tlsCertificate: String?

  @Option(help: ArgumentHelp("The certificate's private key, a PEM file.", valueName: "file"))
  var tlsKey: String?

  @Option(
    help: ArgumentHelp(
      "Ask clients for certificates of the authorities in this PEM file.", valueName: "file"))
  var tlsClientAuthorities: String?

  @Flag(help: "Refuse clients without a certificate of those authorities.")
  var tlsRequireClientCertificates = false

  func validate() throws {
    guard (tlsCertificate == nil) == (tlsKey == nil) else {
      throw ValidationError("A certificate and its key go together: --tls-certificate and --tls-key.")
    }
    guard tlsCertificate != nil || tlsClientAuthorities == nil else {
      throw ValidationError("Clients' certificates need --tls-certificate and --tls-key.")
    }
    guard !tlsRequireClientCertificates || tlsClientAuthorities != nil else {
      throw ValidationError("--tls-require-client-certificates needs --tls-client-authorities.")
    }
  }

  /// What the server proves itself with; nil if it speaks in the clear.
  func identity() throws -> TLSIdentity? {
    guard let tlsCertificate, let tlsKey else { return nil }
    var settings = TLSSettings(certificateFile: tlsCertificate, keyFile: tlsKey)
    if let tlsClientAuthorities {
      settings.clientCertificates = tlsRequireClientCertificates ? .required : .optional
      settings.clientAuthoritiesFile = tlsClientAuthorities
    }
    do throws(TLSError) {
      return try TLSIdentity(settings)
    } catch {
      throw CommandError(error.message)
    }
  }
}

/// Reads certificate and key again when their files change, and at SIGHUP.
final class TLSWatch: Sendable {
  private static let seconds = 5

  // Kept only to be kept alive: nobody touches them after `init`.
  nonisolated(unsafe) private let hangUp: any DispatchSourceSignal
  nonisolated(unsafe) private let timer: any DispatchSourceTimer

  init(_ identity: TLSIdentity, log: Log) {
    // A dispatch source hears a signal only if nobody else handles it.
    signal(SIGHUP, SIG_IGN)
    hangUp = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
    timer = DispatchSource.makeTimerSource(queue: .global())
    hangUp.setEventHandler { Self.reload(identity, log) }
    timer.setEventHandler { if identity.isOutdated { Self.reload(identity, log) } }
    timer.schedule(deadline: .now() + .seconds(Self.seconds), repeating: .seconds(Self.seconds))
    hangUp.resume()
    timer.resume()
  }

  deinit {
    hangUp.cancel()
    timer.cancel()
  }

  /// What cannot be used is told, and changes nothing: certificate and key may be on their way one after the other.
  private static func reload(_ identity: TLSIdentity, _ log: Log) {
    do throws(TLSError) {
      try identity.reload()
      log.write(.info, "certificate-read")
    } catch {
      log.write(.error, "certificate-refused", ["reason": .text(error.message)])
    }
  }
}
