internal import FHIRModel

/// A UCUM unit reduced to base units: `canonical = (value + offset) × factor`, with a dimension.
///
/// The grammar is that of the UCUM specification §§ 2–9: terms with `.` and `/`, exponents, prefixes, parentheses,
/// annotations in braces, whole-number factors.
struct UCUMUnit {
  private(set) var factor: FHIRDecimal
  private(set) var dimension: UCUMDimension
  /// For temperatures written alone; zero for all others.
  private(set) var offset = FHIRDecimal.zero

  /// UTF-8 bytes of a unit's code.
  static let bytesMax = 256
  private static let depthMax = 16

  /// nil for a code that is no UCUM or has no factor, such as a logarithmic unit.
  init?(_ code: String) {
    guard code.utf8.count <= UCUMUnit.bytesMax, !code.isEmpty else { return nil }
    self.init(code, depth: 0)
  }

  private init?(_ code: String, depth: Int) {
    guard depth < UCUMUnit.depthMax else { return nil }
    var reader = Reader(bytes: Array(code.utf8), depth: depth)
    guard let unit = reader.term(), reader.isAtEnd else { return nil }
    self = unit
  }

  private init(factor: FHIRDecimal, dimension: UCUMDimension) {
    self.factor = factor
    self.dimension = dimension
  }

  func canonical(_ value: FHIRDecimal) -> FHIRDecimal {
    (offset.isZero ? value : value.adding(offset)).multiplied(by: factor)
  }

  func fromCanonical(_ value: FHIRDecimal) -> FHIRDecimal? {
    value.divided(by: factor).map { offset.isZero ? $0 : $0.subtracting(offset) }
  }

  private func raised(to exponent: Int) -> UCUMUnit? {
    guard let power = factor.power(exponent), let dimension = dimension.multiplied(by: exponent) else { return nil }
    return UCUMUnit(factor: power, dimension: dimension)
  }

  private func times(_ other: UCUMUnit, divides: Bool) -> UCUMUnit? {
    guard let dimension = dimension.adding(other.dimension, negated: divides) else { return nil }
    guard divides else { return UCUMUnit(factor: factor.multiplied(by: other.factor), dimension: dimension) }
    return factor.divided(by: other.factor).map { UCUMUnit(factor: $0, dimension: dimension) }
  }

  // MARK: - Atoms

  private static func atom(_ code: String, depth: Int) -> UCUMUnit? {
    if let row = UCUMTable.rows[code] { return resolve(code, row, depth) }
    for (prefix, exponent) in UCUMTable.prefixes where code.hasPrefix(prefix) {
      let rest = String(code.dropFirst(prefix.count))
      guard let row = UCUMTable.rows[rest], row.isMetric, var unit = resolve(rest, row, depth) else { continue }
      let power = FHIRDecimal(significand: 1, scale: -exponent)
      unit.factor = unit.factor.multiplied(by: power)
      unit.offset = unit.offset.isZero ? .zero : unit.offset.divided(by: power) ?? .zero
      return unit
    }
    return nil
  }

  private static func resolve(_ code: String, _ row: UCUMTable.Row, _ depth: Int) -> UCUMUnit? {
    guard let value = row.value else { return UCUMUnit(factor: FHIRDecimal(1), dimension: UCUMDimension(code)) }
    guard let number = FHIRDecimal(value) else { return nil }
    var unit = UCUMUnit(factor: number, dimension: UCUMDimension())
    if row.unit != "1" {
      guard let definition = UCUMUnit(row.unit, depth: depth + 1), let product = unit.times(definition, divides: false)
      else { return nil }
      unit = product
    }
    if let offset = row.offset { unit.offset = FHIRDecimal(offset) ?? .zero }
    return unit
  }

  // MARK: - Grammar

  private struct Reader {
    let bytes: [UInt8]
    var depth: Int
    var index = 0

    init(bytes: [UInt8], depth: Int) {
      self.bytes = bytes
      self.depth = depth
    }

    var isAtEnd: Bool { index == bytes.count }

    private var byte: UInt8 { index < bytes.count ? bytes[index] : 0 }

