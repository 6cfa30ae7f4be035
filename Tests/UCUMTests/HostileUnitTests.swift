import TestSupport
import Testing
@testable import UCUM

@Suite("Hostile codes, and many of them")
struct HostileUnitTests {
  static let seeds = [
    "kg.m2/s2", "mL/min/{1.73_m2}", "10*3/uL", "10^-6.mol", "m[H2O].[in_i'Hg]/B[10.nV]", "(8.h.kg)/4", "%[slope]{a b}",
    "[m/s2/Hz^(1/2)]", "/[pi].A/m", "[lb_av]3.[psi]-2", "Cel", "mCel2/[degF]", "[anti'Xa'U]/mL", "((m))", "dar.dam",
  ]
  static let alphabet = Array("./(){}[]+-0123456789*^%'_ \"=kmugsKCdaLolPT\u{0}\u{7f}\u{80}\u{ff}".utf8)

  /// Whatever comes out is a unit whose canonical code is its own canonical form, or a reason with a place in the text.
  @Test("mutations of codes", arguments: [1, 2, 3, 4] as [UInt64])
  func mutations(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var valid = 0
    for round in 0..<10_000 {
      var code = Array((Self.seeds.randomElement(using: &generator) ?? "").utf8)
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let position = Int.random(in: 0...code.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0 where position < code.count: code.remove(at: position)
        case 1 where position < code.count: code[position] = Self.alphabet.randomElement(using: &generator) ?? 0
        case 2: code += (Self.seeds.randomElement(using: &generator) ?? "").utf8
        default: code.insert(Self.alphabet.randomElement(using: &generator) ?? 0, at: position)
        }
      }
      let text = "seed \(seed), round \(round), \(code)"
      do throws(UnitError) {
        let unit = try code.withUnsafeBufferPointer { bytes in
          Result { () throws(UnitError) in try UCUM.unit(utf8: bytes) }
        }.get()
        valid += 1
        #expect(UCUM.canonical(unit.code)?.code == unit.code, "\(text)")
        #expect(unit.factorDouble.isNormal && unit.factorDouble > 0, "\(text)")
        #expect(unit.value(significand: Int128(round), scale: 3).isFinite || unit.factorDouble > 1e300, "\(text)")
      } catch {
        let isInside = error.offset >= 0 && error.offset <= code.count
        #expect(isInside && error.code != .table, "\(text): \(error)")
      }
    }
    #expect(valid > 300)
  }

  @Test("random bytes")
  func noise() {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<10_000 {
      let code = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      code.withUnsafeBufferPointer { bytes in _ = UCUM.canonical(utf8: bytes) }
    }
  }

  @Test("products that leave the exact range are refused, not rounded")
  func products() {
    for code in [
      String(repeating: "[m_p].", count: 40) + "g", "[psi]99", "[ft_us]999", "[pi]999",
      String(repeating: "10*999.", count: 30) + "m", "999999999999999999.999999999999999999.999999999999999999",
    ] {
      #expect(throws: UnitError.self) { try UCUM.unit(code) }
    }
  }

  @Test("the cache is bounded, and what it forgets is found again")
  func cache() throws {
    let text = "B\tg\nB\tm\nP\tk\t1e3\nU\tt\tm\t1e6\tg\n"
    let system = try Self.system(text, cacheCountMax: 8)
    func unit(_ code: String) throws -> CanonicalUnit {
      var code = code
      return try code.withUTF8 { bytes in Result { () throws(UnitError) in try system.unit(bytes) } }.get()
    }
    for number in 1...100 {
      #expect(try unit("\(number).kg").factorDouble == Double(number) * 1000)
      #expect(system.cachedCount <= 8)
    }
    #expect(try unit("1.kg").factorDouble == 1000)
    let count = system.cachedCount
    #expect(throws: UnitError(.unknownSymbol, offset: 0)) { try unit("x") }
    #expect(throws: UnitError(.unknownSymbol, offset: 0)) { try unit("x") }
    #expect(system.cachedCount == count + 1)
    // Longer than a key: computed, not kept.
    let key = "m{" + String(repeating: "a", count: CodeKey.lengthMax - 3) + "}"
    #expect(try unit(key).code == "m")
    #expect(system.cachedCount == count + 2)
    #expect(try unit(key + ".g").code == "g.m")
    #expect(system.cachedCount == count + 2)
  }

  @Test("many threads ask at once")
  func threads() async {
    let codes = (1...500).map { "\($0).mg/dL" }
    let isRight = await withTaskGroup(of: Bool.self) { group in
      for shift in 0..<8 {
        group.addTask {
          (0..<2000).allSatisfy { round in
            let number = (round * 7 + shift * 61) % codes.count
            return UCUM.canonical(codes[number])?.factorDouble == Double(number + 1) * 10
          }
        }
      }
      return await group.reduce(true) { $0 && $1 }
    }
    #expect(isRight)
  }

  @Test(
    "damaged tables are refused",
    arguments: [
      "P\tk\n", "P\tk\tx\n", "U\tt\tm\t1e6\n", "U\tt\tm\t1e6\tg\n", "U\tt\tm\tx\tm\nB\tm\n",
      "U\ta\tm\t1\tb\nU\tb\tm\t1\ta\n",
      "U\tt\tm\t1\tm..m\nB\tm\n", "S\tx\tm\t0\tm\tCel\n",
    ])
  func damaged(table: String) {
    #expect(throws: UnitError.self) { try Self.system(table) }
  }

  static func system(_ table: String, cacheCountMax: Int = 8) throws(UnitError) -> UnitSystem {
    var table = table
    return try table.withUTF8 { bytes in
      Result { () throws(UnitError) in try UnitSystem(table: bytes, cacheCountMax: cacheCountMax) }
    }.get()
  }
}
