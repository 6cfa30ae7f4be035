import Base
import HTTPServer
import Identity

/// The authorization endpoint: log in, choose a patient, consent, and back to the app with a code.
///
/// Nothing is kept of a request on its way. Each page's form is posted to the request's own address, which is checked
/// again from the beginning each time; what a page hands on is bound to the browser by a token (`Browser.token`).
extension Issuer {
  func authorize(_ exchange: Exchange) async throws -> HTTPResponse {
    var posted: FormFields?
    if exchange.request.method == .post {
      guard let form = form(exchange) else {
        return Page.failure("The form that your browser sent cannot be read.")
      }
      // A request of an app's may come by POST as well (SMART's authorize-post); it goes on as if it had come by GET.
      guard form["step"] != nil else {
        return Self.see("\(configuration.address)/authorize?\(form.encoded)")
      }
      posted = form
    }
    guard let fields = FormFields(exchange.query.utf8) else {
      return Page.failure("The app sent you here with an address that cannot be read.")
    }
    do {
      let request = try await AuthorizationRequest(fields, configuration: configuration) { id in
        try await registry.app(id)
      }
      guard let posted else {
        let browser = Browser(exchange.request, isSecure: configuration.isSecure)
        return try await advance(request, exchange, browser, fields)
      }
      return try await take(posted, request, exchange, fields)
    } catch AuthorizationRequest.Failure.page(let message) {
      return Page.failure(message)
    } catch AuthorizationRequest.Failure.redirect(let address, let state, let error) {
      return redirect(
        to: address, state: state, [("error", error.code.rawValue), ("error_description", error.message)])
    }
  }

  /// The fields of a body; nil if it is no form.
  func form(_ exchange: Exchange) -> FormFields? {
    let type = exchange.request.header("content-type")?.split(separator: ";").first.map { $0.lowercased() }
    guard type?.filter({ $0 != " " }) == "application/x-www-form-urlencoded" else { return nil }
    return FormFields(exchange.request.body.bytes)
  }

  static func see(_ address: String) -> HTTPResponse {
    // 303 and never 307: a form with a password must not be posted on (RFC 9700 §4.12).
    HTTPResponse(status: 303, headers: [("Location", address), ("Cache-Control", "no-store")])
  }

  /// Back to the app. `iss` tells it whose answer this is (RFC 9207).
  private func redirect(
    to address: String, state: String?, _ fields: [(name: String, value: String)]
  ) -> HTTPResponse {
    var all = fields
    if let state { all.append(("state", state)) }
    all.append(("iss", configuration.address))
    return Self.see(FormFields(all).added(to: address))
  }

  private func refuse(_ request: AuthorizationRequest, _ code: OAuthError.Code, _ message: String) -> HTTPResponse {
    redirect(
      to: request.redirectURI, state: request.state, [("error", code.rawValue), ("error_description", message)])
  }

  // MARK: What is next

  /// Who is there, and what they may allow the app at most.
  struct Visit: Sendable {
    let account: Account
    let authenticated: Instant
    let browser: Browser
    /// What the app asked for, as far as its registration and the user's roles allow it.
    let scopes: SMARTScopes
    /// An EHR's launch, or an empty one.
    var context: LaunchContext
    /// What the patient is shown as, if they were chosen on our page.
    var chosenPatient: String?
  }

  private func advance(
    _ request: AuthorizationRequest, _ exchange: Exchange, _ browser: Browser?, _ fields: FormFields
  ) async throws -> HTTPResponse {
    switch try await visit(request, browser) {
    case .login:
      guard !request.prompts.contains("none") else {
        return refuse(request, .loginRequired, "Nobody is logged in.")
      }
      return try loginPage(request, exchange, browser, name: request.loginHint)
    case .refused(let error): return refuse(request, error.code, error.message)
    case .there(let visit):
      guard visit.context.patient != nil || !Self.needsPatient(visit.scopes) else {
        guard !request.prompts.contains("none") else {
          return refuse(request, .interactionRequired, "A patient must be chosen.")
        }
        guard ScopeGrants(configuration.roles).maySeePatients(visit.account) else {
          return refuse(request, .accessDenied, "The user may not choose a patient.")
        }
        return try await patientPage(request, exchange, visit, search: "")
      }
      return try await agree(request, exchange, visit)
    }
  }

