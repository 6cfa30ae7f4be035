import Base
import JSONCore
import Testing

@testable import Identity

@Suite struct SecretTests {
  static let cheap = PasswordHash.Parameters(costLog2: 4, blockSize: 8, parallelism: 1)

  @Test("a password is found again, another is not") func password() throws {
    let hash = try PasswordHash(password: "Größe 7 ✓", parameters: Self.cheap)
    let again = try PasswordHash(stored: hash.stored)
    #expect(again == hash)
    #expect(again.matches("Größe 7 ✓"))
    for other in ["", "Größe 7", "größe 7 ✓", "Größe 7 ✓ ", "Größe 7 ✓\0"] { #expect(!again.matches(other)) }
    #expect(
      try PasswordHash(password: "x", parameters: Self.cheap).stored
        != PasswordHash(password: "x", parameters: Self.cheap).stored)
  }

  @Test("a hash with weaker parameters is to be made anew") func outdated() throws {
    let hash = try PasswordHash(password: "x", parameters: Self.cheap)
    #expect(hash.isOutdated())
    #expect(!hash.isOutdated(against: Self.cheap))
    #expect(hash.isOutdated(against: .init(costLog2: 4, blockSize: 8, parallelism: 2)))
    #expect(!hash.isOutdated(against: .init(costLog2: 3, blockSize: 8, parallelism: 1)))
    #expect(PasswordHash.Parameters.recommended.memory == 32 * 1024 * 1024)
  }

  @Test("nobody has the decoy's password") func decoy() throws {
    let decoy = try PasswordHash.decoy(Self.cheap)
    #expect(!decoy.matches(""))
    #expect(decoy.parameters == Self.cheap)
  }

