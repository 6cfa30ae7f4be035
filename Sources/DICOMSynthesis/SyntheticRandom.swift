internal import DICOMCore

/// Pseudo-random numbers that are the same on every machine: SplitMix64 (Steele, Lea, Flood 2014).
struct SyntheticRandom {
  private var state: UInt64

  /// A stream of numbers that depends on nothing but these.
  init(_ seed: UInt64, _ numbers: Int...) {
    // A product, not an XOR: the order of the numbers counts, and equal ones do not cancel each other out.
    state = numbers.reduce(Self.mix(seed)) { Self.mix($0 &* 0x100_0000_01B3 &+ UInt64(bitPattern: Int64($1)) &+ 1) }
  }

  private static func mix(_ word: UInt64) -> UInt64 {
    var z = word &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func next() -> UInt64 {
    defer { state &+= 0x9E37_79B9_7F4A_7C15 }
    return Self.mix(state)
  }

  /// A whole number of 0 ..< bound; 0 for bounds below 2.
  mutating func below(_ bound: Int) -> Int {
    bound < 2 ? 0 : Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number of [0, 1).
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A number of the range.
  mutating func within(_ range: ClosedRange<Double>) -> Double {
    range.lowerBound + (range.upperBound - range.lowerBound) * unit()
  }

  /// One of the elements; the array must not be empty.
  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

  /// A UID made of a UUID (PS3.5 B.2; RFC 9562 §5.8, version 8).
  mutating func uid() -> UID {
    let high = next() & 0xFFFF_FFFF_FFFF_0FFF | 0x8000
    let low = next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    return UID("2.25.\(UInt128(high) << 64 | UInt128(low))")
  }
}
