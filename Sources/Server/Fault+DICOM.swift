import Base
import HTTPServer

/// The one place where faults become answers of a DICOM service: a status and a sentence, as plain text.
extension Fault {
  /// As Microsoft's server has them; what it does not know has the status that HTTP and PS3.18 table 8.5-1 have for it.
  var dicomStatus: Int {
    switch category {
    case .invalid, .unsupported, .unprocessable: 400
    case .unauthenticated: 401
    case .forbidden: 403
    case .notFound: 404
    case .methodNotAllowed: 405
    case .notAcceptable: 406
    case .conflict: 409
    case .gone: 410
    case .preconditionFailed: 412
    case .tooLarge: 413
    case .unsupportedMediaType: 415
    case .tooMany: 429
    case .busy, .unavailable, .tooSlow, .outcomeUnknown: 503
    case .internal: 500
    }
  }

  /// The answer of a DICOM service.
  var dicomAnswer: HTTPResponse {
    // What failed inside is the operator's to know.
    let text =
      category == .internal
      ? "The server encountered an internal error. Please retry the request."
      : reasons.map(\.diagnostics).joined(separator: "\n")
    return Self.dicomAnswer(dicomStatus, text)
  }

  /// An answer with a sentence.
  static func dicomAnswer(_ status: Int, _ text: String) -> HTTPResponse {
    HTTPResponse(
      status: status, headers: [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")],
      body: .bytes(Array(text.utf8)))
  }
}
