import Storage

/// A folded text with `*` and `?` (PS3.4 C.2.2.2.4) as SQL: a range by what stands before the first of them, where
/// there is something, and LIKE for the rest.
struct WildcardPattern {
  private let prefix: String
  private let like: String
  /// Nothing but one `*` behind the prefix.
  private let isPrefixOnly: Bool

  init(_ text: String) {
    let isWildcard: (UInt8) -> Bool = { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
    let head = text.utf8.prefix { !isWildcard($0) }
    prefix = String(Substring(head))
    let tail = text.utf8.dropFirst(head.count)
    isPrefixOnly = !tail.isEmpty && tail.allSatisfy { $0 == UInt8(ascii: "*") }
    var like = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "*": if !like.hasSuffix("%") || like.hasSuffix("!%") { like += "%" }
      case "?": like += "_"
      case "%", "_", "!": like += "!\(scalar)"
      default: like.unicodeScalars.append(scalar)
      }
    }
    self.like = like
  }

  var hasPrefix: Bool { !prefix.isEmpty }

  /// For a column with an index.
  func predicate(_ column: SQL) -> SQL {
    guard hasPrefix else { return likeness(column) }
    let range = Self.begins(column, prefix)
    return isPrefixOnly ? range : "\(range) AND \(likeness(column))"
  }

  /// For the row at hand.
  func likeness(_ column: SQL) -> SQL { "\(column) LIKE \(like) ESCAPE '!'" }

  /// As a range of an index.
  static func begins(_ column: SQL, _ prefix: String) -> SQL {
    // Nothing that sorts behind the last scalar is text.
    "\(column) >= \(prefix) AND \(column) < \(prefix + "\u{10FFFF}")"
  }

  /// Whether a word of the folded name in a column begins so.
  static func hasWord(_ word: String, _ column: SQL) -> SQL {
    let escaped = word.unicodeScalars.reduce(into: "") { text, scalar in
      if scalar == "%" || scalar == "_" || scalar == "!" { text += "!" }
      text.unicodeScalars.append(scalar)
    }
    let patterns = ["\(escaped)%", "% \(escaped)%", "%^\(escaped)%", "%=\(escaped)%"]
    let likes = patterns.map { "\(column) LIKE \($0) ESCAPE '!'" as SQL }
    return "(\(likes.joined(separator: " OR ")))"
  }
}
