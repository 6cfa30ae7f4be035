/// Splits an expression into tokens (FHIRPath 2.0 §Lexical elements).
struct Lexer {
  private let bytes: [UInt8]
  private var index = 0
  private var tokens: [Token] = []

  private init(_ text: String) { bytes = Array(text.utf8) }

  static func tokens(of text: String) throws(FHIRPathError) -> [Token] {
    var lexer = Lexer(text)
    while try lexer.readToken() {}
    lexer.tokens.append(Token(kind: .end, text: "", offset: lexer.bytes.count))
    return lexer.tokens
  }

  private func byte(_ ahead: Int = 0) -> UInt8 {
    let place = index + ahead
    return place < bytes.count ? bytes[place] : 0
  }

  private mutating func append(_ kind: Token.Kind, from start: Int) {
    tokens.append(Token(kind: kind, text: String(decoding: bytes[start..<index], as: UTF8.self), offset: start))
  }

  private mutating func readToken() throws(FHIRPathError) -> Bool {
    try skipSpace()
    guard index < bytes.count else { return false }
    let start = index
    switch bytes[index] {
    case let letter where Lexer.startsName(letter):
      while Lexer.continuesName(byte()) { index += 1 }
      append(.word, from: start)
    case let digit where Lexer.isDigit(digit): readNumber()
    case UInt8(ascii: "'"): try readQuoted(.string)
    case UInt8(ascii: "`"): try readQuoted(.delimited)
    // The first draft wrote delimited names in double quotes, and published expressions still do.
    case UInt8(ascii: "\""): try readQuoted(.delimited)
    case UInt8(ascii: "@"): try readTemporal()
    case UInt8(ascii: "%"): try readVariable()
    case UInt8(ascii: "$"):
      index += 1
      while Lexer.continuesName(byte()) { index += 1 }
      let name = String(decoding: bytes[(start + 1)..<index], as: UTF8.self)
      tokens.append(Token(kind: .special, text: name, offset: start))
    default: try readSymbol()
    }
    return true
  }

  private mutating func skipSpace() throws(FHIRPathError) {
    while index < bytes.count {
      switch (byte(), byte(1)) {
      case (0x20, _), (0x09, _), (0x0A, _), (0x0D, _): index += 1
      // A no-break space stands in some published expressions.
      case (0xC2, 0xA0): index += 2
      case (UInt8(ascii: "/"), UInt8(ascii: "/")):
        while index < bytes.count, bytes[index] != 0x0A, bytes[index] != 0x0D { index += 1 }
      case (UInt8(ascii: "/"), UInt8(ascii: "*")):
        let start = index
        index += 2
        while index < bytes.count, !(byte() == UInt8(ascii: "*") && byte(1) == UInt8(ascii: "/")) { index += 1 }
        guard index < bytes.count else { throw FHIRPathError(.syntax, "a comment does not end", at: start) }
        index += 2
      default: return
      }
    }
  }

  private mutating func readNumber() {
    let start = index
    while Lexer.isDigit(byte()) { index += 1 }
    if byte() == UInt8(ascii: "."), Lexer.isDigit(byte(1)) {
      index += 1
      while Lexer.isDigit(byte()) { index += 1 }
    }
    append(.number, from: start)
  }

  /// `@2015-02-04T14:34:28.123+10:00`, `@2015-02`, `@2015T`, `@T14:34`. A time has no zone.
  private mutating func readTemporal() throws(FHIRPathError) {
    let start = index
    index += 1
    let isTime = byte() == UInt8(ascii: "T")
    if !isTime {
      readDigits()
      for _ in 0..<2 where byte() == UInt8(ascii: "-") && Lexer.isDigit(byte(1)) {
        index += 1
        readDigits()
      }
    }
    if byte() == UInt8(ascii: "T") {
      index += 1
      readDigits()
      for _ in 0..<2 where byte() == UInt8(ascii: ":") && Lexer.isDigit(byte(1)) {
        index += 1
        readDigits()
      }
      if byte() == UInt8(ascii: "."), Lexer.isDigit(byte(1)) {
        index += 1
        readDigits()
      }
      if !isTime { readZone() }
    }
    guard !Lexer.continuesName(byte()) else { throw FHIRPathError(.syntax, "not a date or time", at: start) }
    append(.temporal, from: start)
  }

