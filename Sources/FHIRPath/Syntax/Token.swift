/// A word of an expression.
struct Token: Sendable {
  enum Kind: Sendable, Equatable {
    /// An unquoted name or keyword.
    case word
    /// A name in backticks.
    case delimited
    case string
    case number
    case temporal
    /// `%name`; the text is the name.
    case variable
    /// `$this`, `$index`, `$total`; the text is the name.
    case special
    case symbol
    case end
  }

  let kind: Kind
  /// Decoded text.
  let text: String
  let offset: Int
}