  @Test("passwords at their limit and past it") func limit() throws {
    let longest = String(repeating: "p", count: 1024)
    #expect(try PasswordHash(password: longest, parameters: Self.cheap).matches(longest))
    #expect { try PasswordHash(password: longest + "p", parameters: Self.cheap) } throws: {
      ($0 as? KeyError)?.code == .tooLarge
    }
    #expect(!(try PasswordHash(password: longest, parameters: Self.cheap)).matches(longest + "p"))
  }

  @Test(
    "texts that are no stored password",
    arguments: [
      "", "password", "$scrypt$", "$scrypt$ln=4,r=8,p=1$AAAA",
      "$scrypt$ln=4,r=8$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
      "$argon2id$v=19$m=1,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
      "$scrypt$ln=x,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
      "$scrypt$ln=-4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
      "$scrypt$r=8,ln=4,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
      "$scrypt$ln=4,r=8,p=1,x=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
      "$scrypt$ln=4,r=8,p=1$$", "$scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA$",
    ])
  func malformed(_ text: String) {
    #expect { try PasswordHash(stored: text) } throws: { ($0 as? KeyError)?.code == .malformed }
  }

  @Test(
    "a stored form cannot ask for more work than the limits",
    arguments: [
      "ln=21,r=1,p=1", "ln=20,r=8,p=1", "ln=15,r=33,p=1", "ln=4,r=8,p=17", "ln=18,r=9,p=1",
    ])
  func tooMuch(_ parameters: String) {
    let text = "$scrypt$\(parameters)$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"
    #expect { try PasswordHash(stored: text) } throws: { ($0 as? KeyError)?.code == .tooLarge }
  }

  @Test("secrets of clients, made and chosen") func clientSecret() throws {
    let (text, secret) = try ClientSecret.generate()
    #expect(text.utf8.count == 43)
    #expect(!secret.stored.contains(text))
    let again = try ClientSecret(stored: secret.stored)
    #expect(again.matches(text))
    #expect(!again.matches(text + "A"))
    #expect(!again.matches(""))
    #expect(!again.matches(secret.stored))
    let chosen = try ClientSecret(chosen: "geheim", parameters: Self.cheap)
    #expect(try ClientSecret(stored: chosen.stored).matches("geheim"))
    #expect(!chosen.matches("Geheim"))
    #expect(throws: KeyError.self) { try ClientSecret(stored: "geheim") }
    #expect(throws: KeyError.self) { try ClientSecret(stored: "$sha256$AAAA") }
  }

  @Test("random texts are long and never the same") func random() throws {
    var seen: Set<String> = []
    for _ in 0..<1000 { seen.insert(try SecureRandom.text(byteCount: 16)) }
    #expect(seen.count == 1000)
    #expect(seen.allSatisfy { $0.utf8.count == 22 })
  }

  @Test("PKCE refuses other verifiers, short ones, and the plain method") func pkce() throws {
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    let challenge = try PKCE.challenge(verifier)
    #expect(!PKCE.verifies(verifier, challenge: verifier))
    #expect(!PKCE.verifies(challenge, challenge: challenge))
    #expect(!PKCE.verifies("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", challenge: challenge))
    #expect(!PKCE.verifies("", challenge: ""))
    #expect(!PKCE.verifies(verifier, challenge: challenge + "="))
    #expect(!PKCE.isVerifier(String(repeating: "a", count: 42)))
    #expect(PKCE.isVerifier(String(repeating: "a", count: 43)))
    #expect(PKCE.isVerifier(String(repeating: "~", count: 128)))
    #expect(!PKCE.isVerifier(String(repeating: "a", count: 129)))
    #expect(!PKCE.isVerifier(String(repeating: "a", count: 42) + "+"))
  }

  @Test("the replay cache refuses a second use, until the first is over") func replay() throws {
    let cache = ReplayCache()
    let now = Issuing.now
    try cache.use("1", of: "a", until: now.advanced(byMilliseconds: 1000), at: now)
    #expect(throws: TokenError(.replayed)) {
      try cache.use("1", of: "a", until: now.advanced(byMilliseconds: 1000), at: now)
    }
    try cache.use("1", of: "b", until: now.advanced(byMilliseconds: 1000), at: now)
    try cache.use("1", of: "a", until: now.advanced(byMilliseconds: 9000), at: now.advanced(byMilliseconds: 1000))
    #expect(cache.count == 2)
  }

  @Test("a full replay cache refuses, one client alone fills its own share only") func replayFull() throws {
    let cache = ReplayCache(countMax: 5, perClientMax: 3)
    let now = Issuing.now
    let end = now.advanced(byMilliseconds: 1000)
    for id in ["1", "2", "3"] { try cache.use(id, of: "a", until: end, at: now) }
    #expect(throws: TokenError(.busy)) { try cache.use("4", of: "a", until: end, at: now) }
    for id in ["1", "2"] { try cache.use(id, of: "b", until: end, at: now) }
    #expect(throws: TokenError(.busy)) { try cache.use("3", of: "b", until: end, at: now) }
    try cache.use("5", of: "a", until: end.advanced(byMilliseconds: 1000), at: end)
    #expect(cache.count == 1)
  }
}

@Suite struct ClientAssertionTests {
  static let endpoint = "https://fhir.example/token"
  static let keys = KeySource(
    fixed: JWKSet([
      JWK(Issuing.p384.publicKey, id: "p384"), JWK(Issuing.rsa.publicKey, id: "rsa"),
      JWK(Issuing.p256.publicKey, id: "p256"),
    ]))

  static func assertion(_ changes: [String: String?] = [:], _ algorithm: SignatureAlgorithm = .es384) throws -> JWS {
    var members: [String: String?] = [
      "iss": "\"bili\"", "sub": "\"bili\"", "aud": "\"\(endpoint)\"", "exp": "1800000300", "jti": "\"1\"", "iat": nil,
      "client_id": nil,
    ]
    for (name, value) in changes { members[name] = value }
    let key = [Issuing.p384, Issuing.rsa, Issuing.p256].first { $0.type == algorithm.keyType } ?? Issuing.p384
    let id = key.type == .p384 ? "p384" : key.type == .rsa ? "rsa" : "p256"
    return try JWS(Issuing.token(members, key: key, algorithm, keyID: id))
  }

  static func refusal(_ assertion: JWS, _ replays: ReplayCache = ReplayCache(), address: String? = nil) async
    -> TokenError.Code?
  {
    do {
      try await ClientAssertion(audiences: [endpoint]).check(
        assertion, client: "bili", keys: keys, keySetAddress: address, replays: replays, at: Issuing.now)
      return nil
    } catch {
      return error.code
    }
  }

