import Base
import HTTPServer
import Identity
import Issuer
import JSONCore
import Storage
import Synchronization
import TestStores
import TestSupport

/// An issuer on a port of its own, with users and apps.
final class Site: Sendable {
  static let password = "correct horse battery"
  static let callback = "https://app.example/callback"
  static let secretCallback = "https://web.example/cb"
  static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
  /// RFC 7636 appendix B: the challenge of that verifier.
  static let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

  /// A clock that can be put forward.
  final class MovableClock: Sendable {
    private let offset = Mutex<Int64>(0)
    func advance(seconds: Int) { offset.withLock { $0 += Int64(seconds) * 1000 } }
    var clock: Clock {
      Clock { [self] in Clock.system.now().advanced(byMilliseconds: offset.withLock { $0 }) }
    }
  }

  let web: WebClient
  let root: String
  let issuer: Issuer
  let time: MovableClock
  let secret: String
  let backendKey: PrivateKey
  let database: any Database
  private let server: HTTPServer
  private let folder: TemporaryFolder

  var address: String { root + "/auth" }
  var service: String { root + "/default/fhir" }

  private final class Place: Sendable {
    let issuer = Mutex<Issuer?>(nil)
  }

  static func open(_ change: (inout IssuerConfiguration) -> Void = { _ in }) async throws -> Site {
    let folder = try TemporaryFolder()
    let place = Place()
    let server = HTTPServer(
      host: "127.0.0.1", port: 0, eventLoops: 1,
      commonFields: [("Content-Security-Policy", "default-src 'none'; sandbox")]
    ) { request in
      let parts = request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      let path = parts[0].split(separator: "/").map(String.init)
      guard path.first == "auth", let issuer = place.issuer.withLock({ $0 }) else { return HTTPResponse(status: 404) }
      return await issuer.respond(
        to: request, path: Array(path.dropFirst()), query: parts.count > 1 ? parts[1] : "")
    }
    let port = try await server.start().port
    let root = "http://127.0.0.1:\(port)"
    var configuration = IssuerConfiguration(address: root + "/auth", audiences: [root + "/default/fhir"])
    configuration.passwords = cheap
    change(&configuration)
    let time = MovableClock()
    let database = try TestStores.open(folder.file("issuer.sqlite"), syncs: false)
    let issuer = try await Issuer(configuration, database, clock: time.clock) { text, service in
      guard service == root + "/default/fhir" else { return [] }
      let all = [
        PatientChoice(id: "pt1", name: "Amy Shaw", birthDate: "1987-02-20"),
        PatientChoice(id: "pt2", name: "<script>alert(1)</script>"),
      ]
      return all.filter { text.isEmpty || $0.name.contains(text) }
    }
    place.issuer.withLock { $0 = issuer }
    return try await Site(
      web: WebClient(port: port), root: root, issuer: issuer, time: time, database: database, server: server,
      folder: folder)
  }

  static let cheap = PasswordHash.Parameters(costLog2: 8, blockSize: 8, parallelism: 1)

  private init(
    web: WebClient, root: String, issuer: Issuer, time: MovableClock, database: any Database, server: HTTPServer,
    folder: TemporaryFolder
  ) async throws {
    self.web = web
    self.root = root
    self.issuer = issuer
    self.time = time
    self.database = database
    self.server = server
    self.folder = folder
    backendKey = try PrivateKey.generate(.p384)
    let made = try ClientSecret.generate()
    secret = made.text
    let users: [(String, String?, [String])] = [
      ("ada", "Practitioner/p1", []), ("pat", "Patient/pt1", []), ("reader", "Practitioner/p2", ["FHIR Data Reader"]),
      ("nobody", nil, []),
    ]
    for (name, fhirUser, roles) in users {
      try await issuer.registry.add(
        Account(
          id: "id-" + name, name: name, displayName: "The " + name, fhirUser: fhirUser, roles: roles,
          password: PasswordHash(password: Self.password, parameters: Self.cheap)))
    }
    let launched = try SMARTScopes(
      "openid fhirUser profile offline_access online_access launch launch/patient patient/*.cruds user/*.cruds")
    try await issuer.registry.add(
      App(
        id: "app", name: "Growth <Chart>", authentication: .none, redirectURIs: [Self.callback],
        logoutURIs: ["https://app.example/bye"], scopes: launched))
    try await issuer.registry.add(
      App(
        id: "web", authentication: .secret(made.secret), redirectURIs: [Self.secretCallback], scopes: launched,
        isTrusted: true))
    try await issuer.registry.add(
      App(
        id: "backend", authentication: .keys(JWKSet([JWK(backendKey.publicKey, id: "k1")])),
        scopes: SMARTScopes("system/*.rs \(IssuerScope.launch) \(IssuerScope.introspect)"),
        roles: ["FHIR Data Reader"]))
  }

