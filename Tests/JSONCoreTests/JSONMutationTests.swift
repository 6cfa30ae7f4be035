import JSONCore
import Testing

/// Random damage to a real text: the parser either refuses it or gives a document whose compact form parses to the
/// same compact form. It never crashes, whatever the bytes.
@Suite struct JSONMutationTests {
  private static let text = Array(
    #"{"resourceType":"Patient","id":"é","name":[{"family":"Müller","given":["A\n\u00e9","\ud83d\ude00"]}],"multipleBirthInteger":-1.50e+3,"active":true,"x":null,"e":[],"o":{}}"#
      .utf8)

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func mutations(seed: UInt64) throws {
    var state = seed
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(truncatingIfNeeded: state >> 33) % bound
    }
    let alphabet = Array("{}[]\",:\\u0123456789eE+-.tfn \n\u{0}".utf8) + [0x80, 0xC3, 0xE2, 0xF0, 0xFF]
    for _ in 0..<25_000 {
      var bytes = Self.text
      for _ in 0...random(4) {
        if bytes.isEmpty { break }
        let place = random(bytes.count)
        switch random(4) {
        case 0: bytes[place] = alphabet[random(alphabet.count)]
        case 1: bytes.insert(alphabet[random(alphabet.count)], at: place)
        case 2: bytes.remove(at: place)
        default: bytes.removeLast(random(bytes.count))
        }
      }
      guard let document = try? JSONDocument(bytes) else { continue }
      var compact: [UInt8] = []
      document.appendCompact(document.root, to: &compact)
      var again: [UInt8] = []
      let second = try JSONDocument(compact)
      second.appendCompact(second.root, to: &again)
      #expect(compact == again, "seed \(seed)")
    }
  }
}
