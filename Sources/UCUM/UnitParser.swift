/// The grammar of UCUM's case-sensitive codes (§3–§11 and the table of production rules), by recursive descent.
///
///     main-term   = "/" term | term
///     term        = component { ("." | "/") component }            left to right
///     component   = annotatable [annotation] | annotation | factor [annotation] | "(" term ")" [annotation]
///     annotatable = simple-unit [exponent]
///     simple-unit = atom | prefix metric-atom
///
/// Liberties, which the published lists of common units take: an annotation may follow a factor (`/100{WBCs}`) or a
/// parenthesis (`g/(8.h){shift}`; both in UCUM's own table of example codes), and may contain spaces (`{clock time}`,
/// in FHIR's value set ucum-common).
struct UnitParser<Symbols: UnitSymbols> {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var depth = 0
  private var symbols: Symbols

  init(_ bytes: UnsafeBufferPointer<UInt8>, symbols: Symbols) {
    self.bytes = bytes
    self.symbols = symbols
  }

  /// The whole text as one term.
  mutating func parse() throws(UnitError) -> UnitTerm {
    if bytes.isEmpty { throw UnitError(.empty, offset: 0) }
    if bytes.count > UCUM.lengthMax { throw UnitError(.tooLong, offset: UCUM.lengthMax) }
    var sign = 1
    if current == UInt8(ascii: "/") {
      sign = -1
      position += 1
    }
    let term = try term(sign: sign)
    if let byte = current {
      throw UnitError(byte == UInt8(ascii: ")") ? .unbalanced : .unexpectedCharacter, offset: position)
    }
    return term
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// - Parameter sign: the exponent of the first component, -1 after a leading slash.
  private mutating func term(sign: Int) throws(UnitError) -> UnitTerm {
    var result = UnitTerm.one
    var sign = sign
    while true {
      let start = position
      let (component, exponent) = try component()
      try result.multiply(by: component, exponent: sign * exponent, offset: start)
      switch current {
      case UInt8(ascii: "."): sign = 1
      case UInt8(ascii: "/"): sign = -1
      default: return result
      }
      position += 1
    }
  }

  private mutating func component() throws(UnitError) -> (UnitTerm, exponent: Int) {
    switch current {
    case UInt8(ascii: "("):
      let result = try parenthesised()
      if current == UInt8(ascii: "{") { try skipAnnotation() }
      return (result, 1)
    case UInt8(ascii: "{"):
      try skipAnnotation()
      return (.one, 1)
    case nil, UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: ")"):
      throw UnitError(.componentExpected, offset: position)
    default:
      let result = try simple()
      if current == UInt8(ascii: "{") { try skipAnnotation() }
      return result
    }
  }

  private mutating func parenthesised() throws(UnitError) -> UnitTerm {
    let start = position
    guard depth < UCUM.depthMax else { throw UnitError(.tooDeep, offset: start) }
    depth += 1
    position += 1
    let result = try term(sign: 1)
    guard current == UInt8(ascii: ")") else {
      throw UnitError(current == nil ? .unbalanced : .unexpectedCharacter, offset: current == nil ? start : position)
    }
    position += 1
    depth -= 1
    return result
  }

  /// `{…}`: without meaning (§6), not nested.
  private mutating func skipAnnotation() throws(UnitError) {
    let start = position
    position += 1
    while let byte = current {
      switch byte {
      case UInt8(ascii: "}"):
        position += 1
        return
      case UInt8(ascii: "{"): throw UnitError(.unexpectedCharacter, offset: position)
      case 0x20...0x7e: position += 1
      default: throw UnitError(.unexpectedCharacter, offset: position)
      }
    }
    throw UnitError(.unbalanced, offset: start)
  }

  /// A factor, or a unit with its exponent. Digits at the end of a symbol are its exponent: outside of brackets no
  /// symbol ends with one (§3).
  private mutating func simple() throws(UnitError) -> (UnitTerm, exponent: Int) {
    let start = position
    try skipSymbol()
    var end = position
    while end > start, digitValue(bytes[end - 1]) != nil { end -= 1 }
    if end == start {
      guard position > start else { throw UnitError(.unexpectedCharacter, offset: position) }
      return (UnitTerm(magnitude: try factor(start..<position), dimensions: []), 1)
    }
    let unit = try unit(start..<end)
    var exponent = 1
    if end < position {
      exponent = try number(end..<position, .exponentOutOfRange)
    } else if let byte = current, byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") {
      position += 1
      let digits = position
      while let byte = current, digitValue(byte) != nil { position += 1 }
      guard position > digits else { throw UnitError(.unexpectedCharacter, offset: digits - 1) }
      exponent = try number(digits..<position, .exponentOutOfRange)
      if byte == UInt8(ascii: "-") { exponent = -exponent }
    }
    guard exponent.magnitude <= UInt(UCUM.exponentMax) else { throw UnitError(.exponentOutOfRange, offset: end) }
    return (unit, exponent)
  }

  /// To the end of symbol and digits. Within brackets anything may stand (§5).
  private mutating func skipSymbol() throws(UnitError) {
    var bracket: Int?
    while let byte = current {
      switch byte {
      case UInt8(ascii: "["):
        guard bracket == nil else { throw UnitError(.unexpectedCharacter, offset: position) }
        bracket = position
      case UInt8(ascii: "]"):
        guard bracket != nil else { throw UnitError(.unbalanced, offset: position) }
        bracket = nil
      case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "{"),
        UInt8(ascii: "}"), UInt8(ascii: "+"), UInt8(ascii: "-"):
        if bracket == nil { return }
      default: break
      }
      position += 1
    }
    if let bracket { throw UnitError(.unbalanced, offset: bracket) }
  }

  /// A positive integer (§8).
  private func factor(_ range: Range<Int>) throws(UnitError) -> Rational {
    let value = try number(range, .factorOutOfRange)
    guard value > 0 else { throw UnitError(.factorOutOfRange, offset: range.lowerBound) }
    return Rational(integer: Int64(value))
  }

  /// Up to 18 digits.
  private func number(_ range: Range<Int>, _ code: UnitError.Code) throws(UnitError) -> Int {
    var value = 0
    guard range.count <= 18 else { throw UnitError(code, offset: range.lowerBound) }
    for index in range { value = value * 10 + (digitValue(bytes[index]) ?? 0) }
    return value
  }

  /// An atom, or else a prefix of one or two letters and a metric atom (§11). An atom wins: `cd` is the candela.
  private mutating func unit(_ range: Range<Int>) throws(UnitError) -> UnitTerm {
    let text = UnsafeBufferPointer(rebasing: bytes[range])
    if let symbol = UnitSymbol(text), let atom = try symbols.atom(symbol) { return atom.term }
    var code = UnitError.Code.unknownSymbol
    for length in 1...2 where length < text.count {
      guard let prefix = UnitSymbol(UnsafeBufferPointer(rebasing: text[..<length])).flatMap({ symbols.prefix($0) }),
        let symbol = UnitSymbol(UnsafeBufferPointer(rebasing: text[length...])), let atom = try symbols.atom(symbol)
      else { continue }
      guard atom.isMetric else {
        code = .prefixNotAllowed
        continue
      }
      var result = atom.term
      try result.multiply(
        by: UnitTerm(magnitude: prefix, dimensions: []), exponent: 1, offset: range.lowerBound)
      return result
    }
    throw UnitError(code, offset: range.lowerBound)
  }
}
