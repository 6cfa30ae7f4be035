@testable import Identity
import Base
import JSONCore
import Testing

/// The examples of the RFCs themselves.
@Suite struct VectorTests {
  /// RFC 7515 A.2 and A.3 sign the same claims.
  static let payload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

  static let rsaToken =
    "eyJhbGciOiJSUzI1NiJ9." + payload + "."
    + "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU"
    + "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d"
    + "O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
    + "cN_IoypGlUPQGe77Rw"

  static let rsaKey = """
    {"keys":[{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1\
    Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-\
    KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2et\
    hFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}]}
    """

  static let ecToken =
    "eyJhbGciOiJFUzI1NiJ9." + payload + "."
    + "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

  static let ecKey = """
    {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",\
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    """

  @Test("RFC 7515 A.2: RS256") func rs256() throws {
    let keys = try JWKSet(Array(VectorTests.rsaKey.utf8))
    let token = try JWS(VectorTests.rsaToken)
    try token.verify(keys)
    #expect(token.algorithm == .rs256)
    #expect(try token.claims().string("iss") == "joe")
    #expect(try token.claims().time("exp")?.milliseconds == 1_300_819_380_000)
  }

  @Test("RFC 7515 A.3: ES256, and its private key signs what its public key verifies") func es256() throws {
    let keys = JWKSet([try JWK(JSONDocument(VectorTests.ecKey + "}").value)])
    try JWS(VectorTests.ecToken).verify(keys)
    let pair = try PrivateKey(
      jwk: JSONDocument(VectorTests.ecKey + #","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#).value)
    try JWS(JWS.sign(Array(#"{"a":1}"#.utf8), pair, .es256, keyID: nil)).verify(keys)
  }

  @Test("a private part that belongs to another key is refused") func mismatchedPair() throws {
    let json = try JSONDocument(VectorTests.ecKey + #","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LA"}"#).value
    #expect(throws: KeyError.self) { try PrivateKey(jwk: json) }
  }

  @Test("RFC 7517 A.1: a set with a key for encryption, which is left out, and one for signatures") func keySet() throws
  {
    let keys = try JWKSet(
      Array(
        """
        {"keys":[
          {"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
           "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},
          {"kty":"RSA","n":"\(VectorTests.modulus)","e":"AQAB","alg":"RS256","kid":"2011-04-29"}]}
        """.utf8))
    #expect(keys.keys.map(\.id) == ["2011-04-29"])
    #expect(keys.keys.first?.algorithm == .rs256)
    #expect(keys.skipped.map(\.code) == [.unsupported])
  }

  static let modulus =
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn"
    + "jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6"
    + "qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8aw"
    + "apJzKnqDKgw"

  @Test("RFC 7638 §3.1: the thumbprint of an RSA key") func rsaThumbprint() throws {
    let key = try JWK(
      JSONDocument(#"{"kty":"RSA","n":"\#(VectorTests.modulus)","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#).value)
    #expect(try key.key.thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
  }

  @Test("RFC 8037 A.1 to A.5: an Ed25519 key, its thumbprint, its signature") func ed25519() throws {
    let text = #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#
    let key = try JWK(JSONDocument(text + "}").value)
    #expect(try key.key.thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
    let token =
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
      + "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    try JWS(token).verify(JWKSet([key]))
    let pair = try PrivateKey(
      jwk: JSONDocument(text + #","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#).value)
    let input =
      Array(token.utf8.prefix { $0 != UInt8(ascii: ".") }) + Array(".RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".utf8)
    #expect(
      Base64URL.encode(try pair.signature(of: input, by: .edDSA)) == token.split(separator: ".").last.map(String.init))
  }

  @Test(
    "RFC 7914 §12: scrypt, by stored forms with the RFC's salts and results",
    arguments: [
      (
        "", "", 4, 1, 1,
        "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
      ),
      (
        "password", "NaCl", 10, 8, 16,
        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
      ),
      (
        "pleaseletmein", "SodiumChloride", 14, 8, 1,
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
      ),
    ])
  func scrypt(_ password: String, _ salt: String, _ ln: Int, _ r: Int, _ p: Int, _ expected: String) throws {
    let parameters = PasswordHash.Parameters(costLog2: ln, blockSize: r, parallelism: p)
    let derived = try PasswordHash.derive(password, Array(salt.utf8), parameters, byteCount: 64)
    #expect(derived.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == expected)
  }

  @Test("RFC 7636 appendix B: S256") func pkce() throws {
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    #expect(try PKCE.challenge(verifier) == challenge)
    #expect(PKCE.verifies(verifier, challenge: challenge))
  }
}
