import Identity
import JSONCore
import Testing

@Suite struct KeyTests {
  static func refusal(_ json: String) throws -> KeyError.Code? {
    let value = try JSONDocument(json).value
    do {
      _ = try JWK(value)
      return nil
    } catch {
      return error.code
    }
  }

  @Test("a key set written and read again has the same keys") func roundTrip() throws {
    let again = try JWKSet(Issuing.keys.json)
    #expect(again.keys.map(\.key.components) == Issuing.keys.keys.map(\.key.components))
    #expect(again.keys.map(\.id) == ["rsa", "p256", "p384", "ed25519"])
  }

  @Test("keys survive PEM, private and public", arguments: [Issuing.rsa, Issuing.p256, Issuing.p384, Issuing.ed25519])
  func pem(_ key: PrivateKey) throws {
    let text = try key.pem()
    #expect(text.hasPrefix("-----BEGIN PRIVATE KEY-----"))
    #expect(try PrivateKey(pem: text).publicKey == key.publicKey)
    let publicText = try key.publicKey.pem()
    #expect(publicText.hasPrefix("-----BEGIN PUBLIC KEY-----"))
    #expect(try PublicKey(pem: publicText) == key.publicKey)
  }

  @Test(
    "texts that are no PEM are refused",
    arguments: [
      "", "key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ])
  func badPEM(_ text: String) {
    #expect(throws: KeyError.self) { try PrivateKey(pem: text) }
    #expect(throws: KeyError.self) { try PublicKey(pem: text) }
  }

  @Test("a PEM past its limit is refused") func largePEM() {
    let text = String(repeating: "A", count: 64 * 1024 + 1)
    #expect { try PrivateKey(pem: text) } throws: { ($0 as? KeyError)?.code == .tooLarge }
  }

  @Test("a point that is not on its curve is no key") func offCurve() throws {
    let zeros = String(repeating: "A", count: 43)
    #expect(try KeyTests.refusal(#"{"kty":"EC","crv":"P-256","x":"\#(zeros)","y":"\#(zeros)"}"#) == .invalid)
    let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
    #expect(try KeyTests.refusal(#"{"kty":"EC","crv":"P-256","x":"\#(x)","y":"\#(x)"}"#) == .invalid)
    #expect(try KeyTests.refusal(#"{"kty":"EC","crv":"P-384","x":"\#(x)","y":"\#(x)"}"#) == .malformed)
  }

  @Test("weak RSA keys are refused: 2047 bits, exponents 1, 2 and none") func weakRSA() throws {
    let short = Base64URL.encode([0x7F] + [UInt8](repeating: 0xFF, count: 255))
    let padded = Base64URL.encode([0x00, 0xFF] + [UInt8](repeating: 0xFF, count: 255))
    #expect(try KeyTests.refusal(#"{"kty":"RSA","n":"\#(short)","e":"AQAB"}"#) == .weak)
    #expect(try KeyTests.refusal(#"{"kty":"RSA","n":"\#(padded)","e":"AQAB"}"#) == .weak)
    for exponent in ["AQ", "Ag", "", "AAEAAQ"] {
      #expect(try KeyTests.refusal(#"{"kty":"RSA","n":"\#(VectorTests.modulus)","e":"\#(exponent)"}"#) == .weak)
    }
    let long = Base64URL.encode([UInt8](repeating: 0xFF, count: 1025))
    #expect(try KeyTests.refusal(#"{"kty":"RSA","n":"\#(long)","e":"AQAB"}"#) == .weak)
    #expect { try PrivateKey.generate(.rsa, rsaBits: 1024) } throws: { ($0 as? KeyError)?.code == .weak }
  }

  @Test(
    "keys of other kinds and uses are not used",
    arguments: [
      (#"{"kty":"oct","k":"AAAA"}"#, KeyError.Code.invalid),
      (#"{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}"#, .unsupported),
      (#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#, .unsupported),
      (#"{"kty":"OKP","crv":"X25519","x":"AA"}"#, .unsupported),
      (#"{"kty":7}"#, .malformed), (#"[]"#, .malformed), (#"{}"#, .unsupported),
      (#"{"kty":"RSA","n":"!!","e":"AQAB"}"#, .malformed), (#"{"kty":"RSA","e":"AQAB"}"#, .malformed),
      (#"{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}"#, .invalid),
    ])
  func unused(_ json: String, _ code: KeyError.Code) throws {
    #expect(try KeyTests.refusal(json) == code)
  }

  @Test("a key's own algorithm, use and operations bind it") func bound() throws {
    let rsa = #"{"kty":"RSA","n":"\#(VectorTests.modulus)","e":"AQAB""#
    #expect(try KeyTests.refusal(rsa + #","alg":"ES256"}"#) == .mismatch)
    #expect(try KeyTests.refusal(rsa + #","alg":"HS256"}"#) == .unsupported)
    #expect(try KeyTests.refusal(rsa + #","key_ops":["encrypt"]}"#) == .unsupported)
    #expect(try KeyTests.refusal(rsa + #","key_ops":["verify"]}"#) == nil)
    let key = try JWK(JSONDocument(rsa + #","alg":"RS256"}"#).value)
    #expect(key.allows(.rs256))
    #expect(!key.allows(.rs512))
    #expect(!key.allows(.ps256))
  }

  @Test("key sets at their limits and past them") func setLimits() throws {
    let key = #"{"kty":"oct"}"#
    func set(_ count: Int) -> [UInt8] {
      Array((#"{"keys":["# + Array(repeating: key, count: count).joined(separator: ",") + "]}").utf8)
    }
    #expect(try JWKSet(set(200)).skipped.count == 200)
    #expect { try JWKSet(set(201)) } throws: { ($0 as? KeyError)?.code == .tooLarge }
    #expect { try JWKSet([UInt8](repeating: 0x20, count: JWKSet.bytesMax + 1)) } throws: {
      ($0 as? KeyError)?.code == .tooLarge
    }
    for text in ["", "[]", "{}", #"{"keys":{}}"#, #"{"keys":[],"keys":[]}"#] {
      #expect { try JWKSet(Array(text.utf8)) } throws: { ($0 as? KeyError)?.code == .malformed }
    }
  }

  @Test("errors of keys say nothing of the key") func silent() throws {
    let error = #expect(throws: KeyError.self) {
      try JWK(JSONDocument(#"{"kty":"EC","crv":"P-256","x":"c2VjcmV0","y":"c2VjcmV0"}"#).value)
    }
    #expect(error.map { "\($0) \($0.message)".contains("c2VjcmV0") } == false)
  }

  @Test("base64url has one spelling") func base64URL() {
    #expect(Base64URL.decode("") == [])
    #expect(Base64URL.decode("_-8") == [0xFF, 0xEF])
    for text in ["A", "AA==", "AA=", "A A", "AB", "_-9", "+/8", "AA\n", "AAAAA", "é"] {
      #expect(Base64URL.decode(text) == nil, "\(text)")
    }
    for count in 0..<70 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 200) }
      #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
    }
  }
}
