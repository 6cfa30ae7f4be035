import Base
import FHIRService
import Identity
import JSONCore
import Synchronization

/// Where a service's clients get their tokens: `.well-known/smart-configuration` (SMART App Launch 2.2, "Conformance"),
/// and what the capability statement says of it. The first of the service's issuers is told of.
final class SMARTConfiguration: Sendable {
  /// What Azure's service names (its `.well-known/smart-configuration`).
  static let capabilities = [
    "client-public", "client-confidential-symmetric", "client-confidential-asymmetric", "authorize-post",
    "launch-standalone", "permission-patient", "permission-user", "permission-offline", "permission-v2",
    "sso-openid-connect",
  ]

  /// An issuer's description is asked for again after this.
  private static let secondsMax = 3600
  private static let retrySeconds = 10
  private static let fetchSecondsMax = 5

  private struct Known: Sendable {
    var endpoints: TrustedIssuer.Endpoints?
    /// Milliseconds since 1970.
    var until: Int64 = 0
  }

  private let access: ServiceAccess
  private let known: Mutex<Known>

  init(_ access: ServiceAccess) {
    self.access = access
    known = Mutex(Known(endpoints: nil))
  }

  /// The authorization endpoint, or, as long as that is not known, the issuer: for challenges.
  var authorizationAddress: String? {
    guard let issuer = access.issuers.first else { return nil }
    return known.withLock { $0.endpoints }?.authorization ?? issuer.endpoints.authorization ?? issuer.url
  }

  /// The endpoints, asked for where they are not configured; nil where the issuer cannot be asked at the moment.
  func endpoints() async -> TrustedIssuer.Endpoints? {
    guard let issuer = access.issuers.first else { return nil }
    let own = issuer.endpoints
    if own.authorization != nil || own.token != nil { return own }
    let now = access.clock.now().milliseconds
    let kept = known.withLock { $0 }
    if now < kept.until { return kept.endpoints }
    let found = await description(of: issuer)
    return known.withLock { known in
      // What was known once is better than nothing.
      if let found { known.endpoints = found }
      known.until = now &+ Int64(found == nil ? Self.retrySeconds : Self.secondsMax) &* 1000
      return known.endpoints
    }
  }

  private func description(of issuer: TrustedIssuer) async -> TrustedIssuer.Endpoints? {
    let address = OpenIDConfiguration.address(ofIssuer: issuer.url)
    guard OpenIDConfiguration.isFetchable(address, allowsLoopback: true) else { return nil }
    let names = issuer.otherNames.union([issuer.url])
    return await withTaskGroup(of: TrustedIssuer.Endpoints?.self) { group in
      group.addTask { [fetch = access.fetch] in
        guard let bytes = try? await fetch(address).bytes,
          let found = try? OpenIDConfiguration(bytes, expected: names, allowsLoopback: true)
        else { return nil }
        var endpoints = TrustedIssuer.Endpoints()
        endpoints.authorization = found.authorizationEndpoint
        endpoints.token = found.tokenEndpoint
        endpoints.introspection = found.introspectionEndpoint
        endpoints.management = found.managementEndpoint
        endpoints.revocation = found.revocationEndpoint
        endpoints.registration = found.registrationEndpoint
        endpoints.keySet = found.keySetAddress
        return endpoints
      }
      group.addTask {
        try? await Task.sleep(for: .seconds(Self.fetchSecondsMax))
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
  }

  /// What the capability statement says; without endpoints as long as the issuer cannot be asked.
  func security(hasCORS: Bool) async -> ServiceSecurity {
    let endpoints = await endpoints()
    var addresses: [ServiceSecurity.Endpoint] = []
    func add(_ name: String, _ address: String?) {
      if let address { addresses.append(ServiceSecurity.Endpoint(name: name, address: address)) }
    }
    add("authorize", endpoints?.authorization)
    add("token", endpoints?.token)
    add("introspect", endpoints?.introspection)
    add("manage", endpoints?.management)
    add("revoke", endpoints?.revocation)
    add("register", endpoints?.registration)
    return ServiceSecurity(
      endpoints: addresses, capabilities: access.smartCapabilities ?? Self.capabilities, hasCORS: hasCORS)
  }

  /// `.well-known/smart-configuration`
  /// - Throws: `.unavailable` if the issuer cannot be asked what it must say.
  func json() async throws(Fault) -> [UInt8] {
    guard let issuer = access.issuers.first, let endpoints = await endpoints() else {
      throw Fault(.unavailable, "The issuer's description cannot be had at the moment.")
    }
    var writer = JSONWriter(reserving: 2048)
    writer.beginObject()
    let members: [(StaticString, String?)] = [
      ("issuer", issuer.url), ("jwks_uri", endpoints.keySet), ("authorization_endpoint", endpoints.authorization),
      ("token_endpoint", endpoints.token), ("introspection_endpoint", endpoints.introspection),
      ("management_endpoint", endpoints.management), ("revocation_endpoint", endpoints.revocation),
      ("registration_endpoint", endpoints.registration),
    ]
    for (name, value) in members { if let value { writer.member(name, value) } }
    func list(_ name: StaticString, _ values: [String]) {
      writer.key(name)
      writer.beginArray()
      for value in values { writer.string(value) }
      writer.endArray()
    }
    list("grant_types_supported", ["authorization_code", "client_credentials"])
    list(
      "token_endpoint_auth_methods_supported",
      ["client_secret_basic", "client_secret_jwt", "private_key_jwt", "none"])
    list("response_types_supported", ["code"])
    list("code_challenge_methods_supported", ["S256"])
    list(
      "scopes_supported", ["openid", "fhirUser", "launch", "launch/patient", "offline_access", "online_access"])
    list("capabilities", access.smartCapabilities ?? Self.capabilities)
    writer.endObject()
    return writer.bytes
  }
}
