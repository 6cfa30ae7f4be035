import Base
import Identity
import Testing

@Suite struct TokenCacheTests {
  final class Note: Sendable {
    let text: String
    init(_ text: String) { self.text = text }
  }

  static let now = Instant(milliseconds: 1_000_000)

  @Test("what was put in is found until the token ends") func expiry() {
    let cache = TokenCache<Note>(countMax: 10, secondsMax: 300)
    cache.insert(
      Note("a"), for: Array("t".utf8), expires: Self.now.advanced(byMilliseconds: 5000), at: Self.now,
      epoch: cache.epoch)
    #expect(cache.value(for: "t", at: Self.now)?.text == "a")
    #expect(cache.value(for: "t", at: Self.now.advanced(byMilliseconds: 4999))?.text == "a")
    #expect(cache.value(for: "t", at: Self.now.advanced(byMilliseconds: 5000)) == nil)
    #expect(cache.value(for: "u", at: Self.now) == nil)
    #expect(cache.value(for: "", at: Self.now) == nil)
  }

  @Test("and no longer than the cache's own time") func age() {
    let cache = TokenCache<Note>(countMax: 10, secondsMax: 300)
    cache.insert(
      Note("a"), for: Array("t".utf8), expires: Instant(milliseconds: .max), at: Self.now, epoch: cache.epoch)
    #expect(cache.value(for: "t", at: Self.now.advanced(byMilliseconds: 299_999)) != nil)
    #expect(cache.value(for: "t", at: Self.now.advanced(byMilliseconds: 300_000)) == nil)
  }

  @Test("it never holds more than its limit, and keeps what is used") func bounded() {
    let cache = TokenCache<Note>(countMax: 100, secondsMax: 300)
    let end = Instant(milliseconds: .max)
    cache.insert(Note("kept"), for: Array("kept".utf8), expires: end, at: Self.now, epoch: cache.epoch)
    for number in 0..<1000 {
      cache.insert(Note("\(number)"), for: Array("\(number)".utf8), expires: end, at: Self.now, epoch: cache.epoch)
      #expect(cache.value(for: "kept", at: Self.now)?.text == "kept")
      #expect(cache.count <= 100)
    }
    #expect(cache.value(for: "0", at: Self.now) == nil)
    #expect(cache.value(for: "999", at: Self.now)?.text == "999")
  }

  @Test("what is revoked is gone, and what was being verified meanwhile is not put in") func revoked() {
    let cache = TokenCache<Note>()
    let end = Instant(milliseconds: .max)
    let epoch = cache.epoch
    cache.insert(Note("a"), for: Array("a".utf8), expires: end, at: Self.now, epoch: epoch)
    cache.insert(Note("b"), for: Array("b".utf8), expires: end, at: Self.now, epoch: epoch)
    cache.removeAll { $0.text == "a" }
    #expect(cache.value(for: "a", at: Self.now) == nil)
    #expect(cache.value(for: "b", at: Self.now) != nil)
    cache.insert(Note("a"), for: Array("a".utf8), expires: end, at: Self.now, epoch: epoch)
    #expect(cache.value(for: "a", at: Self.now) == nil)
    cache.removeAll()
    #expect(cache.count == 0)
  }

  @Test("a token bound to a certificate is found with it only") func bound() {
    let cache = TokenCache<Note>()
    let end = Instant(milliseconds: .max)
    cache.insert(
      Note("a"), for: Array("a".utf8), expires: end, at: Self.now, certificateThumbprint: "x", epoch: cache.epoch)
    #expect(cache.value(for: "a", at: Self.now) == nil)
    #expect(cache.value(for: "a", at: Self.now, certificateThumbprint: "y") == nil)
    #expect(cache.value(for: "a", at: Self.now, certificateThumbprint: "x")?.text == "a")
  }

  @Test("many threads at once") func threads() async {
    let cache = TokenCache<Note>(countMax: 50, secondsMax: 300)
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for number in 0..<2000 {
            let token = "\((number * 7 + task) % 80)"
            if let note = cache.value(for: token, at: Self.now) {
              #expect(note.text == token)
            } else {
              cache.insert(
                Note(token), for: Array(token.utf8), expires: Instant(milliseconds: .max), at: Self.now,
                epoch: cache.epoch)
            }
            if number % 500 == 0 { cache.removeAll { $0.text == token } }
          }
        }
      }
    }
    #expect(cache.count <= 50)
  }
}

extension TokenCacheTests {
  @Test("a token that ends as another does is not taken for it") func sameEnd() {
    let cache = TokenCache<Note>()
    let end = Instant(milliseconds: .max)
    let signature = String(repeating: "s", count: 64)
    cache.insert(
      Note("a"), for: Array("head.claims-of-a.\(signature)".utf8), expires: end, at: Self.now, epoch: cache.epoch)
    #expect(cache.value(for: "head.claims-of-a.\(signature)", at: Self.now)?.text == "a")
    #expect(cache.value(for: "head.claims-of-b.\(signature)", at: Self.now) == nil)
    #expect(cache.value(for: "x\(signature)", at: Self.now) == nil)
    #expect(cache.value(for: signature, at: Self.now) == nil)
  }

  @Test("nor more bytes than its limit; what is too large to be a token is not kept") func bytes() {
    let cache = TokenCache<Note>(countMax: 1000, bytesMax: 40_000, secondsMax: 300)
    let end = Instant(milliseconds: .max)
    for number in 0..<100 {
      let token = String(repeating: "x", count: 10_000) + "\(number)"
      cache.insert(Note(token), for: Array(token.utf8), expires: end, at: Self.now, epoch: cache.epoch)
      #expect(cache.count <= 4)
      #expect(cache.value(for: token, at: Self.now) != nil)
    }
    let large = [UInt8](repeating: 65, count: JWS.bytesMax + 1)
    cache.insert(Note("l"), for: large, expires: end, at: Self.now, epoch: cache.epoch)
    #expect(cache.value(for: large, at: Self.now) == nil)
  }
}
