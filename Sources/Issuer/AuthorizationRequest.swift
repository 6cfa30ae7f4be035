import Identity

/// A request for a code, checked as far as it goes without knowing who is there (RFC 6749 §4.1.1, OpenID Connect Core
/// §3.1.2.1, SMART App Launch 2.2 §2.0.7).
struct AuthorizationRequest: Sendable {
  let app: App
  /// One of the app's, byte by byte: the only place that anything is ever sent to.
  let redirectURI: String
  let state: String?
  let scopes: SMARTScopes
  let audience: String?
  let challenge: String?
  let nonce: String?
  /// An EHR's launch handle.
  let launch: String?
  let prompts: Set<String>
  let maxAgeSeconds: Int?
  let loginHint: String?

  /// Why nothing is asked of anybody. What is wrong with app or redirect URI is told on a page: sending it anywhere
  /// would make this server an open redirector (RFC 9700 §4.11.2).
  enum Failure: Error, Sendable {
    case page(String)
    case redirect(to: String, state: String?, OAuthError)
  }

  private static let textBytesMax = 8 * 1024

  init(_ fields: FormFields, configuration: IssuerConfiguration, app find: (String) async throws -> App?) async throws {
    guard fields.all("client_id").count == 1, let id = fields["client_id"], let app = try await find(id) else {
      throw Failure.page("The app that sent you here is not known to this server.")
    }
    guard fields.all("redirect_uri").count == 1, let redirectURI = fields["redirect_uri"],
      app.redirectURIs.contains(redirectURI)
    else { throw Failure.page("The app wants you back at an address that is not registered for it.") }
    let states = fields.all("state")
    let state = states.count == 1 ? fields["state"] : nil
    do throws(OAuthError) {
      try Self.check(fields, app)
      scopes = try Self.scopes(fields["scope"])
      audience = try Self.audience(fields, scopes, configuration)
      challenge = try Self.challenge(fields, app)
      prompts = try Self.prompts(fields["prompt"])
      maxAgeSeconds = try Self.maxAge(fields["max_age"])
    } catch {
      throw Failure.redirect(to: redirectURI, state: state, error)
    }
    self.app = app
    self.redirectURI = redirectURI
    self.state = state
    nonce = fields["nonce"]
    launch = fields["launch"]
    loginHint = fields["login_hint"]
  }

  /// `resource` alone may stand there more than once (RFC 8707 §2).
  private static func check(_ fields: FormFields, _ app: App) throws(OAuthError) {
    if let name = fields.repeated(except: ["resource"]) {
      throw OAuthError(.invalidRequest, "The parameter \(safe(name)) is there more than once.")
    }
    guard fields.fields.allSatisfy({ $0.value.utf8.count <= textBytesMax }) else {
      throw OAuthError(.invalidRequest, "A parameter has more than \(textBytesMax) bytes.")
    }
    if fields["request"] != nil {
      throw OAuthError(.requestNotSupported, "Requests as tokens are not supported.")
    }
    if fields["request_uri"] != nil {
      throw OAuthError(.requestURINotSupported, "Requests by address are not supported.")
    }
    guard let type = fields["response_type"] else {
      throw OAuthError(.invalidRequest, "The parameter response_type is missing.")
    }
    guard type == "code" else { throw OAuthError(.unsupportedResponseType, "The only response_type is code.") }
    if let mode = fields["response_mode"], mode != "query" {
      throw OAuthError(.invalidRequest, "The only response_mode is query.")
    }
  }

  private static func safe(_ name: String) -> String {
    String(decoding: name.utf8.prefix(64).map { (48...122).contains($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
  }

  static func scopes(_ text: String?) throws(OAuthError) -> SMARTScopes {
    guard let text else { throw OAuthError(.invalidScope, "The parameter scope is missing.") }
    guard text.split(separator: " ").count <= 200 else {
      throw OAuthError(.invalidScope, "A request has at most 200 scopes.")
    }
    do throws(ScopeError) {
      return try SMARTScopes(text)
    } catch {
      throw OAuthError(.invalidScope, "One of the scopes is malformed.")
    }
  }

  /// SMART's `aud`, or `resource` of RFC 8707; they must not differ. It keeps a counterfeit server from using a token
  /// at the real one.
  private static func audience(
    _ fields: FormFields, _ scopes: SMARTScopes, _ configuration: IssuerConfiguration
  ) throws(OAuthError) -> String? {
    let named = fields.all("aud") + fields.all("resource")
    if named.isEmpty {
      guard scopes.resources.isEmpty, scopes.launches.isEmpty else {
        throw OAuthError(.invalidRequest, "The parameter aud is missing: the base of the service.")
      }
      return nil
    }
    let found = Set(named.map { configuration.audience($0) })
    guard found.count == 1, let only = found.first, let audience = only else {
      throw OAuthError(.invalidTarget, "The parameter aud is not the base of a service of this server.")
    }
    return audience
  }

  /// RFC 7636 §4.3. An app without a secret must have one (RFC 9700 §2.1.1); `plain` is never taken.
  private static func challenge(_ fields: FormFields, _ app: App) throws(OAuthError) -> String? {
    guard let challenge = fields["code_challenge"] else {
      guard fields["code_challenge_method"] == nil else {
        throw OAuthError(.invalidRequest, "The parameter code_challenge is missing.")
      }
      guard app.authentication != .none else {
        throw OAuthError(.invalidRequest, "The parameter code_challenge is missing: this app must use PKCE.")
      }
      return nil
    }
    guard fields["code_challenge_method"] == PKCE.method else {
      throw OAuthError(.invalidRequest, "The only code_challenge_method is S256.")
    }
    guard PKCE.isChallenge(challenge) else {
      throw OAuthError(.invalidRequest, "The code_challenge is no SHA-256 digest in base64url.")
    }
    return challenge
  }

  private static func prompts(_ text: String?) throws(OAuthError) -> Set<String> {
    let prompts = Set((text ?? "").split(separator: " ").map(String.init))
    guard prompts.isSubset(of: ["none", "login", "consent", "select_account"]),
      !prompts.contains("none") || prompts.count == 1
    else { throw OAuthError(.invalidRequest, "The parameter prompt is none, or of login, consent, select_account.") }
    return prompts
  }

  private static func maxAge(_ text: String?) throws(OAuthError) -> Int? {
    guard let text else { return nil }
    guard let seconds = Int(text), (0...1_000_000_000).contains(seconds) else {
      throw OAuthError(.invalidRequest, "The parameter max_age is no number of seconds.")
    }
    return seconds
  }
}
