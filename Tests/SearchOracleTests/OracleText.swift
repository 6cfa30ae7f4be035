import Foundation

/// Text as searches compare and write it.
enum OracleText {
  /// Letters that stay whole when accents are taken off, though readers take them for others.
  private static let plain: [Character: String] = [
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "þ": "th", "ð": "d", "ς": "σ",
  ]

  /// "Case and accent insensitive" (FHIR R4 search#string): decomposed, without marks, lower case; runs of white space
  /// are one space.
  static func fold(_ text: String) -> String {
    var bare = String.UnicodeScalarView()
    for scalar in text.decomposedStringWithCanonicalMapping.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark: continue
      default: bare.append(scalar)
      }
    }
    var folded = ""
    for character in String(bare).lowercased() {
      if character.isWhitespace {
        if folded.last != " " { folded.append(" ") }
      } else {
        folded += plain[character] ?? String(character)
      }
    }
    return folded
  }

  /// Cuts at a separator that no backslash stands before; the pieces keep their backslashes.
  static func split(_ text: String, at separator: Character) -> [String] {
    var pieces = [""]
    var isEscaped = false
    for character in text {
      if character == separator && !isEscaped {
        pieces.append("")
        continue
      }
      pieces[pieces.count - 1].append(character)
      isEscaped = character == "\\" && !isEscaped
    }
    return pieces
  }

  /// FHIR R4 search §2.1.1.4.2: `\,` `\$` `\|` `\\` stand for themselves.
  static func unescape(_ text: String) -> String {
    var result = ""
    var rest = Array(text)[...]
    while let character = rest.popFirst() {
      if character == "\\", let next = rest.first, ",$|\\".contains(next) {
        result.append(next)
        rest.removeFirst()
      } else {
        result.append(character)
      }
    }
    return result
  }

  static func escape(_ text: String) -> String {
    String(text.flatMap { ",$|\\".contains($0) ? ["\\", $0] : [$0] })
  }

  /// The parameters of a query string, decoded.
  static func parameters(_ query: String) -> [(name: String, value: String)] {
    query.split(separator: "&").map { piece in
      let parts = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
        $0.replacingOccurrences(of: "+", with: " ").removingPercentEncoding ?? String($0)
      }
      return (parts[0], parts.count == 2 ? parts[1] : "")
    }
  }

  static func encode(_ text: String) -> String {
    text.addingPercentEncoding(
      withAllowedCharacters: .alphanumerics.intersection(CharacterSet(charactersIn: "!"..."~")))
      ?? text
  }

  /// By their bytes, as code points are ordered.
  static func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

  static func hasPrefix(_ text: String, _ prefix: String) -> Bool { text.utf8.starts(with: prefix.utf8) }

  static func contains(_ text: String, _ part: String) -> Bool {
    let (text, part) = (Array(text.utf8), Array(part.utf8))
    guard part.count <= text.count else { return false }
    return (0...(text.count - part.count)).contains { text[$0..<($0 + part.count)].elementsEqual(part) }
  }

  static func hasSuffix(_ text: String, _ suffix: String) -> Bool {
    text.utf8.reversed().starts(with: suffix.utf8.reversed())
  }

  static func isSame(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }
}
