import FHIRModel
import FHIRPath
import JSONCore

/// `_text`, `_content` (FHIR R4 search#content), for expressions as the generator writes them: words and quoted phrases,
/// which must all occur, and OR or a comma between alternatives.
extension Oracle {
  func fullText(_ code: String, _ value: String, _ type: String) throws -> Set<Int> {
    let alternatives = value.replacing(" OR ", with: ",").split(separator: ",").map(Self.phrases)
    guard !alternatives.isEmpty, alternatives.allSatisfy({ !$0.isEmpty }) else { throw Refusal("no words") }
    return all(type).filter { place in
      let texts = code == "_text" ? data.narratives(place) : data.narratives(place) + data.texts(place)
      return alternatives.contains { phrases in
        phrases.allSatisfy { phrase in texts.contains { Self.contains($0, phrase) } }
      }
    }
  }

  /// The words that must occur, those in quotes one after the other.
  private static func phrases(_ text: Substring) -> [[String]] {
    text.split(separator: "\"", omittingEmptySubsequences: false).enumerated().flatMap { place, part -> [[String]] in
      let words = OracleText.words(String(part))
      return place % 2 == 1 ? [words] : words.filter { $0 != "and" }.map { [$0] }
    }
  }

  private static func contains(_ words: [String], _ phrase: [String]) -> Bool {
    guard phrase.count <= words.count else { return false }
    return (0...(words.count - phrase.count)).contains { Array(words[$0..<$0 + phrase.count]) == phrase }
  }
}

extension OracleText {
  /// Letters and digits, folded; all else stands between words.
  static func words(_ text: String) -> [String] {
    fold(text).split { !($0.isLetter || $0.isNumber) }.map(String.init)
  }
}

extension OracleData {
  /// The words of each narrative: a tag stands between words, unless it only marks a part of a line.
  func narratives(_ place: Int) -> [[String]] {
    words("narratives", place, "descendants().ofType(Narrative).div").map { texts in
      var bare = ""
      for piece in texts.split(separator: "<") {
        let parts = piece.split(separator: ">", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
          bare += piece
          continue
        }
        if !["b", "/b", "sub", "/sub"].contains(parts[0]) { bare += " " }
        bare += parts[1]
      }
      return OracleText.words(bare.replacing("&amp;", with: "&"))
    }
  }

  /// The words of each text that the standard types as string, markdown or code.
  func texts(_ place: Int) -> [[String]] {
    words("texts", place, "descendants()").map(OracleText.words)
  }

  private func words(_ name: String, _ place: Int, _ expression: String) -> [String] {
    if let known = texts[name]?[place] { return known }
    let resource = resources[place]
    // The text of a reference is an address.
    let addresses = Set(nodes("descendants().ofType(Reference).reference", resource).compactMap(\.value))
    let wanted: Set<String> = name == "texts" ? ["string", "markdown", "code"] : ["xhtml"]
    let found = nodes(expression, resource).compactMap { node -> String? in
      guard let value = node.value, wanted.contains(schema.name(node.type)), !addresses.contains(value) else {
        return nil
      }
      return resource.document.string(value)
    }
    texts[name, default: [:]][place] = found
    return found
  }
}
