import Base
import HTTPServer
import Workspace

/// Tells browsers which pages of other origins may ask and read (Fetch standard, "CORS protocol").
///
/// An origin that is not allowed hears nothing about it: the browser keeps the answer from the page by itself.
struct CORS {
  /// The header fields of an answer that a page may read beside those that every page may.
  static let exposed =
    "ETag, Location, Content-Location, X-Request-Id, X-Correlation-Id, X-Progress, Items-Deleted, Retry-After, Allow, "
    + "X-Security-Context, Content-Disposition, Content-Range, Warning, erroneous-dicom-attributes"
  /// Names of headers that a preflight asks for, together.
  static let requestedBytesMax = 4_096

  private let configuration: CORSConfiguration

  /// nil if nothing is allowed.
  init?(_ configuration: CORSConfiguration) {
    guard configuration.isOn else { return nil }
    self.configuration = configuration
  }

  /// The answer to a preflight, nil for any other request. It asks about a method and headers, not about a resource,
  /// so it is answered on every path.
  func preflight(_ request: HTTPRequest) -> HTTPResponse? {
    guard request.method == .options, request.header("origin") != nil,
      request.header("access-control-request-method") != nil
    else { return nil }
    var response = HTTPResponse(status: 204)
    guard allowed(request) != nil else { return response }
    if let methods = Self.names(configuration.methods, request.list("access-control-request-method")) {
      response.headers.append(("Access-Control-Allow-Methods", methods))
    }
    if let names = Self.names(configuration.headers, request.list("access-control-request-headers")) {
      response.headers.append(("Access-Control-Allow-Headers", names))
    }
    response.headers.append(("Access-Control-Max-Age", String(configuration.maxAgeSeconds)))
    response.headers.append(("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers"))
    return response
  }

  /// Adds what a browser must find in the answer before it hands it to the page.
  func mark(_ response: inout HTTPResponse, for request: HTTPRequest) {
    if !configuration.allowsEveryOrigin { Self.vary(&response, by: "Origin") }
    guard let origin = allowed(request) else { return }
    response.headers.append(("Access-Control-Allow-Origin", origin))
    if configuration.allowsCredentials, !configuration.allowsEveryOrigin {
      response.headers.append(("Access-Control-Allow-Credentials", "true"))
    }
    if request.method != .options { response.headers.append(("Access-Control-Expose-Headers", Self.exposed)) }
  }

  /// What `Access-Control-Allow-Origin` says, nil if the request comes from no page of another origin that may ask.
  func allowed(_ request: HTTPRequest) -> String? {
    guard let origin = request.header("origin") else { return nil }
    return configuration.allowsEveryOrigin ? "*" : configuration.origins.first { $0 == origin }
  }

  /// What was configured; for `*` what was asked for, since a browser takes `*` neither for `Authorization` nor with
  /// credentials. nil if it asks for what can be no name.
  private static func names(_ configured: [String], _ asked: [Substring]) -> String? {
    guard configured.contains("*") else { return configured.joined(separator: ", ") }
    let names = asked.joined(separator: ", ")
    guard !names.isEmpty, names.utf8.count <= requestedBytesMax else { return nil }
    return asked.allSatisfy { MediaType.isToken($0) } ? names : nil
  }

  private static func vary(_ response: inout HTTPResponse, by name: String) {
    if let place = response.headers.firstIndex(where: { $0.name == "Vary" }) {
      response.headers[place].value += ", " + name
    } else {
      response.headers.append(("Vary", name))
    }
  }
}
