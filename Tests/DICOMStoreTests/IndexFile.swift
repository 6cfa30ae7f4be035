import CSQLite

/// The database's file, looked at from outside.
final class IndexFile {
  struct Failure: Error { let text: String }

  private let handle: OpaquePointer

  init(_ path: String) throws {
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READONLY, nil)
    guard code == SQLITE_OK, let opened else { throw Failure(text: "cannot open") }
    handle = opened
  }

  deinit { sqlite3_close(handle) }

  /// Rows as texts.
  func rows(_ sql: String) throws -> [[String]] {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else {
      throw Failure(text: String(cString: sqlite3_errmsg(handle)))
    }
    defer { sqlite3_finalize(statement) }
    var rows: [[String]] = []
    while sqlite3_step(statement) == SQLITE_ROW {
      rows.append(
        (0..<sqlite3_column_count(statement)).map { column in
          sqlite3_column_text(statement, column).map { String(cString: $0) } ?? "NULL"
        })
    }
    return rows
  }

  func count(_ table: String) throws -> Int { Int(try rows("SELECT count(*) FROM \(table)")[0][0]) ?? -1 }

  /// What is wrong with the tables, by what they say of each other.
  func complaints() throws -> [String] {
    let checks = [
      ("damaged", "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
      (
        "study counts",
        """
        SELECT s.key FROM study s WHERE s.instance_count <> (SELECT count(*) FROM instance i WHERE i.study = s.key)
        OR s.series_count <> (SELECT count(*) FROM series r WHERE r.study = s.key)
        OR s.newest <> (SELECT max(i.key) FROM instance i WHERE i.study = s.key)
        """
      ),
      (
        "series counts",
        """
        SELECT r.key FROM series r WHERE r.instance_count <> (SELECT count(*) FROM instance i WHERE i.series = r.key)
        OR r.newest <> (SELECT max(i.key) FROM instance i WHERE i.series = r.key)
        """
      ),
      ("instance without metadata", "SELECT key FROM instance WHERE key NOT IN (SELECT key FROM instance_metadata)"),
      ("metadata without instance", "SELECT key FROM instance_metadata WHERE key NOT IN (SELECT key FROM instance)"),
      (
        "instance without bytes",
        """
        SELECT key FROM instance WHERE blob IS NULL AND key NOT IN (SELECT key FROM instance_content)
        """
      ),
      ("bytes without instance", "SELECT key FROM instance_content WHERE key NOT IN (SELECT key FROM instance)"),
      ("instance without series", "SELECT key FROM instance WHERE series NOT IN (SELECT key FROM series)"),
      ("series without study", "SELECT key FROM series WHERE study NOT IN (SELECT key FROM study)"),
      (
        "instance without change",
        """
        SELECT key FROM instance WHERE key NOT IN (SELECT sequence FROM change_feed WHERE action = 0)
        """
      ),
      ("gap in the feed", "SELECT count(*) FROM change_feed HAVING count(*) <> coalesce(max(sequence), 0)"),
      (
        "term without owner",
        """
        SELECT text FROM term WHERE key NOT IN (SELECT key FROM study) AND key NOT IN (SELECT key FROM series)
        """
      ),
      (
        "modalities",
        """
        SELECT s.key FROM study s WHERE lower(s.modalities) <> coalesce((SELECT group_concat(modality, '\\') FROM
        (SELECT DISTINCT modality FROM series r WHERE r.study = s.key AND modality IS NOT NULL ORDER BY 1)), '')
        """
      ),
      (
        "modality terms",
        """
        SELECT r.key FROM series r WHERE modality IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM term t WHERE t.attribute = 7 AND t.text = r.modality AND t.key = r.study)
        """
      ),
    ]
    return try checks.compactMap { name, sql in
      let rows = try rows(sql)
      return rows.isEmpty ? nil : "\(name): \(rows.prefix(3))"
    }
  }
}
