import HTTPServer
import Identity
import JSONCore

/// What the issuer says of itself.
extension Issuer {
  /// OpenID Connect Discovery 1.0 §3, RFC 8414 §2.
  func discovery() -> HTTPResponse {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("issuer", configuration.address)
    let endpoints: [(StaticString, String)] = [
      ("authorization_endpoint", "authorize"), ("token_endpoint", "token"), ("jwks_uri", "jwks"),
      ("userinfo_endpoint", "userinfo"), ("revocation_endpoint", "revoke"), ("introspection_endpoint", "introspect"),
      ("end_session_endpoint", "end_session"),
    ]
    for (name, path) in endpoints { writer.member(name, "\(configuration.address)/\(path)") }
    let lists: [(StaticString, [String])] = [
      ("response_types_supported", ["code"]), ("response_modes_supported", ["query"]),
      ("grant_types_supported", ["authorization_code", "refresh_token", "client_credentials"]),
      ("subject_types_supported", ["public"]),
      ("id_token_signing_alg_values_supported", [SigningKeys.algorithm.rawValue]),
      ("token_endpoint_auth_methods_supported", Self.authenticationMethods + ["none"]),
      ("token_endpoint_auth_signing_alg_values_supported", ["RS384", "ES384"]),
      ("revocation_endpoint_auth_methods_supported", Self.authenticationMethods + ["none"]),
      ("introspection_endpoint_auth_methods_supported", Self.authenticationMethods),
      ("code_challenge_methods_supported", [PKCE.method]), ("scopes_supported", Self.scopesSupported),
      (
        "claims_supported",
        ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "name", "preferred_username", "fhirUser"]
      ),
    ]
    for (name, texts) in lists { Self.write(texts, name, to: &writer) }
    writer.member("authorization_response_iss_parameter_supported", true)
    writer.member("request_parameter_supported", false)
    writer.member("request_uri_parameter_supported", false)
    writer.member("claims_parameter_supported", false)
    writer.endObject()
    return Self.document(writer.bytes)
  }

  /// What `scopes_supported` names; scopes for resources of every type are granted beside those of it.
  public static let scopesSupported = [
    "openid", "fhirUser", "profile", "launch", "launch/patient", "offline_access", "online_access", "patient/*.cruds",
    "user/*.cruds", "system/*.cruds",
  ]

  /// What an app with a secret or keys may prove itself with.
  public static let authenticationMethods = ["client_secret_basic", "client_secret_post", "private_key_jwt"]

  /// RFC 7517 §5.
  func jwks() async throws -> HTTPResponse {
    Self.document(try await keys.published().json)
  }

  private static func document(_ bytes: [UInt8]) -> HTTPResponse {
    HTTPResponse(
      status: 200, headers: [("Content-Type", "application/json"), ("Cache-Control", "max-age=300")],
      body: .bytes(bytes))
  }

  static func write(_ texts: [String], _ name: StaticString, to writer: inout JSONWriter) {
    writer.key(name)
    writer.beginArray()
    for text in texts { writer.string(text) }
    writer.endArray()
  }
}
