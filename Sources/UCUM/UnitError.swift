/// Why a text is no unit of UCUM, or a unit has no canonical form.
public struct UnitError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: Sendable, Equatable {
    /// The text is empty.
    case empty
    /// More than `UCUM.lengthMax` bytes.
    case tooLong
    /// More than `UCUM.depthMax` open parentheses.
    case tooDeep
    /// An operator or the beginning is not followed by a component (UCUM, production rules: `component`).
    case componentExpected
    /// A character that cannot stand here.
    case unexpectedCharacter
    /// A symbol that is neither an atom nor a prefix and a metric atom.
    case unknownSymbol
    /// A prefix before an atom that takes none (UCUM §11).
    case prefixNotAllowed
    /// A parenthesis, bracket or brace without its other half.
    case unbalanced
    /// A factor of zero, or one with more than 18 digits.
    case factorOutOfRange
    /// An exponent beyond `UCUM.exponentMax`, written or reached by multiplication.
    case exponentOutOfRange
    /// The magnitude has no exact form of 128 bits or lies past the range of doubles. The unit itself is valid.
    case magnitudeOutOfRange
    /// The table of units does not read; never a matter of the text.
    case table
  }

  public let code: Code
  /// Where, in bytes from the beginning of the text.
  public let offset: Int

  public init(_ code: Code, offset: Int) {
    self.code = code
    self.offset = offset
  }

  /// For the client; it has none of the text.
  public var message: String {
    switch code {
    case .empty: "The unit is empty."
    case .tooLong: "The unit has more than \(UCUM.lengthMax) characters."
    case .tooDeep: "The unit has more than \(UCUM.depthMax) parentheses within each other."
    case .componentExpected: "A unit symbol, number, annotation or '(' is missing at character \(offset + 1)."
    case .unexpectedCharacter: "Character \(offset + 1) cannot stand there."
    case .unknownSymbol: "The symbol at character \(offset + 1) is not one of UCUM."
    case .prefixNotAllowed: "The symbol at character \(offset + 1) has a prefix and takes none."
    case .unbalanced: "The bracket at character \(offset + 1) lacks its other half."
    case .factorOutOfRange: "The number at character \(offset + 1) is not from 1 to 999999999999999999."
    case .exponentOutOfRange: "An exponent at or before character \(offset + 1) is past \(UCUM.exponentMax)."
    case .magnitudeOutOfRange: "The unit's magnitude is too large, too small or too long to be computed with."
    case .table: "The table of units is damaged."
    }
  }

  public var description: String { "UnitError(\(code), at \(offset))" }
}
