internal import FHIRModel

extension FHIRDecimal {
  /// Text by the rules of `toDecimal`: a sign, digits, and perhaps a point with digits; no exponent.
  init?(exactText text: String) {
    var digits = 0
    var points = 0
    for (place, byte) in text.utf8.enumerated() {
      switch byte {
      case UInt8(ascii: "+"), UInt8(ascii: "-"): if place > 0 { return nil }
      case UInt8(ascii: "."):
        guard digits > 0, points == 0 else { return nil }
        points = 1
      case _ where Lexer.isDigit(byte): digits += 1
      default: return nil
      }
    }
    guard digits > 0, text.utf8.last != UInt8(ascii: ".") else { return nil }
    let unsigned = text.utf8.first == UInt8(ascii: "+") ? String(text.dropFirst()) : text
    // JSON's grammar, which the initialiser follows, has no leading zeros.
    let negative = unsigned.utf8.first == UInt8(ascii: "-")
    var magnitude = Substring(negative ? unsigned.dropFirst() : Substring(unsigned))
    while magnitude.utf8.count > 1, magnitude.utf8.first == UInt8(ascii: "0"),
      Lexer.isDigit(magnitude.utf8.dropFirst().first ?? 0)
    {
      magnitude = magnitude.dropFirst()
    }
    self.init(negative ? "-" + magnitude : String(magnitude))
  }

  /// `~` of decimals: equal when rounded to the digits of the less precise, trailing zeros not counted (§Equivalent).
  func isEquivalent(to other: FHIRDecimal) -> Bool {
    let places = Swift.min(significantScale, other.significantScale)
    return rounded(to: places) == other.rounded(to: places)
  }
}