  @Test("RS384 and ES384 are accepted, once") func accepted() async throws {
    let replays = ReplayCache()
    let assertion = try Self.assertion()
    #expect(try ClientAssertion.claimedClient(assertion) == "bili")
    #expect(await Self.refusal(assertion, replays) == nil)
    #expect(await Self.refusal(assertion, replays) == .replayed)
    #expect(await Self.refusal(try Self.assertion(["jti": "\"2\""], .rs384), replays) == nil)
  }

  @Test(
    "what an assertion must say",
    arguments: [
      (["iss": "\"other\""], TokenError.Code.issuer), (["iss": nil], .issuer), (["sub": "\"other\""], .claim),
      (["sub": nil], .claim), (["aud": "\"https://fhir.example\""], .audience), (["aud": nil], .audience),
      (["aud": "\"https://fhir.example/token/\""], .audience), (["exp": nil], .claim),
      (["exp": "1799999970"], .expired), (["exp": "1800000331"], .lifetime), (["exp": "1900000000"], .lifetime),
      (["jti": nil], .claim), (["jti": "\"\""], .claim), (["jti": "7"], .claim), (["nbf": "1800000031"], .notYetValid),
    ] as [([String: String?], TokenError.Code)])
  func refused(_ changes: [String: String?], _ code: TokenError.Code) async throws {
    #expect(await Self.refusal(try Self.assertion(changes)) == code, "\(changes)")
  }

  @Test("at the limits of time") func limits() async throws {
    #expect(await Self.refusal(try Self.assertion(["exp": "1800000330"])) == nil)
    #expect(await Self.refusal(try Self.assertion(["exp": "1799999971"])) == nil)
    #expect(await Self.refusal(try Self.assertion(["jti": "\"\(String(repeating: "j", count: 512))\""])) == nil)
    #expect(await Self.refusal(try Self.assertion(["jti": "\"\(String(repeating: "j", count: 513))\""])) == .claim)
  }

  @Test("other algorithms, other keys, other types") func algorithms() async throws {
    #expect(await Self.refusal(try Self.assertion([:], .rs256)) == .algorithm)
    #expect(await Self.refusal(try Self.assertion([:], .es256)) == .algorithm)
    let other = try JWS(
      JWS.sign(
        Issuing.claims(["iss": "\"bili\"", "sub": "\"bili\""]), PrivateKey.generate(.p384), .es384, keyID: "p384"))
    #expect(await Self.refusal(other) == .signature)
    let stranger = try JWS(
      JWS.sign(Issuing.claims(["iss": "\"bili\"", "sub": "\"bili\""]), Issuing.p384, .es384, keyID: "x"))
    #expect(await Self.refusal(stranger) == .unknownKey)
  }

  @Test("a jku must be the registered one, and is not fetched even then") func keySetAddress() async throws {
    let claims = Issuing.claims([
      "iss": "\"bili\"", "sub": "\"bili\"", "aud": "\"\(Self.endpoint)\"", "exp": "1800000300", "jti": "\"1\"",
    ])
    let header = #"{"alg":"ES384","kid":"p384","jku":"https://app.example/keys"}"#
    let assertion = try JWS(JWS.sign(header: Array(header.utf8), claims, Issuing.p384, .es384))
    #expect(await Self.refusal(assertion) == .header)
    #expect(await Self.refusal(assertion, address: "https://evil.example/keys") == .header)
    #expect(await Self.refusal(assertion, address: "https://app.example/keys") == nil)
  }

  @Test("an assertion that is refused takes no place in the replay cache") func noPlace() async throws {
    let replays = ReplayCache()
    let forged = try JWS(
      JWS.sign(
        Issuing.claims(["iss": "\"bili\"", "sub": "\"bili\"", "jti": "\"1\""]), PrivateKey.generate(.p384), .es384,
        keyID: "p384"))
    #expect(await Self.refusal(forged, replays) == .signature)
    #expect(replays.count == 0)
    #expect(await Self.refusal(try Self.assertion(), replays) == nil)
  }
}
