import Base
import Identity
import JSONCore

/// An issuer of tests: one key of each kind, and tokens of any shape, also such as no issuer should make.
enum Issuing {
  static let rsa = made { () throws(KeyError) in try PrivateKey.generate(.rsa) }
  static let p256 = made { () throws(KeyError) in try PrivateKey.generate(.p256) }
  static let p384 = made { () throws(KeyError) in try PrivateKey.generate(.p384) }
  static let ed25519 = made { () throws(KeyError) in try PrivateKey.generate(.ed25519) }

  static let keys: JWKSet = JWKSet([
    JWK(rsa.publicKey, id: "rsa"), JWK(p256.publicKey, id: "p256"), JWK(p384.publicKey, id: "p384"),
    JWK(ed25519.publicKey, id: "ed25519"),
  ])

  static let now = Instant(milliseconds: 1_800_000_000_000)
  static let issuer = "https://issuer.example"
  static let audience = "https://fhir.example/main"

  static var check: TokenCheck { TokenCheck(issuers: [issuer], audiences: [audience]) }

  /// Claims that pass, with some replaced or, by nil, left out. Values are JSON.
  static func claims(_ changes: [String: String?] = [:]) -> [UInt8] {
    var members: [String: String] = [
      "iss": "\"\(issuer)\"", "aud": "\"\(audience)\"", "sub": "\"user-1\"", "exp": "1800000600",
      "iat": "1800000000", "client_id": "\"app-1\"",
    ]
    for (name, value) in changes { members[name] = value }
    return Array(
      ("{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}").utf8)
  }

  static func token(
    _ changes: [String: String?] = [:], key: PrivateKey = p256, _ algorithm: SignatureAlgorithm = .es256,
    keyID: String? = "p256", type: String? = "JWT"
  ) throws -> String {
    try JWS.sign(claims(changes), key, algorithm, keyID: keyID, type: type)
  }

  /// A token whose header is this text, signed as if it said ES256.
  static func token(header: String, payload: [UInt8] = claims()) throws -> String {
    let input = Base64URL.encode(header.utf8) + "." + Base64URL.encode(payload)
    return input + "." + Base64URL.encode(try p256.signature(of: Array(input.utf8), by: .es256))
  }

  static func verifier(_ check: TokenCheck = check, at now: Instant = now) -> TokenVerifier {
    TokenVerifier([TokenVerifier.Issuer(check, KeySource(fixed: keys))], clock: Clock { now })
  }

  private static func made(_ make: () throws(KeyError) -> PrivateKey) -> PrivateKey {
    do { return try make() } catch { fatalError("the tests' keys cannot be made: \(error)") }
  }
}

/// What a verifier says of a token: nil if it accepts it.
func refusal(
  _ token: String, _ verifier: TokenVerifier = Issuing.verifier(), certificateThumbprint: String? = nil
) async -> TokenError? {
  do {
    _ = try await verifier.verify(Array(token.utf8), certificateThumbprint: certificateThumbprint)
    return nil
  } catch {
    return error
  }
}