  func close() async {
    await server.shutdown()
    await database.close()
  }

  /// The query of a standalone launch.
  func request(_ changes: [String: String?] = [:]) -> String {
    var fields: [String: String] = [
      "response_type": "code", "client_id": "app", "redirect_uri": Self.callback, "state": "s t&te",
      "scope": "openid fhirUser launch/patient patient/*.rs offline_access", "aud": service,
      "code_challenge": Self.challenge, "code_challenge_method": "S256", "nonce": "n-1",
    ]
    for (name, value) in changes { fields[name] = value }
    return Form.encode(fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  }

  func post(_ path: String, _ fields: [(String, String)], headers: [(String, String)] = []) async throws -> Reply {
    try await web.send(
      "POST", "/auth/" + path, headers: headers + [("Content-Type", "application/x-www-form-urlencoded")],
      body: Form.encode(fields))
  }

  /// A code for the public app, by `ada`, who chooses `pt1`.
  func code(_ changes: [String: String?] = [:]) async throws -> String {
    let visitor = Visitor(self)
    try await visitor.get("/auth/authorize?" + request(changes))
    try await visitor.logIn("ada")
    try await visitor.choosePatient("pt1")
    try await visitor.allow()
    return try visitor.answer()["code"] ?? ""
  }

  func exchange(_ code: String, _ changes: [String: String?] = [:]) async throws -> Reply {
    var fields: [String: String] = [
      "grant_type": "authorization_code", "code": code, "redirect_uri": Self.callback, "client_id": "app",
      "code_verifier": Self.verifier,
    ]
    for (name, value) in changes { fields[name] = value }
    return try await post("token", fields.map { ($0.key, $0.value) })
  }

  func tokens(_ changes: [String: String?] = [:]) async throws -> JSONValue {
    let reply = try await exchange(try await code(changes))
    return try json(reply)
  }

  func json(_ reply: Reply) throws -> JSONValue { try JSONDocument(reply.body).value }

  func refresh(_ token: String, _ more: [(String, String)] = []) async throws -> Reply {
    try await post("token", [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "app")] + more)
  }

  /// What the backend app signs.
  func assertion(_ changes: (inout [String: String]) -> Void = { _ in }, seconds: Int = 200) throws -> String {
    var texts = ["iss": "backend", "sub": "backend", "aud": address + "/token", "jti": try SecureRandom.text()]
    changes(&texts)
    var writer = JSONWriter()
    writer.beginObject()
    for (name, text) in texts {
      writer.key(name)
      writer.string(text)
    }
    writer.member("exp", Int(time.clock.now().milliseconds / 1000) + seconds)
    writer.endObject()
    return try JWS.sign(writer.bytes, backendKey, .es384, keyID: "k1")
  }

  func backendToken(_ assertion: String, scope: String = "system/*.rs") async throws -> Reply {
    try await post(
      "token",
      [
        ("grant_type", "client_credentials"), ("scope", scope), ("client_assertion_type", ClientAssertion.type),
        ("client_assertion", assertion),
      ])
  }

  func introspect(_ token: String) async throws -> JSONValue {
    try json(
      try await post(
        "introspect",
        [
          ("token", token), ("client_assertion_type", ClientAssertion.type), ("client_assertion", try assertion()),
        ]))
  }

  /// What a service checks a token with.
  func verifier(audience: String) -> TokenVerifier {
    TokenVerifier(
      [
        TokenVerifier.Issuer(TokenCheck(issuers: [address], audiences: [audience]), issuer.keySource)
      ], clock: time.clock)
  }
}

/// Runs a test with a site that is closed behind it.
func withSite(
  _ change: (inout IssuerConfiguration) -> Void = { _ in }, _ body: (Site) async throws -> Void
) async throws {
  let site = try await Site.open(change)
  do {
    try await body(site)
    await site.close()
  } catch {
    await site.close()
    throw error
  }
}
