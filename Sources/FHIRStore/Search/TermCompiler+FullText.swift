import Base
import FHIRModel
import FHIRSearch
import Storage

extension TermCompiler {
  /// `_text`, `_content`: what `FHIRStore.bringUpText` has brought up.
  func term(_ condition: FullTextCondition, _ type: Schema.TypeID) throws -> SearchTerm {
    guard try reader.first(TextRows.position, [], { $0.integer(0) }) != nil else {
      throw Fault(.unavailable, "The full-text index is not ready. Try again later.", code: "transient")
    }
    let label = condition.field == .narrative ? "_text" : "_content"
    // Words of what is contained are the container's; the grammar refuses to ask.
    guard searched == .resources, let match = Self.match(condition) else { return .never(label) }
    let own = numbers.number(type)
    let query = TextWords.query(condition)
    let table = SQL(
      sqlite: "(SELECT rowid AS key FROM resource_text WHERE resource_text MATCH \(match))",
      postgreSQL: "(SELECT key FROM resource_text WHERE words @@ \(Self.parsed(query)))")
    let keys = SQL(
      sqlite: "(SELECT rowid FROM resource_text WHERE resource_text MATCH \(match))",
      postgreSQL: "(SELECT t.key FROM resource_text AS t WHERE t.words @@ \(Self.parsed(query)))")
    let walk = IndexRange(
      table: table,
      condition:
        "EXISTS (SELECT 1 FROM resource AS t WHERE t.key = i.key AND t.type = \(own) AND t.method <> 3\(SQL.fence))")
    // The list is made once for a statement, a fifth of a microsecond for each key; asking the index about one key
    // costs as much as hundreds of these.
    return SearchTerm(label, set: walk.keys, walk: walk) { key in
      SQL(sqlite: "\(key) IN \(keys)", postgreSQL: "(\(key) IN \(keys)) IS TRUE")
    }
  }

  /// A `TextWords.query` as PostgreSQL takes it: the parameter is a text.
  static func parsed(_ query: String) -> SQL { "CAST(CAST(\(query) AS text) AS tsquery)" }

  /// The condition in the words of FTS5 (sqlite.org/fts5.html §3); nil where nothing can match.
  ///
  /// Every word comes as a quoted string, in which nothing but the quotation mark has a meaning, and that is doubled.
  static func match(_ condition: FullTextCondition) -> String? {
    let alternatives = condition.alternatives.compactMap { alternative -> String? in
      guard !alternative.phrases.isEmpty else { return nil }
      let phrases = alternative.phrases.map { words in
        quoted(TextFolding.fold(words.joined(separator: " ")))
      }
      return "(\(phrases.joined(separator: " AND ")))"
    }
    guard !alternatives.isEmpty else { return nil }
    let any = alternatives.joined(separator: " OR ")
    // Without a column a word may stand in either: `_content` is all text of a resource.
    return condition.field == .narrative ? "narrative : (\(any))" : any
  }

  private static func quoted(_ phrase: String) -> String {
    var quoted = "\""
    for scalar in phrase.unicodeScalars where scalar != "\0" {
      if scalar == "\"" { quoted.unicodeScalars.append(scalar) }
      quoted.unicodeScalars.append(scalar)
    }
    return quoted + "\""
  }
}
