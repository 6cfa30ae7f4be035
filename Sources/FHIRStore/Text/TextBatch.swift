import FHIRModel
import JSONCore
import Storage

/// The statements of the full-text index.
enum TextRows {
  /// No row where the index was never asked for.
  static let position = Statement("SELECT \(SettingColumn.number) FROM setting WHERE name = 'text-position'")
  static let newest = Statement("SELECT coalesce(max(position), 0) FROM change_log")
  static let begin = Statement.insertNew("setting (name, \(SettingColumn.number)) VALUES ('text-position', 0)")
  static let advance = Statement(
    "UPDATE setting SET \(SettingColumn.number) = ? WHERE name = 'text-position' AND \(SettingColumn.number) = ?")
  static let changes = Statement(
    """
    SELECT c.position, c.key, r.position, r.method, r.body
    FROM change_log AS c LEFT JOIN resource AS r ON r.key = c.key
    WHERE c.position > ? AND c.position <= ? ORDER BY c.position LIMIT ?
    """)
  static let delete = Statement(
    sqlite: "DELETE FROM resource_text WHERE rowid = ?", postgreSQL: "DELETE FROM resource_text WHERE key = ?")
  private static let insertTexts = Statement("INSERT INTO resource_text (rowid, narrative, content) VALUES (?, ?, ?)")
  private static let insertVector = Statement(
    """
    INSERT INTO resource_text (key, words, narrative_length, content_length)
    VALUES (?, CAST(CAST(? AS text) AS tsvector), ?, ?)
    """)

  /// Inserts rows of `values`.
  static func insert(_ dialect: Dialect) -> Statement { dialect == .sqlite ? insertTexts : insertVector }

  static func values(_ key: Int64, _ text: ResourceText, _ dialect: Dialect) -> [SQLValue] {
    if dialect == .sqlite { return [.integer(key), .text(text.narrative), .text(text.content)] }
    return [
      .integer(key), .text(TextWords.vector(text)), .integer(text.narrative.unicodeScalars.count),
      .integer(text.content.unicodeScalars.count),
    ]
  }
}

/// Changes that follow each other in the log, and what they left of their resources.
struct TextBatch: Sendable {
  /// Keys with the stored body of what they name now; nil for what is gone.
  private(set) var bodies: [(key: Int64, packed: [UInt8]?)] = []
  /// The last position taken in.
  private(set) var end: Int64

  /// Changes of one batch, and bytes of their compressed bodies: the writer is kept for some milliseconds.
  private static let changesMax = 256
  private static let bytesMax = 64 * 1024

  /// - Parameter newest: what came behind this is left to a later round, and so is every resource that changes again
  ///   before it.
  init(_ reader: any Reader, after position: Int64, through newest: Int64) throws {
    end = newest
    var seen: Set<Int64> = []
    var count = 0
    var bytes = 0
    var last = position
    var isCut = false
    try reader.query(
      TextRows.changes, [.integer(position), .integer(newest), .integer(Self.changesMax)]
    ) { row in
      if bytes >= Self.bytesMax {
        isCut = true
        return false
      }
      count += 1
      last = row.integer(0)
      let key = row.integer(1)
      guard let now = row.optionalInteger(2) else {
        if seen.insert(key).inserted { bodies.append((key, nil)) }
        return true
      }
      // A version that another one follows within this round, or one of which only the history went.
      if now < last || (now > last && now <= newest) { return true }
      guard seen.insert(key).inserted else { return true }
      let isDeleted = row.integer(3) == WriteMethod.delete.rawValue
      let packed = isDeleted ? nil : row.blob(4)
      bytes += packed?.count ?? 0
      bodies.append((key, packed))
      return true
    }
    if isCut || count == Self.changesMax { end = last }
  }
}

extension TextIndexer {
  /// The index rows of a batch; each replaces what its key had.
  func rows(_ batch: TextBatch) throws -> (indexed: RowBatch, gone: RowBatch) {
    var indexed = RowBatch(columns: database.dialect == .sqlite ? 3 : 4)
    var gone = RowBatch(columns: 1)
    for (key, packed) in batch.bodies {
      gone.append(.integer(key))
      guard let packed else { continue }
      let body = try packed.withUnsafeBytes { try compression.decompress($0) }
      // What was stored can be read; damage is reported by whoever reads the resource.
      guard let document = try? JSONDocument(body) else { continue }
      let text = ResourceText(document, schema)
      if text.narrative.isEmpty && text.content.isEmpty { continue }
      indexed.append(contentsOf: TextRows.values(key, text, database.dialect))
    }
    return (indexed, gone)
  }
}
