import HTTPServer
import Identity

/// The pages of the authorization endpoint.
extension Issuer {
  /// Where a form is posted: the request's own address.
  private func action(_ exchange: Exchange) -> String { "authorize?\(exchange.query)" }

  private func targets(_ request: AuthorizationRequest) -> [String] {
    Array(Set(request.app.redirectURIs.map(App.origin))).sorted()
  }

  /// - Parameter browser: the visitor's, if it shows one.
  func loginPage(
    _ request: AuthorizationRequest, _ exchange: Exchange, _ browser: Browser?, name: String?, status: Int = 200,
    alert: String? = nil
  ) throws(KeyError) -> HTTPResponse {
    let browser = if let browser { browser } else { try Browser() }
    var page = Page("Log in")
    page.markup("<p><strong>")
    page.text(request.app.name)
    page.markup("</strong> asks for access. Log in to go on.</p>\n")
    if let alert { page.paragraph(alert, isAlert: true) }
    page.form(action: action(exchange), step: "login", token: try browser.token("login " + exchange.query))
    page.field(
      Page.Field(
        name: "name", label: "User name", value: name ?? "", autocomplete: "username", hasFocus: name == nil))
    page.field(
      Page.Field(
        name: "password", label: "Password", kind: "password", autocomplete: "current-password",
        hasFocus: name != nil))
    page.button("Log in")
    page.endForm()
    var response = page.response(status: status, formTargets: targets(request))
    if browser.isNew { response.headers.append(browser.cookie(isSecure: configuration.isSecure, path: cookiePath)) }
    return response
  }

  func patientPage(
    _ request: AuthorizationRequest, _ exchange: Exchange, _ visit: Visit, search: String
  ) async throws -> HTTPResponse {
    let choices = await patients(String(search.prefix(200)), request.audience ?? "")
      .prefix(configuration.patientChoicesMax)
    var page = Page("Choose a patient")
    page.markup("<p><strong>")
    page.text(request.app.name)
    page.markup("</strong> works with one patient's data.</p>\n")
    page.form(
      action: action(exchange), step: "search", token: try visit.browser.token("search " + exchange.query))
    page.field(
      Page.Field(
        name: "search", label: "Search", kind: "search", value: search, isRequired: false, hasFocus: true))
    page.button("Search", isSecondary: true)
    page.endForm()
    if choices.isEmpty { page.paragraph("No patient was found.") }
    page.markup("<div class=\"choices\">\n")
    for choice in choices {
      page.form(
        action: action(exchange), step: "patient", token: try visit.browser.token("patient " + exchange.query))
      let label = choice.name + (choice.birthDate.map { ", born \($0)" } ?? "")
      page.hidden("label", label)
      page.hidden("offer", try visit.browser.token("patient", exchange.query, choice.id, label))
      page.button(label, name: "patient", value: choice.id, isSecondary: true)
      page.endForm()
    }
    page.markup("</div>\n")
    return page.response(formTargets: targets(request))
  }

  func consentPage(
    _ request: AuthorizationRequest, _ exchange: Exchange, _ visit: Visit
  ) throws(KeyError) -> HTTPResponse {
    var page = Page("Allow access?")
    page.markup("<p>You are logged in as <strong>")
    page.text(visit.account.displayName ?? visit.account.name)
    page.markup("</strong>. The app <strong>")
    page.text(request.app.name)
    page.markup("</strong> wants to:</p>\n")
    page.form(
      action: action(exchange), step: "consent", token: try visit.browser.token("consent " + exchange.query))
    page.markup("<ul>\n")
    for scope in visit.scopes.text.split(separator: " ").map(String.init) where ScopeGrants.isChosen(scope) {
      page.checkbox("scope", scope, label: ScopeGrants.sentence(scope))
    }
    page.markup("</ul>\n")
    if let patient = visit.context.patient, let label = visit.chosenPatient {
      page.paragraph("The patient is \(label).")
      page.hidden("patient", patient)
      page.hidden("label", label)
      page.hidden("offer", try visit.browser.token("patient", exchange.query, patient, label))
    }
    page.paragraph("It will be sent back to \(App.origin(of: request.redirectURI)).")
    page.button("Allow", name: "decision", value: "allow")
    page.button("Refuse", name: "decision", value: "deny", isSecondary: true)
    page.endForm()
    return page.response(formTargets: targets(request))
  }
}

extension Page {
  /// What is told to a person where nothing can be told to an app.
  static func failure(_ message: String, status: Int = 400) -> HTTPResponse {
    var page = Page("This does not work")
    page.paragraph(message, isAlert: true)
    return page.response(status: status)
  }
}
