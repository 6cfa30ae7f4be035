import FHIRSearch
import Storage

/// How well a resource matches the words of `_text` and `_content` (`entry.search.score`, `_sort=_score`): above 0, the
/// more often they occur and the shorter the text the nearer to 1.
///
/// It is the part of BM25 that depends on the resource alone, against a length of 1,000 characters instead of the
/// average one: hits / (hits + 1.2 × (0.25 + 0.75 × characters / 1,000)). How rare a word is, BM25's other part, moves
/// with every write, and pages in such an order would skip and repeat.
struct FullTextScore {
  private let match: String
  private let conditions: [FullTextCondition]
  private let hits: SQL
  private let length: SQL

  /// nil where nothing asks for words.
  init?(_ criteria: [SearchCriterion]) {
    let conditions = criteria.compactMap { criterion -> FullTextCondition? in
      if case .fullText(let condition) = criterion { condition } else { nil }
    }
    let matches = conditions.compactMap { TermCompiler.match($0) }
    guard !matches.isEmpty else { return nil }
    self.conditions = conditions
    match = matches.map { "(\($0))" }.joined(separator: " AND ")
    // A mark at the beginning of each hit is as much longer as there are hits.
    let inNarrative: SQL = "length(highlight(resource_text, 0, char(2), '')) - length(narrative)"
    guard conditions.contains(where: { $0.field == .content }) else {
      hits = inNarrative
      length = "length(narrative)"
      return
    }
    hits = "\(inNarrative) + length(highlight(resource_text, 1, char(2), '')) - length(content)"
    length = "(length(narrative) + length(content))"
  }

  private var rows: SQL { SQL(sqlite: rowsOfFTS5, postgreSQL: rowsOfVector) }

  /// PostgreSQL tells where words are, and no phrases: a phrase counts as often as its first word.
  private var rowsOfVector: SQL {
    let isContent = conditions.contains { $0.field == .content }
    let words: SQL = isContent ? "words" : "ts_filter(words, '{a}')"
    let length: SQL = isContent ? "(narrative_length + content_length)" : "narrative_length"
    let leading = conditions.flatMap { TextWords.leading($0) }.map { SQLValue.text($0) }
    let queries = conditions.map { TextWords.query($0) }
    let query = queries.contains("") ? "" : queries.map { "(\($0))" }.joined(separator: " & ")
    return """
      SELECT key, CAST(1.0 - saturation / (hits + saturation) AS double precision) AS score
      FROM (SELECT key, 0.3 + 0.0009 * \(length) AS saturation,
                   (SELECT coalesce(sum(cardinality(w.positions)), 0) FROM unnest(\(words)) AS w
                    WHERE w.lexeme IN (\(list: leading))) AS hits
            FROM resource_text WHERE words @@ \(TermCompiler.parsed(query))) AS t
      WHERE 1 = 1
      """
  }

  private var rowsOfFTS5: SQL {
    let saturation: SQL = "(0.3 + 0.0009 * \(length))"
    return """
      SELECT rowid AS key, 1.0 - \(saturation) / (\(hits) + \(saturation)) AS score FROM resource_text
      WHERE resource_text MATCH \(match)
      """
  }

  /// Key and score of those of the resources that match.
  func rows(of keys: [Int64]) -> SQL {
    "\(rows) AND \(SQL(sqlite: "rowid", postgreSQL: "key")) IN (\(list: keys.map { .integer($0) }))"
  }

  /// The score of one resource. All are made once for a statement: each alone would look up its words anew.
  func value(of key: SQL) -> SQL {
    """
    (WITH scored (key, score) AS MATERIALIZED (\(rows)) SELECT o.score FROM scored AS o WHERE o.key = \(key))
    """
  }
}

extension StoreView {
  /// The scores of a page's matches by their keys; none without full text.
  func scores(_ query: SearchQuery, _ matches: [StoredVersion]) throws -> [Int64: Double] {
    guard !matches.isEmpty, let score = FullTextScore(query.criteria) else { return [:] }
    var scores: [Int64: Double] = [:]
    try reader.query(score.rows(of: matches.map(\.key))) { row in
      scores[row.integer(0)] = row.real(1)
      return true
    }
    return scores
  }
}
