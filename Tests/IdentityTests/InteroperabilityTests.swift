import Base
import Identity
import Testing

@Suite struct InteroperabilityTests {
  static func verifier() throws -> TokenVerifier {
    let keys = try JWKSet(Array(PyJWTTokens.keys.utf8))
    #expect(keys.keys.count == 4)
    return TokenVerifier(
      [
        TokenVerifier.Issuer(
          TokenCheck(issuers: ["https://py.example"], audiences: ["https://fhir.example"]), KeySource(fixed: keys))
      ], clock: Clock { Issuing.now })
  }

  @Test("tokens that PyJWT made are accepted", arguments: PyJWTTokens.tokens)
  func pyJWT(_ algorithm: String, _ token: String) async throws {
    let verified = try await InteroperabilityTests.verifier().verify(Array(token.utf8))
    #expect(try JWS(token).algorithm.rawValue == algorithm)
    let principal = try Principal(verified)
    #expect(principal.subject == "sø")
    #expect(principal.scopes == ["patient/*.rs", "openid"])
    #expect(principal.patient == "p1")
  }

  @Test("a token that PyJWT made for one algorithm is not accepted as another's") func mixed() async throws {
    let verifier = try InteroperabilityTests.verifier()
    for (_, one) in PyJWTTokens.tokens {
      for (_, other) in PyJWTTokens.tokens where one != other {
        let a = one.split(separator: ".")
        let b = other.split(separator: ".")
        #expect(await refusal("\(a[0]).\(a[1]).\(b[2])", verifier)?.code == .signature)
      }
    }
  }
}
