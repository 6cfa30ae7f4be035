import HTTPServer
import JSONCore

/// An error as OAuth tells it: a code of a small vocabulary and a sentence.
struct OAuthError: Error, Sendable, Equatable {
  enum Code: String, Sendable {
    // RFC 6749 §4.1.2.1 and §5.2
    case invalidRequest = "invalid_request"
    case invalidClient = "invalid_client"
    case invalidGrant = "invalid_grant"
    case unauthorizedClient = "unauthorized_client"
    case unsupportedGrantType = "unsupported_grant_type"
    case unsupportedResponseType = "unsupported_response_type"
    case invalidScope = "invalid_scope"
    case accessDenied = "access_denied"
    case serverError = "server_error"
    case temporarilyUnavailable = "temporarily_unavailable"
    // RFC 8707 §2
    case invalidTarget = "invalid_target"
    // RFC 7009 §2.2.1
    case unsupportedTokenType = "unsupported_token_type"
    // OpenID Connect Core §3.1.2.6
    case loginRequired = "login_required"
    case interactionRequired = "interaction_required"
    case consentRequired = "consent_required"
    case requestNotSupported = "request_not_supported"
    case requestURINotSupported = "request_uri_not_supported"
    // RFC 6750 §3.1
    case invalidToken = "invalid_token"
    case insufficientScope = "insufficient_scope"
  }

  let code: Code
  /// For the app's developer: characters of RFC 6749's `error_description` only.
  let message: String
  /// Seconds to wait, for whoever tried too often.
  let retryAfterSeconds: Int?

  init(_ code: Code, _ message: String, retryAfterSeconds: Int? = nil) {
    self.code = code
    self.message = message
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// The status where the error is a response of its own (RFC 6749 §5.2).
  var status: Int {
    switch code {
    case .invalidClient, .invalidToken: 401
    case .insufficientScope: 403
    case .serverError: 500
    case .temporarilyUnavailable: retryAfterSeconds == nil ? 503 : 429
    default: 400
    }
  }

  var response: HTTPResponse {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("error", code.rawValue)
    writer.member("error_description", message)
    writer.endObject()
    var response = HTTPResponse(
      status: status,
      headers: [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Pragma", "no-cache")],
      body: .bytes(writer.bytes))
    if let retryAfterSeconds { response.headers.append(("Retry-After", String(retryAfterSeconds))) }
    return response
  }

  static let unavailable = OAuthError(.temporarilyUnavailable, "The server cannot do this at the moment.")
}
