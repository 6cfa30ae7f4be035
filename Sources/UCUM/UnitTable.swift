/// UCUM's prefixes and atoms, every atom resolved to base units. Read once, then never changed.
struct UnitTable: Sendable {
  /// A special unit on an interval scale: the quantity is (value + zero) × unit.
  struct IntervalScale: Sendable {
    let zero: Rational
    let unit: UnitTerm
  }

  /// The release, "2.2".
  fileprivate(set) var version = ""
  /// The base units' symbols, sorted by bytes.
  fileprivate(set) var bases: [String] = []
  fileprivate(set) var prefixes: [UnitSymbol: Rational] = [:]
  fileprivate(set) var atoms: [UnitSymbol: (term: UnitTerm, isMetric: Bool)] = [:]
  /// By the dimension that the unit has within other units.
  fileprivate(set) var intervalScales: [UInt16: IntervalScale] = [:]

  init(_ bytes: UnsafeBufferPointer<UInt8>) throws(UnitError) {
    self = try UnitTableLoader(bytes).load()
  }

  fileprivate init() {}
}

extension UnitTable: UnitSymbols {
  func atom(_ symbol: UnitSymbol) -> (term: UnitTerm, isMetric: Bool)? { atoms[symbol] }
  func prefix(_ symbol: UnitSymbol) -> Rational? { prefixes[symbol] }
}

/// Reads the table; `UnitTableGenerator` tells its format.
///
/// Units of their own dimension are, besides the base units:
///
/// - `mol`. UCUM defines it as a number, 6.02214076 × 10^23 (§30). By that `mmol/L` is a count per volume, comparable
///   with `10*9/L`, and `mol` with `1` and `%`; but a search for cells must not find molecules, and the SI has the mole
///   as a base unit. Practice differs: the National Library of Medicine's JavaScript library follows UCUM (mmol/L to
///   L-1 gives 6.02e20), its conversion service keeps the mole apart (LHNCBC/ucum-lhc, issues 7 and 8), as is done
///   here. What UCUM derives from it (`eq`, `osm`, `kat`, `U`) stays comparable with it.
/// - Arbitrary units (§24: not "commensurable with" any other unit), except those that are defined by another one:
///   `[IU]` is `[iU]`. Quantities in the same arbitrary unit are comparable, prefixes and divisors included.
/// - Special units (§21), for their values cannot be multiplied. The temperatures among them become kelvin when they
///   stand alone; logarithms, tangents and homeopathic potencies are comparable with themselves only.
private final class UnitTableLoader: UnitSymbols {
  private struct Definition {
    let kind: UInt8
    let isMetric: Bool
    let value: UnsafeBufferPointer<UInt8>
    let unit: UnsafeBufferPointer<UInt8>
  }

  /// Definitions lead to others; UCUM's own go seven deep.
  private static let depthMax = 32
  private static let amountOfSubstance = "mol"
  private static let pi = "[pi]"
  /// Function, and its zero in the special unit: 273.15 K, 459.67 × 5/9 K, 218.52 × 5/4 K (UCUM's function table).
  private static let zeros: [String: (significand: Int128, scale: Int)] = [
    "Cel": (27315, 2), "degF": (45967, 2), "degRe": (21852, 2),
  ]

