import HTTPServer
import JSONCore
public import Workspace

/// Why a change of the services cannot be, as Azure's management answers have it: a status, a code and a sentence.
public struct AdministrationError: Error, Sendable, Equatable, CustomStringConvertible {
  public let status: Int
  public let code: String
  public let message: String

  public var description: String { message }

  public init(_ status: Int, _ code: String, _ message: String) {
    self.status = status
    self.code = code
    self.message = message
  }

  /// A body that says what cannot be.
  public init(_ error: ConfigurationError) { self.init(400, "InvalidRequestContent", error.description) }

  static func notFound(_ path: String) -> AdministrationError {
    AdministrationError(404, "ResourceNotFound", "The resource '\(path)' was not found.")
  }

  static func conflict(_ message: String) -> AdministrationError { AdministrationError(409, "Conflict", message) }

  /// As an answer.
  var response: HTTPResponse {
    var writer = JSONWriter(reserving: 256)
    writer.beginObject()
    writer.key("error")
    writer.beginObject()
    writer.member("code", code)
    writer.member("message", message)
    writer.endObject()
    writer.endObject()
    return HTTPResponse(
      status: status, headers: [("Content-Type", Administration.mediaType), ("Cache-Control", "no-store")],
      body: .bytes(writer.bytes))
  }
}
