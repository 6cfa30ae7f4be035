import Base
import JSONCore
import Testing

@testable import Identity

/// What strangers and thieves send: a refusal each.
@Suite struct TokenAttackTests {
  @Test("the token that every attack changes is accepted") func accepted() async throws {
    #expect(await refusal(try Issuing.token()) == nil)
    #expect(await refusal(try Issuing.token(header: #"{"alg":"ES256","kid":"p256"}"#)) == nil)
  }

  @Test("every algorithm verifies with its own key and with no other", arguments: SignatureAlgorithm.allCases)
  func algorithms(_ algorithm: SignatureAlgorithm) async throws {
    let keys: [(PrivateKey, String)] = [
      (Issuing.rsa, "rsa"), (Issuing.p256, "p256"), (Issuing.p384, "p384"), (Issuing.ed25519, "ed25519"),
    ]
    for (key, id) in keys {
      guard key.type == algorithm.keyType else {
        #expect(throws: KeyError.self) { try key.signature(of: [1], by: algorithm) }
        continue
      }
      #expect(await refusal(try Issuing.token(key: key, algorithm, keyID: id)) == nil)
      for other in keys where other.1 != id {
        #expect(await refusal(try Issuing.token(key: key, algorithm, keyID: other.1))?.code == .unknownKey)
      }
    }
  }