    /// Components joined by `.` and `/`, from left to right; `/` alone may begin.
    mutating func term() -> UCUMUnit? {
      depth += 1
      defer { depth -= 1 }
      guard depth <= UCUMUnit.depthMax else { return nil }
      var result = UCUMUnit(factor: FHIRDecimal(1), dimension: UCUMDimension())
      var divides = byte == UInt8(ascii: "/")
      if divides { index += 1 }
      var isFirst = true
      while true {
        guard let next = component() else { return nil }
        if isFirst, !divides {
          result = next
        } else {
          guard let product = result.times(next, divides: divides) else { return nil }
          result = product
        }
        isFirst = false
        guard byte == UInt8(ascii: ".") || byte == UInt8(ascii: "/") else { return result }
        divides = byte == UInt8(ascii: "/")
        index += 1
      }
    }

    private mutating func component() -> UCUMUnit? {
      if byte == UInt8(ascii: "(") {
        index += 1
        guard let inner = term(), byte == UInt8(ascii: ")") else { return nil }
        index += 1
        return skipAnnotation() ? inner : nil
      }
      if byte == UInt8(ascii: "{") {
        return skipAnnotation() ? UCUMUnit(factor: FHIRDecimal(1), dimension: UCUMDimension()) : nil
      }
      if Lexer.isDigit(byte), !isPowerOfTen {
        guard let number = digits(max: 12) else { return nil }
        return UCUMUnit(factor: FHIRDecimal(number), dimension: UCUMDimension())
      }
      guard let unit = UCUMUnit.atom(symbol(), depth: depth), let exponent = exponent() else { return nil }
      guard skipAnnotation() else { return nil }
      return exponent == 1 ? unit : unit.raised(to: exponent)
    }

    private var isPowerOfTen: Bool {
      guard index + 2 < bytes.count else { return false }
      return bytes[index] == UInt8(ascii: "1") && bytes[index + 1] == UInt8(ascii: "0")
        && (bytes[index + 2] == UInt8(ascii: "*") || bytes[index + 2] == UInt8(ascii: "^"))
    }

    private mutating func symbol() -> String {
      let start = index
      if isPowerOfTen {
        index += 3
        return String(decoding: bytes[start..<index], as: UTF8.self)
      }
      var inBrackets = false
      while index < bytes.count {
        let next = bytes[index]
        if next == UInt8(ascii: "[") { inBrackets = true }
        if next == UInt8(ascii: "]") { inBrackets = false }
        if !inBrackets {
          if Lexer.isDigit(next) || "+-./(){}".utf8.contains(next) { break }
        }
        index += 1
      }
      return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// 1 where none is written.
    private mutating func exponent() -> Int? {
      let negative = byte == UInt8(ascii: "-")
      if negative || byte == UInt8(ascii: "+") {
        index += 1
        guard let number = digits(max: 3) else { return nil }
        return negative ? -number : number
      }
      return Lexer.isDigit(byte) ? digits(max: 3) : 1
    }

    private mutating func digits(max: Int) -> Int? {
      let start = index
      while Lexer.isDigit(byte) { index += 1 }
      guard index > start, index - start <= max else { return nil }
      return Int(String(decoding: bytes[start..<index], as: UTF8.self))
    }

    private mutating func skipAnnotation() -> Bool {
      while byte == UInt8(ascii: "{") {
        while index < bytes.count, byte != UInt8(ascii: "}") { index += 1 }
        guard index < bytes.count else { return false }
        index += 1
      }
      return true
    }
  }
}

/// Exponents of base and arbitrary units.
struct UCUMDimension: Equatable {
  private var exponents: [String: Int] = [:]
  private static let exponentMax = 1_000

  init() {}

  init(_ base: String) { exponents[base] = 1 }

  /// nil where an exponent grows beyond reason.
  func adding(_ other: UCUMDimension, negated: Bool) -> UCUMDimension? {
    var result = self
    for (base, exponent) in other.exponents {
      let sum = (result.exponents[base] ?? 0) + (negated ? -exponent : exponent)
      guard abs(sum) <= UCUMDimension.exponentMax else { return nil }
      result.exponents[base] = sum == 0 ? nil : sum
    }
    return result
  }

  func multiplied(by factor: Int) -> UCUMDimension? {
    var result = UCUMDimension()
    for (base, exponent) in exponents {
      let product = exponent * factor
      guard abs(product) <= UCUMDimension.exponentMax else { return nil }
      result.exponents[base] = product == 0 ? nil : product
    }
    return result
  }

  /// The UCUM code of this product of base units.
  var code: String {
    if exponents.isEmpty { return "1" }
    let parts = exponents.sorted { $0.key < $1.key }.map { $0.value == 1 ? $0.key : "\($0.key)\($0.value)" }
    return parts.joined(separator: ".")
  }
}
