import FHIRSearch

/// Texts and conditions in PostgreSQL's words: a `tsvector` and a `tsquery` as they are written. The words are those
/// that FTS5's tokenizer `unicode61` makes (sqlite.org/fts5.html §4.3.1): runs of letters, numbers and private
/// characters. No parser, dictionary or locale of the database has a part in it.
enum TextWords {
  /// Bytes of one word (PostgreSQL: 2,046).
  private static let wordBytesMax = 1_024
  /// Bytes of a `tsvector` (PostgreSQL: 1,048,575), its positions counted.
  private static let vectorBytesMax = 1_000_000
  /// The last position that PostgreSQL tells from those behind it.
  private static let positionMax = 16_383

  static func words(_ text: String) -> [String] {
    var words: [String] = []
    var word = ""
    for scalar in text.unicodeScalars {
      if isPart(scalar) {
        if word.utf8.count < wordBytesMax { word.unicodeScalars.append(scalar) }
      } else if !word.isEmpty {
        words.append(word)
        word = ""
      }
    }
    if !word.isEmpty { words.append(word) }
    return words
  }

  private static func isPart(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
      .letterNumber, .otherNumber, .privateUse:
      true
    default: false
    }
  }

  /// Narratives have the weight A. No phrase reaches from the one text into the other.
  static func vector(_ text: ResourceText) -> String {
    var vector = ""
    var (bytes, position) = (0, 0)
    for (text, weight) in [(text.narrative, "A"), (text.content, "")] {
      for word in words(text) {
        bytes += word.utf8.count + 6
        if bytes > vectorBytesMax { return vector }
        position = min(position + 1, positionMax)
        vector += "'\(word)':\(position)\(weight) "
      }
      position = min(position + 1, positionMax)
    }
    return vector
  }

  /// Nothing matches an empty one.
  static func query(_ condition: FullTextCondition) -> String {
    let weight = condition.field == .narrative ? ":A" : ""
    return phrases(condition).filter { !$0.isEmpty }.map { alternative in
      let phrases = alternative.map { phrase in
        "(\(phrase.map { "'\($0)'\(weight)" }.joined(separator: " <-> ")))"
      }
      return "(\(phrases.joined(separator: " & ")))"
    }
    .joined(separator: " | ")
  }

  /// The first word of each phrase: how often it occurs stands for how often the phrase does.
  static func leading(_ condition: FullTextCondition) -> [String] {
    phrases(condition).joined().compactMap(\.first)
  }

  /// For each alternative its phrases, each of its words; those without a word left out.
  private static func phrases(_ condition: FullTextCondition) -> [[[String]]] {
    condition.alternatives.map { alternative in
      alternative.phrases.map { words(TextFolding.fold($0.joined(separator: " "))) }.filter { !$0.isEmpty }
    }
  }
}
