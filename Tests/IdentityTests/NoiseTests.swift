import Base
import Identity
import JSONCore
import TestSupport
import Testing

/// Texts that nobody wrote: no trap, and what is read means the same when it is written and read again.
@Suite struct NoiseTests {
  static let rounds = 20_000

  /// Changes a few bytes of one of the samples.
  static func mutated(_ samples: [String], _ generator: inout SeededGenerator, alphabet: [UInt8]) -> [UInt8] {
    var bytes = Array((samples.randomElement(using: &generator) ?? "").utf8)
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let byte = alphabet.randomElement(using: &generator) ?? 0
      switch Int.random(in: 0..<3, using: &generator) {
      case 0 where !bytes.isEmpty: bytes[Int.random(in: 0..<bytes.count, using: &generator)] = byte
      case 1 where !bytes.isEmpty: bytes.remove(at: Int.random(in: 0..<bytes.count, using: &generator))
      default: bytes.insert(byte, at: Int.random(in: 0...bytes.count, using: &generator))
      }
    }
    return bytes
  }

  @Test("scopes", arguments: [UInt64(7), 4711]) func scopes(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let samples = [
      "patient/Observation.rs?category=http://a.example|laboratory&code=b", "user/*.cruds", "system/Patient.read",
      "patient.all.all", "launch/patient?role=friend", "patient%2FObservation.rs%3Fcode%3Da", "openid",
    ]
    let alphabet = Array("crudspatientuser/*.?&=%$:|+ 2F3D_-,\u{0}~".utf8) + [0xC3, 0xA9, 0xFF]
    for _ in 0..<Self.rounds {
      let text = String(decoding: Self.mutated(samples, &generator, alphabet: alphabet), as: UTF8.self)
      for grammar in [SMARTScope.Grammar.standard, .tolerant] {
        guard let scope = try? SMARTScope.parse(text, grammar) else { continue }
        #expect(try SMARTScope.parse(scope.text) == scope, "\(text) seed \(seed)")
        // RFC 6749 §3.3: what a scope may hold.
        #expect(scope.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }, "\(text)")
        #expect(scope.isCovered(by: scope))
      }
      if let scopes = try? SMARTScopes(text) {
        #expect(try SMARTScopes(scopes.text).text == scopes.text, "\(text) seed \(seed)")
      }
    }
  }

  @Test("key sets, descriptions, stored passwords, users, roles", arguments: [UInt64(1), 99]) func others(
    _ seed: UInt64
  ) {
    var generator = SeededGenerator(seed: seed)
    let keys = String(decoding: Issuing.keys.json, as: UTF8.self)
    let description = #"{"issuer":"https://i.example","jwks_uri":"https://i.example/k","scopes_supported":["openid"]}"#
    let stored = "$scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"
    let alphabet = Array("{}[]\":,AQBxykty0123456789=$/.-_\\ue".utf8) + [0, 0x80, 0xFF]
    for _ in 0..<500 {
      // Whether a number that is no product of two primes passes as a modulus is left to chance by libcrypto.
      if let set = try? JWKSet(Self.mutated([keys], &generator, alphabet: alphabet)) {
        let keys = JWKSet(set.keys.filter { $0.key.type != .rsa })
        #expect((try? JWKSet(keys.json)) == keys, "seed \(seed)")
      }
      _ = try? OpenIDConfiguration(
        Self.mutated([description], &generator, alphabet: alphabet), expected: ["https://i.example"])
      let text = String(
        decoding: Self.mutated([stored, "https://x.example/Patient/1"], &generator, alphabet: alphabet), as: UTF8.self)
      if let hash = try? PasswordHash(stored: text) { #expect((try? PasswordHash(stored: hash.stored)) == hash) }
      if let user = FHIRUser(text) { #expect(FHIRUser(user.reference)?.id == user.id) }
    }
  }
}
