extension FHIRDecimal {
  /// Reads a number as JSON and FHIR write it: `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`; nil for anything else.
  public init?(_ lexeme: UnsafeBufferPointer<UInt8>) {
    var reader = LexemeReader(bytes: lexeme)
    guard reader.read() else { return nil }
    self.init(significand: reader.significand, scale: reader.scale, isExact: reader.isExact)
  }

  /// As the byte parser.
  public init?(_ lexeme: String) {
    var text = lexeme
    guard let value = text.withUTF8({ FHIRDecimal($0) }) else { return nil }
    self = value
  }
}

/// One pass over a number's lexeme.
private struct LexemeReader {
  let bytes: UnsafeBufferPointer<UInt8>
  var position = 0
  var negative = false
  /// The first 19 digits at most.
  var low: UInt64 = 0
  /// All digits, once there are more than 18.
  var wide: UInt128 = 0
  var digits = 0
  var scale = 0
  var isExact = true
  /// The first digit that was cut off, for rounding.
  var cutDigit: UInt8?

  init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  var significand: Int128 {
    var magnitude = digits <= 18 ? UInt128(low) : wide
    if let cutDigit, cutDigit >= 5 { magnitude += 1 }
    return negative ? -Int128(magnitude) : Int128(magnitude)
  }

  mutating func read() -> Bool {
    if position < bytes.count, bytes[position] == UInt8(ascii: "-") {
      negative = true
      position += 1
    }
    guard position < bytes.count else { return false }
    if bytes[position] == UInt8(ascii: "0") {
      position += 1
    } else {
      guard digitRun(fraction: false) else { return false }
    }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      guard digitRun(fraction: true) else { return false }
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      guard exponent() else { return false }
    }
    return position == bytes.count
  }

  /// Reads one digit or more.
  private mutating func digitRun(fraction: Bool) -> Bool {
    let start = position
    while position < bytes.count {
      let digit = bytes[position] &- 48
      guard digit < 10 else { break }
      append(digit, fraction: fraction)
      position += 1
    }
    return position > start
  }

  private mutating func append(_ digit: UInt8, fraction: Bool) {
    if digits < 18 {
      low = low &* 10 &+ UInt64(digit)
    } else if digits < FHIRDecimal.digitsMax {
      if digits == 18 { wide = UInt128(low) }
      wide = wide * 10 + UInt128(digit)
    } else {
      if cutDigit == nil { cutDigit = digit }
      if digit != 0 { isExact = false }
      // A digit dropped before the point still moves the point.
      if !fraction { scale -= 1 }
      return
    }
    if digits > 0 || digit != 0 { digits += 1 }
    if fraction { scale += 1 }
  }

  private mutating func exponent() -> Bool {
    var negative = false
    if position < bytes.count, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") {
      negative = bytes[position] == UInt8(ascii: "-")
      position += 1
    }
    let start = position
    var value = 0
    while position < bytes.count {
      let digit = bytes[position] &- 48
      guard digit < 10 else { break }
      value = min(value * 10 + Int(digit), FHIRDecimal.exponentMax * 10)
      position += 1
    }
    scale += negative ? value : -value
    return position > start
  }
}

// MARK: - Printing

extension FHIRDecimal: CustomStringConvertible {
  /// The value with the scale it was written with: `5.00`, `0.00200`; an exponent form only where the scale is
  /// negative or past 60 digits (`1e2`). It reads back as the same value and scale.
  public var description: String {
    if scale >= 0, scale <= 60 { return FHIRDecimal.plain(significand, scale) }
    return "\(significand)e\(-scale)"
  }

  /// The value without an exponent (`1e2` is `100`), up to 60 places either way; past them as `description`.
  public var plainText: String {
    guard scale < 0, scale >= -60 else { return description }
    return significand == 0 ? "0" : "\(significand)" + String(repeating: "0", count: -scale)
  }

  private static func plain(_ significand: Int128, _ scale: Int) -> String {
    var digits = String(significand.magnitude)
    if scale > 0 {
      if digits.utf8.count <= scale {
        digits = String(repeating: "0", count: scale + 1 - digits.utf8.count) + digits
      }
      digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -scale))
    }
    return significand < 0 ? "-" + digits : digits
  }
}
