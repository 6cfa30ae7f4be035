import ArgumentParser
import Identity
import JSONCore
import Server

/// Options of `aceso serve` about who is let in.
struct AccessOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      An OpenID Connect issuer whose access tokens are taken, by the address that its tokens have as 'iss'; its keys \
      are found through {address}/.well-known/openid-configuration. May be given several times. Default: none, and \
      nobody is asked who they are.
      """,
      valueName: "url"))
  var authority: [String] = []

  @Option(
    help: ArgumentHelp(
      "An audience ('aud') that tokens must have. May be given several times; needed with --authority.",
      valueName: "audience"))
  var audience: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      A file with the issuer's keys (a JSON Web Key Set), in the place of its own; with several issuers \
      'url=file'. May be given several times.
      """,
      valueName: "file"))
  var jwksFile: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      A file with roles besides the built-in ones: a JSON array of {"name", "dataActions", "notDataActions"}, or of \
      Azure's role definitions.
      """,
      valueName: "file"))
  var rolesFile: String?

  @Option(
    help: ArgumentHelp(
      "The claim that holds the roles, or its place as in /realm_access/roles. Default: roles", valueName: "claim"))
  var rolesClaim: String?

  @Flag(
    help: """
      Enforce SMART scopes only for callers whose roles have the action 'smart', as Azure does. By default a token \
      with scopes never does more than these say.
      """)
  var scopesWithSmartRoleOnly = false

  @Option(
    help: ArgumentHelp(
      """
      A file that takes one line of JSON for each access, linked by hashes; 'aceso audit verify' checks it.
      """,
      valueName: "file"))
  var auditLog: String?

  func validate() throws {
    guard authority.isEmpty || !audience.isEmpty else {
      throw ValidationError("--authority needs --audience: without one a token for any other service would do.")
    }
    if authority.isEmpty {
      let others = [
        !audience.isEmpty, !jwksFile.isEmpty, rolesFile != nil, rolesClaim != nil, scopesWithSmartRoleOnly,
      ]
      if others.contains(true) {
        throw ValidationError("--audience, --jwks-file and the options about roles and scopes need --authority.")
      }
    }
    for issuer in authority where !OpenIDConfiguration.isFetchable(issuer, allowsLoopback: true) {
      throw ValidationError("'\(issuer)' is no https address, nor one of this machine.")
    }
  }

  var isOn: Bool { !authority.isEmpty }

  /// Who is let in; nil for everybody.
  func access() throws -> ServiceAccess? {
    guard isOn else { return nil }
    var keys: [String: JWKSet] = [:]
    for text in jwksFile {
      let issuer = authority.first { text.hasPrefix($0 + "=") }
      guard let known = issuer ?? (authority.count == 1 ? authority[0] : nil) else {
        throw CommandError("--jwks-file \(text): say which issuer's keys these are, as 'url=file'")
      }
      let path = issuer.map { String(text.dropFirst($0.count + 1)) } ?? text
      keys[known] = try Self.keySet(path)
    }
    let issuers = authority.map { url in
      var issuer = TrustedIssuer(url: url, keys: keys[url].map { .fixed($0) } ?? .discovery)
      if let rolesClaim { issuer.claims.roles = [rolesClaim] }
      return issuer
    }
    var settings = AccessSettings()
    if let rolesFile { settings.roles = RoleTable(Role.azure + Role.openSource + (try Self.roles(rolesFile))) }
    if scopesWithSmartRoleOnly { settings.scopeRule = .withSMARTAction }
    return ServiceAccess(issuers: issuers, audiences: audience, settings: settings)
  }

  func log() throws -> AuditLog? {
    guard let auditLog else { return nil }
    do throws(AuditLogError) {
      return try AuditLog(path: auditLog)
    } catch {
      throw CommandError("\(auditLog): \(error)")
    }
  }

  private static func keySet(_ path: String) throws -> JWKSet {
    do {
      let keys = try JWKSet(Array(try DataFolder.text(path).utf8))
      guard !keys.keys.isEmpty else { throw CommandError("\(path) has no key that can be used") }
      return keys
    } catch let error as KeyError {
      throw CommandError("\(path): \(error.message)")
    }
  }

  private static func roles(_ path: String) throws -> [Role] {
    do {
      let json = try JSONDocument(Array(try DataFolder.text(path).utf8)).value
      let list = json["roles"] ?? json
      guard list.kind == .array else { throw CommandError("\(path) is no JSON array of roles") }
      return try list.elements.map { try Role($0) }
    } catch let error as RoleError {
      throw CommandError("\(path): \(error.message)")
    } catch let error as JSONError {
      throw CommandError("\(path): \(error.message)")
    }
  }
}
