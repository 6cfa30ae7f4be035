/// A number as arithmetic sees it: a 64-bit integer where it is written as one that fits, a double otherwise.
public enum JSONNumber: Sendable, Equatable {
  case integer(Int64)
  case double(Double)

  public var double: Double {
    switch self {
    case .integer(let value): Double(value)
    case .double(let value): value
    }
  }

  /// Reads a number written in JSON's grammar (RFC 8259 §6); nil for any other text and for what no double holds.
  public init?(lexeme: UnsafeBufferPointer<UInt8>) {
    var scan = Scan(lexeme)
    guard scan.read() else { return nil }
    if !scan.isReal, scan.digits <= 18 {
      self = .integer(scan.isNegative ? -Int64(scan.mantissa) : Int64(scan.mantissa))
      return
    }
    // Both factors are exact below these bounds, so the quotient is rounded once and right.
    if scan.digits <= 15, !scan.hasExponent, scan.fraction <= 22 {
      let value = Double(scan.mantissa) / JSONNumber.powers[scan.fraction]
      self = .double(scan.isNegative ? -value : value)
      return
    }
    let text = String(decoding: lexeme, as: UTF8.self)
    if !scan.isReal, let integer = Int64(text) {
      self = .integer(integer)
      return
    }
    guard let value = Double(text), value.isFinite else { return nil }
    self = .double(value)
  }

  public init?(text: String) {
    var text = text
    guard let number = text.withUTF8({ JSONNumber(lexeme: $0) }) else { return nil }
    self = number
  }

  /// The number as JSON; the shortest text that reads back as the same double.
  public var json: String {
    switch self {
    case .integer(let value): String(value)
    case .double(let value): value.description
    }
  }

  static func compare(_ a: JSONNumber, _ b: JSONNumber) -> Int {
    if case .integer(let x) = a, case .integer(let y) = b { return x < y ? -1 : x == y ? 0 : 1 }
    return a.double < b.double ? -1 : a.double == b.double ? 0 : 1
  }

  private static let powers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]

  /// Checks the grammar and gathers the first digits.
  private struct Scan {
    let text: UnsafeBufferPointer<UInt8>
    var place = 0
    var isNegative = false
    var mantissa: UInt64 = 0
    /// Digits of the mantissa, leading zeros not counted.
    var digits = 0
    var fraction = 0
    var isReal = false
    var hasExponent = false

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    private func isNext(_ byte: Unicode.Scalar) -> Bool { place < text.count && text[place] == UInt8(ascii: byte) }

    private mutating func readDigits() -> Int {
      let start = place
      while place < text.count, text[place] &- 48 < 10 {
        if digits < 19 { mantissa = mantissa &* 10 &+ UInt64(text[place] &- 48) }
        if digits > 0 || text[place] != 48 { digits += 1 }
        place += 1
      }
      return place - start
    }

    mutating func read() -> Bool {
      if isNext("-") {
        isNegative = true
        place += 1
      }
      let startsWithZero = isNext("0")
      let whole = readDigits()
      guard whole > 0, !startsWithZero || whole == 1 else { return false }
      if isNext(".") {
        isReal = true
        place += 1
        fraction = readDigits()
        guard fraction > 0 else { return false }
      }
      if place < text.count, text[place] | 0x20 == UInt8(ascii: "e") {
        isReal = true
        hasExponent = true
        place += 1
        if isNext("+") || isNext("-") { place += 1 }
        let start = place
        while place < text.count, text[place] &- 48 < 10 { place += 1 }
        guard place > start else { return false }
      }
      return place == text.count
    }
  }
}
