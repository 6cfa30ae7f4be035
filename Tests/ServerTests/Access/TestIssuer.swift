import Base
import FHIRModel
import FHIRService
import Identity
import JSONCore
import Server

/// An issuer of tests, and the service that trusts it.
enum TestIssuer {
  static let url = "https://issuer.example"
  static let audience = "https://fhir.example/default/fhir"
  static let key = made()
  static let other = made()
  static let keys = JWKSet([JWK(key.publicKey, id: "k1")])

  /// A static value cannot throw, and without a key no test here means anything.
  private static func made() -> PrivateKey {
    do { return try PrivateKey.generate(.p256) } catch { fatalError("the tests' keys cannot be made: \(error)") }
  }

  static func access(
    audiences: [String] = [audience], _ change: (inout AccessSettings) -> Void = { _ in }
  ) -> ServiceAccess {
    var issuer = TrustedIssuer(url: url, keys: .fixed(keys))
    issuer.endpoints.authorization = url + "/authorize"
    issuer.endpoints.token = url + "/token"
    issuer.endpoints.keySet = url + "/jwks"
    var settings = AccessSettings()
    change(&settings)
    return ServiceAccess(issuers: [issuer], audiences: audiences, settings: settings)
  }

  /// What a token says; everything that is nil it does not say.
  struct Claims {
    var roles: [String] = []
    var scope: String?
    var patient: String?
    var fhirUser: String?
    var issuer = TestIssuer.url
    var audience = TestIssuer.audience
    var subject = "user-1"
    /// Seconds from now.
    var expires = 600
    var notBefore: Int?
  }

  static func payload(_ claims: Claims) -> [UInt8] {
    let now = Int(Clock.system.now().milliseconds / 1000)
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("iss", claims.issuer)
    writer.member("aud", claims.audience)
    writer.member("sub", claims.subject)
    writer.member("client_id", "app-1")
    writer.member("iat", now)
    writer.member("exp", now + claims.expires)
    if let notBefore = claims.notBefore { writer.member("nbf", now + notBefore) }
    if !claims.roles.isEmpty {
      writer.key("roles")
      writer.beginArray()
      for role in claims.roles { writer.string(role) }
      writer.endArray()
    }
    if let scope = claims.scope { writer.member("scope", scope) }
    if let patient = claims.patient { writer.member("patient", patient) }
    if let user = claims.fhirUser { writer.member("fhirUser", user) }
    writer.endObject()
    return writer.bytes
  }

  static func token(_ claims: Claims, key: PrivateKey = key, keyID: String? = "k1") throws -> String {
    try JWS.sign(payload(claims), key, .es256, keyID: keyID)
  }

  static func token(_ make: (inout Claims) -> Void) throws -> String {
    var claims = Claims()
    make(&claims)
    return try token(claims)
  }

  /// A patient's app with these scopes.
  static func app(_ scope: String, patient: String = "p1") throws -> String {
    try token {
      $0.scope = scope
      $0.patient = patient
    }
  }
}

extension LiveServer {
  /// Asks with a token.
  func ask(
    _ method: String, _ path: String, token: String, _ headers: [String: String] = [:], body: String? = nil
  ) async throws -> Reply {
    var headers = headers
    headers["Authorization"] = "Bearer \(token)"
    if body != nil, headers["Content-Type"] == nil { headers["Content-Type"] = "application/fhir+json" }
    return try await ask(method, path, headers, body: body)
  }

  /// Puts resources in as the server itself would, whoever may do what.
  func put(_ resources: [String]) async throws {
    for text in resources {
      let document = try JSONDocument(text)
      let value = document.value
      guard let name = value["resourceType"]?.string, let type = service.schema.resourceType(name),
        let id = value["id"]?.string
      else { throw WireError(what: "no resource: \(text)") }
      var call = Call(.update(type, id: id), base: base)
      call.resource = ResourceNode(document)
      _ = try await service.perform(call, .everything)
    }
  }

  /// What stands, whoever may see it; nil for nothing.
  func stored(_ typeName: String, _ id: String) async throws -> JSONValue? {
    guard let type = service.schema.resourceType(typeName) else { return nil }
    let answer = try? await service.perform(Call(.read(type, id: id), base: base), .everything)
    guard let answer, answer.status == 200, let json = answer.resource else { return nil }
    return try JSONDocument(json).value
  }
}

/// The ids of a searchset's entries by their modes.
func found(_ reply: Reply, mode: String = "match") throws -> [String] {
  (try reply.json()["entry"]?.elements ?? []).filter { ($0["search"]?["mode"]?.string ?? "match") == mode }
    .compactMap { entry in
      guard let resource = entry["resource"], let type = resource["resourceType"]?.string else { return nil }
      return "\(type)/\(resource["id"]?.string ?? "")"
    }.sorted()
}