  @Test(
    "headers",
    arguments: [
      (#"{"alg":"none","kid":"p256"}"#, TokenError.Code.algorithm),
      (#"{"alg":"None"}"#, .algorithm), (#"{"alg":"nOnE"}"#, .algorithm), (#"{"alg":""}"#, .algorithm),
      (#"{"alg":"HS256","kid":"rsa"}"#, .algorithm), (#"{"alg":"HS512","kid":"p256"}"#, .algorithm),
      (#"{"alg":"es256","kid":"p256"}"#, .algorithm), (#"{"alg":"ES256K","kid":"p256"}"#, .algorithm),
      (#"{"alg":"ES512","kid":"p256"}"#, .algorithm), (#"{"alg":"dir","kid":"p256"}"#, .algorithm),
      (#"{"kid":"p256"}"#, .algorithm), (#"{"alg":null,"kid":"p256"}"#, .header),
      (#"{"alg":["ES256"],"kid":"p256"}"#, .header), (#"{"alg":256}"#, .header),
      (#"{"alg":"ES256","alg":"none","kid":"p256"}"#, .malformed),
      (#"{"alg":"ES256","\u0061lg":"none","kid":"p256"}"#, .malformed),
      (#"{"alg":"ES256","kid":"p256","kid":"p384"}"#, .malformed),
      (#"{"alg":"ES256","kid":"p256","crit":["exp"]}"#, .header),
      (#"{"alg":"ES256","kid":"p256","crit":[],"b64":false}"#, .header),
      (#"{"alg":"ES256","kid":"p256","b64":false}"#, .header),
      (#"{"alg":"ES256","kid":"p256","jku":"https://issuer.example/keys"}"#, .header),
      (#"{"alg":"ES256","kid":"p256","x5u":"https://evil.example/cert"}"#, .header),
      (#"{"alg":"ES256","kid":"p256","x5c":["AAAA"]}"#, .header),
      (#"{"alg":"ES256","kid":"p256","jwk":{"kty":"EC"}}"#, .header),
      (#"{"alg":"ES256","kid":"p256","zip":"DEF"}"#, .header),
      (#"{"alg":"ES256","kid":"p256","enc":"A256GCM"}"#, .header),
      (#"{"alg":"ES256","kid":"p384"}"#, .unknownKey), (#"{"alg":"ES256","kid":"rsa"}"#, .unknownKey),
      (#"{"alg":"RS256","kid":"p256"}"#, .unknownKey), (#"{"alg":"PS256","kid":"p256"}"#, .unknownKey),
      (#"{"alg":"RS256","kid":"rsa"}"#, .signature), (#"{"alg":"ES384","kid":"p384"}"#, .signature),
      (#"{"alg":"EdDSA","kid":"ed25519"}"#, .signature),
      (#"{"alg":"ES256","kid":"../../../../dev/null"}"#, .unknownKey),
      (#"{"alg":"ES256","kid":"/proc/self/environ"}"#, .unknownKey),
      (#"{"alg":"ES256","kid":"' UNION SELECT 'key"}"#, .unknownKey),
      (#"{"alg":"ES256","kid":"p256' OR '1'='1"}"#, .unknownKey),
      (#"{"alg":"ES256","kid":"http://169.254.169.254/latest"}"#, .unknownKey),
      (#"{"alg":"ES256","kid":"https://evil.example/key.pem"}"#, .unknownKey),
      (#"{"alg":"ES256","kid":"p256\u0000"}"#, .unknownKey), (#"{"alg":"ES256","kid":""}"#, .unknownKey),
      (#"{"alg":"ES256","kid":"P256"}"#, .unknownKey), (#"{"alg":"ES256","kid":"p256 "}"#, .unknownKey),
      (#"{"alg":"ES256","kid":["p256"]}"#, .header), (#"{"alg":"ES256","kid":0}"#, .header),
      (#"{"alg":"ES256","kid":"p256","typ":"logout+jwt"}"#, .type),
      (#"{"alg":"ES256","kid":"p256","typ":"dpop+jwt"}"#, .type),
      (#"{"alg":"ES256","kid":"p256","typ":"application/secevent+jwt"}"#, .type),
      (#"{"alg":"ES256","kid":"p256","typ":7}"#, .header),
      (#"["alg"]"#, .malformed), (#""ES256""#, .malformed), ("", .malformed), (#"{"alg":"ES256""#, .malformed),
      (#"{"alg":"ES256","kid":"p256"} {}"#, .malformed),
    ])
  func headers(_ header: String, _ code: TokenError.Code) async throws {
    let error = await refusal(try Issuing.token(header: header))
    #expect(error?.code == code, "\(header)")
  }

  @Test("the type's spelling does not matter where the type is right") func types() async throws {
    for type in ["JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT", nil] {
      #expect(await refusal(try Issuing.token(type: type)) == nil)
    }
  }

  @Test("without kid: one key that fits is taken, of several none") func withoutKeyID() async throws {
    #expect(await refusal(try Issuing.token(keyID: nil)) == nil)
    let twins = JWKSet([
      JWK(Issuing.p256.publicKey, id: "a"), JWK(try PrivateKey.generate(.p256).publicKey, id: "b"),
    ])
    let verifier = TokenVerifier(
      [TokenVerifier.Issuer(Issuing.check, KeySource(fixed: twins))], clock: Clock { Issuing.now })
    #expect(await refusal(try Issuing.token(keyID: nil), verifier)?.code == .unknownKey)
    #expect(await refusal(try Issuing.token(keyID: "a"), verifier) == nil)
  }

  @Test("a public key used as the secret of an HMAC is not even looked at") func keyConfusion() async throws {
    let pem = try Issuing.rsa.publicKey.pem()
    let header = Base64URL.encode(#"{"alg":"HS256","kid":"rsa"}"#.utf8)
    let input = header + "." + Base64URL.encode(Issuing.claims())
    let forged = input + "." + Base64URL.encode(try Digest.sha256.hash(pem + input))
    #expect(await refusal(forged)?.code == .algorithm)
    // No configuration can name it.
    #expect(SignatureAlgorithm(rawValue: "HS256") == nil)
    #expect(SignatureAlgorithm(rawValue: "none") == nil)
  }

  @Test("an algorithm that is not pinned is refused although its key is known") func pinned() async throws {
    var check = Issuing.check
    check.algorithms = [.rs256]
    #expect(await refusal(try Issuing.token(), Issuing.verifier(check))?.code == .algorithm)
    #expect(
      await refusal(try Issuing.token(key: Issuing.rsa, .ps256, keyID: "rsa"), Issuing.verifier(check))?.code
        == .algorithm)
    #expect(await refusal(try Issuing.token(key: Issuing.rsa, .rs256, keyID: "rsa"), Issuing.verifier(check)) == nil)
  }

  @Test("changed tokens") func changed() async throws {
    let token = try Issuing.token()
    let parts = token.split(separator: ".").map(String.init)
    let other = Base64URL.encode(Issuing.claims(["sub": "\"admin\""]))
    #expect(await refusal("\(parts[0]).\(other).\(parts[2])")?.code == .signature)
    #expect(await refusal("\(parts[0]).\(parts[1]).")?.code == .signature)
    #expect(await refusal("\(parts[0]).\(parts[1])")?.code == .malformed)
    #expect(await refusal("\(token).")?.code == .malformed)
    #expect(await refusal("\(token).AAAA.AAAA")?.code == .malformed)
    #expect(await refusal("..")?.code == .malformed)
    #expect(await refusal("")?.code == .malformed)
    #expect(await refusal("\(token)=")?.code == .malformed)
    #expect(await refusal("\(token)\n")?.code == .malformed)
    #expect(await refusal(" \(token)")?.code == .malformed)
    #expect(await refusal("\(parts[0])=.\(parts[1]).\(parts[2])")?.code == .malformed)
  }

  @Test("one changed bit anywhere is noticed") func bits() async throws {
    let token = Array(try Issuing.token().utf8)
    for place in stride(from: 0, to: token.count, by: 7) {
      var changed = token
      changed[place] = changed[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
      guard changed != token else { continue }
      #expect(await refusal(String(decoding: changed, as: UTF8.self)) != nil, "byte \(place)")
    }
  }

  @Test("ECDSA signatures that are zero, out of range, DER or of another length are none") func psychic() async throws {
    let input = try Issuing.token().split(separator: ".").prefix(2).joined(separator: ".")
    let good = try Issuing.p256.signature(of: Array(input.utf8), by: .es256)
    let order: [UInt8] = [
      0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7,
      0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
    ]
    let bad: [[UInt8]] = [
      [UInt8](repeating: 0, count: 64), order + order, good.prefix(32) + order, [0] + good, good + [0],
      Array(good.prefix(63)), Array(good.suffix(32) + good.prefix(32)), [UInt8](repeating: 0xFF, count: 64),
      [0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01], [0],
    ]
    #expect(await refusal(input + "." + Base64URL.encode(good)) == nil)
    for signature in bad {
      #expect(await refusal(input + "." + Base64URL.encode(signature))?.code == .signature)
    }
  }

  @Test("a token at its limit is read, one byte past it is not") func oversize() async throws {
    let padding = String(repeating: "x", count: 11_800)
    var token = try Issuing.token(["pad": "\"\(padding)\""])
    // Base64url grows by four for three: fill up with the claim, then count.
    while token.utf8.count < JWS.bytesMax - 3 {
      let missing = (JWS.bytesMax - token.utf8.count) * 3 / 4
      let more = String(repeating: "x", count: padding.utf8.count + max(missing, 1))
      token = try Issuing.token(["pad": "\"\(more)\""])
      break
    }
    #expect(token.utf8.count <= JWS.bytesMax)
    #expect(await refusal(token) == nil)
    let tooLarge = token + String(repeating: "A", count: JWS.bytesMax + 1 - token.utf8.count)
    #expect(await refusal(tooLarge)?.code == .tooLarge)
    #expect(await refusal(String(repeating: "A", count: 1_000_000))?.code == .tooLarge)
  }

  @Test("deep and wide claims are refused without harm") func deep() async throws {
    let deep = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
    #expect(await refusal(try Issuing.token(["x": deep]))?.code == .malformed)
    #expect(
      await refusal(try Issuing.token(header: "{\"alg\":\"ES256\",\"kid\":\"\(String(repeating: "k", count: 600))\"}"))?
        .code == .header)
    #expect(
      await refusal(try Issuing.token(header: "{\"alg\":\"ES256\",\"x\":\"\(String(repeating: "k", count: 5000))\"}"))?
        .code == .tooLarge)
  }

  @Test(
    "claims that appear twice",
    arguments: [
      #"{"iss":"https://issuer.example","iss":"https://evil.example","aud":"https://fhir.example/main","exp":1800000600}"#,
      #"{"iss":"https://issuer.example","aud":"x","\u0061ud":"https://fhir.example/main","exp":1800000600}"#,
      #"{"iss":"https://issuer.example","aud":"https://fhir.example/main","exp":1,"exp":1800000600}"#,
      "[]", "7", "", "null", "{",
    ])
  func duplicates(_ payload: String) async throws {
    let token = try Issuing.token(header: #"{"alg":"ES256","kid":"p256"}"#, payload: Array(payload.utf8))
    #expect(await refusal(token)?.code == .malformed)
  }

  @Test("no error holds anything of the token") func silent() async throws {
    let secret = "geheim-4711"
    let tokens = try [
      Issuing.token(["iss": "\"\(secret)\""]), Issuing.token(["aud": "\"\(secret)\""]),
      Issuing.token(["exp": "\"\(secret)\""]), Issuing.token(["sub": "[\"\(secret)\"]"]),
      Issuing.token(keyID: secret), Issuing.token(type: secret),
      Issuing.token(header: #"{"alg":"\#(secret)"}"#), secret,
    ]
    for token in tokens {
      guard let error = await refusal(token) else { continue }
      #expect(!"\(error) \(error.message)".contains(secret))
      #expect(!BearerChallenge(realm: "r").refusing(error).header.contains(secret))
    }
  }

  @Test("random bytes never pass and never trap") func noise() async throws {
    var generator = SystemRandomNumberGenerator()
    let base = Array(try Issuing.token().utf8)
    let verifier = Issuing.verifier()
    for _ in 0..<2000 {
      var bytes = base
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[Int.random(in: 0..<bytes.count)] = UInt8.random(in: 0...255)
        case 1: bytes.remove(at: Int.random(in: 0..<bytes.count))
        default: bytes.insert(UInt8.random(in: 32...126), at: Int.random(in: 0...bytes.count))
        }
      }
      guard bytes != base else { continue }
      let isAccepted = (try? await verifier.verify(bytes)) != nil
      #expect(!isAccepted)
    }
  }
}
