import ArgumentParser
import Workspace

/// Options of `aceso serve` about who comes from where.
struct NetworkOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Let web pages of this origin use the services, as in https://app.example.org; * is every origin. May be given \
      several times. Default: none.
      """,
      valueName: "origin"))
  var corsOrigin: [String] = []

  @Option(
    help: ArgumentHelp(
      "A method that such pages may use. May be given several times. Default: all.", valueName: "method"))
  var corsMethod: [String] = []

  @Option(
    help: ArgumentHelp(
      "A request header that such pages may send. May be given several times. Default: all.", valueName: "name"))
  var corsHeader: [String] = []

  @Option(help: ArgumentHelp("How long a browser keeps the leave. Default: 1440", valueName: "seconds"))
  var corsMaxAgeSeconds: Int?

  @Flag(help: "Let such pages send cookies and client certificates. Not with every origin.")
  var corsCredentials = false

  @Option(
    help: ArgumentHelp(
      """
      A reverse proxy, as an address or a range such as 10.0.0.0/8, whose X-Forwarded-Host, -Proto and -Prefix tell \
      the address that clients know. May be given several times. Default: none, not even this machine.
      """,
      valueName: "range"),
    transform: { text in
      guard let range = AddressRange(text) else {
        throw ValidationError("'\(text)' is no IP address or range of addresses as in 10.0.0.0/8.")
      }
      return range
    })
  var trustedProxy: [AddressRange] = []

  /// Puts what is given in the place of what a configuration says.
  func apply(to configuration: inout ServerConfiguration) throws {
    if !corsOrigin.isEmpty { configuration.cors.origins = corsOrigin }
    if !corsMethod.isEmpty { configuration.cors.methods = corsMethod }
    if !corsHeader.isEmpty { configuration.cors.headers = corsHeader }
    if let corsMaxAgeSeconds { configuration.cors.maxAgeSeconds = corsMaxAgeSeconds }
    if corsCredentials { configuration.cors.allowsCredentials = true }
    if !trustedProxy.isEmpty { configuration.trustedProxies = trustedProxy }
    if let flaw = configuration.cors.flaw { throw CommandError(flaw) }
  }
}
