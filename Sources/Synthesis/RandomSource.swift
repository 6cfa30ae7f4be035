/// The generator's own pseudo-random numbers, so that the same seed gives the same patients on every machine and
/// with every library version: xoshiro256** (D. Blackman, S. Vigna), its state filled by SplitMix64.
///
/// Only additions, multiplications, shifts and IEEE 754 basic operations are used; nothing from a mathematics library
/// whose last digit may differ between systems.
struct RandomSource: Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// A stream of numbers that depends on nothing but these three.
  init(seed: UInt64, index: UInt64, stream: UInt64) {
    var mixer = RandomSource.mix(seed ^ RandomSource.mix(index ^ RandomSource.mix(stream)))
    func draw() -> UInt64 {
      mixer &+= 0x9E37_79B9_7F4A_7C15
      return RandomSource.mix(mixer)
    }
    state = (draw(), draw(), draw(), draw())
  }

  /// SplitMix64's finaliser: a bijection of 64-bit words.
  static func mix(_ word: UInt64) -> UInt64 {
    var z = word &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func next() -> UInt64 {
    let scaled = state.1 &* 5
    let result = ((scaled << 7) | (scaled >> 57)) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = (state.3 << 45) | (state.3 >> 19)
    return result
  }

  /// A whole number of 0 ..< bound; 0 for bounds below 2.
  mutating func below(_ bound: Int) -> Int {
    bound < 2 ? 0 : Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A whole number of the range.
  mutating func within(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.upperBound - range.lowerBound + 1)
  }

  /// A number of [0, 1).
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  mutating func chance(_ probability: Double) -> Bool { unit() < probability }

  /// Roughly normal (the sum of twelve uniform numbers), never further than six deviations from the mean.
  mutating func normal(_ mean: Double, _ deviation: Double) -> Double {
    var sum = -6.0
    for _ in 0..<12 { sum += unit() }
    return mean + deviation * sum
  }

  /// One of the elements, each as likely as the other. The array must not be empty.
  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

  /// An index, as likely as its weight among all.
  mutating func pick(weights: [Int]) -> Int {
    var rest = below(weights.reduce(0, +))
    for (index, weight) in weights.enumerated() {
      rest -= weight
      if rest < 0 { return index }
    }
    return 0
  }

  /// How often something that happens `rate` times on average happens (Knuth's method on a chain of chances, bounded).
  mutating func count(rate: Double, max: Int = 12) -> Int {
    var count = 0
    var rest = rate
    while rest > 0, count < max {
      if chance(rest < 0.5 ? rest : 0.5) { count += 1 }
      rest -= 0.5
    }
    return count
  }
}
