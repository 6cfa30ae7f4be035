import Base

extension SearchQueryParser {
  func fullText(_ field: FullTextCondition.Field, _ text: String, _ budget: inout SearchBudget) throws(Fault)
    -> SearchCriterion
  {
    var parser = try FullTextParser(text, field: field, limits: limits)
    let condition = try parser.read()
    try budget.spend(
      values: condition.alternatives.reduce(0) { $0 + $1.phrases.reduce(0) { $0 + $1.count } })
    return .fullText(condition)
  }
}

/// Reads the expression of `_text` and `_content` (FHIR R4 search#content leaves it to the server): words, quoted
/// phrases, `AND` (or nothing) and `OR` (or a comma) between them, parentheses. `AND` binds tighter.
///
/// A word is letters, digits and marks; what other characters join (`beta-blocker`) is a phrase.
struct FullTextParser {
  private typealias Alternatives = [[[String]]]

  private enum Piece: Equatable {
    case phrase([String])
    case and, or, open, close
  }

  private let field: FullTextCondition.Field
  private let limits: Limits
  private var pieces: ArraySlice<Piece> = []

  init(_ text: String, field: FullTextCondition.Field, limits: Limits) throws(Fault) {
    self.field = field
    self.limits = limits
    guard text.utf8.count <= limits.searchExpressionBytesMax else {
      throw fault("it is longer than \(limits.searchExpressionBytesMax) bytes", "too-costly")
    }
    pieces = try Self.pieces(text, field)[...]
  }

  mutating func read() throws(Fault) -> FullTextCondition {
    let alternatives = try disjunction(floor: 1)
    guard pieces.isEmpty else { throw fault("a closing parenthesis has no opening one") }
    return FullTextCondition(
      field: field, alternatives: alternatives.map { FullTextCondition.Alternative(phrases: $0) })
  }

  // MARK: Grammar

  private mutating func disjunction(floor: Int) throws(Fault) -> Alternatives {
    guard floor <= limits.searchExpressionDepthMax else {
      throw fault("it is nested more than \(limits.searchExpressionDepthMax) deep", "too-costly")
    }
    var all = try conjunction(floor: floor)
    while pieces.first == .or {
      pieces.removeFirst()
      all += try conjunction(floor: floor)
      try check(all.count)
    }
    return all
  }

  private mutating func conjunction(floor: Int) throws(Fault) -> Alternatives {
    var all = try operand(floor: floor)
    while let next = pieces.first, next != .or, next != .close {
      if next == .and { pieces.removeFirst() }
      let others = try operand(floor: floor)
      // Both numbers are within the limit, so their product is a small one.
      try check(all.count * others.count)
      all = all.flatMap { one in others.map { other in one + other.filter { !one.contains($0) } } }
    }
    return all
  }

  private mutating func operand(floor: Int) throws(Fault) -> Alternatives {
    guard let next = pieces.popFirst() else { throw fault("a word or phrase is missing") }
    switch next {
    case .phrase(let words): return [[words]]
    case .open:
      let inner = try disjunction(floor: floor + 1)
      guard pieces.popFirst() == .close else { throw fault("a closing parenthesis is missing") }
      return inner
    case .and, .or, .close: throw fault("a word or phrase is missing")
    }
  }

  private func check(_ count: Int) throws(Fault) {
    guard count <= limits.searchTextAlternativesMax else {
      throw fault("it comes to more than \(limits.searchTextAlternativesMax) alternatives", "too-costly")
    }
  }

  private func fault(_ reason: String, _ code: String? = nil) -> Fault { Self.fault(field, reason, code) }

  private static func fault(_ field: FullTextCondition.Field, _ reason: String, _ code: String? = nil) -> Fault {
    let name = field == .narrative ? "_text" : "_content"
    return Fault(.invalid, "The value of the search parameter '\(name)' is invalid: \(reason).", code: code)
  }

  // MARK: Pieces

  private static func pieces(_ text: String, _ field: FullTextCondition.Field) throws(Fault) -> [Piece] {
    var pieces: [Piece] = []
    var chunk = String.UnicodeScalarView()
    var isQuoted = false
    func endChunk() throws(Fault) {
      let word = String(chunk)
      chunk = String.UnicodeScalarView()
      if word.isEmpty { return }
      if !isQuoted {
        switch word {
        case "AND", "and": return pieces.append(.and)
        case "OR", "or": return pieces.append(.or)
        case "NOT": throw fault(field, "NOT is not supported")
        default: break
        }
      }
      let words = Self.words(word)
      if !words.isEmpty { pieces.append(.phrase(words)) }
    }
    for scalar in text.unicodeScalars {
      if scalar == "\"" {
        try endChunk()
        isQuoted.toggle()
      } else if isQuoted {
        chunk.append(scalar)
      } else if scalar.properties.isWhitespace || scalar == "," || scalar == "(" || scalar == ")" {
        try endChunk()
        if scalar == "," { pieces.append(.or) }
        if scalar == "(" { pieces.append(.open) }
        if scalar == ")" { pieces.append(.close) }
      } else {
        chunk.append(scalar)
      }
    }
    guard !isQuoted else { throw fault(field, "a quoted phrase has no end") }
    try endChunk()
    guard !pieces.isEmpty else { throw fault(field, "it has no words") }
    return pieces
  }

  /// The words of a phrase, in their order.
  private static func words(_ text: String) -> [String] {
    var words: [String] = []
    var word = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if isWordCharacter(scalar) {
        word.append(scalar)
      } else if !word.isEmpty {
        words.append(String(word))
        word = String.UnicodeScalarView()
      }
    }
    if !word.isEmpty { words.append(String(word)) }
    return words
  }

  private static func isWordCharacter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
      .letterNumber, .otherNumber, .nonspacingMark, .spacingMark, .enclosingMark:
      true
    default: false
    }
  }
}