  /// Asks for consent, unless the app is one of the house's.
  private func agree(
    _ request: AuthorizationRequest, _ exchange: Exchange, _ visit: Visit
  ) async throws -> HTTPResponse {
    if request.app.isTrusted, !request.prompts.contains("consent") {
      return try await grant(request, visit, visit.scopes)
    }
    guard !request.prompts.contains("none") else {
      return refuse(request, .consentRequired, "The user must consent.")
    }
    return try consentPage(request, exchange, visit)
  }

  private enum Arrival {
    case login
    case refused(OAuthError)
    case there(Visit)
  }

  private func visit(_ request: AuthorizationRequest, _ browser: Browser?) async throws -> Arrival {
    guard let browser, !request.prompts.contains("login"), !request.prompts.contains("select_account"),
      let session = try await grants.session(browser.hash),
      let account = try await registry.account(id: session.account)
    else { return .login }
    if let seconds = request.maxAgeSeconds,
      clock.now().milliseconds - session.authenticated.milliseconds > Int64(seconds) * 1000
    {
      return .login
    }
    let scopes = ScopeGrants(configuration.roles).granted(request.scopes, app: request.app, account: account)
    guard scopes != SMARTScopes() else {
      return .refused(OAuthError(.invalidScope, "None of the scopes can be granted to this app and user."))
    }
    var visit = Visit(
      account: account, authenticated: session.authenticated, browser: browser, scopes: scopes,
      context: LaunchContext())
    if let error = try await takeUp(request, &visit) { return .refused(error) }
    return .there(visit)
  }

  /// The context of an EHR's launch, and of whoever is a patient themselves: nobody chooses another for them.
  private func takeUp(_ request: AuthorizationRequest, _ visit: inout Visit) async throws -> OAuthError? {
    if let handle = request.launch {
      guard let launch = try await grants.launch(handle), launch.app ?? request.app.id == request.app.id else {
        return OAuthError(.invalidRequest, "The launch is not known, was used, or has expired.")
      }
      guard launch.account ?? visit.account.id == visit.account.id else {
        return OAuthError(.accessDenied, "The launch is another user's.")
      }
      visit.context = launch.context
    } else if request.scopes.launches.contains(SMARTScopes.Launch(nil)) {
      return OAuthError(.invalidRequest, "The scope launch needs the parameter launch.")
    }
    if let own = visit.account.ownPatient {
      guard visit.context.patient ?? own == own else {
        return OAuthError(.accessDenied, "The launch is about another patient.")
      }
      if Self.needsPatient(visit.scopes) { visit.context.patient = own }
    }
    return nil
  }

  /// SMART: `launch/patient` asks for one; a scope for a patient's data means nothing without.
  private static func needsPatient(_ scopes: SMARTScopes) -> Bool {
    scopes.contexts.contains(.patient) || scopes.launches.contains { $0.context == "patient" }
  }

  // MARK: What was posted

  private func take(
    _ form: FormFields, _ request: AuthorizationRequest, _ exchange: Exchange, _ fields: FormFields
  ) async throws -> HTTPResponse {
    guard let step = form["step"], form.repeated(except: ["scope"]) == nil,
      let browser = Browser(exchange.request, isSecure: configuration.isSecure),
      browser.isToken(form["token"], step + " " + exchange.query)
    else {
      return Page.failure(
        "This form is out of date, or your browser takes no cookies. Go back to the app and begin anew.", status: 403)
    }
    if step == "login" { return try await logIn(form, request, exchange, browser, fields) }
    guard case .there(var visit) = try await visit(request, browser) else {
      return try await advance(request, exchange, browser, fields)
    }
    switch step {
    case "search" where ScopeGrants(configuration.roles).maySeePatients(visit.account):
      return try await patientPage(request, exchange, visit, search: form["search"] ?? "")
    case "patient", "consent":
      if let patient = form["patient"] {
        let label = form["label"] ?? ""
        guard visit.context.patient == nil, visit.account.ownPatient == nil, let offer = form["offer"],
          let own = try? visit.browser.token("patient", exchange.query, patient, label),
          ConstantTime.equals(own, offer)
        else { return Page.failure("This patient was not offered to you.", status: 403) }
        visit.context.patient = patient
        visit.chosenPatient = label
      }
      guard visit.context.patient != nil || !Self.needsPatient(visit.scopes) else {
        return try await advance(request, exchange, browser, fields)
      }
      return step == "patient"
        ? try await agree(request, exchange, visit) : try await decide(form, request, visit)
    default: return Page.failure("This form is none of ours.")
    }
  }

