/// A token of a JMESPath expression.
enum JMESPathToken: Equatable {
  case identifier(String)
  case quotedIdentifier(String)
  /// `'raw'`
  case rawString(String)
  /// What stands between backticks, still JSON.
  case literal([UInt8])
  case number(Int)
  case comparator(JMESPathComparator)
  case dot, star, comma, colon, at, ampersand, and, pipe, or, not
  case leftParenthesis, rightParenthesis, leftBrace, rightBrace, leftBracket, rightBracket
  /// `[]`
  case flatten
  /// `[?`
  case filter
  case end

  /// How tightly it binds to what stands before it.
  var power: Int {
    switch self {
    case .pipe: 1
    case .or: 2
    case .and: 3
    case .comparator: 5
    case .flatten: 9
    case .star: 20
    case .filter: 21
    case .dot: 40
    case .not: 45
    case .leftBrace: 50
    case .leftBracket: 55
    case .leftParenthesis: 60
    default: 0
    }
  }

  /// Tokens that bind less tightly than this end a projection.
  static let projectionStop = 10
}

enum JMESPathComparator: Sendable {
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
}
