import Base
import Identity
import Synchronization
import Testing

/// An issuer whose keys and health the test changes, and a clock to go with it.
final class IssuerDouble: Sendable {
  struct State {
    var now = Issuing.now
    var documents: [String: FetchedDocument] = [:]
    var isAway = false
    var hangs = false
    var fetched: [String] = []
  }

  let state = Mutex(State())

  var clock: Clock { Clock { [self] in state.withLock { $0.now } } }
  var fetched: [String] { state.withLock { $0.fetched } }

  func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }
  func pass(seconds: Int64) { change { $0.now = $0.now.advanced(byMilliseconds: seconds * 1000) } }

  func fetch(_ address: String) async throws -> FetchedDocument {
    let (document, hangs) = state.withLock { state in
      state.fetched.append(address)
      return (state.isAway ? nil : state.documents[address], state.hangs)
    }
    if hangs { try await Task.sleep(for: .seconds(60)) }
    guard let document else { throw TokenError(.keysUnavailable) }
    return document
  }

  func source(_ location: KeySource.Location, _ settings: KeySource.Settings = .init()) -> KeySource {
    KeySource(location, settings: settings, clock: clock) { [self] in try await fetch($0) }
  }
}

@Suite struct KeySourceTests {
  static let address = "https://issuer.example/keys"
  static let first = JWKSet([JWK(Issuing.p256.publicKey, id: "first")])
  static let second = JWKSet([JWK(Issuing.p256.publicKey, id: "second")])

  static func code(_ source: KeySource, _ id: String?) async -> TokenError.Code? {
    do {
      _ = try await source.candidates(id: id, .es256)
      return nil
    } catch {
      return error.code
    }
  }

