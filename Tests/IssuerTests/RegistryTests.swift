import Base
import Identity
import Issuer
import JSONCore
import Storage
import TestStores
import TestSupport
import Testing

@Suite struct RegistryTests {
  @Test("users and apps are as they were when the store is opened again") func durable() async throws {
    let folder = try TemporaryFolder()
    let keys = try JWKSet([JWK(PrivateKey.generate(.p384).publicKey, id: "k")])
    let app = try App(
      id: "app", name: "An app", authentication: .keys(keys),
      redirectURIs: ["https://a.example/cb", "org.example.a:/cb"],
      logoutURIs: ["https://a.example/"], scopes: SMARTScopes("openid system/Patient.rs?gender=female"),
      roles: ["FHIR Data Reader"], isTrusted: true)
    var database = try TestStores.open(folder.file("issuer.sqlite"))
    var registry = try await Registry(database)
    let hash = try PasswordHash(password: "secret words", parameters: Site.cheap)
    try await registry.add(
      Account(id: "1", name: "eve@example.org", fhirUser: "Patient/1", roles: ["a", "b c"], password: hash))
    try await registry.add(app)
    await database.close()

    database = try TestStores.open(folder.file("issuer.sqlite"))
    registry = try await Registry(database)
    #expect(try await registry.apps() == [app])
    let account = try #require(try await registry.account(name: "eve@example.org"))
    #expect(account.roles == ["a", "b c"] && account.password.matches("secret words"))
    await #expect(throws: RegistryError.self) { try await registry.add(app) }
    await #expect(throws: RegistryError.self) { try await registry.add(account) }
    #expect(
      try await registry.setPassword(
        PasswordHash(password: "other words", parameters: Site.cheap), of: "eve@example.org"))
    #expect(try await registry.account(name: "eve@example.org")?.password.matches("other words") == true)
    #expect(try await registry.account(name: "EVE@example.org") == nil)
    #expect(try await registry.removeAccount(name: "eve@example.org"))
    #expect(try await !registry.removeAccount(name: "eve@example.org"))
    #expect(try await registry.removeApp("app"))
    #expect(try await !registry.removeApp("app"))
    await database.close()
  }

  @Test(
    "addresses that a browser must not be sent to cannot be registered",
    arguments: [
      "http://app.example/cb", "https://app.example/cb#fragment", "javascript:alert(1)", "data:text/html,x", "/cb",
      "https:///cb", "https://user@app.example/cb", "app:/cb", "https://app.example/ cb", "", "https://a.example/\ncb",
      "https://app.example/\"><script>",
    ])
  func addresses(_ address: String) throws {
    #expect(throws: RegistryError.self) {
      try App(id: "a", authentication: .none, redirectURIs: [address], scopes: SMARTScopes("openid"))
    }
  }

  @Test("apps and users that make no sense are refused") func nonsense() throws {
    let hash = try PasswordHash.decoy(Site.cheap)
    let callback = ["https://a.example/cb"]
    #expect(throws: RegistryError.self) { try App(id: "a", authentication: .none, scopes: SMARTScopes("openid")) }
    #expect(throws: RegistryError.self) {
      try App(id: "a b", authentication: .none, redirectURIs: callback, scopes: SMARTScopes("openid"))
    }
    #expect(throws: RegistryError.self) {
      try App(id: "a", authentication: .none, redirectURIs: callback, scopes: SMARTScopes("system/*.rs"))
    }
    #expect(throws: RegistryError.self) {
      try App(id: "a", authentication: .keys(JWKSet([] as [JWK])), scopes: SMARTScopes("system/*.rs"))
    }
    for name in ["", "a b", "a\nb", "ä", String(repeating: "a", count: 129)] {
      #expect(throws: RegistryError.self) { try Account(id: "1", name: name, password: hash) }
    }
    #expect(throws: RegistryError.self) { try Account(id: "1", name: "a", fhirUser: "nonsense", password: hash) }
    _ = try Account(id: "1", name: String(repeating: "a", count: 128), password: hash)
  }

  @Test("nothing that lets somebody in is kept as it is") func secrets() async throws {
    try await withSite { site in
      let tokens = try await site.tokens()
      let refresh = tokens["refresh_token"]?.string ?? ""
      let texts = try await site.database.read { reader in
        var texts: [String] = []
        for statement in [
          "SELECT hash FROM refresh_token", "SELECT hash FROM authorization_code", "SELECT hash FROM login_session",
          "SELECT credential FROM app", "SELECT password FROM account",
        ] as [SQL] {
          texts += try reader.all(statement) { $0.text(0) }
        }
        return texts
      }
      #expect(texts.count >= 8 && !texts.contains(refresh) && !texts.contains { $0.contains(site.secret) })
      #expect(!texts.contains { $0.contains(Site.password) })
      // What has expired does not stay.
      site.time.advance(seconds: 200 * 24 * 3600)
      try await site.issuer.housekeep()
      let left = try await site.database.read { reader in
        try reader.first("SELECT count(*) FROM refresh_token" as SQL) { $0.integer(0) }
      }
      #expect(left == 0)
    }
  }
}