  private mutating func readZone() {
    if byte() == UInt8(ascii: "Z") {
      index += 1
    } else if byte() == UInt8(ascii: "+") || byte() == UInt8(ascii: "-") {
      let isZone =
        Lexer.isDigit(byte(1)) && Lexer.isDigit(byte(2)) && byte(3) == UInt8(ascii: ":") && Lexer.isDigit(byte(4))
        && Lexer.isDigit(byte(5))
      if isZone { index += 6 }
    }
  }

  private mutating func readDigits() { while Lexer.isDigit(byte()) { index += 1 } }

  private mutating func readVariable() throws(FHIRPathError) {
    let start = index
    index += 1
    switch byte() {
    case UInt8(ascii: "`"), UInt8(ascii: "\""), UInt8(ascii: "'"):
      try readQuoted(.variable, offset: start)
    default:
      let nameStart = index
      while Lexer.continuesName(byte()) || isNameDash { index += 1 }
      guard index > nameStart else { throw FHIRPathError(.syntax, "a name must follow %", at: start) }
      let name = String(decoding: bytes[nameStart..<index], as: UTF8.self)
      tokens.append(Token(kind: .variable, text: name, offset: start))
    }
  }

  /// FHIR writes `%vs-[name]` and `%ext-[name]`, also without delimiters (R4 fhirpath#variables).
  private var isNameDash: Bool {
    guard byte() == UInt8(ascii: "-"), Lexer.startsName(byte(1)) else { return false }
    var start = index
    while start > 0, Lexer.continuesName(bytes[start - 1]) || bytes[start - 1] == UInt8(ascii: "-") { start -= 1 }
    let prefix = bytes[start..<index]
    return prefix.starts(with: Array("vs".utf8)) || prefix.starts(with: Array("ext".utf8))
  }

  private mutating func readQuoted(_ kind: Token.Kind, offset: Int? = nil) throws(FHIRPathError) {
    let start = index
    let quote = bytes[index]
    var text: [UInt8] = []
    index += 1
    while index < bytes.count, bytes[index] != quote {
      if bytes[index] == UInt8(ascii: "\\") {
        try readEscape(into: &text)
      } else {
        text.append(bytes[index])
        index += 1
      }
    }
    guard index < bytes.count else { throw FHIRPathError(.syntax, "a quoted text does not end", at: start) }
    index += 1
    tokens.append(Token(kind: kind, text: String(decoding: text, as: UTF8.self), offset: offset ?? start))
  }

  private mutating func readEscape(into text: inout [UInt8]) throws(FHIRPathError) {
    let start = index
    let escape = byte(1)
    index += 2
    switch escape {
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"):
      text.append(escape)
    case UInt8(ascii: "u"):
      var unit = try readUnit(start)
      if unit & 0xFC00 == 0xD800, byte() == UInt8(ascii: "\\"), byte(1) == UInt8(ascii: "u") {
        index += 2
        let low = try readUnit(start)
        guard low & 0xFC00 == 0xDC00 else { throw FHIRPathError(.syntax, "not a Unicode character", at: start) }
        unit = 0x10000 + (unit & 0x3FF) << 10 + low & 0x3FF
      }
      guard let scalar = Unicode.Scalar(unit) else {
        throw FHIRPathError(.syntax, "not a Unicode character", at: start)
      }
      text.append(contentsOf: String(Character(scalar)).utf8)
    default: throw FHIRPathError(.syntax, "unknown escape sequence", at: start)
    }
  }

  private mutating func readUnit(_ start: Int) throws(FHIRPathError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(byte())).hexDigitValue else {
        throw FHIRPathError(.syntax, "\\u needs four hexadecimal digits", at: start)
      }
      value = value << 4 | UInt32(digit)
      index += 1
    }
    return value
  }

  private mutating func readSymbol() throws(FHIRPathError) {
    let start = index
    let pairs: [StaticString] = ["<=", ">=", "!=", "!~"]
    for pair in pairs where pair.utf8Start[0] == byte() && pair.utf8Start[1] == byte(1) {
      index += 2
      append(.symbol, from: start)
      return
    }
    guard Array("+-*/&|.,()[]{}=~<>".utf8).contains(byte()) else {
      throw FHIRPathError(.syntax, "unexpected character", at: start)
    }
    index += 1
    append(.symbol, from: start)
  }

  static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

  static func startsName(_ byte: UInt8) -> Bool { (byte | 0x20) &- 97 < 26 || byte == UInt8(ascii: "_") }

  static func continuesName(_ byte: UInt8) -> Bool { startsName(byte) || isDigit(byte) }
}
