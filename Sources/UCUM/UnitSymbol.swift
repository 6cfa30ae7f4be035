/// A symbol of a prefix or an atom: up to 16 bytes, in one number, so that comparing and hashing it cost nothing.
/// UCUM's longest has exactly 16.
struct UnitSymbol: Sendable, Hashable {
  static let lengthMax = 16

  private let packed: UInt128

  /// Nil for an empty or a longer one. The rest is zero, which no symbol contains.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard !bytes.isEmpty, bytes.count <= Self.lengthMax, !bytes.contains(0) else { return nil }
    var packed: UInt128 = 0
    for byte in bytes { packed = packed << 8 | UInt128(byte) }
    self.packed = packed
  }
}

/// What the parser asks for the meaning of symbols.
protocol UnitSymbols {
  /// The unit that an atom stands for and whether it takes prefixes; nil for an unknown one.
  mutating func atom(_ symbol: UnitSymbol) throws(UnitError) -> (term: UnitTerm, isMetric: Bool)?
  mutating func prefix(_ symbol: UnitSymbol) -> Rational?
}