  @Test("keys are fetched once and used from then on") func once() async {
    let issuer = IssuerDouble()
    issuer.change { $0.documents[Self.address] = FetchedDocument(Self.first.json) }
    let source = issuer.source(.keySet(Self.address))
    for _ in 0..<5 { #expect(await Self.code(source, "first") == nil) }
    #expect(issuer.fetched == [Self.address])
  }

  @Test("an unknown key makes one fetch in a minute, whatever comes") func rotation() async {
    let issuer = IssuerDouble()
    issuer.change { $0.documents[Self.address] = FetchedDocument(Self.first.json) }
    let source = issuer.source(.keySet(Self.address))
    #expect(await Self.code(source, "first") == nil)
    issuer.change { $0.documents[Self.address] = FetchedDocument(Self.second.json) }
    issuer.pass(seconds: 59)
    for number in 0..<100 { #expect(await Self.code(source, "attack-\(number)") == .unknownKey) }
    #expect(issuer.fetched.count == 1)
    issuer.pass(seconds: 1)
    #expect(await Self.code(source, "second") == nil)
    #expect(issuer.fetched.count == 2)
    // A key that was taken back is good no more.
    #expect(await Self.code(source, "first") == .unknownKey)
    #expect(issuer.fetched.count == 2)
  }

  @Test("while the issuer is away its keys stay good, for a day") func away() async throws {
    let issuer = IssuerDouble()
    issuer.change { $0.documents[Self.address] = FetchedDocument(Self.first.json) }
    let source = issuer.source(.keySet(Self.address))
    #expect(await Self.code(source, "first") == nil)
    issuer.change { $0.isAway = true }
    issuer.pass(seconds: 3600 + 24 * 3600 - 1)
    #expect(await Self.code(source, "first") == nil)
    issuer.pass(seconds: 1)
    #expect(await Self.code(source, "first") == .keysUnavailable)
    issuer.change { $0.isAway = false }
    issuer.pass(seconds: 5)
    #expect(await Self.code(source, "first") == nil)
  }

  @Test("an issuer that was away from the start is asked again after five seconds") func awayAtFirst() async {
    let issuer = IssuerDouble()
    issuer.change { $0.isAway = true }
    let source = issuer.source(.keySet(Self.address))
    for _ in 0..<10 { #expect(await Self.code(source, "first") == .keysUnavailable) }
    #expect(issuer.fetched.count == 1)
    issuer.change { state in
      state.isAway = false
      state.documents[Self.address] = FetchedDocument(Self.first.json)
    }
    #expect(await Self.code(source, "first") == .keysUnavailable)
    issuer.pass(seconds: 5)
    #expect(await Self.code(source, "first") == nil)
  }

  @Test(
    "what is no key set does not replace the keys",
    arguments: ["", "{}", #"{"keys":[]}"#, #"{"keys":[{"kty":"oct"}]}"#])
  func garbage(_ text: String) async {
    let issuer = IssuerDouble()
    issuer.change { $0.documents[Self.address] = FetchedDocument(Self.first.json) }
    let source = issuer.source(.keySet(Self.address))
    #expect(await source.refresh())
    issuer.change { $0.documents[Self.address] = FetchedDocument(Array(text.utf8)) }
    issuer.pass(seconds: 60)
    #expect(await Self.code(source, "other") == .unknownKey)
    #expect(issuer.fetched.count == 2)
    #expect(await Self.code(source, "first") == nil)
  }

  @Test("a client's keys are kept no longer than it allows") func client() async {
    let issuer = IssuerDouble()
    issuer.change { $0.documents[Self.address] = FetchedDocument(Self.first.json, maxAgeSeconds: 30) }
    let source = issuer.source(.keySet(Self.address), .client)
    #expect(await Self.code(source, "first") == nil)
    issuer.change { $0.isAway = true }
    issuer.pass(seconds: 29)
    #expect(await Self.code(source, "first") == nil)
    issuer.pass(seconds: 1)
    #expect(await Self.code(source, "first") == .keysUnavailable)
  }

  @Test("a fetch that hangs ends at its deadline") func deadline() async {
    let issuer = IssuerDouble()
    issuer.change { $0.hangs = true }
    var settings = KeySource.Settings()
    settings.fetchSecondsMax = 1
    let source = issuer.source(.keySet(Self.address), settings)
    let start = ContinuousClock.now
    #expect(await Self.code(source, "first") == .keysUnavailable)
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test("many who wait share one fetch") func shared() async {
    let issuer = IssuerDouble()
    issuer.change { $0.documents[Self.address] = FetchedDocument(Self.first.json) }
    let source = issuer.source(.keySet(Self.address))
    await withTaskGroup(of: TokenError.Code?.self) { group in
      for _ in 0..<50 { group.addTask { await Self.code(source, "first") } }
      for await code in group { #expect(code == nil) }
    }
    #expect(issuer.fetched.count == 1)
  }

  @Test("discovery leads to the keys") func discovery() async {
    let issuer = IssuerDouble()
    issuer.change { state in
      state.documents["https://issuer.example/.well-known/openid-configuration"] = FetchedDocument(
        Array(#"{"issuer":"https://issuer.example","jwks_uri":"https://issuer.example/keys"}"#.utf8))
      state.documents[Self.address] = FetchedDocument(Self.first.json)
    }
    let source = issuer.source(.discovery(issuer: "https://issuer.example/", names: []))
    #expect(await Self.code(source, "first") == nil)
    #expect(issuer.fetched.count == 2)
  }

  @Test("no address inside a token is fetched") func addressesInTokens() async throws {
    let issuer = IssuerDouble()
    issuer.change { $0.documents[Self.address] = FetchedDocument(Issuing.keys.json) }
    let verifier = TokenVerifier(
      [TokenVerifier.Issuer(Issuing.check, issuer.source(.keySet(Self.address)))], clock: Clock { Issuing.now })
    let headers = [
      #"{"alg":"ES256","jku":"https://evil.example/k"}"#, #"{"alg":"ES256","x5u":"https://evil.example/k"}"#,
      #"{"alg":"ES256","kid":"https://evil.example/k"}"#,
    ]
    for header in headers { #expect(await refusal(try Issuing.token(header: header), verifier) != nil) }
    #expect(await refusal(try Issuing.token(["iss": "\"https://evil.example\""]), verifier)?.code == .issuer)
    #expect(await refusal(try Issuing.token(), verifier) == nil)
    #expect(Set(issuer.fetched) == [Self.address])
  }

  @Test(
    "descriptions of issuers",
    arguments: [
      (#"{"issuer":"https://i.example","jwks_uri":"https://i.example/k"}"#, DiscoveryError.Code?.none),
      (#"{"issuer":"https://i.example/","jwks_uri":"https://k.example/k","token_endpoint":null}"#, nil),
      (#"{"issuer":"https://evil.example","jwks_uri":"https://i.example/k"}"#, .issuer),
      (#"{"jwks_uri":"https://i.example/k"}"#, .issuer), (#"{"issuer":7,"jwks_uri":"https://i.example/k"}"#, .issuer),
      (#"{"issuer":"https://i.example"}"#, .malformed), ("[]", .malformed), ("", .malformed),
      (#"{"issuer":"https://i.example","issuer":"https://i.example","jwks_uri":"https://i.example/k"}"#, .malformed),
      (#"{"issuer":"https://i.example","jwks_uri":"http://i.example/k"}"#, .address),
      (#"{"issuer":"https://i.example","jwks_uri":"file:///etc/passwd"}"#, .address),
      (#"{"issuer":"https://i.example","jwks_uri":"https://user@i.example/k"}"#, .address),
      (#"{"issuer":"https://i.example","jwks_uri":"https://"}"#, .address),
      (#"{"issuer":"https://i.example","jwks_uri":"https://i.example/k\r\nHost: x"}"#, .address),
      (#"{"issuer":"https://i.example","jwks_uri":"http://localhost/k"}"#, .address),
      (#"{"issuer":"https://i.example","jwks_uri":["https://i.example/k"]}"#, .address),
    ])
  func descriptions(_ json: String, _ code: DiscoveryError.Code?) {
    var thrown: DiscoveryError.Code?
    do {
      _ = try OpenIDConfiguration(Array(json.utf8), expected: ["https://i.example"])
    } catch {
      thrown = error.code
    }
    #expect(thrown == code, "\(json)")
  }

  @Test(
    "http is for this machine only, and only where it is allowed",
    arguments: [
      ("http://localhost:8080/k", true), ("http://127.0.0.1/k", true), ("http://[::1]:1/k", true),
      ("http://localhost.evil.example/k", false), ("http://127.0.0.1.evil.example/k", false),
      ("http://localhost@evil.example/k", false), ("http://evil.example/k#localhost", false), ("http:///k", false),
      ("http://[::1].evil.example/", false),
    ])
  func loopback(_ address: String, _ isAllowed: Bool) {
    #expect(OpenIDConfiguration.isFetchable(address, allowsLoopback: true) == isAllowed)
    #expect(!OpenIDConfiguration.isFetchable(address, allowsLoopback: false))
  }
}