  private let bytes: UnsafeBufferPointer<UInt8>
  private var table = UnitTable()
  private var definitions: [UnitSymbol: Definition] = [:]
  private var baseNumbers: [UnitSymbol: UInt16] = [:]
  private var depth = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  func load() throws(UnitError) -> UnitTable {
    var ownDimensions: [(text: String, symbol: UnitSymbol)] = []
    var intervals: [(symbol: UnitSymbol, function: String)] = []
    for (offset, fields) in lines() {
      guard let kind = fields.first?.first, fields.count >= 2, let symbol = UnitSymbol(fields[1]) else { continue }
      let text = String(decoding: fields[1], as: UTF8.self)
      let isOwn = try read(kind, symbol, text, fields, offset)
      if isOwn { ownDimensions.append((text, symbol)) }
      if fields.count > 5 { intervals.append((symbol, String(decoding: fields[5], as: UTF8.self))) }
    }
    ownDimensions.sort { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
    table.bases = ownDimensions.map(\.text)
    for (number, own) in ownDimensions.enumerated() { baseNumbers[own.symbol] = UInt16(number) }
    for symbol in definitions.keys { _ = try atom(symbol) }
    for (symbol, function) in intervals { try addIntervalScale(symbol, function) }
    return table
  }

  /// The table's lines as fields, with their places; comments are left out.
  private func lines() -> [(offset: Int, fields: [UnsafeBufferPointer<UInt8>])] {
    bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard line.first != UInt8(ascii: "#") else { return nil }
      let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
      return (line.startIndex, fields.map { UnsafeBufferPointer(rebasing: $0) })
    }
  }

  /// Notes a line; true if its unit is a dimension of its own.
  private func read(
    _ kind: UInt8, _ symbol: UnitSymbol, _ text: String, _ fields: [UnsafeBufferPointer<UInt8>], _ offset: Int
  ) throws(UnitError) -> Bool {
    switch kind {
    case UInt8(ascii: "V"):
      table.version = text
      return false
    case UInt8(ascii: "P"):
      guard fields.count > 2, let value = Rational(decimal: fields[2]) else {
        throw UnitError(.table, offset: offset)
      }
      table.prefixes[symbol] = value
      return false
    case UInt8(ascii: "B"):
      // Base units take prefixes: they are SI's, but for the gram (UCUM §28).
      definitions[symbol] = Definition(kind: kind, isMetric: true, value: fields[1], unit: fields[1])
      return true
    default:
      guard fields.count > 4 else { throw UnitError(.table, offset: offset) }
      definitions[symbol] = Definition(
        kind: kind, isMetric: fields[2].first == UInt8(ascii: "m"), value: fields[3], unit: fields[4])
      if text == Self.pi { table.atoms[symbol] = (UnitTerm(magnitude: .pi, dimensions: []), false) }
      let isNumber = fields[4].elementsEqual("1".utf8)
      return kind == UInt8(ascii: "S") || kind == UInt8(ascii: "A") && isNumber || text == Self.amountOfSubstance
    }
  }

  func prefix(_ symbol: UnitSymbol) -> Rational? { table.prefixes[symbol] }

  func atom(_ symbol: UnitSymbol) throws(UnitError) -> (term: UnitTerm, isMetric: Bool)? {
    if let known = table.atoms[symbol] { return known }
    guard let definition = definitions[symbol] else { return nil }
    var term: UnitTerm
    if let base = baseNumbers[symbol] {
      term = UnitTerm(magnitude: .one, dimensions: [Dimension(base: base, exponent: 1)])
    } else {
      term = try self.term(of: definition)
    }
    let atom = (term: term, isMetric: definition.isMetric)
    table.atoms[symbol] = atom
    return atom
  }

  /// Value × unit.
  private func term(of definition: Definition) throws(UnitError) -> UnitTerm {
    guard depth < Self.depthMax, let value = Rational(decimal: definition.value) else {
      throw UnitError(.table, offset: 0)
    }
    depth += 1
    var parser = UnitParser(definition.unit, symbols: self)
    var term = try parser.parse()
    depth -= 1
    try term.multiply(by: UnitTerm(magnitude: value, dimensions: []), exponent: 1, offset: 0)
    return term
  }

  private func addIntervalScale(_ symbol: UnitSymbol, _ function: String) throws(UnitError) {
    guard let zero = Self.zeros[function] else { return }
    guard let base = baseNumbers[symbol], let definition = definitions[symbol],
      let zero = Rational(significand: zero.significand, scale: zero.scale)
    else { throw UnitError(.table, offset: 0) }
    table.intervalScales[base] = UnitTable.IntervalScale(zero: zero, unit: try term(of: definition))
  }
}