  private func logIn(
    _ form: FormFields, _ request: AuthorizationRequest, _ exchange: Exchange, _ browser: Browser,
    _ fields: FormFields
  ) async throws -> HTTPResponse {
    let name = form["name"] ?? ""
    let password = form.all("password").first ?? ""
    // A name that cannot be anybody's takes no place among those that are counted.
    let counted = Account.isName(name) ? name : ""
    if let seconds = users.begin(name: counted, address: exchange.client, at: clock.now()) {
      var response = try loginPage(
        request, exchange, browser, name: name, status: 429,
        alert: "Too many attempts. Wait \(seconds) seconds and try again.")
      response.headers.append(("Retry-After", String(seconds)))
      return response
    }
    let account = counted.isEmpty ? nil : try await registry.account(name: name)
    let hash = account?.password ?? decoy
    let isRight = try await work.run { hash.matches(password) }
    guard let account, isRight else {
      return try loginPage(
        request, exchange, browser, name: name, status: 403, alert: "The name or the password is wrong.")
    }
    users.succeeded(name: counted, address: exchange.client)
    // A new secret: whoever planted the old one has nothing of the session.
    let own = try Browser()
    try await grants.addSession(own.hash, account: account.id, seconds: configuration.sessionSeconds)
    var next = fields
    let rest = request.prompts.subtracting(["login", "select_account"]).sorted().joined(separator: " ")
    next.removeAll("prompt")
    if !rest.isEmpty { next = FormFields(next.fields + [("prompt", rest)]) }
    var response = Self.see("\(configuration.address)/authorize?\(next.encoded)")
    response.headers.append(own.cookie(isSecure: configuration.isSecure, path: cookiePath))
    return response
  }

  private func decide(_ form: FormFields, _ request: AuthorizationRequest, _ visit: Visit) async throws -> HTTPResponse
  {
    guard form["decision"] == "allow" else { return refuse(request, .accessDenied, "The user refused.") }
    let chosen = Set(form.all("scope"))
    let texts = visit.scopes.text.split(separator: " ").map(String.init).filter {
      chosen.contains($0) || !ScopeGrants.isChosen($0)
    }
    guard let scopes = try? SMARTScopes(texts), scopes != SMARTScopes() else {
      return refuse(request, .accessDenied, "The user refused every scope.")
    }
    return try await grant(request, visit, scopes)
  }

  /// Gives the code out.
  private func grant(
    _ request: AuthorizationRequest, _ visit: Visit, _ scopes: SMARTScopes
  ) async throws -> HTTPResponse {
    var context = visit.context
    if context.patient != nil, context.needsPatientBanner == nil { context.needsPatientBanner = true }
    let grant = Grant(
      id: try SecureRandom.text(byteCount: 16), app: request.app.id, account: visit.account.id, scopes: scopes,
      audiences: [request.audience ?? configuration.address], context: context,
      session: scopes.hasOnlineAccess && !scopes.hasOfflineAccess ? visit.browser.hash : nil,
      authenticated: visit.authenticated)
    let code = try SecureRandom.text(byteCount: 32)
    let row = CodeRow(
      grant: grant, redirectURI: request.redirectURI, challenge: request.challenge, nonce: request.nonce)
    guard
      try await grants.add(row, code: code, seconds: configuration.codeSeconds, launch: request.launch)
    else { return refuse(request, .invalidRequest, "The launch was used, or has expired.") }
    return redirect(to: request.redirectURI, state: request.state, [("code", code)])
  }

  /// The path that cookies are for.
  var cookiePath: String {
    let rest = configuration.address.drop { $0 != ":" }.dropFirst(3)
    return rest.firstIndex(of: "/").map { String(rest[$0...]) } ?? "/"
  }
}
