/// A base unit and its exponent. A unit's dimensions are sorted by base unit; none has the exponent 0.
struct Dimension: Sendable, Hashable {
  /// The base unit's place among all of them, sorted by symbol.
  var base: UInt16
  var exponent: Int16
}

/// A product of powers of base units with its magnitude: an element of UCUM's group of units (§18, §19).
struct UnitTerm: Sendable, Hashable {
  var magnitude: Rational
  var dimensions: [Dimension]

  static let one = UnitTerm(magnitude: .one, dimensions: [])

  /// Multiplies by a power of another term.
  mutating func multiply(by other: UnitTerm, exponent: Int, offset: Int) throws(UnitError) {
    guard let factor = exponent == 1 ? other.magnitude : other.magnitude.raised(to: exponent),
      let product = magnitude.multiplied(by: factor)
    else { throw UnitError(.magnitudeOutOfRange, offset: offset) }
    magnitude = product
    for dimension in other.dimensions {
      try add(dimension.base, exponent: Int(dimension.exponent) * exponent, offset: offset)
    }
  }

  private mutating func add(_ base: UInt16, exponent: Int, offset: Int) throws(UnitError) {
    let index = dimensions.firstIndex { $0.base >= base } ?? dimensions.count
    let isThere = index < dimensions.count && dimensions[index].base == base
    let sum = (isThere ? Int(dimensions[index].exponent) : 0) + exponent
    guard sum.magnitude <= UInt(UCUM.exponentMax) else { throw UnitError(.exponentOutOfRange, offset: offset) }
    if sum == 0 {
      if isThere { dimensions.remove(at: index) }
    } else if isThere {
      dimensions[index].exponent = Int16(sum)
    } else {
      dimensions.insert(Dimension(base: base, exponent: Int16(sum)), at: index)
    }
  }
}
