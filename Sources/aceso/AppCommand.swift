import ArgumentParser
import Identity
import Issuer

/// `aceso app`
struct AppCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "app", abstract: "Which apps may ask the embedded issuer for access.",
    discussion: """
      An app that runs in a browser or on a phone can keep no secret: --public. An app with a server of its own gets a \
      secret, which is shown once: --secret. A backend service, and any app that has keys, gives its public keys: \
      --jwks. With files, not PostgreSQL, the server must not run at the same time.
      """,
    subcommands: [Add.self, List.self, Remove.self])

  enum Kind: String, EnumerableFlag {
    case `public`, secret

    static func help(for value: Kind) -> ArgumentHelp? {
      switch value {
      case .public: "It can keep no secret; PKCE is required of it."
      case .secret: "It gets a secret, which is shown once."
      }
    }
  }

  struct Add: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Add an app.")

    @OptionGroup var place: RegistryOptions
    @Argument(help: "Its client_id.") var id: String
    @Flag var kind: Kind?
    @Option(help: ArgumentHelp("A file with its public keys (JWK Set).", valueName: "file")) var jwks: String?
    @Option(help: ArgumentHelp("Its name, for the consent page.", valueName: "text")) var name: String?
    @Option(
      help: ArgumentHelp("Where codes may be sent, exactly. May be given several times.", valueName: "address"))
    var redirectUri: [String] = []
    @Option(
      help: ArgumentHelp(
        "Where a browser may go after logging out. May be given several times.", valueName: "address"))
    var logoutUri: [String] = []
    @Option(
      help: ArgumentHelp(
        """
        The most it can be granted, as in 'openid fhirUser launch/patient patient/*.rs offline_access'.
        """, valueName: "scopes"))
    var scope: String
    @Option(
      help: ArgumentHelp(
        "A role for tokens without a user. May be given several times.", valueName: "name"))
    var role: [String] = []
    @Flag(help: "An app of the house: users are not asked for their consent.") var trusted = false

    func validate() throws {
      guard (kind == nil) != (jwks == nil) else { throw ValidationError("Say --public, --secret or --jwks.") }
    }

    func run() async throws {
      var text: String?
      let authentication: App.Authentication
      do throws(KeyError) {
        switch kind {
        case .public: authentication = .none
        case .secret:
          let made = try ClientSecret.generate()
          text = made.text
          authentication = .secret(made.secret)
        case nil: authentication = .keys(try JWKSet(Array(try keys().utf8)))
        }
      } catch {
        throw CommandError(error.message)
      }
      let scopes: SMARTScopes
      do throws(ScopeError) {
        scopes = try SMARTScopes(scope)
      } catch {
        throw CommandError(error.message)
      }
      let app = try App(
        id: id, name: name, authentication: authentication, redirectURIs: redirectUri, logoutURIs: logoutUri,
        scopes: scopes, roles: role, isTrusted: trusted)
      try await place.with { registry in
        try await registry.add(app)
        Terminal.note("Added the app \(id).\(text == nil ? "" : " Its secret, which is not shown again:")")
        if let text { Terminal.output(text) }
      }
    }

    private func keys() throws(KeyError) -> String {
      do {
        return try DataFolder.text(jwks ?? "")
      } catch {
        throw KeyError(.malformed, "\(error)")
      }
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the apps.")

    @OptionGroup var place: RegistryOptions

    func run() async throws {
      try await place.with { registry in
        for app in try await registry.apps() {
          let addresses = app.redirectURIs.isEmpty ? "-" : app.redirectURIs.joined(separator: " ")
          Terminal.output("\(app.id)\t\(app.methodName)\t\(app.scopes.text)\t\(addresses)")
        }
      }
    }
  }

  struct Remove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Remove an app; what it was allowed is void.")

    @OptionGroup var place: RegistryOptions
    @Argument(help: "Its client_id.") var id: String

    func run() async throws {
      try await place.with { registry in
        guard try await registry.removeApp(id) else { throw RegistryError("there is no app '\(id)'") }
        Terminal.output("Removed the app \(id).")
      }
    }
  }
}
